//! A PostgreSQL of a test's own: its own folder and port, loopback only, gone with the test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Starting takes a second on a machine at rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// PostgreSQL refuses to run as root: there, it is nobody's.
const NOBODY: u32 = 65_534;

pub(crate) struct Postgres {
    dir: TempDir,
    port: u16,
    /// It shows this certificate, and hears nobody without TLS.
    tls: bool,
    process: Option<Child>,
}

impl Postgres {
    /// A new one, which runs.
    pub(crate) fn start() -> Self {
        Self::with_papers(None)
    }

    /// A new one that speaks TLS only, with a certificate and its key in PEM.
    pub(crate) fn start_tls(certificate: &str, key: &str) -> Self {
        Self::with_papers(Some((certificate, key)))
    }

    fn with_papers(papers: Option<(&str, &str)>) -> Self {
        let dir = TempDir::new().expect("a directory");
        if is_root() {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("we are root");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let mut postgres = Self { dir, port, tls: papers.is_some(), process: None };
        let mut initdb = postgres.program("initdb");
        initdb.args(["--no-sync", "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]);
        initdb.args(["--username", "whisper", "--pgdata"]).arg(postgres.data());
        let output = initdb.output().expect("initdb is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        if let Some((certificate, key)) = papers {
            postgres.keep("server.crt", certificate);
            postgres.keep("server.key", key);
            postgres.keep("data/pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n");
        }
        drop(listener);
        postgres.run();
        postgres
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("postgres://whisper@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn run(&mut self) {
        let start = Instant::now();
        // What one that was killed leaves behind may keep the next from starting for a moment.
        while !self.try_run(start) {
            assert!(start.elapsed() < PATIENCE, "PostgreSQL doesn't start:\n{}", self.log());
        }
        TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
    }

    /// Starts it; false where it ends at once.
    fn try_run(&mut self, start: Instant) -> bool {
        let mut server = self.program("postgres");
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        server.args(["-h", "127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]);
        if self.tls {
            server.args(["-c", "ssl=on", "-c", "ssl_cert_file=../server.crt"]);
            server.args(["-c", "ssl_key_file=../server.key"]);
        }
        let log = fs::File::create(self.dir.path().join("log")).expect("a log");
        let mut process = server.stderr(log).stdout(Stdio::null()).spawn().expect("it starts");
        // It says so in its log when it takes connections, and not before.
        while !self.log().contains("database system is ready to accept connections") {
            if process.try_wait().expect("a child").is_some() || start.elapsed() > PATIENCE {
                let _ = process.kill();
                let _ = process.wait();
                return false;
            }
            thread::yield_now();
        }
        self.process = Some(process);
        true
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        // Its workers see that it is gone, and go; the next one waits for that.
        process.kill().expect("it runs");
        process.wait().expect("it ends");
    }

    /// Stops it, or lets it go on: the server and all that serve a connection.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let server = self.process.as_ref().expect("it runs").id();
        let path = format!("/proc/{server}/task/{server}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        let all = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        for pid in [server as i32].into_iter().chain(all) {
            // Some come and go.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Every file that it keeps.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes a file that is its own, and nobody else's to read.
    fn keep(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        if is_root() {
            chown(&path, Some(NOBODY), Some(NOBODY)).expect("we are root");
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(bin().join(name));
        command.current_dir(self.dir.path()).env("LC_ALL", "C");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let pid = Pid::from_raw(process.id() as i32);
            // Its immediate shutdown takes its children along, even stopped ones.
            let _ = kill(pid, Signal::SIGQUIT);
            let _ = kill(pid, Signal::SIGCONT);
            let _ = process.wait();
        }
    }
}

/// Where Debian puts its programs, which are on nobody's path: the newest of them.
fn bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let numbered = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let bin = entry.path().join("bin");
        bin.join("initdb").is_file().then_some((version, bin))
    });
    let newest = numbered.max().map(|(_, bin)| bin);
    newest.unwrap_or_else(|| Path::new("").to_owned())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
