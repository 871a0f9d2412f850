//! The process: how it starts, what it refuses to start with, and how it ends.

mod harness;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::{
    ADULT_TEXT, Client, Engine, Http, PATIENCE, Papers, Spoken, Words, chat, join, say, strict,
    topic, whisper,
};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tungstenite::Message;
use whisper_proto::{CloseCode, ErrorCode, ServerMessage, Stats};

#[test]
fn the_ready_line_says_where_and_what() {
    let engine = Engine::configured(3, "exempt = [\"10.0.0.0/8\"]\n");
    let ready = &engine.ready;
    assert_eq!(ready["event"], "ready");
    assert_eq!(ready["reactors"], 3);
    assert_eq!(ready["exempt"], serde_json::json!(["10.0.0.0/8"]));
    assert_eq!(ready["version"], env!("CARGO_PKG_VERSION"));
    assert!(ready["pid"].is_u64());
    assert!(engine.address.port() != 0 && engine.admin.port() != 0);
    assert_ne!(engine.address, engine.admin);
    // It accepts by then, on every reactor.
    for reactor in 0..3 {
        engine.client_on(reactor).ping();
    }
}

#[test]
fn more_than_one_address_is_listened_on() {
    let dir = TempDir::new().expect("a directory");
    let mut command = serve(dir.path());
    command.args(["--listen", "127.0.0.1:0,127.0.0.2:0", "--listen", "127.0.0.3:0"]);
    let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut line = String::new();
    let stdout = process.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("text");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert!(ready["admin"].is_null(), "off by default");
    let answers = [0, 1, 2].map(|at| {
        let address = ready["listen"][at].as_str().expect("an address");
        Http::connect(address.parse().expect("an address")).get("/health").status
    });
    process.kill().and_then(|()| process.wait()).expect("it ends");
    assert_eq!(answers, [200; 3]);
}

#[test]
fn signals_end_it_in_good_order() {
    const PEOPLE: usize = 200;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut engine = Engine::start(2);
        let mut people: Vec<Client> = (0..PEOPLE).map(|_| engine.client()).collect();
        // Idle ones, some who wait, some who chat; and connections that never said a word.
        for person in &mut people[..50] {
            join(person, strict(ADULT_TEXT, &[&topic()]));
        }
        for pair in people[50..150].chunks_exact_mut(2) {
            let [ann, bob] = pair else { unreachable!("chunks of two") };
            chat(ann, bob);
        }
        let mut plain = engine.http();
        assert_eq!(plain.get("/health").status, 200);
        let _silent = engine.http();

        let start = Instant::now();
        engine.signal(signal);
        for mut person in people {
            let mut after_ms = None;
            let code = person.closed_after(|message| match message {
                ServerMessage::Reconnect(it) => after_ms = Some(it.after_ms),
                ServerMessage::Stats(_) | ServerMessage::Searching(_) => {}
                other => panic!("they go all at once: {other:?}"),
            });
            assert_eq!(code, CloseCode::Restart.as_u16());
            assert!(after_ms.is_some_and(|it| it <= 1_000));
        }
        let status = engine.wait();
        assert_eq!(status.code(), Some(0), "{}", engine.log());
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(TcpListener::bind(engine.address).is_ok(), "its port is free again");
    }
}

