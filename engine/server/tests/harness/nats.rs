//! A NATS server of a test's own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::waiting::until_true;

/// A nats-server on a free port. Killed when dropped.
pub(crate) struct Nats {
    process: Child,
    pub(crate) port: u16,
}

impl Nats {
    pub(crate) fn start() -> Self {
        Self::start_on(Self::free_port())
    }

    /// One that is told this beside.
    pub(crate) fn with(args: &[&str]) -> Self {
        Self::run(Self::free_port(), args)
    }

    /// A port where none is yet.
    pub(crate) fn free_port() -> u16 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        free.expect("a free port").port()
    }

    /// One on this port, as another that was there before.
    pub(crate) fn start_on(port: u16) -> Self {
        Self::run(port, &[])
    }

    fn run(port: u16, args: &[&str]) -> Self {
        // Debian keeps it out of the way of people who aren't root.
        let paths = ["/usr/sbin/nats-server", "/usr/local/bin/nats-server"];
        let path = paths.iter().find(|it| std::path::Path::new(it).is_file());
        let process = Command::new(path.unwrap_or(&"nats-server"))
            .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server is installed");
        let nats = Self { process, port };
        until_true("NATS listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        nats
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().try_into().expect("a pid"));
        kill(pid, signal).expect("it runs");
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
