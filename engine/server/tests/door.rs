//! Who is let in: what an address may hold, whom a proxy is believed to speak for, and how fast a
//! client may talk.

mod harness;

use std::net::SocketAddr;
use std::sync::Arc;

use harness::{
    ADULT_TEXT, Answer, Client, Engine, Http, Match, Papers, Spoken, Words, chat, join, say,
    say_as, strict, topic, until, until_true, upgrade_request,
};
use rustls::ClientConfig;
use rustls::version::TLS13;
use tempfile::TempDir;
use whisper_proto::{ClientMessage, CloseCode, ErrorCode, Hello, ServerMessage};

/// Nobody is free of limits.
const NOBODY: &str = "exempt = []\n";

/// A connection from an address that became a WebSocket, or the answer that it got instead.
fn enter(engine: &Engine, from: &str, headers: &str) -> Result<Client, Answer> {
    let mut http = Http::connect_from(from, engine.address);
    let answer = http.knock(headers);
    if answer.status != 101 {
        return Err(answer);
    }
    let mut client = http.into_client(Spoken::Msgpack);
    client.greet();
    Ok(client)
}

/// Tries until it is let in: what left a moment ago may not be counted out yet.
fn enter_soon(engine: &Engine, from: &str) -> Client {
    until(|| enter(engine, from, "").map_err(|answer| format!("{answer:?}")))
}

#[test]
fn an_address_has_five_sockets_whichever_reactors_they_come_to() {
    let settings = "[limits]\nupgrades = { per_minute = 6000, burst = 6000 }\n";
    let engine = Engine::configured(4, &format!("{NOBODY}{settings}"));
    let mut five: Vec<_> = (0..5).map(|_| enter(&engine, "127.0.0.2", "").expect("room")).collect();
    let refused = enter(&engine, "127.0.0.2", "").err().expect("a sixth is one too many");
    assert_eq!(refused.status, 429);
    let retry: u64 = refused.header("Retry-After").expect("when").parse().expect("seconds");
    assert!((1..=60).contains(&retry), "{retry}");
    let mut other = enter(&engine, "127.0.0.3", "").expect("a neighbour is somebody else");
    // Who leaves makes room, however they leave, as often as they like.
    for round in 0..20 {
        let one = five.remove(0);
        match round % 3 {
            0 => one.close(),
            1 => one.vanish(),
            _ => one.reset(),
        }
        five.push(enter_soon(&engine, "127.0.0.2"));
    }
    assert!(enter(&engine, "127.0.0.2", "").is_err());
    for client in &mut five {
        client.ping();
    }
    other.ping();
}

#[test]
fn upgrades_and_requests_have_rates() {
    let settings = "[limits]\nupgrades = { per_minute = 1, burst = 2 }\n\
                    requests = { per_minute = 1, burst = 3 }\n";
    let engine = Engine::configured(2, &format!("{NOBODY}{settings}"));
    for _ in 0..2 {
        enter(&engine, "127.0.0.2", "").expect("two at once").close();
    }
    assert_eq!(enter(&engine, "127.0.0.2", "").err().expect("no third").status, 429);
    let mut http = Http::connect_from("127.0.0.4", engine.address);
    for _ in 0..3 {
        assert_eq!(http.get("/stats").status, 200);
    }
    let refused = http.get("/stats");
    assert_eq!((refused.status, refused.header("Connection")), (429, Some("close")));
    http.expect_end();
    assert_eq!(Http::connect_from("127.0.0.5", engine.address).get("/stats").status, 200);
}

/// An engine that counts TLS handshakes, three at once and then one a second, and a client that
/// trusts it.
struct Shaken {
    engine: Engine,
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

impl Shaken {
    const NAME: &str = "chat.example";

    fn start(settings: &str, listen: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        let papers = Papers::new(&[Self::NAME]);
        let [certificate, key] = papers.write(dir.path(), "chat");
        let toml = format!(
            "{NOBODY}{settings}[tls]\nlisten = [{listen:?}]\ncert = [{certificate:?}]\n\
             key = [{key:?}]\n[limits]\nhandshakes = {{ per_minute = 60, burst = 3 }}\n"
        );
        let engine = Engine::in_dir(dir, 4, &toml);
        let address = engine.ready["tls"][0].as_str().expect("an address in the ready line");
        let address = address.parse().expect("an address");
        Self { engine, config: papers.client(&TLS13), address }
    }

