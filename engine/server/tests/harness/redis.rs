//! A Redis of a test's own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::waiting::{PATIENCE, until, until_true};

/// A redis-server on a free port that keeps nothing on disk. Killed when dropped.
pub(crate) struct Redis {
    process: Child,
    pub(crate) port: u16,
    dir: TempDir,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        Self::start_on(free.expect("a free port").port())
    }

    /// One on this port, as another that was there before.
    pub(crate) fn start_on(port: u16) -> Self {
        let dir = TempDir::new().expect("a directory");
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .arg("--dir")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Self { process, port, dir };
        until_true("Redis listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        redis
    }

    /// All that it holds, as it dumps it.
    pub(crate) fn dump(&self) -> Vec<u8> {
        assert_eq!(self.ask(&["SAVE"]), "+OK");
        fs::read(self.dir.path().join("dump.rdb")).expect("it was saved")
    }

    /// Its address, for the engine's settings.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What an operator types: the real redis-cli; what it prints.
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-p", &self.port.to_string()]).args(words).output();
        String::from_utf8_lossy(&output.expect("redis-cli is installed").stdout).trim().to_owned()
    }

    /// The same without starting a process: the first line of the answer, or what follows its
    /// length.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(request.as_bytes()).expect("it reads");
        let (mut line, mut reader) = (String::new(), BufReader::new(stream));
        reader.read_line(&mut line).expect("it answers");
        if let Some(length) = line.strip_prefix('$')
            && let Ok(length) = length.trim().parse::<usize>()
        {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).expect("the rest");
            return String::from_utf8(bytes).expect("text");
        }
        line.trim().to_owned()
    }

    /// Waits until the answer is as wanted.
    #[track_caller]
    pub(crate) fn await_answer(&self, words: &[&str], wanted: impl Fn(&str) -> bool) {
        until(|| {
            let answer = self.ask(words);
            if wanted(&answer) { Ok(()) } else { Err(format!("{words:?}: {answer}")) }
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().try_into().expect("a pid"));
        kill(pid, signal).expect("it runs");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
