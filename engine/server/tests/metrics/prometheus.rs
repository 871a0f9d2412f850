//! Prometheus itself before a running engine.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::busy::Busy;
use crate::files::queries;
use crate::harness::{PATIENCE, until_true};

/// A Prometheus that looks at one engine, often. Killed when dropped.
struct Prometheus {
    process: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Prometheus {
    fn start(engine: SocketAddr) -> Self {
        let dir = TempDir::new().expect("a directory");
        let config = format!(
            "{{global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}, scrape_configs: [\
             {{job_name: whisper, static_configs: [{{targets: [\"{engine}\"]}}]}}]}}"
        );
        let file = dir.path().join("prometheus.yml");
        fs::write(&file, config).expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let address = free.expect("a free port");
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package prometheus is installed");
        Self { process, address, _dir: dir }
    }

    /// What it answers to a query: its samples. None where it doesn't answer yet.
    fn ask(&self, query: &str) -> Option<Vec<Value>> {
        let mut encoded = String::new();
        for byte in query.bytes() {
            match byte.is_ascii_alphanumeric() {
                true => encoded.push(byte.into()),
                false => write!(encoded, "%{byte:02X}").expect("room"),
            }
        }
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        write!(stream, "GET /api/v1/query?query={encoded} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let body: Value = serde_json::from_str(body).ok()?;
        assert_eq!(body["status"], "success", "{query}: {body}");
        body["data"]["result"].as_array().cloned()
    }

    /// Waits until a query answers something.
    fn await_answer(&self, query: &str) {
        until_true(query, || self.ask(query).is_some_and(|samples| !samples.is_empty()));
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn prometheus_reads_the_engine_and_has_an_answer_for_every_panel() {
    let busy = Busy::start();
    let prometheus = Prometheus::start(busy.engine.admin);
    prometheus.await_answer("up{job=\"whisper\"} == 1");
    prometheus.await_answer("count_over_time(whisper_reports_open[1m]) > 3");
    prometheus.await_answer("count_over_time(whisper_turns_total[1m]) > 3");
    // What there is only at times: alerts, starts, what is left out while it is nothing, and what is
    // told of each other node.
    let at_times = |query: &str| {
        query.contains("ALERTS")
            || query.ends_with("> 0")
            || query.contains("whisper_cluster_link_")
    };
    for query in queries().iter().filter(|query| !at_times(query)) {
        let answer = prometheus.ask(query).expect("it answers");
        assert!(!answer.is_empty(), "no data for the panel of {query}");
    }
}