    /// Whether hands are shaken on this connection; if not, it is at an end.
    fn shakes(&self, http: Http) -> bool {
        let mut http = http.within_tls(&self.config, Self::NAME);
        http.try_send(b"GET /health HTTP/1.1\r\nHost: whisper\r\n\r\n")
            && http.answer().status == 200
    }

    fn shakes_from(&self, from: &str) -> bool {
        self.shakes(Http::connect_from(from, self.address))
    }
}

#[test]
fn tls_handshakes_have_a_rate_for_each_address() {
    let shaken = Shaken::start("", "127.0.0.1:0");
    // One more a second is due, however slow this machine is.
    let in_a_row = (0..100).take_while(|_| shaken.shakes_from("127.0.0.2")).count();
    assert!((3..100).contains(&in_a_row), "{in_a_row}");
    shaken.engine.await_refused("handshakes", |count| count == 1.0);
    // Neighbours, of whom some have their owner elsewhere, are somebody else.
    for neighbour in 10..30 {
        assert!(shaken.shakes_from(&format!("127.0.0.{neighbour}")));
    }
    // Nothing was begun for who was turned away.
    shaken.engine.await_sum("whisper_tls_handshakes_total", |count| count >= 23.0);
    shaken.engine.await_sum("whisper_tls_handshakes_failed_total", |count| count == 0.0);
    until_true("let in again", || shaken.shakes_from("127.0.0.2"));
    // Without TLS nothing of that counts.
    assert_eq!(Http::connect_from("127.0.0.2", shaken.engine.address).get("/health").status, 200);
}

#[test]
fn tls_handshakes_behind_a_proxy_are_its_clients() {
    let settings = "listen = [\"127.0.0.1:0\"]\nproxies = [\"127.0.0.9/32\"]\n\
                    proxy_protocol = [\"127.0.0.2:0\"]\n";
    let shaken = Shaken::start(settings, "127.0.0.2:0");
    let by_proxy = |client: usize| {
        let mut http = Http::connect_from("127.0.0.9", shaken.address);
        http.send(format!("PROXY TCP4 192.0.2.{client} 127.0.0.1 5000 443\r\n"));
        shaken.shakes(http)
    };
    let in_a_row = (0..100).take_while(|_| by_proxy(7)).count();
    assert!((3..100).contains(&in_a_row), "{in_a_row}");
    for client in 10..30 {
        assert!(by_proxy(client), "the proxy itself is nobody");
    }
    assert!(!shaken.shakes_from("127.0.0.3"), "who is no proxy isn't heard");
}

#[test]
fn plain_connections_of_an_address_are_bounded() {
    let engine = Engine::configured(2, &format!("{NOBODY}[limits]\nplain_connections = 3\n"));
    let mut three: Vec<_> =
        (0..3).map(|_| Http::connect_from("127.0.0.2", engine.address)).collect();
    for http in &mut three {
        assert_eq!(http.get("/health").status, 200);
    }
    let mut fourth = Http::connect_from("127.0.0.2", engine.address);
    assert_eq!(fourth.get("/health").status, 429);
    assert_eq!(three[0].get("/health").status, 200, "who is in stays in");
}

#[test]
fn only_listed_proxies_are_believed() {
    let settings = "proxies = [\"127.0.0.9/32\"]\nclient_ip_header = \"x-forwarded-for\"\n";
    let engine = Engine::configured(2, &format!("{NOBODY}{settings}"));
    // Anybody else may write what they like.
    let forged: Vec<_> = (0..6)
        .map(|n| enter(&engine, "127.0.0.2", &format!("X-Forwarded-For: 192.0.2.{n}\r\n")))
        .collect();
    assert_eq!(forged.iter().filter(|it| it.is_ok()).count(), 5);
    // What the proxy says counts, and of that what it said itself: the last.
    let by_proxy = |client: &str| {
        let header = format!("X-Forwarded-For: 203.0.113.77, {client}\r\n");
        enter(&engine, "127.0.0.9", &header)
    };
    let many: Vec<_> = (0..12).map(|n| by_proxy(&format!("192.0.2.{n}"))).collect();
    assert!(many.iter().all(Result::is_ok));
    let one: Vec<_> = (0..6).map(|_| by_proxy("192.0.2.200")).collect();
    assert_eq!(one.iter().filter(|it| it.is_ok()).count(), 5);
    let refused = one.into_iter().find_map(Result::err).expect("one was refused");
    assert_eq!(refused.header("Connection"), Some("keep-alive"), "others come by the same way");
    // It must say something that can be read.
    for header in ["", "X-Forwarded-For: somebody\r\n", "X-Real-IP: 192.0.2.1\r\n"] {
        assert_eq!(enter(&engine, "127.0.0.9", header).err().expect("nobody's").status, 400);
    }
}

#[test]
fn a_named_header_is_the_only_one_asked() {
    let settings = "proxies = [\"127.0.0.9/32\"]\nclient_ip_header = \"CF-Connecting-IP\"\n";
    let engine = Engine::configured(2, &format!("{NOBODY}{settings}"));
    let by_proxy = |n: usize| {
        let header = format!("CF-Connecting-IP: 192.0.2.7\r\nX-Forwarded-For: 203.0.113.{n}\r\n");
        enter(&engine, "127.0.0.9", &header)
    };
    let all: Vec<_> = (0..6).map(by_proxy).collect();
    assert_eq!(all.iter().filter(|it| it.is_ok()).count(), 5);
}

#[test]
fn a_proxy_header_comes_first_and_from_proxies_only() {
    let settings = "listen = [\"127.0.0.1:0\"]\nproxies = [\"127.0.0.9/32\"]\n\
                    proxy_protocol = [\"127.0.0.1:0\"]\n";
    let engine = Engine::configured(2, &format!("{NOBODY}{settings}"));
    let line = |client: &str| format!("PROXY TCP4 {client} 127.0.0.1 5000 80\r\n");
    let mut stranger = Http::connect_from("127.0.0.2", engine.address);
    stranger.expect_end();
    for start in ["GET / HTTP/1.1\r\n", "PROXY TCP4 nobody 127.0.0.1 5000 80\r\n", "\x16\x03\x01"] {
        let mut http = Http::connect_from("127.0.0.9", engine.address);
        http.send(start);
        http.expect_end();
    }
    let enter_by = |header: &[u8], pieces: usize| {
        let mut http = Http::connect_from("127.0.0.9", engine.address);
        let all = [header, upgrade_request().as_bytes()].concat();
        for piece in all.chunks(all.len().div_ceil(pieces)) {
            http.send(piece);
        }
        match http.answer_head().status {
            101 => Ok(http.into_client(Spoken::Msgpack)),
            status => Err(status),
        }
    };
    let one: Vec<_> = (1..=6).map(|n| enter_by(line("192.0.2.7").as_bytes(), n)).collect();
    assert_eq!(one.iter().filter(|it| it.is_ok()).count(), 5, "all of one client");
    assert!(enter_by(line("192.0.2.8").as_bytes(), 1).is_ok(), "another client");
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x13\x88\0\x50";
    assert_eq!(enter_by(binary, 1).err(), Some(429), "192.0.2.7 again");
    drop(one);
}

#[test]
fn a_full_box_lets_nobody_in_and_keeps_who_is_there() {
    let settings = "[limits]\nmemory_reserve_mib = 100000000\n";
    let engine = Engine::configured(1, &format!("{NOBODY}{settings}"));
    // The first look may be a moment away.
    let refused = until(|| match enter(&engine, "127.0.0.2", "") {
        Err(answer) if answer.status == 503 => Ok(answer),
        _ => Err("there is room".to_owned()),
    });
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(Http::connect_from("127.0.0.3", engine.address).get("/health").status, 200);
}

#[test]
fn who_talks_too_fast_is_told_and_then_shown_out() {
    let settings = "[limits]\nmessages = { per_minute = 60, burst = 3 }\n\
                    refusals = { per_minute = 1, burst = 5 }\n";
    let engine = Engine::configured(2, &format!("{NOBODY}{settings}"));
    let mut ann = enter(&engine, "127.0.0.2", "").expect("room");
    let mut bob = enter(&engine, "127.0.0.3", "").expect("room");
    chat(&mut ann, &mut bob);
    for _ in 0..3 {
        ann.say(&say("quick"));
        bob.expect::<Words>();
    }
    for n in 0..5 {
        let id = format!("{n}");
        ann.say(&say_as(&id, "quicker"));
        let wait = ann.hear("too fast", |message| match message {
            ServerMessage::Error(error) => {
                assert_eq!((error.code, error.id), (ErrorCode::RateLimited, Some(&*id)));
                error.retry_after_ms
            }
            _ => None,
        });
        assert!((1..=1_000).contains(&wait), "{wait}");
    }
    // Other things may still be said.
    ann.say(&ClientMessage::Typing { is_typing: true, room: None });
    bob.hears(&ServerMessage::PartnerTyping { is_typing: true });
    ann.say(&say("quickest"));
    assert_eq!(ann.closed(), CloseCode::RateLimited.as_u16());
    bob.hears(&ServerMessage::PartnerDisconnected);
    engine.await_labelled("whisper_rate_limited_total", "act=\"message\"", |count| count == 6.0);
    engine.await_refused("messages", |count| count == 6.0);
}

#[test]
fn a_challenge_is_met_once_and_by_its_own_connection() {
    let engine = Engine::configured(2, &format!("{NOBODY}[challenge]\nmode = \"on\"\n"));
    let come = |from: &str| {
        let mut http = Http::connect_from(from, engine.address);
        assert_eq!(http.knock("").status, 101);
        let mut client = http.into_client(Spoken::Msgpack);
        let challenge = client.hear("connected", |message| match message {
            ServerMessage::Connected(it) => Some(it.challenge.map(<[u8]>::to_vec)),
            _ => None,
        });
        let challenge: altcha::Challenge =
            rmp_serde::from_slice(&challenge.expect("it is asked")).expect("a challenge");
        let options = altcha::SolveChallengeOptions::new(&challenge);
        let solution = altcha::solve_challenge(options).expect("good").expect("in time");
        (client, serde_json::to_vec(&solution).expect("JSON"))
    };
    let prove = |client: &mut Client, proof: &[u8]| {
        let hello = Hello { proof: Some(proof), ..Hello::default() };
        client.say(&ClientMessage::Hello(hello));
    };
    let topic = topic();
    let wish = || strict(ADULT_TEXT, &[&topic]);
    let ((mut ann, of_ann), (mut bob, of_bob)) = (come("127.0.0.2"), come("127.0.0.3"));
    for client in [&mut ann, &mut bob] {
        client.say(&ClientMessage::Join(wish()));
        client.refused(ErrorCode::ChallengeRequired);
        client.ping();
    }
    for wrong in [&of_bob[..], b"", b"{}"] {
        prove(&mut ann, wrong);
        ann.refused(ErrorCode::ChallengeRequired);
    }
    prove(&mut ann, &of_ann);
    prove(&mut bob, &of_bob);
    join(&mut ann, wish());
    join(&mut bob, wish());
    ann.expect::<Match>();
    bob.expect::<Match>();
}

#[test]
fn exempt_addresses_are_free_of_all_that() {
    let settings = "exempt = [\"127.0.0.2/32\"]\nchallenge.mode = \"on\"\n[limits]\nsockets = 1\n\
                    upgrades = { per_minute = 1, burst = 1 }\n\
                    messages = { per_minute = 1, burst = 1 }\n";
    let engine = Engine::configured(2, settings);
    let mut people: Vec<_> =
        (0..10).map(|_| enter(&engine, "127.0.0.2", "").expect("no limit")).collect();
    let (first, rest) = people.split_first_mut().expect("ten");
    chat(first, &mut rest[0]);
    for n in 0..50 {
        first.say(&say(&n.to_string()));
        rest[0].expect::<Words>();
    }
    enter(&engine, "127.0.0.3", "").expect("the first").close();
    assert!(enter(&engine, "127.0.0.3", "").is_err());
}

#[test]
fn a_join_can_follow_its_upgrade_at_once_wherever_the_address_is_owned() {
    let engine = Engine::configured(4, NOBODY);
    let topic = topic();
    // Many addresses, so many owners; the request comes in one piece with the first words behind.
    let mut people = Vec::new();
    for n in 10..30 {
        let from = format!("127.0.0.{n}");
        let mut client = enter(&engine, &from, "").expect("room");
        join(&mut client, strict(ADULT_TEXT, &[&topic]));
        people.push(client);
    }
    for client in &mut people {
        client.expect::<Match>();
    }
}
