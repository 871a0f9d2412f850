//! TLS on the listeners for people, with rustls's client on the other side.

mod harness;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::{
    ADULT_TEXT, Client, Engine, FIN, Http, PATIENCE, Papers, Spoken, Words, chat, frame, join, say,
    strict, topic, until, upgrade_request,
};
use nix::sys::signal::Signal;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};
use tempfile::TempDir;
use whisper_proto::{ClientMessage, CloseCode, ServerMessage};

const NAME: &str = "chat.example";

/// An engine that speaks TLS too, and whom its clients trust.
struct Secured {
    engine: Engine,
    papers: Papers,
    address: SocketAddr,
}

impl Secured {
    fn start(reactors: u16) -> Self {
        Self::configured(reactors, "")
    }

    /// With further settings: first those of `[tls]`, then other tables.
    fn configured(reactors: u16, settings: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        let papers = Papers::new(&[NAME, "localhost"]);
        let [certificate, key] = papers.write(dir.path(), "chat");
        let toml = format!(
            "[tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{certificate:?}]\nkey = [{key:?}]\n{settings}"
        );
        let engine = Engine::in_dir(dir, reactors, &toml);
        let address = address_of(&engine, "tls");
        Self { engine, papers, address }
    }

    fn http(&self) -> Http {
        Http::connect_tls(self.address, &self.papers.client(&TLS13), NAME)
    }

    fn client(&self) -> Client {
        self.http().upgrade()
    }

    /// A person's client on a certain reactor.
    fn client_on(&self, reactor: u16, config: &Arc<ClientConfig>) -> Client {
        loop {
            let mut http = Http::connect_tls(self.address, config, NAME);
            if http.shard() == reactor {
                return http.upgrade();
            }
        }
    }
}

fn address_of(engine: &Engine, listener: &str) -> SocketAddr {
    let address = engine.ready[listener][0].as_str().expect("an address in the ready line");
    address.parse().expect("an address")
}

/// Has each of two people in a chat hear the other.
#[track_caller]
fn talk(ann: &mut Client, bob: &mut Client, words: &str) {
    ann.say(&say(words));
    assert_eq!(bob.expect::<Words>().content, words);
    bob.say(&say(words));
    assert_eq!(ann.expect::<Words>().content, words);
}

#[test]
fn people_chat_whether_by_tls_or_not() {
    let secured = Secured::start(2);
    let [old, new] = [&TLS12, &TLS13].map(|version| secured.papers.client(version));
    let long = "x".repeat(2000);
    for (ann, bob) in [(0, 0), (0, 1), (1, 1)] {
        for (ann, bob) in [
            (secured.client_on(ann, &new), secured.client_on(bob, &new)),
            (secured.client_on(ann, &old), secured.client_on(bob, &new)),
            (secured.client_on(ann, &new), secured.engine.client_on(bob)),
        ] {
            let (mut ann, mut bob) = (ann, bob);
            chat(&mut ann, &mut bob);
            talk(&mut ann, &mut bob, "hello");
            talk(&mut ann, &mut bob, &long);
            ann.close();
            bob.hears(&ServerMessage::PartnerDisconnected);
            bob.close();
        }
    }
}

#[test]
fn bursts_and_great_messages_arrive_whole() {
    let secured = Secured::start(1);
    for version in [&TLS13, &TLS12] {
        let config = secured.papers.client(version);
        let [mut ann, mut bob] = [(); 2].map(|()| secured.client_on(0, &config));
        chat(&mut ann, &mut bob);
        // As many frames as will do in records of full size.
        let words = "y".repeat(1500);
        let mut burst = Vec::new();
        for _ in 0..8 {
            let mut payload = Vec::new();
            say(&words).encode(&mut payload);
            burst.extend(frame(FIN | 0x2, &payload));
        }
        ann.send_raw(&burst);
        for _ in 0..8 {
            assert_eq!(bob.expect::<Words>().content, words);
        }
        // A frame as long as may be, and cut in as many records as there are bytes.
        let ping = frame(FIN | 0x9, &[7; 100]);
        for byte in ping {
            ann.send_raw(&[byte]);
        }
        ann.ping();
    }
}

