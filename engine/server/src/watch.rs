//! Files that are read again when they change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What some files looked like when they were read.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    /// The files changed since, and may still be changing.
    settling: Option<Vec<Option<Stamp>>>,
}

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl Watch {
    /// Watches these files, which are about to be read.
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        let seen = stamps(&paths);
        Self { paths, seen, settling: None }
    }

    /// The files are about to be read again: what changes meanwhile counts as a change.
    pub(crate) fn reading(&mut self) {
        self.seen = stamps(&self.paths);
        self.settling = None;
    }

    /// Whether the files are others than when they were read.
    pub(crate) fn differs(&self) -> bool {
        stamps(&self.paths) != self.seen
    }

    /// Whether the files have changed since they were read, and are at rest since the last time
    /// this was asked: several are seldom replaced at once, and one is seldom written at once.
    pub(crate) fn have_changed(&mut self) -> bool {
        let now = stamps(&self.paths);
        if now == self.seen {
            self.settling = None;
            return false;
        }
        let before = self.settling.replace(now);
        before.is_some() && before == self.settling
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    // Of what a link points to: certbot moves links.
    let metadata = fs::metadata(path).ok()?;
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    Some(Stamp { inode: metadata.ino(), len: metadata.len(), modified })
}