#[test]
fn people_who_dont_read_dont_hold_up_the_end() {
    let mut engine = Engine::start(1);
    let people: Vec<Client> = (0..20).map(|_| engine.client()).collect();
    let start = Instant::now();
    engine.signal(Signal::SIGTERM);
    assert_eq!(engine.wait().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop(people);
}

#[test]
fn an_address_in_use_is_refused() {
    // By anybody else, and by an engine: two of them would share the people, who'd never meet.
    let other = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let engine = Engine::start(1);
    for address in [other.local_addr().expect("its address"), engine.address] {
        let dir = TempDir::new().expect("a directory");
        let error = refused(serve(dir.path()).args(["--listen", &address.to_string()]));
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(error.contains("in use"), "{error}");
    }
    let dir = TempDir::new().expect("a directory");
    let admin = engine.admin.to_string();
    let error = refused(serve(dir.path()).args(["--listen", "127.0.0.1:0", "--admin", &admin]));
    assert!(error.contains(&admin) && error.contains("in use"), "{error}");
    engine.client().ping();
}

#[test]
fn bad_settings_are_told_with_their_place() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("whisper.toml");
    for (toml, place, why) in [
        ("reactors = 2\nlisten_to = \"127.0.0.1:1\"\n", ":2:1:", "listen_to"),
        ("[matching]\nany_after_ms = 1000\nsometimes = true\n", ":3:1:", "sometimes"),
        ("[people]\n  ping_interval_ms = \"often\"\n", ":2:22:", "invalid type"),
        ("reactors = \n", ":1:", ""),
        ("exempt = [\"10.0.0.0/8\", \"everybody\"]\n", ":1:", ""),
        ("[matching]\nlanes = [\"adult/smell/moderated\"]\n", "matching.lanes:", "is no lane"),
        ("[matching]\nlanes = [\"teen/text/unmoderated\"]\n", "matching.lanes:", "can't be opened"),
        ("[matching]\nany_after_ms = 100\n", "matching.any_after_ms:", "single_after_ms"),
        ("[people]\nping_interval_ms = 10\n", "people.ping_interval_ms:", "1000"),
        ("[people]\nper_reactor = 0\n", "people.per_reactor:", "at least 1"),
        ("listen = []\n", "listen:", "at least one"),
        ("proxy_protocol = [\"127.0.0.1:1\"]\n", "proxy_protocol:", "not among the addresses"),
        ("proxy_protocol = [\"127.0.0.1:8080\"]\n", "proxy_protocol:", "needs proxies"),
        ("client_ip_header = \"X-Real-IP\"\n", "client_ip_header:", "needs proxies"),
        ("client_ip_header = \"X: \"\n", "client_ip_header:", "no name of a header"),
        ("origin = [\"chat.example\"]\n", "origin:", "no origin"),
        ("[tls]\nlisten = [\"127.0.0.1:0\"]\n", "tls.listen:", "needs tls.cert"),
        ("[tls]\ncert = [\"a.pem\"]\n", "tls.key:", "a key for each"),
        ("[tls]\ncert = [\"a\"]\nkey = [\"b\"]\nself_signed = true\n", "tls.self_signed:", "along"),
        ("[tls]\nself_signed = true\nlisten = []\n", "tls.listen:", "at least one"),
        ("[tls]\nredirect = [\"127.0.0.1:0\"]\n", "tls.redirect:", "no address"),
        ("[tls]\ncert = [\"credential:a/b\"]\nkey = [\"b\"]\n", "tls.cert:", "credential"),
        ("[tls]\ncert = [\"a\"]\nkey = [\"credential:b\"]\n", "tls.key:", "LoadCredential="),
        ("[turn]\nurls = [\"relay.example\"]\n", "turn.urls:", "no URL of a relay"),
        ("[turn]\nurls = [\"turn:relay.example\"]\n", "turn.secret:", "is needed"),
        ("[turn]\nsecret = \"a\"\n", "turn.secret:", "without a relay"),
        ("[turn]\nttl_secs = 1\n", "turn.ttl_secs:", "a minute"),
        ("[turn]\nurls = [\"turn:a\"]\nsecret = \"/dev/null\"\n", "/dev/null:", "1 to 1024 bytes"),
        ("[people]\nhead_max_ms = 0\n", "people.head_max_ms:", "at least 1"),
        ("[limits]\nsockets = 0\n", "limits.sockets:", "at least 1"),
        ("[limits]\njoins = { per_minute = 0, burst = 1 }\n", "limits.joins:", "per_minute"),
        ("[limits]\njoins = 5\n", ":2:9:", "invalid type"),
    ] {
        fs::write(&file, toml).expect("a file");
        for command in [&["serve"][..], &["config", "check"], &["config", "show"]] {
            let error = refused(whisper().args(command).arg("--config").arg(&file));
            assert!(error.contains(place) && error.contains(why), "{toml}\n{error}");
        }
    }
}