#[test]
fn certificates_are_renewed_and_nobody_is_dropped() {
    let secured = Secured::start(2);
    let config = secured.papers.client(&TLS13);
    let (mut ann, mut bob) = (secured.client_on(0, &config), secured.client_on(1, &config));
    chat(&mut ann, &mut bob);

    // By a signal.
    let renewed = Papers::new(&[NAME]);
    renewed.write(&secured.engine.dir(), "chat");
    secured.engine.signal(Signal::SIGHUP);
    await_shown(&secured, &renewed);
    talk(&mut ann, &mut bob, "still here");

    // By themselves: first one file, then the other.
    let again = Papers::new(&[NAME]);
    let elsewhere = secured.engine.dir().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    for (file, target) in again.write(&elsewhere, "chat").into_iter().zip(["chat.pem", "chat.key"])
    {
        let target = secured.engine.dir().join(target);
        fs::remove_file(&target).expect("it was there");
        symlink(file, target).expect("a link");
    }
    await_shown(&secured, &again);
    talk(&mut ann, &mut bob, "and still");

    // A bad one is told of, and the old one stays.
    fs::write(secured.engine.dir().join("chat.pem"), "nothing of PEM").expect("a file");
    secured.engine.signal(Signal::SIGHUP);
    let log = secured.engine.await_log("the old configuration stays");
    assert!(log.contains("holds no certificate") && log.contains("chat.pem"), "{log}");
    assert!(shown(&secured, &again), "it stays");
    talk(&mut ann, &mut bob, "to the end");
}

/// Whether newcomers are shown these.
fn shown(secured: &Secured, papers: &Papers) -> bool {
    let mut http = Http::connect_tls(secured.address, &papers.client(&TLS13), NAME);
    http.try_send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") && http.answer().status == 200
}

fn await_shown(secured: &Secured, papers: &Papers) {
    until(|| if shown(secured, papers) { Ok(()) } else { Err(secured.engine.log()) });
}

#[test]
fn tickets_are_good_on_every_reactor() {
    let secured = Secured::start(3);
    for version in [&TLS13, &TLS12] {
        let config = secured.papers.client(version);
        let mut full = [0; 3];
        let mut resumed = [0; 3];
        let start = Instant::now();
        while resumed.contains(&0) {
            assert!(start.elapsed() < PATIENCE, "{full:?} {resumed:?}");
            let mut http = Http::connect_tls(secured.address, &config, NAME);
            let shard = usize::from(http.shard());
            match http.tls().handshake_kind() {
                Some(HandshakeKind::Resumed) => resumed[shard] += 1,
                _ => full[shard] += 1,
            }
        }
        assert_eq!(full.iter().sum::<u32>(), 1, "only the first had to begin anew");
    }
}

#[test]
fn the_end_is_said_and_heard() {
    let secured = Secured::start(1);
    // The server's: after an answer that closes, and after a WebSocket's close.
    let mut http = secured.http();
    http.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(http.answer().status, 404);
    http.expect_end();
    secured.client().close();

    // The client's: it says that it is done, and may still listen.
    let mut http = secured.http();
    assert_eq!(http.get("/health").status, 200);
    http.tls().send_close_notify();
    http.flush();
    http.expect_end();

    // Its socket's only: the server's answers still come, and its end.
    let mut http = secured.http();
    http.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    http.shut(Shutdown::Write);
    assert_eq!(http.answer().status, 200);
    http.expect_end();

    // In a chat.
    let (mut ann, mut bob) = (secured.client(), secured.client());
    chat(&mut ann, &mut bob);
    ann.vanish();
    bob.hears(&ServerMessage::PartnerDisconnected);
}

#[test]
fn who_speaks_something_else_is_told_so() {
    let secured = Secured::start(1);
    let mut plain = Http::connect(secured.address);
    plain.send("GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n");
    let answer = plain.answer();
    assert_eq!((answer.status, answer.header("Connection")), (400, Some("close")));
    assert!(answer.text().contains("https://"), "{}", answer.text());
    plain.expect_end();
    for garbage in [&[0; 100][..], &[0xFF; 5], b"\x80\x2e\x01\x00\x02"] {
        let mut plain = Http::connect(secured.address);
        plain.send(garbage);
        assert_eq!(plain.answer().status, 400);
    }
    // TLS, but none that is spoken: 1.1, and records that are none.
    for hello in [
        old_hello(),
        b"\x16\x03\x01\xff\xff\x01".to_vec(),
        b"\x16\x03\x01\0\x04\x09\0\0\0".to_vec(),
    ] {
        let mut stream = TcpStream::connect(secured.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        stream.write_all(&hello).expect("the connection takes bytes");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an end");
        assert_eq!((answer.len(), answer[0], answer[5]), (7, 21, 2), "a fatal alert: {answer:?}");
    }
    assert_eq!(secured.http().get("/health").status, 200);
    // And TLS where none is spoken.
    let mut stream = Http::connect(secured.engine.address);
    stream.send(old_hello());
    assert_eq!(stream.answer().status, 400);
}

/// A ClientHello of TLS 1.1.
fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0xC0, 0x13, 0x00, 0x2F, 1, 0]);
    let mut record = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

