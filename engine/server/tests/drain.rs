//! Emptying an engine: who is told when, who gets in no more, and how it ends.

mod harness;

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use harness::{ADULT_TEXT, Client, Engine, Http, Words, chat, join, say, strict, topic, until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use whisper_core::event_log::replay;
use whisper_proto::{CloseCode, ServerMessage};

/// Waits for the end of somebody who is sent elsewhere; when they shall come back.
#[track_caller]
fn sent_on(person: &mut Client) -> u32 {
    let mut after_ms = None;
    let code = person.closed_after(|message| match message {
        ServerMessage::Reconnect(it) => assert!(after_ms.replace(it.after_ms).is_none()),
        ServerMessage::Stats(_) | ServerMessage::Searching(_) => {}
        other => panic!("wanted to be sent elsewhere, but got {other:?}"),
    });
    assert_eq!(code, CloseCode::Restart.as_u16());
    after_ms.expect("who is to come back is told when")
}

/// How a drain goes.
fn progress(engine: &Engine) -> Value {
    let (status, progress) = engine.look("drain");
    assert_eq!(status, 200, "{progress}");
    progress
}

/// Waits until a drain's numbers are as wanted.
#[track_caller]
fn await_progress(engine: &Engine, wanted: impl Fn(&Value) -> bool) -> Value {
    until(|| {
        let progress = progress(engine);
        if wanted(&progress) { Ok(progress) } else { Err(progress.to_string()) }
    })
}

#[test]
fn those_who_chat_go_last_and_nobody_comes_meanwhile() {
    let dir = TempDir::new().expect("a directory");
    let events = dir.path().join("events");
    let mut engine = Engine::in_dir(dir, 2, &format!("event_log = {events:?}\n"));
    let mut idle = engine.client_on(0);
    let mut queued = engine.client_on(1);
    join(&mut queued, strict(ADULT_TEXT, &[&topic()]));
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);
    let mut http = engine.http();
    assert_eq!(http.get("/health").status, 200);
    let dry = json!({ "overMs": 60_000, "dryRun": true });
    // Its numbers are a second old.
    let plan = until(|| {
        let (_, plan) = engine.order("drain", &dry);
        let is_so = plan["people"] == 4 && plan["chatting"] == 2;
        if is_so { Ok(plan) } else { Err(plan.to_string()) }
    });
    assert_eq!(plan["draining"], json!(false));
    let chats_in = plan["chatsInMs"].as_u64().expect("a time");
    assert!((29_000..=30_000).contains(&chats_in), "half of them, half the time: {plan}");

    // So long that no chat ends by it in this test.
    let wish = json!({ "overMs": 8_000, "why": "a test" });
    let start = Instant::now();
    let (status, begun) = engine.order("drain", &wish);
    assert!(status == 200 && begun["draining"] == json!(true), "{begun}");
    assert_eq!(Http::connect(engine.admin).get("/ready").status, 503);
    for person in [&mut idle, &mut queued] {
        assert!(sent_on(person) <= 1_000);
    }
    assert!(start.elapsed() < Duration::from_secs(8));
    ann.say(&say("still here"));
    bob.expect::<Words>();
    await_progress(&engine, |it| it["people"] == 2);
    // Neither by a new connection nor by an old one.
    assert!(TcpStream::connect(engine.address).is_err());
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    http.send(upgrade);
    assert_eq!(http.answer().status, 503);

    // Somebody is in a hurry: it goes on from here.
    let (status, hurried) = engine.order("drain", &json!({ "overMs": 100 }));
    assert!(status == 200 && hurried["endsInMs"].as_u64() <= Some(100), "{hurried}");
    sent_on(&mut ann);
    sent_on(&mut bob);
    assert_eq!(engine.wait().code(), Some(0), "{}", engine.log());
    engine.await_log("a test");
    let log = std::fs::read(events).expect("a log");
    let replayed = replay(&*log).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(replayed.shards.len(), 2);
}

#[test]
fn it_ends_as_soon_as_everybody_is_gone() {
    let mut engine = Engine::configured(2, "drain_secs = 3600\n");
    let people: Vec<_> = (0..10).map(|_| engine.client()).collect();
    engine.await_sum("whisper_people_online", |people| people == 10.0);
    let _silent = engine.http();
    engine.signal(Signal::SIGTERM);
    engine.await_log("draining");
    people.into_iter().for_each(Client::vanish);
    assert_eq!(engine.wait().code(), Some(0), "{}", engine.log());
}

#[test]
fn a_second_signal_ends_it_now() {
    let mut engine = Engine::configured(2, "drain_secs = 3600\n");
    let mut people: Vec<_> = (0..20).map(|_| engine.client()).collect();
    for pair in people[..10].chunks_exact_mut(2) {
        let [ann, bob] = pair else { unreachable!("chunks of two") };
        chat(ann, bob);
    }
    engine.await_sum("whisper_people_online", |people| people == 20.0);
    engine.signal(Signal::SIGTERM);
    engine.await_log("draining");
    await_progress(&engine, |it| it["draining"] == json!(true));
    let start = Instant::now();
    engine.signal(Signal::SIGTERM);
    for person in &mut people {
        sent_on(person);
    }
    assert_eq!(engine.wait().code(), Some(0), "{}", engine.log());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_drain_is_even_over_its_time() {
    const PEOPLE: usize = 400;
    let engine = Engine::start(2);
    let people: Vec<_> = (0..PEOPLE).map(|_| engine.client()).collect();
    engine.await_sum("whisper_people_online", |people| people == PEOPLE as f64);
    let start = Instant::now();
    engine.order("drain", &json!({ "overMs": 2_000 }));
    // Each waits in the order of their connection's place: their ends are looked at one by one.
    let mut ends: Vec<_> = thread::scope(|scope| {
        let of =
            |mut person: Client| scope.spawn(move || (sent_on(&mut person), start.elapsed()).1);
        let threads: Vec<_> = people.into_iter().map(of).collect();
        threads.into_iter().map(|it| it.join().expect("it ends")).collect()
    });
    ends.sort_unstable();
    let by = |ms| ends.iter().filter(|it| it.as_millis() <= ms).count();
    // Nobody is told before their moment; on a busy machine they may hear of it later.
    for (ms, even) in [(500, PEOPLE / 4), (1_000, PEOPLE / 2), (1_500, 3 * PEOPLE / 4)] {
        assert!(by(ms) < even + PEOPLE / 8, "{} by {ms} ms, not {even}", by(ms));
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_nobody_goes() {
    let engine = Engine::start(1);
    for (wish, why) in [
        (json!({}), "overMs"),
        (json!({ "overMs": -1 }), "invalid value"),
        (json!({ "overMs": 86_400_001 }), "a day"),
        (json!({ "overMs": 1, "now": true }), "unknown field"),
    ] {
        let (status, answer) = engine.order("drain", &wish);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && error.contains(why), "{wish}: {status} {answer}");
    }
    assert_eq!(progress(&engine)["draining"], json!(false));
    engine.client().ping();
}
