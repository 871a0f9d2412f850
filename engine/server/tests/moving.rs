//! Whoever comes back may be accepted by any reactor; the one where the person is at home serves
//! the connection from then on, and nobody notices.

mod harness;

use std::net::SocketAddr;

use harness::{Client, Engine, FIN, Http, Papers, Spoken, Welcome, Words, chat, frame, say, topic};
use harness::{meet, say_as};
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use whisper_proto::{ClientMessage, Hello, ServerMessage};

/// Where people are at home, and where they land when they come back.
const WAYS: [(u16, u16); 4] = [(0, 2), (2, 0), (1, 2), (1, 1)];

fn moved(engine: &Engine, wanted: impl Fn(f64) -> bool) {
    engine.await_sum("whisper_connection_moves_total", wanted);
}

/// A person's client on a certain reactor, to whom nobody has listened yet.
fn client_on(engine: &Engine, spoken: Spoken, reactor: u16) -> Client {
    landing_on(reactor, || engine.http()).upgrade_silently_to(spoken)
}

fn landing_on(reactor: u16, connect: impl Fn() -> Http) -> Http {
    loop {
        let mut http = connect();
        if http.shard() == reactor {
            return http;
        }
    }
}

/// Says who they were.
fn resume(client: &mut Client, token: &[u8], last_seq: u64) {
    let hello = Hello { resume: Some(token), last_seq: Some(last_seq), ..Hello::default() };
    client.say(&ClientMessage::Hello(hello));
}

fn introduce(client: &mut Client) -> Welcome {
    let (welcome, _) = client.greet();
    client.say(&ClientMessage::Hello(Hello::default()));
    welcome
}

fn absence_begins(client: &mut Client) {
    client.hear("partner_reconnecting", |message| {
        matches!(message, ServerMessage::PartnerReconnecting { .. }).then_some(())
    });
}

/// Loses a chat by a connection that breaks, and has it back on another one.
fn lose_and_resume(mut ann: Client, bob: &mut Client, come_back: impl FnOnce() -> Client) {
    let welcome = introduce(&mut ann);
    introduce(bob);
    chat(&mut ann, bob);
    bob.say(&say("one"));
    assert_eq!(ann.expect::<Words>().content, "one");
    ann.reset();
    absence_begins(bob);
    bob.say(&say("two"));
    bob.say(&say("three"));

    let mut ann = come_back();
    assert_ne!(ann.greet().0.user, welcome.user, "a new connection is a newcomer's at first");
    resume(&mut ann, &welcome.resume, 1);
    let back: Welcome = ann.expect();
    assert_eq!(back.user, welcome.user);
    for words in ["two", "three"] {
        assert_eq!(ann.expect::<Words>().content, words);
    }
    bob.hears(&ServerMessage::PartnerResumed);
    ann.say(&say_as("a", "four"));
    assert_eq!(bob.expect::<Words>().content, "four");
    ann.hear("message_ack", |message| {
        matches!(message, ServerMessage::MessageAck { id: "a", .. }).then_some(())
    });
    ann.ping();
    ann.close();
    bob.hears(&ServerMessage::PartnerDisconnected);
}

#[test]
fn a_connection_comes_home_from_wherever_it_lands() {
    let engine = Engine::start(3);
    let mut moves = 0.0;
    for (home, landing) in WAYS {
        for spoken in [Spoken::Msgpack, Spoken::Json] {
            let ann = client_on(&engine, spoken, home);
            let mut bob = client_on(&engine, Spoken::Msgpack, 0);
            lose_and_resume(ann, &mut bob, || client_on(&engine, spoken, landing));
            moves += f64::from(u8::from(home != landing));
            moved(&engine, |count| count == moves);
        }
    }
}

#[test]
fn its_encryption_comes_along() {
    const NAME: &str = "chat.example";
    let dir = TempDir::new().expect("a directory");
    let papers = Papers::new(&[NAME]);
    let [certificate, key] = papers.write(dir.path(), "chat");
    let toml =
        format!("[tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{certificate:?}]\nkey = [{key:?}]\n");
    let engine = Engine::in_dir(dir, 3, &toml);
    let address: SocketAddr = engine.ready["tls"][0].as_str().unwrap().parse().unwrap();
    for version in [&TLS12, &TLS13] {
        let config = papers.client(version);
        let tls_client_on = |reactor| {
            let connect = || Http::connect_tls(address, &config, NAME);
            landing_on(reactor, connect).upgrade_silently_to(Spoken::Msgpack)
        };
        for (home, landing) in WAYS {
            let mut bob = client_on(&engine, Spoken::Msgpack, 0);
            lose_and_resume(tls_client_on(home), &mut bob, || tls_client_on(landing));
        }
    }
    moved(&engine, |count| count == 6.0);
}

