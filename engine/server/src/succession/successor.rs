//! The process that shall take over: started here, and ended here if nothing comes of it.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::watch::Watch;

/// What makes an engine take over from the one at its standard input.
const FLAG: &str = "--take-over";

/// The program that this process was started from, and where a newer one will lie.
#[derive(Debug)]
pub(crate) struct Binary {
    path: PathBuf,
    watch: Watch,
}

impl Binary {
    /// That of this process, which has just begun: later it may be gone from where it was.
    ///
    /// # Errors
    /// Where the system doesn't say.
    pub(crate) fn of_this_process() -> io::Result<Self> {
        let path = env::current_exe()?;
        Ok(Self { watch: Watch::new(vec![path.clone()]), path })
    }

    /// Whether another lies there by now.
    pub(crate) fn has_changed(&self) -> bool {
        self.watch.differs()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A child that is killed, and waited for, unless it is let go.
#[derive(Debug)]
pub(super) struct Successor(Option<Child>);

impl Successor {
    /// Starts the program as this process was started, with `end` as its standard input.
    ///
    /// # Errors
    /// Where it can't be run.
    pub(super) fn start(binary: &Path, end: OwnedFd) -> io::Result<Self> {
        let mut command = Command::new(binary);
        command.args(env::args_os().skip(1).filter(|it| it != FLAG)).arg(FLAG).stdin(end);
        // It is about another process: this one's.
        command.env_remove("WATCHDOG_PID");
        command.spawn().map(|child| Self(Some(child)))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.as_ref().map_or(0, Child::id)
    }

    /// It goes on by itself from here.
    pub(super) fn let_go(mut self) {
        self.0 = None;
    }

    /// Kills it and waits until it is gone. From there on it touches nothing.
    pub(super) fn end(&mut self) {
        if let Some(mut child) = self.0.take() {
            // Where it has ended already, there is nothing to kill.
            let _ = child.kill();
            match child.wait() {
                Ok(status) => tracing::info!(%status, "the new process has ended"),
                Err(error) => tracing::error!(%error, "the new process can't be waited for"),
            }
        }
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        self.end();
    }
}