#[test]
fn certificates_that_cannot_be_used_are_told_by_their_files() {
    let dir = TempDir::new().expect("a directory");
    let [certificate, key] = Papers::new(&["localhost"]).write(dir.path(), "good");
    let [_, other] = Papers::new(&["localhost"]).write(dir.path(), "other");
    let empty = dir.path().join("empty");
    fs::write(&empty, "").expect("a file");
    let nowhere = dir.path().join("nowhere");
    for (certificate, key, why) in [
        (&certificate, &other, "doesn't belong"),
        (&certificate, &empty, "no private key"),
        (&certificate, &certificate, "no private key"),
        (&empty, &key, "no certificate"),
        (&nowhere, &key, "can't read"),
        (&certificate, &nowhere, "can't read"),
    ] {
        for command in [&["serve"][..], &["config", "check"]] {
            let mut command_line = whisper();
            command_line.args(command).args(["--listen", "127.0.0.1:0"]).arg("--data-dir");
            command_line.arg(dir.path()).args(["--tls-listen", "127.0.0.1:0", "--tls-cert"]);
            let error = refused(command_line.arg(certificate).arg("--tls-key").arg(key));
            assert!(error.contains(why), "{error}");
            let file = if why == "can't read" { &nowhere } else { key };
            assert!(error.contains(file.to_str().expect("a path")), "{error}");
        }
    }
}

#[test]
fn one_can_try_tls_without_a_certificate() {
    let engine = Engine::configured(1, "[tls]\nself_signed = true\nlisten = [\"127.0.0.1:0\"]\n");
    let address: SocketAddr =
        engine.ready["tls"][0].as_str().and_then(|it| it.parse().ok()).expect("an address");
    // Nobody trusts it: what comes of it is for the eye, or for `curl --insecure`.
    let papers = Papers::new(&["localhost"]);
    let mut http = Http::connect_tls(address, &papers.client(&rustls::version::TLS13), "localhost");
    assert!(!http.try_send(b"GET / HTTP/1.1\r\n"));
    drop(http);
    engine.await_metric("whisper_tls_handshakes_failed_total", |count| count == 1.0);
}

#[test]
fn bad_flags_are_refused() {
    for (flags, why) in [
        (&["--reactors", "0"][..], "must be 1 to 128"),
        (&["--reactors", "129"], "must be 1 to 128"),
        (&["--reactors", "many"], "invalid digit"),
        (&["--admin", "0.0.0.0:9090"], "must be a loopback address"),
        (&["--admin", "[::]:9090"], "must be a loopback address"),
        (&["--admin", "192.0.2.1:9090"], "must be a loopback address"),
        (&["--listen", "localhost"], "invalid"),
        (&["--exempt", "10.0.0.0/33"], "invalid"),
        (&["--web-root", "/nowhere"], "has no 200.html"),
        (&["--config", "/nowhere.toml"], "can't read /nowhere.toml"),
        (&["--surprise"], "unexpected argument"),
    ] {
        let error = refused(whisper().arg("serve").args(flags));
        assert!(error.contains(why), "{flags:?}: {error}");
    }
}

#[test]
fn config_check_says_that_all_is_well() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("whisper.toml");
    fs::write(&file, "reactors = 2\n[matching]\nany_after_ms = 1000\n").expect("a file");
    let output = run(whisper().args(["config", "check", "--config"]).arg(&file));
    assert!(output.status.success() && !output.stdout.is_empty());
    // Looking changes nothing.
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}

#[test]
fn config_show_names_origins_and_can_be_read_again() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("whisper.toml");
    let written = "listen = [\"127.0.0.1:1\"]\nreactors = 2\nexempt = [\"::1/128\"]\n\
                   [matching]\nany_after_ms = 1000\n[people]\nper_reactor = 100\n";
    fs::write(&file, written).expect("a file");
    let show = |config: &Path| {
        let mut command = whisper();
        command.args(["config", "show", "--origins", "--reactors", "3", "--config"]).arg(config);
        command.env("WHISPER_DATA_DIR", dir.path()).env("WHISPER_REACTORS", "4");
        let output = run(&mut command);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let shown = show(&file);
    let origin = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} = ")));
        let line = line.unwrap_or_else(|| panic!("no {key} in\n{shown}"));
        line.rsplit_once("# ").expect("an origin").1.to_owned()
    };
    let from_file = file.to_str().expect("a path");
    assert_eq!(origin("reactors"), "--reactors", "flags go first");
    assert_eq!(origin("data_dir"), "WHISPER_DATA_DIR");
    assert_eq!(origin("listen"), from_file);
    assert_eq!(origin("any_after_ms"), from_file);
    assert_eq!(origin("timeout_ms"), "default");

    let bare = run(whisper().args(["config", "show", "--origin", "--reactors", "3"]));
    assert!(text(&bare.stdout).contains("reactors = 3  # --reactors"), "--origin will do");
    let allowed = run(whisper().args(["config", "show", "--origin", "https://chat.example"]));
    assert!(
        text(&allowed.stdout).contains("origin = [\"https://chat.example\"]"),
        "and is a setting"
    );

    let values: toml::Table = shown.parse().expect("it is TOML");
    assert_eq!(values["reactors"].as_integer(), Some(3));
    assert_eq!(values["matching"]["any_after_ms"].as_integer(), Some(1000));
    assert_eq!(values["people"]["per_reactor"].as_integer(), Some(100));
    assert_eq!(values["exempt"][0].as_str(), Some("::1/128"));

    // As a file it means the same.
    let again = dir.path().join("again.toml");
    fs::write(&again, &shown).expect("a file");
    let again: toml::Table = show(&again).parse().expect("it is TOML");
    assert_eq!(again, values);
}