/// What follows the `hello` at once is heard at home, in order; half a frame of it as well.
#[test]
fn what_is_said_behind_the_hello_is_heard_at_home() {
    let engine = Engine::start(3);
    for (home, landing) in WAYS {
        let mut ann = client_on(&engine, Spoken::Msgpack, home);
        let mut bob = client_on(&engine, Spoken::Msgpack, 0);
        let welcome = introduce(&mut ann);
        introduce(&mut bob);
        chat(&mut ann, &mut bob);
        ann.reset();
        absence_begins(&mut bob);

        let mut ann = client_on(&engine, Spoken::Msgpack, landing);
        ann.greet();
        let hello = Hello { resume: Some(&welcome.resume), ..Hello::default() };
        let messages = [ClientMessage::Hello(hello), say("at once"), say("in two pieces")];
        let mut bytes = Vec::new();
        for message in &messages {
            let mut payload = Vec::new();
            message.encode(&mut payload);
            bytes.extend(frame(FIN | 2, &payload));
        }
        let (first, rest) = bytes.split_at(bytes.len() - 5);
        ann.send_raw(first);
        assert_eq!(ann.expect::<Welcome>().user, welcome.user);
        bob.hears(&ServerMessage::PartnerResumed);
        assert_eq!(bob.expect::<Words>().content, "at once");
        ann.send_raw(rest);
        assert_eq!(bob.expect::<Words>().content, "in two pieces");
    }
}

/// It goes on being lost, and comes home from everywhere.
#[test]
fn a_chat_survives_any_number_of_moves() {
    let engine = Engine::start(3);
    let mut ann = client_on(&engine, Spoken::Msgpack, 0);
    let mut bob = client_on(&engine, Spoken::Msgpack, 1);
    let Welcome { user, resume: mut token, .. } = introduce(&mut ann);
    introduce(&mut bob);
    meet(&mut ann, &mut bob, &topic());
    for round in 1..=20_u16 {
        ann.reset();
        absence_begins(&mut bob);
        let words = format!("word {round}");
        bob.say(&say(&words));
        ann = client_on(&engine, Spoken::Msgpack, round % 3);
        ann.greet();
        resume(&mut ann, &token, (round - 1).into());
        let back: Welcome = ann.expect();
        assert_eq!(back.user, user);
        token = back.resume;
        assert_eq!(ann.expect::<Words>().content, words);
        bob.hears(&ServerMessage::PartnerResumed);
        ann.say(&ClientMessage::Ack { seq: round.into() });
    }
    moved(&engine, |count| count == 14.0);
}

/// A seat that was not given back would be missing after a few: one address has five.
#[test]
fn what_an_address_holds_moves_along_and_is_given_back_once() {
    let engine = Engine::configured(3, "exempt = []\n");
    let mut ann = client_on(&engine, Spoken::Msgpack, 0);
    let mut bob = client_on(&engine, Spoken::Msgpack, 1);
    let Welcome { user, resume: mut token, .. } = introduce(&mut ann);
    introduce(&mut bob);
    chat(&mut ann, &mut bob);
    for round in 1..=12_u16 {
        ann.reset();
        absence_begins(&mut bob);
        ann = client_on(&engine, Spoken::Msgpack, round % 3);
        ann.greet();
        resume(&mut ann, &token, 0);
        let back: Welcome = ann.expect();
        assert_eq!(back.user, user);
        token = back.resume;
        bob.hears(&ServerMessage::PartnerResumed);
    }
    // Two of them are taken, and no more than five are to be had.
    let more: Vec<_> = (0..3).map(|_| engine.client()).collect();
    let refused = engine.http().get("/health");
    assert_eq!(refused.status, 200, "that is no WebSocket");
    drop(more);
}
