//! The inputs that have reached most so far: for each target a file under `corpus/`, with a line of
//! hex for each input, the shortest first, and no more than fits [`BYTES_MAX`].

use std::io;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use data_encoding::HEXLOWER;

/// The most that is kept for a target, in bytes of inputs.
pub const BYTES_MAX: usize = 40 * 1024;

/// Reads the corpus of a target; one that has none yet is empty.
///
/// # Errors
/// Where it can't be read, or isn't hex.
pub fn read(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let text = match fs::read_to_string(path(target)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let line = |line: &str| {
        HEXLOWER.decode(line.as_bytes()).map_err(|error| io::Error::other(error.to_string()))
    };
    text.lines().map(line).collect()
}

/// Replaces the corpus of a target by as many of these inputs as there is room for.
///
/// # Errors
/// Where it can't be written.
pub fn write(target: &str, inputs: &[Vec<u8>]) -> io::Result<()> {
    let mut inputs: Vec<&Vec<u8>> = inputs.iter().collect();
    inputs.sort_by_key(|input| (input.len(), *input));
    inputs.dedup();
    let mut bytes = 0;
    let fitting = inputs.into_iter().take_while(|input| {
        bytes += input.len();
        bytes <= BYTES_MAX
    });
    let lines = fitting.flat_map(|input| [HEXLOWER.encode(input), "\n".into()]);
    fs::create_dir_all(folder())?;
    fs::write(path(target), lines.collect::<String>())
}

/// Writes inputs as files into a folder, as libFuzzer has them.
///
/// # Errors
/// Where they can't be written.
pub fn unpack(inputs: &[Vec<u8>], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, input) in iter::zip(0.., inputs) {
        fs::write(folder.join(format!("{number:05}")), input)?;
    }
    Ok(())
}

/// Reads inputs that are files in a folder.
///
/// # Errors
/// Where they can't be read.
pub fn pack(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    fs::read_dir(folder)?.map(|entry| fs::read(entry?.path())).collect()
}

fn path(target: &str) -> PathBuf {
    folder().join(target).with_extension("hex")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}
