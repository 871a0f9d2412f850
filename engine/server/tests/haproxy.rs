//! HAProxy in front, Debian's, with the configuration that stands in `ops/haproxy`: whoever comes
//! through it is counted as who they are, and nobody else can claim to be somebody.

mod harness;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use harness::{Client, Engine, Http, Papers, Spoken, Words, chat, say, until_true};
use rustls::ClientConfig;
use rustls::version::TLS13;
use tempfile::TempDir;

const HAPROXY: &str = "/usr/sbin/haproxy";
const NAME: &str = "chat.example";

/// One machine of `ops/haproxy`, with an engine that has the settings which stand there.
struct Town {
    engine: Engine,
    _haproxy: Haproxy,
    /// Where people connect.
    front: SocketAddr,
    /// Where HAProxy connects.
    back: SocketAddr,
    trust: Arc<ClientConfig>,
}

impl Town {
    /// `adapt` changes the configuration, for what is as good in another version.
    fn start(way: &str, adapt: impl FnOnce(String) -> String) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/haproxy");
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("an example");
        let example = read(&format!("{way}.cfg"));
        let dir = TempDir::new().expect("a directory");
        let papers = Papers::new(&[NAME]);
        let files = papers.write(dir.path(), "chat");
        let pem = dir.path().join("both.pem");
        let both = files.each_ref().map(|it| fs::read_to_string(it).expect("written")).concat();
        fs::write(&pem, both).expect("a file");
        let config = dir.path().join("way.cfg");
        fs::write(&config, adapt(example.clone())).expect("a file");

        let engine = Engine::in_dir(dir, 2, &settings_in(&example, &files));
        let listener = if way == "passthrough" { "tls" } else { "listen" };
        let back = engine.ready[listener][0].as_str().expect("an address in the ready line");
        let back: SocketAddr = back.parse().expect("an address");
        // Nobody else is on an address of the engine's own, so its port is free there as well.
        let front = SocketAddr::from(([127, 7, 7, 7], back.port()));
        let haproxy = Haproxy::start(front, engine.dir().join("haproxy.log"), |command| {
            command.arg("-f").arg(folder.join("common.cfg")).arg("-f").arg(config);
            command.env("WHISPER", back.to_string()).env("PEM", pem);
        });
        Self { engine, _haproxy: haproxy, front, back, trust: papers.client(&TLS13) }
    }

    /// A connection to HAProxy from an address of a person's own.
    fn http(&self, from: &str) -> Http {
        Http::connect_from(from, self.front).within_tls(&self.trust, NAME)
    }

    /// Somebody who comes by HAProxy; or the status that they got.
    fn enter(&self, from: &str, headers: &str) -> Result<Client, u16> {
        let mut http = self.http(from);
        match http.knock(headers).status {
            101 => {
                let mut client = http.into_client(Spoken::Msgpack);
                client.greet();
                Ok(client)
            }
            status => Err(status),
        }
    }

    /// People are known one from another, whatever else they say of themselves.
    fn knows_people(&self) {
        // HAProxy's own checks come through, and are nobody's. A connection without a word was made
        // above.
        self.engine.await_sum("whisper_requests_total", |count| count >= 1.0);
        let claim = |n| format!("X-Forwarded-For: 192.0.2.{n}\r\nForwarded: for=192.0.2.{n}\r\n");
        let mut five: Vec<_> =
            (0..5).map(|n| self.enter("127.0.0.2", &claim(n)).expect("room")).collect();
        assert_eq!(self.enter("127.0.0.2", &claim(6)).err(), Some(429), "a sixth is one too many");
        let mut other = self.enter("127.0.0.3", "").expect("a neighbour is somebody else");
        let first = &mut five[0];
        chat(first, &mut other);
        first.say(&say("through a proxy"));
        assert_eq!(other.expect::<Words>().content, "through a proxy");
        self.engine.await_refused("proxies", |count| count == 0.0);
    }

    /// Nobody else gets in where HAProxy does.
    fn knows_no_other_proxy(&self) {
        for header in ["PROXY TCP4 192.0.2.1 127.0.0.1 5000 80\r\n", ""] {
            let mut http = Http::connect_from("127.0.0.4", self.back);
            http.try_send(header.as_bytes());
            http.expect_end();
        }
        self.engine.await_refused("proxies", |count| count == 2.0);
    }
}

/// A running HAProxy. Killed when dropped; where a test has failed by then, its log is shown.
struct Haproxy {
    process: Child,
    log: PathBuf,
}

impl Haproxy {
    /// One that listens here, once it does.
    fn start(front: SocketAddr, log: PathBuf, tell: impl FnOnce(&mut Command)) -> Self {
        assert!(
            Path::new(HAPROXY).exists(),
            "{HAPROXY} isn't there: apt-get install haproxy (cargo xtask test does)"
        );
        let mut command = Command::new(HAPROXY);
        tell(command.arg("-db").env("PUBLIC", front.to_string()));
        let written = File::create(&log).expect("a log");
        let process = command.stdin(Stdio::null()).stderr(written).spawn().expect("haproxy runs");
        let mut haproxy = Self { process, log };
        until_true("haproxy listens", || {
            let ended = haproxy.process.try_wait().expect("its status");
            assert!(ended.is_none(), "haproxy is gone");
            TcpStream::connect(front).is_ok()
        });
        haproxy
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            let log = fs::read_to_string(&self.log);
            eprintln!("HAProxy's log:\n{}", log.unwrap_or_default());
        }
    }
}

