//! Where the rules of what may be said come from, and when they change.

use std::fs;
use std::future::pending;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::task::{JoinHandle, spawn_blocking};
use whisper_core::moderation::{Rules, RulesFault};

use crate::watch::Watch;

/// The longest file that is read: a hundred times what comes with the engine.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The file of rules, if there is one beside those that come with the engine.
pub(crate) struct RulesFile {
    path: Option<PathBuf>,
    watch: Watch,
    reading: Option<Reading>,
    /// What is to be read next, and why: what is being read is of no interest any more.
    next: Option<(Option<PathBuf>, &'static str)>,
}

/// A file that is being read. It becomes the file if it can be used.
struct Reading {
    path: Option<PathBuf>,
    /// Of the file as it was before.
    watch: Watch,
    result: JoinHandle<Result<Reread, RulesFileError>>,
}

/// Rules that were read.
#[derive(Debug)]
pub(crate) struct Reread {
    /// They.
    pub(crate) rules: Arc<Rules>,
    /// The user whose file it is; None of those that come with the engine.
    pub(crate) owner: Option<u32>,
    /// Why they were read.
    pub(crate) why: &'static str,
}

/// Why a file of rules can't be used.
#[derive(Debug, Error)]
pub(crate) enum RulesFileError {
    /// It can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It has a mistake.
    #[error("{}:{line}:{column}: {fault}", path.display())]
    Bad {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        fault: RulesFault,
    },
}

impl RulesFile {
    /// Reads rules for the first time: those of the file, or those that come with the engine.
    ///
    /// # Errors
    /// Where the file can't be used.
    pub(crate) fn load(path: Option<&Path>) -> Result<(Self, Reread), RulesFileError> {
        let path = path.map(Path::to_owned);
        let watch = Watch::new(path.iter().cloned().collect());
        let rules = match &path {
            Some(path) => read(path, "at the start")?,
            None => shipped(),
        };
        Ok((Self { path, watch, reading: None, next: None }, rules))
    }

    /// Whether it is to be read again, see [`Watch::have_changed`].
    pub(crate) fn has_changed(&mut self) -> bool {
        self.watch.have_changed()
    }

    /// Begins to read the file again, beside all else: that takes a while.
    pub(crate) fn reload(&mut self, why: &'static str) {
        let path = self.reading.as_ref().map_or(&self.path, |reading| &reading.path);
        self.reload_from(path.clone(), why);
    }

    /// The same with another file, or those that come with the engine.
    pub(crate) fn reload_from(&mut self, path: Option<PathBuf>, why: &'static str) {
        match &self.reading {
            Some(_) => self.next = Some((path, why)),
            None => self.begin(path, why),
        }
    }

    /// Whether they are those that come with the engine, and stay so.
    pub(crate) fn are_shipped(&self) -> bool {
        self.path.is_none() && self.reading.is_none()
    }

    /// Whether that goes on.
    pub(crate) fn is_being_read(&self) -> bool {
        self.reading.is_some()
    }

    /// Waits until the file was read, for ever where it isn't being read. May be given up and asked
    /// again.
    ///
    /// # Errors
    /// Where it can't be used; then the old rules should stay, and the old file does.
    pub(crate) async fn reloaded(&mut self) -> Result<Reread, RulesFileError> {
        loop {
            let Some(reading) = &mut self.reading else { return pending().await };
            // It isn't aborted, and a panic ends the process.
            let read = (&mut reading.result).await.expect("what reads the rules comes to an end");
            let reading = self.reading.take();
            if let Some((path, why)) = self.next.take() {
                self.begin(path, why);
                continue;
            }
            if let (Some(Reading { path, watch, .. }), Ok(_)) = (reading, &read) {
                (self.path, self.watch) = (path, watch);
            }
            return read;
        }
    }

    fn begin(&mut self, path: Option<PathBuf>, why: &'static str) {
        if path == self.path {
            self.watch.reading();
        }
        let watch = Watch::new(path.iter().cloned().collect());
        let file = path.clone();
        let read = move || file.map_or_else(|| Ok(shipped()), |file| read(&file, why));
        self.reading = Some(Reading { path, watch, result: spawn_blocking(read) });
    }
}

fn shipped() -> Reread {
    let rules = Arc::new(Rules::shipped());
    Reread { rules, owner: None, why: "those that come with it" }
}

fn read(path: &Path, why: &'static str) -> Result<Reread, RulesFileError> {
    let unreadable = |error| RulesFileError::Unreadable { path: path.to_owned(), error };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let rules = Rules::parse(&text).map_err(|error| RulesFileError::Bad {
        path: path.to_owned(),
        line: error.line,
        column: error.column,
        fault: error.fault,
    })?;
    Ok(Reread { rules: Arc::new(rules), owner: Some(metadata.uid()), why })
}
