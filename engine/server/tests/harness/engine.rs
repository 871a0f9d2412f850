//! A running engine.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, unbounded};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::{Client, Http, PATIENCE, Spoken, until};

/// Connections opened in search of one on a certain reactor.
const ATTEMPTS: usize = 400;

/// The binary under test, deaf to settings of the environment.
pub(crate) fn whisper() -> Command {
    deaf(Path::new(env!("CARGO_BIN_EXE_whisper")))
}

fn deaf(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("WHISPER_")) {
            command.env_remove(name);
        }
    }
    command
}

/// A process that serves. Killed when dropped; where a test has failed by then, its log is shown.
pub(crate) struct Engine {
    process: Child,
    /// Of the process that serves: the first, or one that has taken over.
    pid: Pid,
    /// Its lines on stdout; ends with the process.
    lines: Receiver<String>,
    /// What it said when it was ready.
    pub(crate) ready: Value,
    /// Where people connect.
    pub(crate) address: SocketAddr,
    /// Where operators connect.
    pub(crate) admin: SocketAddr,
    reactors: u16,
    dir: TempDir,
}

impl Engine {
    /// An engine with default settings.
    pub(crate) fn start(reactors: u16) -> Self {
        Self::configured(reactors, "")
    }

    /// An engine with settings from a TOML file.
    pub(crate) fn configured(reactors: u16, toml: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        Self::in_dir(dir, reactors, toml)
    }

    /// An engine whose data, settings and log lie in `dir`.
    pub(crate) fn in_dir(dir: TempDir, reactors: u16, toml: &str) -> Self {
        Self::with_env(dir, reactors, toml, &[])
    }

    /// An engine that fails so in the course of a handover.
    pub(crate) fn failing(reactors: u16, fault: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        Self::with_env(dir, reactors, "", &[("WHISPER_FAULT", Path::new(fault))])
    }

    /// An engine of this program.
    pub(crate) fn of_program(program: &Path, reactors: u16) -> Self {
        Self::run(deaf(program), TempDir::new().expect("a directory"), reactors, "", &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn with_env(dir: TempDir, reactors: u16, toml: &str, env: &[(&str, &Path)]) -> Self {
        Self::run(whisper(), dir, reactors, toml, env)
    }

    fn run(
        mut command: Command,
        dir: TempDir,
        reactors: u16,
        toml: &str,
        env: &[(&str, &Path)],
    ) -> Self {
        let config = dir.path().join("whisper.toml");
        fs::write(&config, toml).expect("a config file");
        let log = File::create(dir.path().join("log")).expect("a log");
        let number = reactors.to_string();
        let given = ["--reactors", &number];
        let mut process = command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(if toml.contains("reactors") { &[][..] } else { &given })
            // All of a test come from one address. Settings that speak of it speak for themselves.
            // Nobody waits in a test, unless that is what it is about.
            .args(if toml.contains("drain_secs") { &[][..] } else { &["--drain-secs", "0"] })
            .args(if toml.contains("exempt") { &[][..] } else { &["--exempt", "127.0.0.0/8"] })
            .arg("--config")
            .arg(config)
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        let stdout = process.stdout.take().expect("it is piped");
        let (send, lines) = unbounded();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let ready: Value = match lines.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line).expect("the ready line is JSON"),
            Err(_) => {
                let _ = process.kill();
                panic!("the engine doesn't get ready: {}", read_log(dir.path()));
            }
        };
        let address = |value: &Value| -> SocketAddr {
            let text = value.as_str().expect("an address in the ready line");
            text.parse().expect("an address")
        };
        let (people, operators) = (address(&ready["listen"][0]), address(&ready["admin"]));
        let pid = pid_of(&ready);
        Self { process, pid, lines, ready, address: people, admin: operators, reactors, dir }
    }

    /// A person's client, on whichever reactor the kernel chooses.
    pub(crate) fn client(&self) -> Client {
        self.http().upgrade()
    }

    /// A person's client on a certain reactor.
    pub(crate) fn client_on(&self, reactor: u16) -> Client {
        self.client_speaking(Spoken::Msgpack, reactor)
    }

