//! Starting other programs.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::tally::Tally;
use crate::{Error, Result};

/// A command line about to be run.
pub(crate) struct Task {
    command: Command,
    /// As a person would type it.
    line: String,
}

impl Task {
    /// `program`, without arguments yet, in a folder.
    pub(crate) fn new(program: impl AsRef<OsStr>, folder: &Path) -> Self {
        let mut command = Command::new(&program);
        command.current_dir(folder);
        let name = Path::new(&program).file_name().unwrap_or(program.as_ref());
        Self { command, line: name.to_string_lossy().into_owned() }
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        for arg in args {
            self.line.push(' ');
            self.line.push_str(&arg.as_ref().to_string_lossy());
            self.command.arg(arg);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end on our own streams. An exit code other than 0 is an error.
    pub(crate) fn run(mut self) -> Result {
        self.announce();
        let status = self.command.status().map_err(|error| self.cannot_start(&error))?;
        self.judge(status)
    }

    /// Runs it like [`run`](Self::run), and counts the tests that its output tells of.
    pub(crate) fn run_counting(mut self) -> (Tally, Result) {
        self.announce();
        let mut tally = Tally::default();
        let done = self.command.stdout(Stdio::piped()).spawn();
        let done = done.map_err(|error| self.cannot_start(&error)).and_then(|mut child| {
            let lines = child.stdout.take().ok_or("its output is gone")?;
            copy_counting(lines, &mut tally)?;
            self.judge(child.wait()?)
        });
        (tally, done)
    }

    /// Runs it silently to its end; returns what it wrote to its stdout.
    pub(crate) fn output(self) -> Result<String> {
        self.outputs().map(|(output, _)| output)
    }

    /// Runs it silently to its end; returns what it wrote to stdout and to stderr. The latter is in
    /// the error, where there is one.
    pub(crate) fn outputs(mut self) -> Result<(String, String)> {
        let output = self.command.output().map_err(|error| self.cannot_start(&error))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stderr);
        self.judge(output.status).map_err(|error| format!("{error}\n{}", said.trim()))?;
        Ok((text(&output.stdout), said))
    }

    /// Runs it silently to its end, whatever its exit code; returns what it wrote to stdout and to
    /// stderr.
    pub(crate) fn said(mut self) -> Result<(String, String)> {
        let output = self.command.output().map_err(|error| self.cannot_start(&error))?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(&output.stdout), text(&output.stderr)))
    }

    /// Runs it silently; says whether it could be run and was content.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Starts it beside us; it is killed when the handle goes.
    pub(crate) fn spawn(mut self) -> Result<Running> {
        self.announce();
        Ok(Running(self.command.spawn().map_err(|error| self.cannot_start(&error))?))
    }

    /// Starts a server beside us, quietly: it says where it listens in one line of JSON.
    pub(crate) fn start(mut self) -> Result<Ready> {
        let started = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = Running(started.map_err(|error| self.cannot_start(&error))?);
        let mut line = String::new();
        let out = process.0.stdout.take().ok_or("its output is gone")?;
        BufReader::new(out).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let listen = ready["listen"].get(0).unwrap_or(&ready["listen"]);
        let Some(address) = listen.as_str().map(str::to_owned) else {
            return Err(format!("`{}` is not ready, but said {line:?}", self.line).into());
        };
        Ok(Ready { address, ready, process })
    }

    /// Becomes it: signals and the exit code are its own. Returns only where that fails.
    pub(crate) fn become_it(mut self) -> Error {
        self.announce();
        let error = self.command.exec();
        self.cannot_start(&error)
    }

    fn announce(&self) {
        eprintln!("$ {}", self.line);
    }

    fn judge(&self, status: ExitStatus) -> Result {
        if status.success() { Ok(()) } else { Err(format!("`{}`: {status}", self.line).into()) }
    }

    fn cannot_start(&self, error: &io::Error) -> Error {
        let program = self.command.get_program().to_string_lossy();
        match (error.kind(), &*program) {
            (io::ErrorKind::NotFound, "npm" | "npx" | "node") => {
                format!("`{program}` is not on PATH; install Node 20 or newer").into()
            }
            (io::ErrorKind::NotFound, _) => format!("`{program}` is not on PATH").into(),
            _ => format!("cannot start `{}`: {error}", self.line).into(),
        }
    }
}

/// A program running beside us.
pub(crate) struct Running(Child);

impl Running {
    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

/// A server that accepts.
pub(crate) struct Ready {
    /// Where, first of all.
    pub(crate) address: String,
    /// All that it said of itself.
    pub(crate) ready: Value,
    /// Ends with it.
    pub(crate) process: Running,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether `PATH` has a program of this name.
pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Passes everything on as it comes, and counts.
fn copy_counting(from: impl io::Read, tally: &mut Tally) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        io::stdout().write_all(&line)?;
        *tally += Tally::of_line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(())
}
