//! What the system says of processes: CPU time and memory, of the server and of ourselves.

mod cpu;
mod memory;
mod meter;
mod slab;

pub(crate) use self::cpu::CpuTime;
pub(crate) use self::memory::Memory;
pub(crate) use self::meter::{Meter, Reading};
pub(crate) use self::slab::{Slab, plain_socket_cost};

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
    /// The sockets to compare with could not be made.
    #[error("can't open plain sockets to compare with: {0}")]
    PlainSockets(io::Error),
}

fn read(path: impl AsRef<Path>) -> Result<String, MeasureError> {
    let path = path.as_ref();
    fs::read_to_string(path)
        .map_err(|error| MeasureError::Unreadable { path: path.to_owned(), error })
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