#[test]
fn clients_are_told_of_the_relay_and_nobody_of_its_secret() {
    let dir = TempDir::new().expect("a directory");
    let secret = dir.path().join("secret");
    fs::write(&secret, "north star\n").expect("a file");
    let secret = secret.to_str().expect("a path").to_owned();
    let settings = format!("[turn]\nurls = [\"turn:192.0.2.1\"]\nsecret = {secret:?}\n");
    let engine = Engine::in_dir(dir, 1, &settings);
    let mut ann = engine.http().upgrade_silently_to(Spoken::Json);
    let told = &ann.hears_text("connected")["data"]["iceServers"][0];
    assert_eq!(told["urls"], serde_json::json!(["turn:192.0.2.1"]));
    let (until, id) = told["username"].as_str().and_then(|it| it.split_once(':')).expect("a name");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let left = until.parse::<u64>().expect("a time").saturating_sub(now);
    assert!((86_340..=86_400).contains(&left), "{left} s are left");
    assert!(!id.is_empty());
    assert_eq!(told["credential"].as_str().map(str::len), Some(28), "20 bytes in base64");
    assert!(!engine.log().contains("north star"));

    let shown = run(whisper()
        .args(["config", "show", "--turn-urls", "turn:192.0.2.1"])
        .args(["--turn-secret", &secret]));
    let shown = text(&shown.stdout);
    assert!(shown.contains(&secret) && !shown.contains("north star"), "{shown}");
}

#[test]
fn the_key_is_made_once_and_kept_to_oneself() {
    let engine = Engine::start(1);
    let path = engine.dir().join("data/cluster.key");
    let key = fs::read(&path).expect("a key");
    let mode = fs::metadata(&path).expect("its metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let dir = engine.stop();
    let engine = Engine::in_dir(dir, 2, "");
    assert_eq!(fs::read(engine.dir().join("data/cluster.key")).expect("a key"), key);
    let other = Engine::start(1);
    assert_ne!(fs::read(other.dir().join("data/cluster.key")).expect("a key"), key);
    assert!(!engine.log().contains(text(&key).trim()), "keys are no log's business");
}

#[test]
fn a_broken_key_is_told() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("cluster.key");
    let short = "0123456789abcdef".repeat(4)[..62].to_owned();
    let long = "0123456789abcdef".repeat(5);
    let mut not_hex = "0123456789abcdef".repeat(4).into_bytes();
    not_hex[7] = b'x';
    let cases: [&[u8]; 5] =
        [b"", short.as_bytes(), long.as_bytes(), &not_hex, b"\xff\xfe\x00 a binary file"];
    for broken in cases {
        fs::write(&path, broken).expect("a file");
        let error = refused(serve(dir.path()).args(["--listen", "127.0.0.1:0"]));
        assert!(error.contains(path.to_str().expect("a path")), "{error}");
        assert!(error.contains("no key of 64 hexadecimal digits"), "{error}");
        assert_eq!(fs::read(&path).expect("a file"), broken, "it is left as it was");
    }
    fs::remove_file(&path).expect("it was there");
    fs::create_dir(&path).expect("a directory in its place");
    let error = refused(serve(dir.path()).args(["--listen", "127.0.0.1:0"]));
    assert!(error.contains(path.to_str().expect("a path")), "{error}");
}

