//! Where descriptors run out: who is there stays, and newcomers are told.

mod harness;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use harness::{
    ADULT_TEXT, Http, PATIENCE, Words, chat, join, say, strict, topic, until_true, upgrade_request,
};
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

/// Of these, the sockets on which newcomers are only told that there are no others; and of those,
/// the ones on which they are told so in words.
const SPARE: usize = 6;
const HEARD: usize = 3;

#[test]
fn without_a_descriptor_left_newcomers_are_told_and_who_is_there_stays() {
    let engine = Cramped::start();
    let newcomer = || Http::connect(engine.address);
    let mut people: Vec<_> = (SPARE..FILES).map(|_| newcomer().upgrade()).collect();
    let (mut last, mut first) = (people.pop().expect("the last"), people.remove(0));
    let refused = newcomer().knock("");
    assert_eq!((refused.status, refused.header("Retry-After")), (503, Some("30")));
    assert_eq!(refused.header("Connection"), Some("close"));
    // Whoever looks after it is answered, and kept no longer than that.
    let mut balancer = newcomer();
    assert_eq!(balancer.get("/health").status, 200);
    balancer.expect_end();
    // Some who say nothing hold what is left: whoever comes now is cut off, and needn't wait.
    let mut silent: Vec<_> = (0..HEARD).map(|_| newcomer()).collect();
    for _ in 0..SPARE {
        newcomer().expect_end();
    }

    for person in &mut people {
        person.ping();
    }
    chat(&mut first, &mut last);
    first.say(&say("still here"));
    last.expect::<Words>();
    join(&mut people[0], strict(ADULT_TEXT, &[&topic()]));
    assert_eq!(silent.remove(0).knock("").status, 503);

    // Room again, as soon as somebody leaves.
    people.remove(1).vanish();
    let is_let_in = || {
        let mut newcomer = newcomer();
        newcomer.try_send(upgrade_request().as_bytes());
        newcomer.hears_within(PATIENCE) && newcomer.into_parts().1.starts_with(b"HTTP/1.1 101 ")
    };
    until_true("let in", is_let_in);
    last.ping();
}
