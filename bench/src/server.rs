//! A server that we start ourselves, to measure it.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs, process};

use serde_json::Value;
use thiserror::Error;

/// A running server. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
    data: PathBuf,
}

/// Why a server doesn't run.
#[derive(Debug, Error)]
pub(crate) enum ServerError {
    /// It can't be started.
    #[error("can't start {}: {error}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It didn't say that, and where, it listens.
    #[error("{} didn't print a ready line, but {line:?}", program.display())]
    NotReady {
        /// The program.
        program: PathBuf,
        /// What it said instead.
        line: String,
    },
}

impl Server {
    /// An engine with one reactor and nothing kept.
    ///
    /// # Errors
    /// Where it doesn't run.
    pub(crate) fn engine(program: &Path) -> Result<Self, ServerError> {
        let data = env::temp_dir().join(format!("whisper-bench-{}", process::id()));
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--reactors", "1"]);
        command.args(["--exempt", "127.0.0.0/8", "--data-dir"]).arg(&data);
        Self::start(program, command, data)
    }

    /// The bare server, in one of its modes.
    ///
    /// # Errors
    /// Where it doesn't run.
    pub(crate) fn floor(program: &Path, mode: &str) -> Result<Self, ServerError> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", mode]);
        Self::start(program, command, PathBuf::new())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The one that `command` starts, of this program; `data` goes with it, unless that is no path.
    ///
    /// # Errors
    /// Where it doesn't run.
    pub(crate) fn start(
        program: &Path,
        mut command: Command,
        data: PathBuf,
    ) -> Result<Self, ServerError> {
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started
            .map_err(|error| ServerError::NotStarted { program: program.to_owned(), error })?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            // Where nothing can be read there is no address in it either.
            let _ = BufReader::new(out).read_line(&mut line);
        }
        let address = listening(&line);
        // From here on dropping it ends the process.
        let server = Self { process, address: address.unwrap_or(([0, 0, 0, 0], 0).into()), data };
        match address {
            Some(_) => Ok(server),
            None => Err(ServerError::NotReady { program: program.to_owned(), line }),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and may have kept nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !self.data.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.data);
        }
    }
}

/// The address in a ready line: one, or the first of several.
fn listening(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let listen = line.get("listen")?;
    let address = listen.get(0).unwrap_or(listen).as_str()?;
    (line.get("event")? == "ready").then(|| address.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_lines_tell_one_address_or_several() {
        let address = Some("127.0.0.1:80".parse().unwrap());
        assert_eq!(listening(r#"{"event":"ready","listen":"127.0.0.1:80"}"#), address);
        assert_eq!(listening(r#"{"event":"ready","listen":["127.0.0.1:80"]}"#), address);
        assert_eq!(listening(r#"{"event":"no","listen":"127.0.0.1:80"}"#), None);
        assert_eq!(listening("whisper: can't listen"), None);
    }

    #[test]
    fn what_cannot_run_says_so() {
        let missing = Path::new("/nowhere/whisper");
        assert!(matches!(Server::engine(missing), Err(ServerError::NotStarted { .. })));
        let silent = Path::new("/bin/true");
        assert!(matches!(Server::engine(silent), Err(ServerError::NotReady { .. })));
    }
}