/// Sends a byte now and again until it is answered, or over; how long that took.
fn dribble(http: &mut Http, bytes: &[u8]) -> Duration {
    let start = Instant::now();
    let mut rest = bytes.iter();
    loop {
        assert!(start.elapsed() < PATIENCE, "it goes on for ever");
        let byte = rest.next().map_or(&[][..], std::slice::from_ref);
        if !http.try_send(byte) || http.hears_within(Duration::from_millis(25)) {
            return start.elapsed();
        }
    }
}

#[test]
fn heads_have_so_long_and_no_longer() {
    const MAX: Duration = Duration::from_millis(700);
    let secured = Secured::configured(1, "[people]\nhead_max_ms = 700\n");
    let request = upgrade_request();
    let hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 100]].concat();
    let mut person = secured.client();
    thread::scope(|scope| {
        // Within TLS, without, and in a handshake that never ends; from the first byte or silent.
        for (mut http, bytes, answer) in [
            (secured.http(), request.as_bytes(), Some(408)),
            (secured.http(), b"", None),
            (secured.engine.http(), request.as_bytes(), Some(408)),
            (secured.engine.http(), b"", None),
            (Http::connect(secured.address), &hello, None),
            (Http::connect(secured.address), b"", None),
        ] {
            scope.spawn(move || {
                let took = dribble(&mut http, bytes);
                assert!(took < 2 * MAX && took > MAX / 2, "{took:?} for {bytes:?}");
                if let Some(status) = answer {
                    assert_eq!(http.answer().status, status);
                }
                http.expect_end();
            });
        }
        // A later head on the same connection has at most twice as long.
        scope.spawn(|| {
            let mut http = secured.http();
            assert_eq!(http.get("/health").status, 200);
            assert!(dribble(&mut http, request.as_bytes()) < 3 * MAX);
            assert_eq!(http.answer().status, 408);
        });
        // Who asks in time may come again.
        scope.spawn(|| {
            let mut http = secured.http();
            let start = Instant::now();
            while start.elapsed() < 2 * MAX {
                assert_eq!(http.get("/health").status, 200);
            }
        });
    });
    person.ping();
}

#[test]
fn many_handshakes_take_turns() {
    const PEOPLE: usize = 150;
    let secured = Secured::start(1);
    let (mut ann, mut bob) = (secured.client(), secured.client());
    chat(&mut ann, &mut bob);
    // All say hello before any is answered.
    let config = secured.papers.client(&TLS13);
    let mut crowd: Vec<Http> = (0..PEOPLE)
        .map(|_| {
            let mut http = Http::connect_tls(secured.address, &config, NAME);
            let mut hello = Vec::new();
            http.tls().write_tls(&mut hello).expect("a vector takes it");
            http.send_raw(&hello);
            http
        })
        .collect();
    talk(&mut ann, &mut bob, "what a crowd");
    for http in &mut crowd {
        assert_eq!(http.get("/health").status, 200);
    }
    let metrics = secured
        .engine
        .await_metric("whisper_tls_handshakes_total", |count| count >= PEOPLE as f64 + 2.0);
    assert!(
        metrics.contains("whisper_connections{reactor=\"0\",state=\"handshaking\"} 0"),
        "{metrics}"
    );
    drop(crowd);
    talk(&mut ann, &mut bob, "gone");
}