#[test]
fn people_are_spread_over_the_boxes_of_a_cluster() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/haproxy");
    let files = ["common.cfg", "cluster.cfg"].map(|name| folder.join(name));
    let example = fs::read_to_string(&files[1]).expect("an example");
    let papers = Papers::new(&[NAME]);
    let mut boxes: Vec<_> = (0..3)
        .map(|_| {
            let dir = TempDir::new().expect("a directory");
            let settings = settings_in(&example, &papers.write(dir.path(), "chat"));
            Engine::in_dir(dir, 1, &settings.replace("exempt = []", "exempt = [\"127.0.0.0/8\"]"))
        })
        .collect();
    let back = |engine: &Engine| -> SocketAddr {
        let back = engine.ready["tls"][0].as_str().expect("an address in the ready line");
        back.parse().expect("an address")
    };
    let front = SocketAddr::from(([127, 7, 7, 7], back(&boxes[0]).port()));
    let haproxy = Haproxy::start(front, boxes[0].dir().join("haproxy.log"), |command| {
        command.arg("-f").arg(&files[0]).arg("-f").arg(&files[1]);
        for (number, engine) in (1..).zip(&boxes) {
            command.env(format!("BOX{number}"), back(engine).to_string());
        }
    });
    let trust = papers.client(&TLS13);
    let come = || {
        let mut http = Http::connect_from("127.0.0.2", front).within_tls(&trust, NAME);
        assert_eq!(http.knock("").status, 101);
        http.into_client(Spoken::Msgpack)
    };
    let people: Vec<_> = (0..30).map(|_| come()).collect();
    let upgrades = |engine: &Engine| engine.sum("whisper_upgrades_total", "");
    let await_all = |boxes: &[Engine], all: usize| {
        until_true("all are counted", || boxes.iter().map(upgrades).sum::<f64>() == all as f64);
        boxes.iter().map(upgrades).collect::<Vec<_>>()
    };
    let came = await_all(&boxes, people.len());
    assert!(came.iter().all(|count| (8.0..=12.0).contains(count)), "{came:?}");

    // One is emptied: nobody is lost who comes before HAProxy has looked again.
    let drained = boxes.remove(0);
    let (status, _) = drained.order("drain", &serde_json::json!({ "overMs": 60_000 }));
    assert_eq!(status, 200);
    until_true("it listens no more", || TcpStream::connect(back(&drained)).is_err());
    let more: Vec<_> = (0..20).map(|_| come()).collect();
    let before = (came[1] + came[2]) as usize;
    await_all(&boxes, before + more.len());
    drop((people, more, haproxy));
}

/// The settings that an example says belong to it, with ports and files of this test.
fn settings_in(example: &str, [certificate, key]: &[PathBuf; 2]) -> String {
    let lines = example.lines().skip_while(|line| !line.ends_with("settings:"));
    let settings = lines.map_while(|line| line.strip_prefix('#')).skip(1);
    let settings = settings.map(|line| {
        let mut line = line.trim().to_owned();
        while let Some(at) = line.find("127.0.0.1:8") {
            line.replace_range(at..at + "127.0.0.1:8443".len(), "127.0.0.1:0");
        }
        line.replace("\"chain.pem\"", &format!("{certificate:?}"))
            .replace("\"key.pem\"", &format!("{key:?}"))
    });
    ["exempt = []".to_owned()].into_iter().chain(settings).collect::<Vec<_>>().join("\n")
}

#[test]
fn tls_passes_through_to_the_engine() {
    let town = Town::start("passthrough", |config| config);
    town.knows_people();
    town.knows_no_other_proxy();
}

#[test]
fn tls_ends_at_the_proxy() {
    let town = Town::start("terminated", |config| config);
    town.knows_people();
    town.knows_no_other_proxy();
    // The engine can't see that a page came by TLS, and is told whose pages are its own.
    let from = |origin: &str| town.enter("127.0.0.5", &format!("Origin: {origin}\r\n"));
    assert!(from("https://chat.example").is_ok());
    for foreign in ["https://other.example", "http://chat.example", "null"] {
        assert_eq!(from(foreign).err(), Some(403), "{foreign}");
    }
}

#[test]
fn the_first_version_of_the_header_does_as_well() {
    let first = |config: String| {
        let changed = config.replace("send-proxy-v2", "send-proxy");
        assert_ne!(changed, config);
        changed
    };
    for way in ["passthrough", "terminated"] {
        Town::start(way, first).knows_people();
    }
}

#[test]
fn a_header_tells_whose_each_request_is() {
    let town = Town::start("forwarded", |config| config);
    town.knows_people();
    // Whoever finds the way around HAProxy is who they are, too.
    let by_hand = |n: usize| {
        let mut http = Http::connect_from("127.0.0.4", town.back);
        let status = http.knock(&format!("X-Forwarded-For: 192.0.2.{n}\r\n")).status;
        (status == 101).then_some(http)
    };
    let six: Vec<_> = (0..6).map(by_hand).collect();
    assert_eq!(six.iter().flatten().count(), 5);
}
