//! What TLS costs the engine, beside the same without: memory of an idle person, CPU time of a
//! handshake and of a message.
//!
//! `cargo bench -p whisper-engine --bench tls`. Under `cargo test` it runs small, to see that it
//! still does.

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use harness::{Client, Engine, Http, Papers, Words, chat, say};
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tempfile::TempDir;

/// How much of everything.
struct Size {
    /// People, at the two ends of the slope.
    people: [usize; 2],
    handshakes: u32,
    pairs: usize,
    /// Messages of each pair.
    messages: u32,
    rounds: usize,
}

/// One reactor that speaks plainly and within TLS.
struct Town {
    engine: Engine,
    tls: SocketAddr,
    papers: Papers,
}

/// How a client comes.
#[derive(Clone)]
enum Way {
    Plain,
    Tls(Arc<ClientConfig>),
}

fn main() {
    let size = if std::env::args().any(|argument| argument == "--bench") {
        Size { people: [2000, 7000], handshakes: 1000, pairs: 100, messages: 100, rounds: 5 }
    } else {
        Size { people: [5, 10], handshakes: 5, pairs: 2, messages: 2, rounds: 1 }
    };
    let ways = [("plain", None), ("TLS 1.3", Some(&TLS13)), ("TLS 1.2", Some(&TLS12))];
    for (name, version) in ways {
        let town = Town::start();
        let way = town.way(version);
        tell(&format!(
            "{name}: {:.0} B of user memory an idle person",
            town.idle(&way, size.people)
        ));
    }
    let town = Town::start();
    let connect = median(size.rounds, || town.visits(&town.way(None), size.handshakes));
    tell(&format!("connection, request, end: {connect:.1} µs of CPU"));
    for version in [&TLS13, &TLS12] {
        let full = town.fresh_way(version);
        let resumed = town.way(Some(version));
        for (name, way) in [("full", full), ("resumed", resumed)] {
            let took = median(size.rounds, || town.visits(&way, size.handshakes));
            tell(&format!("{version:?}, {name}: {:.1} µs of CPU more", took - connect));
        }
    }
    for (name, version) in ways {
        let way = town.way(version);
        let took = median(size.rounds, || town.talk(&way, size.pairs, size.messages));
        tell(&format!("{name}: {took:.2} µs of CPU a message"));
    }
}

impl Town {
    fn start() -> Self {
        let dir = TempDir::new().expect("a directory");
        let papers = Papers::new(&["localhost"]);
        let [certificate, key] = papers.write(dir.path(), "chat");
        let toml = format!(
            "[tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{certificate:?}]\nkey = [{key:?}]\n\
             [people]\nstats_interval_ms = 600000\nper_reactor = 16000\n"
        );
        let engine = Engine::in_dir(dir, 1, &toml);
        let tls = engine.ready["tls"][0].as_str().and_then(|it| it.parse().ok());
        Self { engine, tls: tls.expect("an address"), papers }
    }

    fn way(&self, version: Option<&'static SupportedProtocolVersion>) -> Way {
        version.map_or(Way::Plain, |version| Way::Tls(self.papers.client(version)))
    }

    /// Without tickets.
    fn fresh_way(&self, version: &'static SupportedProtocolVersion) -> Way {
        let mut config = ClientConfig::clone(&self.papers.client(version));
        config.resumption = Resumption::disabled();
        Way::Tls(config.into())
    }

    fn http(&self, way: &Way) -> Http {
        match way {
            Way::Plain => self.engine.http(),
            Way::Tls(config) => Http::connect_tls(self.tls, config, "localhost"),
        }
    }

    /// Bytes for each person more, who has been greeted and pinged once.
    fn idle(&self, way: &Way, [few, many]: [usize; 2]) -> f64 {
        let mut people: Vec<Client> = Vec::new();
        let [first, last] = [few, many].map(|count| {
            while people.len() < count {
                people.push(self.http(way).upgrade());
            }
            people.iter_mut().for_each(Client::ping);
            self.anonymous_bytes()
        });
        (last - first) as f64 / (many - few) as f64
    }

    /// Microseconds for each connection that asks something and ends.
    fn visits(&self, way: &Way, count: u32) -> f64 {
        self.cpu(count, || {
            for _ in 0..count {
                assert_eq!(self.http(way).get("/health").status, 200);
            }
        })
    }

    /// Microseconds for each message between people in a chat.
    fn talk(&self, way: &Way, pairs: usize, messages: u32) -> f64 {
        let mut pairs: Vec<_> = (0..pairs)
            .map(|_| {
                let [mut ann, mut bob] = [(); 2].map(|()| self.http(way).upgrade());
                chat(&mut ann, &mut bob);
                [ann, bob]
            })
            .collect();
        let words = "x".repeat(64);
        let total = messages * pairs.len() as u32;
        self.cpu(total, || {
            for _ in 0..messages {
                pairs.iter_mut().for_each(|[ann, _]| ann.say(&say(&words)));
                for [_, bob] in &mut pairs {
                    bob.expect::<Words>();
                }
            }
        })
    }

    /// The engine's CPU time for something, for each of `count`, in microseconds.
    fn cpu(&self, count: u32, work: impl FnOnce()) -> f64 {
        let before = self.cpu_nanos();
        work();
        (self.cpu_nanos() - before) as f64 / 1e3 / f64::from(count)
    }

    fn cpu_nanos(&self) -> u64 {
        let tasks = fs::read_dir(self.proc("task")).expect("it runs");
        let nanos = |task: io::Result<fs::DirEntry>| -> Option<u64> {
            let stat = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse().ok()
        };
        tasks.filter_map(nanos).sum()
    }

    fn anonymous_bytes(&self) -> u64 {
        let rollup = fs::read_to_string(self.proc("smaps_rollup")).expect("it runs");
        let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a size in KiB");
        kib.trim().parse::<u64>().expect("a number") << 10
    }

    fn proc(&self, file: &str) -> impl AsRef<Path> {
        format!("/proc/{}/{file}", self.engine.ready["pid"])
    }
}

fn median(rounds: usize, mut measure: impl FnMut() -> f64) -> f64 {
    let mut results: Vec<f64> = (0..rounds).map(|_| measure()).collect();
    results.sort_by(f64::total_cmp);
    results[rounds / 2]
}

fn tell(line: &str) {
    writeln!(io::stdout(), "{line}").expect("stdout takes it");
}