#[test]
fn files_go_out_by_tls_as_they_are() {
    let dir = TempDir::new().expect("a directory");
    fs::create_dir(dir.path().join("web")).expect("a directory");
    let big: Vec<u8> = (0..3u32 << 20).map(|n| (n / 7) as u8).collect();
    fs::write(dir.path().join("web/200.html"), "<!doctype html>").expect("a file");
    fs::write(dir.path().join("web/big.bin"), &big).expect("a file");
    let web = dir.path().join("web");
    let papers = Papers::new(&[NAME]);
    let [certificate, key] = papers.write(dir.path(), "chat");
    let toml = format!(
        "web_root = {web:?}\n[tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{certificate:?}]\nkey = [{key:?}]\nhsts_secs = 600\n"
    );
    let engine = Engine::in_dir(dir, 1, &toml);
    for version in [&TLS13, &TLS12] {
        let mut http = Http::connect_tls(address_of(&engine, "tls"), &papers.client(version), NAME);
        // Asked for three times before any of it is read.
        http.send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3));
        for _ in 0..3 {
            let answer = http.answer();
            assert!(answer.body == big, "{} bytes came", answer.body.len());
            assert_eq!(answer.header("Strict-Transport-Security"), Some("max-age=600"));
        }
        http.send("GET /big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(http.answer().body == big);
        http.expect_end();
    }
    assert_eq!(engine.http().get("/").header("Strict-Transport-Security"), None);
}

#[test]
fn a_name_is_answered_by_its_own_certificate() {
    let dir = TempDir::new().expect("a directory");
    let (one, other) = (Papers::new(&["one.example"]), Papers::new(&["*.other.example"]));
    let credentials = dir.path().join("credentials");
    fs::create_dir(&credentials).expect("a directory");
    let [one_certificate, one_key] = one.write(dir.path(), "one");
    other.write(&credentials, "other");
    let toml = format!(
        "[tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{one_certificate:?}, \"credential:other.pem\"]\n\
         key = [{one_key:?}, \"credential:other.key\"]\n"
    );
    let engine = Engine::with_env(dir, 1, &toml, &[("CREDENTIALS_DIRECTORY", &credentials)]);
    let address = address_of(&engine, "tls");
    for (papers, name, trusted) in [
        (&one, "one.example", true),
        (&other, "a.other.example", true),
        (&other, "one.example", false),
        (&one, "a.other.example", false),
    ] {
        let mut http = Http::connect_tls(address, &papers.client(&TLS13), name);
        assert_eq!(http.try_send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), trusted, "{name}");
    }
}

#[test]
fn who_comes_without_tls_is_sent_to_it() {
    let secured = Secured::configured(2, "redirect = [\"127.0.0.1:0\"]\n");
    let redirect = address_of(&secured.engine, "redirect");
    let port = secured.address.port();
    for (request, location) in [
        (
            "GET /chat?x=1 HTTP/1.1\r\nHost: chat.example\r\n\r\n",
            format!("https://chat.example:{port}/chat?x=1"),
        ),
        (
            "HEAD / HTTP/1.1\r\nHost: chat.example:80\r\n\r\n",
            format!("https://chat.example:{port}/"),
        ),
        (&upgrade_request(), format!("https://whisper:{port}/ws")),
    ] {
        let mut http = Http::connect(redirect);
        http.send(request);
        let answer = http.answer_head();
        assert_eq!((answer.status, answer.header("Location")), (308, Some(&location[..])));
        http.expect_end();
    }
    let mut http = Http::connect(redirect);
    http.send("GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n");
    assert_eq!(http.answer().status, 400);
}

#[test]
fn those_who_speak_tls_are_told_of_the_end() {
    let mut secured = Secured::start(2);
    let mut people: Vec<_> = (0..20).map(|_| secured.client()).collect();
    let fresh = Http::connect(secured.address);
    secured.engine.signal(Signal::SIGTERM);
    for person in &mut people {
        assert_eq!(person.closed_after(|_| {}), CloseCode::Restart as u16);
    }
    assert!(secured.engine.wait().success());
    drop(fresh);
}

#[test]
fn json_is_spoken_within_tls() {
    let secured = Secured::start(1);
    let mut ann = secured.http().upgrade_to(Spoken::Json);
    let mut bob = secured.engine.client();
    let interest = topic();
    join(&mut ann, strict(ADULT_TEXT, &[&interest]));
    join(&mut bob, strict(ADULT_TEXT, &[&interest]));
    ann.expect::<harness::Match>();
    bob.expect::<harness::Match>();
    talk(&mut ann, &mut bob, "hello");
    ann.say(&ClientMessage::Leave);
}
