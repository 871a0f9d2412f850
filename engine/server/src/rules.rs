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
    reading: Option<JoinHandle<Result<Reread, RulesFileError>>>,
    /// It is to be read once more, for this reason.
    again: Option<&'static str>,
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
        Ok((Self { path, watch, reading: None, again: None }, rules))
    }

    /// Whether it is to be read again, see [`Watch::have_changed`].
    pub(crate) fn has_changed(&mut self) -> bool {
        self.watch.have_changed()
    }

    /// Begins to read the file again, beside all else: that takes a while.
    pub(crate) fn reload(&mut self, why: &'static str) {
        let Some(path) = self.path.clone() else { return };
        if self.reading.is_some() {
            self.again = Some(why);
            return;
        }
        self.watch.reading();
        self.reading = Some(spawn_blocking(move || read(&path, why)));
    }

    /// The same with another file, or those that come with the engine.
    pub(crate) fn move_to(&mut self, path: Option<PathBuf>) {
        self.watch = Watch::new(path.iter().cloned().collect());
        self.path.clone_from(&path);
        let read = move || match &path {
            Some(path) => read(path, "SIGHUP"),
            None => Ok(shipped()),
        };
        // What was being read before is of no interest any more.
        self.again = None;
        self.reading = Some(spawn_blocking(read));
    }

    /// Whether that goes on.
    pub(crate) fn is_being_read(&self) -> bool {
        self.reading.is_some()
    }

    /// Waits until the file was read, for ever where it isn't being read. May be given up and asked
    /// again.
    ///
    /// # Errors
    /// Where it can't be used; then the old rules should stay.
    pub(crate) async fn reloaded(&mut self) -> Result<Reread, RulesFileError> {
        let Some(reading) = &mut self.reading else { return pending().await };
        let read = reading.await;
        self.reading = None;
        if let Some(why) = self.again.take() {
            self.reload(why);
        }
        // It isn't aborted, and a panic ends the process.
        read.expect("what reads the rules comes to an end")
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
