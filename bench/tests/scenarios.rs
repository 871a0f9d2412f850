//! Every scenario, small, against the real engine and the real floor, as processes.

mod programs;

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use programs::{BENCH, programs};

struct Server {
    process: Child,
    address: String,
    admin: String,
    /// Where it listens for TLS, if anywhere.
    tls: String,
    data: Option<PathBuf>,
}

impl Server {
    fn engine(name: &str, reactors: &str) -> Self {
        Self::engine_with(name, reactors, "", &[])
    }

    /// With more to say about people in its configuration, and more options.
    fn engine_with(name: &str, reactors: &str, people: &str, more: &[&str]) -> Self {
        let data = env::temp_dir().join(format!("whisper-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let config = data.join("whisper.toml");
        std::fs::write(&config, format!("[people]\nping_interval_ms = 1000\n{people}")).unwrap();
        let mut command = Command::new(&programs().0);
        command.args(["serve", "--listen", "127.0.0.1:0", "--reactors", reactors]);
        command.args(["--exempt", "127.0.0.0/8", "--admin", "127.0.0.1:0"]);
        command.args(more);
        command.arg("--config").arg(&config).arg("--data-dir").arg(&data);
        Self::start(command, Some(data))
    }

    fn floor(mode: &str) -> Self {
        let mut command = Command::new(&programs().1);
        command.args(["--listen", "127.0.0.1:0", mode]);
        Self::start(command, None)
    }

    fn start(mut command: Command, data: Option<PathBuf>) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let listen = ready["listen"].get(0).unwrap_or(&ready["listen"]);
        let address = listen.as_str().unwrap().to_owned();
        let admin = ready["admin"].as_str().unwrap_or_default().to_owned();
        let tls = ready["tls"].get(0).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { process, address, admin, tls, data }
    }

    fn bench(&self, scenario: &[&str]) -> Output {
        Command::new(BENCH)
            .args(scenario)
            .args(["--target", &self.address, "--json"])
            .args(["--pid", &self.process.id().to_string()])
            .output()
            .unwrap()
    }

    /// What a scenario reports. That a busy machine makes it invalid is no fault here.
    /// How many people it says are there.
    fn people(&self) -> u64 {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        let request = "GET /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<Value>(body).unwrap()["totalOnline"].as_u64().unwrap()
    }

    fn figures(&self, scenario: &[&str]) -> Value {
        self.result(scenario)["figures"].clone()
    }

    /// The same with all around it.
    fn result(&self, scenario: &[&str]) -> Value {
        let output = self.bench(scenario);
        let result: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(result["faults"], serde_json::json!([]), "{result:#}");
        result
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        if let Some(data) = &self.data {
            std::fs::remove_dir_all(data).unwrap();
        }
    }
}

fn number(figures: &Value, key: &str) -> f64 {
    figures[key].as_f64().unwrap_or_else(|| panic!("no {key} in {figures:#}"))
}

const RELAY: [&str; 7] = ["relay", "--pairs", "5", "--secs", "1", "--warm-up", "0.1"];

#[test]
fn handovers_are_counted_and_whoever_is_lost_by_one_is_told() {
    let engine = Server::engine("handover", "2");
    fn handover<'a>(times: &'a str, run: &'a str) -> Vec<&'a str> {
        let people = ["handover", "--connections", "80", "--rate", "200", "--reactors", "2"];
        let more = ["--warm-up", "0.1", "--every", "700ms", "--times", times, "--run", run];
        [&people[..], &more].concat()
    }
    let figures = engine.figures(&handover("3", "echo first; echo '{\"sockets\": 80}'"));
    assert_eq!(number(&figures, "handovers"), 3.0);
    assert_eq!(number(&figures, "handover_sockets_median"), 80.0);
    assert!(number(&figures, "messages") > 100.0, "{figures:#}");

    let faults = |run: &str| {
        // Without its process, which is no more in the end.
        let mut bench = Command::new(BENCH);
        bench.args(handover("2", run)).args(["--target", &engine.address, "--json"]);
        let output = bench.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        result["faults"].to_string()
    };
    let failed = faults("echo nothing came of it >&2; false");
    assert!(failed.contains("2 handovers failed, the first: exit status: 1: nothing"), "{failed}");
    let ended = faults(&format!("kill -9 {}", engine.process.id()));
    assert!(ended.contains("80 connections lost"), "{ended}");
}

#[test]
fn pairs_talk_and_nothing_is_lost() {
    let engine = Server::engine("relay", "2");
    for more in [
        &["--depth", "1"][..],
        &["--depth", "16", "--bytes", "500", "--room"],
        &["--depth", "16", "--writes", "single", "--reactors", "2"],
    ] {
        let result = engine.result(&[&RELAY, more].concat());
        assert!(number(&result["figures"], "messages") > 100.0);
        assert!(number(&result["figures"], "server_cpu_us_per_message") > 0.0);
        let times = &result["latencies"]["relay"];
        assert!(number(times, "p50_us") <= number(times, "p99_us"));
    }
}

#[test]
fn an_open_loop_sends_what_is_due_in_every_phase() {
    let engine = Server::engine("rate", "1");
    let result = engine.result(&[
        "relay",
        "--pairs",
        "5",
        "--rate",
        "400",
        "--phases",
        "ramp:1s,hold:0.5s,spike:0.5s:3x",
        "--reactors",
        "2",
    ]);
    let requested = [200.0, 200.0, 600.0];
    let phases = result["phases"].as_array().unwrap();
    assert_eq!(phases.len(), requested.len());
    for (phase, requested) in phases.iter().zip(requested) {
        let rate = number(&phase["figures"], "requested_per_second");
        let count = rate * number(phase, "secs");
        assert!((count - requested).abs() <= 2.0, "{count} in {phase:#}");
    }
    assert_eq!(number(&result["figures"], "messages_lost"), 0.0);
    let seconds = result["series"].as_array().unwrap();
    let done: f64 = seconds.iter().map(|second| number(&second["counts"], "done")).sum();
    assert_eq!(done, number(&result["figures"], "messages"));
}

#[test]
fn people_come_in_a_storm() {
    let engine = Server::engine("connect", "2");
    let all = engine.result(&["connect", "--connections", "200", "--reactors", "2"]);
    assert_eq!(number(&all["figures"], "upgrades"), 200.0);
    assert_eq!(number(&all["latencies"]["upgrade"], "count"), 200.0);
    assert!(number(&all["figures"], "server_cpu_us_per_upgrade") > 0.0);
    let open = ["connect", "--rate", "200", "--secs", "1", "--warm-up", "0", "--stay", "100ms"];
    let brief = engine.result(&open);
    assert!((199.0..=201.0).contains(&number(&brief["figures"], "upgrades")), "{brief:#}");
    assert!(number(&brief["latencies"]["connect"], "p50_us") > 0.0);
    let matched = engine.result(&["connect", "--connections", "100", "--join"]);
    assert_eq!(number(&matched["figures"], "upgrades"), 100.0);
    assert_eq!(number(&matched["latencies"]["match"], "count"), 100.0);

    let bare = Server::floor("--relay");
    let bare = bare.result(&["connect", "--connections", "100", "--at-once", "10", "--peer"]);
    assert_eq!(number(&bare["figures"], "upgrades"), 100.0);
}

#[test]
fn bare_servers_are_measured_with_the_same_texts() {
    for (server, mode) in [("--relay", "relay"), ("--echo", "echo")] {
        // First come, first paired: partners are in the hands of different reactors, too.
        let more = [&format!("--peer={mode}"), "--reactors", "2"];
        let figures = Server::floor(server).figures(&[&RELAY[..], &more].concat());
        assert!(number(&figures, "messages") > 100.0);
    }
}

#[test]
fn people_are_matched_across_shards() {
    let engine = Server::engine("match", "2");
    let figures = engine.figures(&[
        "match",
        "--model",
        "rendezvous",
        "--rate",
        "200",
        "--people",
        "60",
        "--secs",
        "1",
        "--warm-up",
        "0.2",
    ]);
    assert!(number(&figures, "pairs") > 10.0);
    assert_eq!(number(&figures, "pairs"), number(&figures, "pairs_across_shards"));
}

#[test]
fn people_who_like_what_many_like_meet_in_every_tier() {
    let engine = Server::engine("zipf", "2");
    let line = "match --rate 600 --people 1200 --secs 1.5 --warm-up 0.3 --interests 300 \
                --stay 150ms --skips 0.5 --spacing poisson --reactors 2";
    let result = engine.result(&line.split_whitespace().collect::<Vec<_>>());
    let (figures, times) = (&result["figures"], &result["latencies"]);
    assert!(number(figures, "matches") > 200.0, "{result:#}");
    assert!(number(figures, "skips") > 10.0 && number(figures, "leaves") > 10.0, "{figures:#}");
    assert!(number(figures, "server_cpu_us_per_match") > 0.0);
    let by_tier = ["match_exact", "match_overlap", "match_single"].map(|it| &times[it]);
    let counted: f64 = by_tier.iter().map(|tier| number(tier, "count")).sum();
    let any = times["match_any"]["count"].as_f64().unwrap_or_default();
    assert_eq!(counted + any, number(&times["match"], "count"), "{times:#}");
    assert!(number(&times["match_after_skip"], "count") > 10.0);
    assert!(number(&times["waited_by_engine"], "p50_us") <= number(&times["match"], "p50_us"));
    assert!(figures.get("people_waiting_at_end").is_some());
}

#[test]
fn a_town_lives_and_what_it_leaves_behind_is_told() {
    let engine = Server::engine("churn", "2");
    let metrics = format!("http://{}", engine.admin);
    let line = "churn --people 120 --hurry 60 --secs 2 --warm-up 0.5 --reactors 2 --metrics";
    let line: Vec<_> = line.split_whitespace().chain([metrics.as_str()]).collect();
    let result = engine.result(&line);
    let figures = &result["figures"];
    for (what, least) in
        [("messages", 100.0), ("chats", 20.0), ("skips", 10.0), ("leaves", 3.0), ("joins", 10.0)]
    {
        assert!(number(figures, what) > least, "{what}: {figures:#}");
    }
    assert!(number(figures, "departures") + number(figures, "vanishings") > 0.0, "{figures:#}");
    assert!(number(figures, "messages") <= number(figures, "messages_said"));
    assert!(number(&result["latencies"]["match"], "count") > 10.0);
    assert!(number(&result["latencies"]["connect"], "count") > 1.0, "they come back");
    let memory = result["memory"].as_array().unwrap();
    assert_eq!(memory.len(), 2, "at the beginning and at the end: {memory:#?}");
    assert!(memory.iter().all(|sample| number(sample, "rss_bytes") > 1e6));
    for what in ["server_rss", "server_anonymous", "kernel_slab"] {
        number(figures, &format!("{what}_growth_kb_per_10min"));
    }
    for what in ["files", "sockets"] {
        let [begin, end] = ["begin", "end"].map(|when| format!("server_{what}_at_{when}"));
        assert_eq!(number(figures, &begin), number(figures, &end), "{figures:#}");
    }
    assert!(number(figures, "server_counted_messages_in") > 0.0);
}

#[test]
fn pairs_go_on_beside_slow_people_and_those_are_told_when_they_are_gone() {
    let engine = Server::engine_with("slow", "1", "head_max_ms = 500\n", &[]);
    let line = "slow --pairs 5 --rate 200 --warm-up 0.2 --calm 500ms --attack 4s --readers 5 \
                --flood 4000 --handshakes 10 --drip 50ms --reactors 2";
    let result = engine.result(&line.split_whitespace().collect::<Vec<_>>());
    let (figures, times) = (&result["figures"], &result["latencies"]);
    assert_eq!(number(figures, "messages_lost"), 0.0);
    assert!(number(figures, "calm_p99_us") > 0.0 && number(figures, "attacked_p99_us") > 0.0);
    // A busy machine may see a few off later than this run ends.
    assert!(number(&times["slow_handshake_gone"], "count") > 0.0, "{result:#}");
    assert!(number(&times["slow_handshake_gone"], "min_us") > 400_000.0);
    let gone: f64 = ["slow_handshake_gone", "slow_reader_gone"]
        .iter()
        .map(|name| times[name]["count"].as_f64().unwrap_or_default())
        .sum();
    assert_eq!(number(figures, "attackers"), 15.0);
    assert!(number(figures, "attackers_left") <= 15.0 - gone, "{figures:#}");
    let phases = result["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 2, "alone, and not");
}

#[test]
fn tls_is_spoken_with_whom_one_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let [cert, key] = [&cert, &key].map(|path| path.to_str().unwrap());
    let tls = ["--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key];
    let mut engine = Server::engine_with("tls", "2", "", &tls);
    engine.address = engine.tls.clone();

    let trusts = ["--depth", "16", "--bytes", "900", "--tls-ca", cert];
    let result = engine.result(&[&RELAY[..], &trusts].concat());
    assert!(number(&result["figures"], "messages") > 100.0, "{result:#}");
    let come = ["connect", "--connections", "50", "--join", "--tls-insecure"];
    assert_eq!(number(&engine.figures(&come), "upgrades"), 50.0);

    for (stranger, complaint) in [
        (&["--tls-ca", cert, "--tls-name", "example.org"][..], "TLS: "),
        (&["--tls-ca", key], "certificates"),
        (&[], "closed"),
    ] {
        let output = engine.bench(&[&RELAY[..], stranger].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(complaint) || stranger.is_empty(), "{said}");
    }
}

#[test]
fn idle_connections_are_held_until_all_were_pinged() {
    let engine = Server::engine("idle", "1");
    let figures = engine.figures(&["idle", "--connections", "200", "--steps", "100"]);
    assert!(number(&figures, "server_anonymous_mb_at_200") > 0.0);
    assert!(figures.get("server_rss_bytes_per_connection_100_to_200").is_some());
}

#[test]
fn idle_connections_come_and_go_as_a_course_has_it() {
    let engine = Server::engine("held", "1");
    let course = ["--phases", "ramp:500ms,hold:300ms,spike:500ms:2x,ramp:300ms:0x"];
    let line = [&["idle", "--connections", "100", "--reactors", "2"], &course[..]].concat();
    let result = engine.result(&line);
    // A hundred, and twice as many for the spike.
    assert_eq!(number(&result["figures"], "connections"), 200.0, "{result:#}");
    let came: Vec<_> = result["phases"].as_array().unwrap().iter().collect();
    let came: Vec<_> = came.iter().map(|it| number(&it["figures"], "connections")).collect();
    assert!(came[0] > 80.0 && came[2] > 80.0 && came[3] < 10.0, "{came:?}");
}

#[test]
fn connections_go_where_they_are_sent_evenly() {
    let from = Server::engine_with("from", "2", "", &["--drain-secs", "3"]);
    let to = Server::engine("to", "1");
    let line = ["idle", "--connections", "600", "--phases", "ramp:500ms,hold:7s", "--also"];
    let result = std::thread::scope(|scope| {
        // Its process isn't looked at: it ends.
        let mut bench = Command::new(BENCH);
        bench.args(line).args([&to.address, "--target", &from.address, "--json"]);
        let run = scope.spawn(move || bench.output().unwrap());
        while from.people() < 600 {
            std::thread::yield_now();
        }
        let pid = from.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let output = run.join().unwrap();
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    });
    assert_eq!(result["faults"], serde_json::json!([]), "{result:#}");
    assert_eq!(number(&result["figures"], "connections_moved"), 600.0, "{result:#}");
    // Over three seconds, and one of jitter: 200 a second but for the edges.
    let came = |second: &Value| second["counts"]["done"].as_u64().unwrap_or(0);
    let seconds: Vec<_> = result["series"].as_array().unwrap().iter().map(came).collect();
    let later = &seconds[1..];
    assert!(later.iter().sum::<u64>() > 560, "{seconds:?}");
    assert!(later.iter().all(|count| *count < 280), "no peak: {seconds:?}");
}

#[test]
fn the_engine_is_compared_with_the_floor() {
    let (engine, floor) = programs();
    let output = Command::new(BENCH)
        .arg("compare-floor")
        .args([Path::new("--engine"), engine, Path::new("--floor"), floor])
        .args(["--rounds", "1", "--pairs", "5", "--secs", "0.3", "--warm-up", "0.1", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["faults"], serde_json::json!([]), "{report:#}");
    assert!(number(&report["figures"], "engine_to_echo") > 0.0);
}

#[test]
fn a_server_that_echoes_is_no_relay() {
    let echo = Server::floor("--echo");
    let output = echo.bench(&[&RELAY[..], &["--peer"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--peer=echo"));
}

#[test]
fn results_are_kept_and_look_as_the_schema_says() {
    let engine = Server::engine("out", "1");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made/on/the/way");
    let thresholds = ["--threshold", "messages>0", "--threshold", "relay.p50<1ns"];
    let seed = ["--seed", "0123456789abcdef", "--out", out.to_str().unwrap()];
    let output = engine.bench(&[&RELAY[..], &thresholds, &seed].concat());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept = std::fs::read(out.join("result.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept, printed);

    let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = schema.iter_errors(&kept).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(kept["seed"], "0123456789abcdef");
    let met: Vec<_> = kept["thresholds"].as_array().unwrap().iter().map(|it| &it["met"]).collect();
    assert_eq!(met, [true, false]);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains(r#""scenario":"relay""#) && !page.contains("http://127"));
    let log = std::fs::read_to_string(out.join("latency.hlog")).unwrap();
    assert!(log.contains("\nTag=relay,0.000,1.000,"), "{log:.400}");
    assert!(std::fs::read_to_string(out.join("relay.hgrm")).unwrap().contains("#[Mean"));
    let twice = Command::new(BENCH).arg("compare").args([&out, &out]).output().unwrap();
    let twice = String::from_utf8(twice.stdout).unwrap();
    assert!(twice.contains("relay.p99 ") && twice.contains(" 1.00×"), "{twice}");
    // A busy machine may make the run invalid, which counts for more.
    if kept["outcome"] == "missed" {
        assert_eq!(output.status.code(), Some(99));
    }
}

#[test]
fn other_machines_are_not_loaded_by_mistake() {
    let output = Command::new(BENCH).args(["relay", "--target", "192.0.2.1:80"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--i-may-load-this-host"));
}

/// People land on either of two reactors, half of them within TLS.
#[test]
fn chats_survive_a_network_that_fails() {
    let tls = ["--tls-listen", "127.0.0.1:0", "--tls-self-signed"];
    let mut engine = Server::engine_with("resume", "2", "", &tls);
    let talk = ["resume", "--pairs", "20", "--rate", "400", "--secs", "3"];
    let cut = ["--cut-after", "4k", "--patience", "300ms"];
    let plainly = engine.result(&[&talk[..], &cut].concat());
    engine.address = engine.tls.clone();
    let within_tls = engine.result(&[&talk[..], &cut, &["--tls-insecure"]].concat());
    for result in [plainly, within_tls] {
        let figures = &result["figures"];
        assert!(number(figures, "resumes") >= 50.0, "{figures:#}");
        for cuts in ["cuts_by_reset", "cuts_in_silence"] {
            assert!(number(figures, cuts) > 0.0, "{figures:#}");
        }
        for wrong in ["messages_lost", "messages_doubled", "messages_reordered", "resumes_refused"]
        {
            assert_eq!(number(figures, wrong), 0.0, "{figures:#}");
        }
    }
}