    /// The client on a certain reactor of a person who speaks this.
    pub(crate) fn client_speaking(&self, spoken: Spoken, reactor: u16) -> Client {
        assert!(reactor < self.reactors, "there are {} reactors", self.reactors);
        for _ in 0..ATTEMPTS {
            let mut http = self.http();
            if http.shard() == reactor {
                return http.upgrade_to(spoken);
            }
        }
        panic!("of {ATTEMPTS} connections none came to reactor {reactor}");
    }

    /// A plain connection to where people connect.
    pub(crate) fn http(&self) -> Http {
        Http::connect(self.address)
    }

    /// Where its data, settings and log lie.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        read_log(self.dir.path())
    }

    /// The memory that it has resident, in bytes, and the most that it ever had.
    pub(crate) fn resident_bytes(&self) -> (usize, usize) {
        let path = format!("/proc/{}/status", self.pid);
        let status = fs::read_to_string(path).expect("it runs");
        let size = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("its size");
            let kib = line.trim().strip_suffix(" kB").expect("in KiB");
            kib.parse::<usize>().expect("a number") << 10
        };
        (size("VmRSS:"), size("VmHWM:"))
    }

    /// The processor's time that it took so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        const TICKS_PER_SECOND: u64 = 100;
        let path = format!("/proc/{}/stat", self.pid);
        let stat = fs::read_to_string(path).expect("it runs");
        // Fields 14 and 15, the third being the first after its name.
        let (_, rest) = stat.rsplit_once(") ").expect("a name");
        let ticks = rest.split(' ').skip(11).take(2).map(|it| it.parse::<u64>().expect("a number"));
        Duration::from_millis(ticks.sum::<u64>() * 1_000 / TICKS_PER_SECOND)
    }

    /// A thread of it, by its name.
    pub(crate) fn thread(&self, name: &str) -> Pid {
        let pid = self.ready["pid"].as_u64().expect("a pid");
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
        let task = tasks.map(|task| task.expect("a thread").path()).find(|task| {
            fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        });
        let task = task.unwrap_or_else(|| panic!("no thread is called {name}"));
        let id = task.file_name().and_then(|id| id.to_str()).expect("a number");
        Pid::from_raw(id.parse().expect("a number"))
    }

    /// Waits until it has logged this; all that it has logged.
    #[track_caller]
    pub(crate) fn await_log(&self, words: &str) -> String {
        until(|| {
            let log = self.log();
            if log.contains(words) { Ok(log) } else { Err(format!("{words}\n{log}")) }
        })
    }

    /// Waits until a metric of the first reactor is as wanted; all metrics then.
    #[track_caller]
    pub(crate) fn await_metric(&self, name: &str, wanted: impl Fn(f64) -> bool) -> String {
        let line = format!("{name}{{reactor=\"0\"}} ");
        until(|| {
            let metrics = Http::connect(self.admin).get("/metrics").text().to_owned();
            let value = metrics.lines().find_map(|it| it.strip_prefix(&line)?.parse().ok());
            let is_so = value.is_some_and(&wanted);
            if is_so { Ok(metrics) } else { Err(format!("{name}: {value:?}")) }
        })
    }

    /// Waits until a metric, added up over all reactors, is as wanted.
    #[track_caller]
    pub(crate) fn await_sum(&self, name: &str, wanted: impl Fn(f64) -> bool) {
        self.await_labelled(name, "", wanted);
    }

    /// Waits until so many were refused for a reason, by all reactors.
    #[track_caller]
    pub(crate) fn await_refused(&self, reason: &str, wanted: impl Fn(f64) -> bool) {
        let label = format!("reason=\"{reason}\"");
        self.await_labelled("whisper_refused_total", &label, wanted);
    }

    /// Waits until a metric with this label, added up over all reactors, is as wanted.
    #[track_caller]
    pub(crate) fn await_labelled(&self, name: &str, label: &str, wanted: impl Fn(f64) -> bool) {
        until(|| {
            let sum = self.sum(name, label);
            if wanted(sum) { Ok(()) } else { Err(format!("{name}: {sum}")) }
        });
    }

    /// A metric with this label, added up over all reactors.
    pub(crate) fn sum(&self, name: &str, label: &str) -> f64 {
        let line = format!("{name}{{reactor=");
        let metrics = Http::connect(self.admin).get("/metrics").text().to_owned();
        let values = metrics.lines().filter(|it| it.starts_with(&line) && it.contains(label));
        values.filter_map(|it| it.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("it runs");
    }

    /// Has another process take over, and waits until it serves and the one before has ended.
    #[track_caller]
    pub(crate) fn hand_over(&mut self) {
        let (status, state) = self.order("upgrade", &serde_json::json!({ "why": "a test" }));
        assert_eq!(status, 200, "{state}");
        self.await_heir();
    }

    /// Waits until a handover has come so far; how it stands.
    #[track_caller]
    pub(crate) fn await_upgrade(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        until(|| {
            let (_, state) = self.look("upgrade");
            if wanted(&state) { Ok(state) } else { Err(state.to_string()) }
        })
    }

    /// Waits until a process has taken over that was asked to.
    #[track_caller]
    pub(crate) fn await_heir(&mut self) {
        assert!(self.succeed().is_none_or(|it| it.success()), "it ended in good order");
    }

    /// The same where the process before has died.
    #[track_caller]
    pub(crate) fn await_heir_of_the_dead(&mut self) {
        assert!(self.succeed().is_some_and(|it| !it.success()), "it died");
    }

    /// Writes its settings anew.
    pub(crate) fn settle(&self, toml: &str) {
        fs::write(self.dir.path().join("whisper.toml"), toml).expect("a config file");
    }

    /// Waits until another process serves; how the one before ended, if that is known.
    #[track_caller]
    fn succeed(&mut self) -> Option<ExitStatus> {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("nobody took over: {error}"));
        self.ready = serde_json::from_str(&line).expect("the ready line is JSON");
        let before = std::mem::replace(&mut self.pid, pid_of(&self.ready));
        assert_ne!(before, self.pid, "it is another process");
        let reactors = self.ready["reactors"].as_u64().and_then(|it| it.try_into().ok());
        self.reactors = reactors.expect("how many");
        let is_child = before.as_raw() == self.process.id() as i32;
        is_child.then(|| self.process.wait().expect("its status"))
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        // Only it holds the other end of its stdout.
        match self.lines.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => panic!("the engine doesn't end"),
            Ok(line) => panic!("the engine said more than that it is ready: {line}"),
        }
        self.process.wait().expect("its status")
    }

    /// Another in its place, with the same data and settings; it has ended or been killed.
    pub(crate) fn start_again(mut self) -> Self {
        self.process.wait().expect("its status");
        let next = TempDir::new().expect("a directory");
        let dir = std::mem::replace(&mut self.dir, next);
        let toml = fs::read_to_string(dir.path().join("whisper.toml")).expect("its settings");
        Self::in_dir(dir, self.reactors, &toml)
    }

    /// Ends it, and gives its directory back for the next.
    pub(crate) fn stop(mut self) -> TempDir {
        self.signal(Signal::SIGTERM);
        assert!(self.wait().success(), "{}", self.log());
        let next = TempDir::new().expect("a directory");
        std::mem::replace(&mut self.dir, next)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let is_over = matches!(self.lines.try_recv(), Err(TryRecvError::Disconnected));
        if !is_over {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("the engine's log:\n{}", self.log());
        }
    }
}

/// One engine for all tests of a binary that run at the same time; it ends with the last of them.
pub(crate) struct Shared {
    reactors: u16,
    engine: Mutex<Weak<Engine>>,
}

impl Shared {
    /// An engine to be started when it is needed.
    pub(crate) const fn new(reactors: u16) -> Self {
        Self { reactors, engine: Mutex::new(Weak::new()) }
    }

    /// The engine, started by the first who asks.
    pub(crate) fn get(&self) -> Arc<Engine> {
        let mut shared = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let engine = Arc::new(Engine::start(self.reactors));
            *shared = Arc::downgrade(&engine);
            engine
        })
    }
}

fn pid_of(ready: &Value) -> Pid {
    let pid = ready["pid"].as_i64().and_then(|pid| pid.try_into().ok());
    Pid::from_raw(pid.expect("a pid in the ready line"))
}

fn read_log(dir: &Path) -> String {
    fs::read_to_string(dir.join("log")).unwrap_or_default()
}
