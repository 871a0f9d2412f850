//! The engine as a service of systemd: what it tells its manager, and what its units let it do.

mod harness;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use harness::{Engine, PATIENCE, Stopped, chat, whisper};
use nix::sys::signal::Signal;
use tempfile::TempDir;

/// The units, and the drop-in that all of them have.
const UNITS: [&str; 2] = ["whisper.service", "whisper@.service"];
const HARDENING: &str = "hardening.conf";

/// Ten times the most of `systemd-analyze security`.
const EXPOSURE_MAX: &str = "--threshold=20";

#[test]
fn it_tells_its_manager_what_it_does() {
    let manager = Manager::new();
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("rules.toml"), "").expect("rules");
    let rules = format!("rules = {:?}\n", dir.path().join("rules.toml"));
    let mut engine = manager.supervise(&rules);
    manager.await_line("READY=1");
    manager.await_line("WATCHDOG=1");
    manager.await_line("STATUS=0 people, 0 chats");
    let _person = engine.client();
    manager.await_line("STATUS=1 people, 0 chats");

    engine.signal(Signal::SIGHUP);
    let reloading = manager.await_line("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.await_line("READY=1");
    let log = engine.log();
    assert!(log.contains("rules read"), "ready before all was read again: {log}");

    engine.signal(Signal::SIGTERM);
    manager.await_line("STOPPING=1");
    // A manager that reads no more holds nothing up.
    assert!(engine.wait().success(), "{}", engine.log());
}

#[test]
fn it_tells_its_manager_who_follows() {
    let manager = Manager::new();
    let mut engine = manager.supervise("");
    manager.await_line("READY=1");
    let _person = engine.client();
    manager.await_line("STATUS=1 people, 0 chats");
    engine.hand_over();
    let pid = engine.ready["pid"].as_u64().expect("a pid");
    let told = manager.await_line(&format!("MAINPID={pid}"));
    assert!(told.lines().any(|line| line == "READY=1"), "{told}");
    manager.await_line("WATCHDOG=1");
    manager.await_line("STATUS=1 people, 0 chats");
}

#[test]
fn the_watchdog_starves_while_a_reactor_doesnt_turn() {
    let manager = Manager::new();
    // Only root may trace a process that leaves no core.
    let engine = manager.supervise("core_dumps = true\n");
    manager.await_line("WATCHDOG=1");
    let stopped = Stopped::new(&engine, "reactor-1");
    manager.await_line("STATUS=a reactor doesn't turn: 0 people, 0 chats");
    manager.hears_nothing();
    drop(stopped);
    manager.await_line("WATCHDOG=1");
}

#[test]
fn units_are_hardened() {
    let root = installed();
    for unit in UNITS.map(|unit| unit.replace('@', "@0")) {
        let analyze = Command::new("systemd-analyze")
            .args(["security", "--offline=true", EXPOSURE_MAX, "--no-pager", "--root"])
            .arg(root.path())
            .arg(&unit)
            .output()
            .expect("Debian's package systemd has it");
        let said = String::from_utf8_lossy(&analyze.stdout);
        assert!(analyze.status.success(), "{unit}: {said}");
        assert!(said.contains("Overall exposure level"), "{unit}: {said}");
    }
}

#[test]
fn units_say_nothing_that_systemd_doesnt_understand() {
    let root = installed();
    for unit in UNITS.map(|unit| unit.replace('@', "@0")) {
        let verify = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--root"])
            .arg(root.path())
            .arg(&unit)
            .output()
            .expect("Debian's package systemd has it");
        let said = String::from_utf8_lossy(&verify.stderr);
        // Nothing else is installed there.
        let missing = ["not found.", "is not executable: No such file or directory"];
        let told = said.lines().filter(|line| !missing.iter().any(|it| line.ends_with(it)));
        assert_eq!(told.collect::<Vec<_>>(), [""; 0], "{unit}");
    }
}

#[test]
fn the_settings_of_the_package_are_good() {
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("200.html"), "").expect("a web client");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd/whisper.toml");
    let check = whisper()
        .args(["config", "check", "--config"])
        .arg(file)
        .arg("--web-root")
        .arg(dir.path())
        .output()
        .expect("the binary runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// Pinned, with its rings, its files, its keys and a chat within TLS.
#[test]
fn it_runs_under_the_units_filter_of_system_calls() {
    let filter = Filter::of(&read(HARDENING));
    // A filter is for ever, and for all that a thread starts.
    let confined = thread::spawn(move || {
        filter.confine();
        let mut engine =
            Engine::configured(2, "[tls]\nself_signed = true\nlisten = [\"127.0.0.1:0\"]\n");
        let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
        chat(&mut ann, &mut bob);
        engine.hand_over();
        ann.ping();
        bob.ping();
        for reactor in ["reactor-0", "reactor-1"] {
            let thread = engine.thread(reactor);
            let status = fs::read_to_string(format!("/proc/{thread}/status")).expect("it runs");
            let field = |name| status.lines().find_map(|line: &str| line.strip_prefix(name));
            let cores = field("Cpus_allowed_list:").expect("it is told").trim();
            assert!(cores.parse::<u32>().is_ok(), "{reactor} isn't pinned: {cores}");
            assert_eq!(field("Seccomp:").map(str::trim), Some("2"), "it is filtered");
        }
        engine.signal(Signal::SIGTERM);
        assert!(engine.wait().success(), "{}", engine.log());
        let log = engine.log();
        assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    });
    confined.join().expect("the same as without a filter");
}

/// What stands in for systemd: the other end of `NOTIFY_SOCKET`.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _dir: TempDir,
}