#[test]
fn operators_see_the_numbers() {
    let engine = Engine::configured(2, "people.stats_interval_ms = 200\n");
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    // Who does nothing but hear the numbers now and then; so often the operator looks.
    let mut idle = engine.client_on(1);
    let mut operator = Http::connect(engine.admin);
    let mut until = |what: &str, good: &dyn Fn(&mut Http) -> bool| {
        let start = Instant::now();
        while !good(&mut operator) {
            assert!(start.elapsed() < PATIENCE, "never: {what}");
            idle.expect::<Stats>();
        }
    };
    chat(&mut ann, &mut bob);
    for _ in 0..10 {
        ann.say(&say("hello"));
        bob.expect::<Words>();
    }
    ann.send(Message::binary(vec![0xc1]));
    ann.refused(ErrorCode::BadMessage);

    until("ready", &|operator| operator.get("/ready").status == 200);
    // Each reactor tells its own once a second.
    until("the numbers are right", &|operator| {
        let metrics = Metrics::ask(operator);
        metrics.sum("whisper_people_online") == 3
            && metrics.sum("whisper_chats") == 1
            && metrics.sum("whisper_rooms_opened_total") == 1
            && metrics.sum("whisper_messages_malformed_total") == 1
            && metrics.sum("whisper_upgrades_total") == 3
            // Two joins, and what was said.
            && metrics.sum("whisper_messages_in_total") == 12
            && metrics.sum("whisper_sockets_open") >= 3
            && metrics.says("whisper_people_online{reactor=\"0\"} 1")
            && metrics.says("whisper_people_online{reactor=\"1\"} 2")
            && metrics.says("# TYPE whisper_people_online gauge")
    });
    bob.vanish();
    until("who has left isn't counted", &|operator| {
        let metrics = Metrics::ask(operator);
        metrics.sum("whisper_people_online") == 2 && metrics.sum("whisper_chats") == 0
    });
}

#[test]
fn what_arrives_at_once_leaves_at_once() {
    const MESSAGES: u64 = 16;
    let engine = Engine::start(1);
    let (mut ann, mut bob) = (engine.client(), engine.client());
    let mut operator = Http::connect(engine.admin);
    // What the reactor tells next, which it does once a second. In a chat nothing else is sent.
    let mut counted = |messages: u64| {
        let names = ["messages_in", "receives", "sends", "turns"];
        let mut ask = || {
            let metrics = Metrics::ask(&mut operator);
            names.map(|name| metrics.sum(&format!("whisper_{name}_total")))
        };
        let ([.., before], start) = (ask(), Instant::now());
        loop {
            assert!(start.elapsed() < PATIENCE, "never {messages} messages");
            let [heard, receives, sends, turns] = ask();
            if heard == messages && turns > before {
                return [receives, sends];
            }
        }
    };
    chat(&mut ann, &mut bob);
    let [receives, sends] = counted(2);
    ann.say_at_once(&say("hello"), MESSAGES as usize);
    (0..MESSAGES).for_each(|_| drop(bob.expect::<Words>()));
    assert_eq!(counted(2 + MESSAGES), [receives + 1, sends + 1]);
}

/// What `/metrics` answers.
struct Metrics(String);

impl Metrics {
    fn ask(operator: &mut Http) -> Self {
        let answer = operator.get("/metrics");
        assert_eq!(answer.status, 200);
        Self(answer.text().into())
    }

    fn says(&self, line: &str) -> bool {
        self.0.lines().any(|it| it == line)
    }

    /// The sum of a metric over the reactors.
    fn sum(&self, name: &str) -> u64 {
        let samples = self.0.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
        let values = samples.filter_map(|sample| sample.rsplit_once(' ')?.1.parse::<u64>().ok());
        values.sum()
    }
}

/// A command that would serve with its data in `dir`.
fn serve(dir: &Path) -> Command {
    let mut command = whisper();
    command.arg("serve").arg("--data-dir").arg(dir);
    command
}

/// Runs a command that must not succeed, and gives what it says of the reason.
fn refused(command: &mut Command) -> String {
    let mut process =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut line = String::new();
    let stdout = process.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("text");
    if !line.is_empty() {
        let _ = process.kill();
        let _ = process.wait();
        panic!("it should have refused, but said {line}");
    }
    let output = process.wait_with_output().expect("its output");
    let error = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}: {error}", output.status);
    assert!(!error.contains("panicked"), "{error}");
    error
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}
