//! Where descriptors run out: who is there stays, and newcomers wait until there is room.

mod harness;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::{ADULT_TEXT, Http, PATIENCE, Words, chat, join, say, strict, topic};
use serde_json::Value;
use tempfile::TempDir;

/// Descriptors that the engine may have, and so sockets of its one reactor.
const FILES: usize = 96;

/// An engine with few descriptors. Killed when dropped.
struct Cramped {
    process: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Cramped {
    fn start() -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={FILES}:{FILES}")).arg(env!("CARGO_BIN_EXE_whisper"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--reactors", "1", "--drain-secs", "0"]);
        command.args(["--exempt", "127.0.0.0/8", "--data-dir"]).arg(dir.path());
        let mut process = command.stdout(Stdio::piped()).spawn().expect("prlimit runs");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("text");
        let ready: Value = serde_json::from_str(&line).expect("a ready line");
        let address = ready["listen"][0].as_str().and_then(|it| it.parse().ok());
        assert_eq!(ready["socketsMax"], FILES, "{ready}");
        Self { process, address: address.expect("an address"), _dir: dir }
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn without_a_descriptor_left_who_is_there_stays() {
    let engine = Cramped::start();
    let mut people: Vec<_> = (0..FILES).map(|_| Http::connect(engine.address).upgrade()).collect();
    let (mut last, mut first) = (people.remove(FILES - 1), people.remove(0));
    // The table is full: the kernel takes the connection, and nobody answers.
    let mut newcomer = Http::connect(engine.address);
    newcomer.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    for person in &mut people {
        person.ping();
    }
    chat(&mut first, &mut last);
    first.say(&say("still here"));
    last.expect::<Words>();
    join(&mut people[0], strict(ADULT_TEXT, &[&topic()]));
    assert!(!newcomer.hears_within(Duration::from_millis(200)));

    let start = Instant::now();
    people.remove(1).vanish();
    assert_eq!(newcomer.answer().status, 200);
    assert!(start.elapsed() < PATIENCE);
    last.ping();
}