impl Manager {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("an option");
        Self { socket, path, _dir: dir }
    }

    /// An engine that is told of this manager, and that it has a watchdog.
    fn supervise(&self, toml: &str) -> Engine {
        let dir = TempDir::new().expect("a directory");
        let watchdog = Path::new("200000");
        let env = [("NOTIFY_SOCKET", &*self.path), ("WATCHDOG_USEC", watchdog)];
        Engine::with_env(dir, 2, toml, &env)
    }

    /// Waits for a datagram with this line; the datagram.
    #[track_caller]
    fn await_line(&self, line: &str) -> String {
        let start = Instant::now();
        let mut seen = BTreeSet::new();
        while start.elapsed() < PATIENCE {
            let told = self.next().expect("it tells something in time");
            if told.lines().any(|it| it == line) {
                return told;
            }
            seen.insert(told);
        }
        panic!("never told: {line}, but {seen:?}");
    }

    /// Waits as long as it takes to feed the watchdog several times.
    #[track_caller]
    fn hears_nothing(&self) {
        self.socket.set_read_timeout(Some(Duration::from_secs(1))).expect("an option");
        if let Ok(told) = self.next() {
            panic!("told: {told}");
        }
        self.socket.set_read_timeout(Some(PATIENCE)).expect("an option");
    }

    fn next(&self) -> io::Result<String> {
        let mut buffer = [0; 4096];
        let len = self.socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..len]).into_owned())
    }
}

/// The calls that a unit allows, as systemd reckons: one line after the other adds or takes away.
struct Filter(BTreeSet<String>);

impl Filter {
    fn of(unit: &str) -> Self {
        let mut allowed = calls("@default");
        for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
            let (takes, names) = match line.strip_prefix('~') {
                Some(names) => (true, names),
                None => (false, line),
            };
            for call in names.split_whitespace().flat_map(calls) {
                match takes {
                    true => allowed.remove(&call),
                    false => allowed.insert(call),
                };
            }
        }
        Self(allowed)
    }

    /// Holds this thread to it, and all that it starts.
    fn confine(&self) {
        let arch = std::env::consts::ARCH.try_into().expect("an architecture with filters");
        let compile = |calls: &[&String]| {
            let rules: Vec<_> =
                calls.iter().map(|call| serde_json::json!({ "syscall": call })).collect();
            let filter = serde_json::json!({ "calls": {
                "mismatch_action": { "errno": nix::libc::EPERM },
                "match_action": "allow",
                "filter": rules,
            }});
            seccompiler::compile_from_json(filter.to_string().as_bytes(), arch)
        };
        // systemd knows those of all architectures.
        let known: Vec<&String> = self.0.iter().filter(|call| compile(&[call]).is_ok()).collect();
        assert!(known.len() > 200, "{known:?}");
        let program = &compile(&known).expect("each of them is known")["calls"];
        seccompiler::apply_filter(program).expect("a filter may be had by anybody");
    }
}

/// A call, or those of a group.
fn calls(name: &str) -> BTreeSet<String> {
    if !name.starts_with('@') {
        return [name.to_owned()].into();
    }
    let listed = Command::new("systemd-analyze")
        .args(["syscall-filter", "--no-pager", name])
        .output()
        .expect("Debian's package systemd has it");
    assert!(listed.status.success(), "{name} is a group");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names = listed.lines().skip(1).map(str::trim);
    names.filter(|line| !line.is_empty() && !line.starts_with('#')).flat_map(calls).collect()
}

/// A root with the units and nothing else.
fn installed() -> TempDir {
    let root = TempDir::new().expect("a directory");
    let system = root.path().join("usr/lib/systemd/system");
    for unit in UNITS {
        let drop_ins = system.join(format!("{unit}.d"));
        fs::create_dir_all(&drop_ins).expect("a directory");
        fs::write(system.join(unit), read(unit)).expect("a unit");
        fs::write(drop_ins.join(HARDENING), read(HARDENING)).expect("a drop-in");
    }
    root
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
