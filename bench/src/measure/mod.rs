//! What the system says of processes: CPU time and memory, of the server and of ourselves.

mod cpu;
mod memory;
mod meter;
mod scrape;
mod slab;
mod watch;

pub(crate) use self::cpu::CpuTime;
pub(crate) use self::memory::{Memory, kernel_memory};
pub(crate) use self::meter::{Meter, Reading};
pub(crate) use self::scrape::{Endpoint, Metrics, get};
pub(crate) use self::slab::{Slab, plain_socket_cost};
pub(crate) use self::watch::{Sample, Watch, Watched};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

/// Why something can't be measured here.
#[derive(Debug, Error)]
pub(crate) enum MeasureError {
    /// A file that can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that says something else than expected.
    #[error("{} doesn't tell {what}", path.display())]
    Unintelligible {
        /// Which.
        path: PathBuf,
        /// What it should tell.
        what: &'static str,
    },
    /// A server that doesn't tell its numbers.
    #[error("{address} doesn't tell its numbers at {path}: {error}")]
    Untold {
        /// Whom we asked.
        address: SocketAddr,
        /// For what.
        path: String,
        /// Why not.
        error: io::Error,
    },
    /// The sockets to compare with could not be made.
    #[error("can't open plain sockets to compare with: {0}")]
    PlainSockets(io::Error),
}

fn read(path: impl AsRef<Path>) -> Result<String, MeasureError> {
    let path = path.as_ref();
    fs::read_to_string(path)
        .map_err(|error| MeasureError::Unreadable { path: path.to_owned(), error })
}

/// How many files a process has open.
fn open_files(pid: u32) -> Result<usize, MeasureError> {
    let path = PathBuf::from(format!("/proc/{pid}/fd"));
    let listed = fs::read_dir(&path).and_then(|files| files.map(|file| file.map(drop)).collect());
    let listed: Vec<()> = listed.map_err(|error| MeasureError::Unreadable { path, error })?;
    Ok(listed.len())
}

/// What `parse` makes of a file.
fn parsed<T>(
    path: impl AsRef<Path>,
    what: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, MeasureError> {
    let path = path.as_ref();
    parse(&read(path)?).ok_or_else(|| MeasureError::Unintelligible { path: path.to_owned(), what })
}
