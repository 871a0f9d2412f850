//! What people have with each other and with the engine goes on, wherever it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tempfile::TempDir;
use whisper_proto::{ClientMessage, Hello, ServerMessage};

use crate::harness::{
    ADULT_TEXT, Client, Engine, FIN, Http, Match, Papers, Spoken, Welcome, Words, chat, frame,
    join, say, strict, topic,
};
use crate::talk;

#[test]
fn chats_go_on_over_several_handovers() {
    let mut engine = Engine::start(2);
    let mut pairs = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(ann, bob)| {
        let ann = engine.client_speaking(Spoken::Json, ann);
        (ann, engine.client_on(bob))
    });
    for (ann, bob) in &mut pairs {
        chat(ann, bob);
        talk(ann, bob, "before");
    }
    for generation in 1..=3 {
        engine.hand_over();
        let (_, state) = engine.look("upgrade");
        assert_eq!(state["generation"], generation);
        assert_eq!(state["sockets"], json!(pairs.len() * 2));
        for (ann, bob) in &mut pairs {
            talk(ann, bob, &format!("after {generation}"));
        }
    }
    // The last is an engine like any other.
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);
    talk(&mut ann, &mut bob, "somebody new");
    engine.signal(Signal::SIGTERM);
    engine.wait();
}

#[test]
fn what_is_half_said_is_heard_whole() {
    let mut engine = Engine::start(2);
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);
    let mut payload = Vec::new();
    say("said over two handovers").encode(&mut payload);
    let message = frame(FIN | 0x2, &payload);
    let (begin, rest) = message.split_at(3);
    let (middle, end) = rest.split_at(9);
    ann.send_raw(begin);
    let mut half_asked = engine.http();
    half_asked.send("GET /hea");
    engine.hand_over();
    ann.send_raw(middle);
    half_asked.send("lth HTTP/1.1\r\n");
    engine.hand_over();
    ann.send_raw(end);
    assert_eq!(bob.expect::<Words>().content, "said over two handovers");
    half_asked.send("Host: whisper\r\n\r\n");
    assert_eq!(half_asked.answer().status, 200);
    // And what is heard behind it, on the same connection.
    talk(&mut ann, &mut bob, "after");
    assert_eq!(half_asked.get("/health").status, 200);
}

#[test]
fn what_nobody_has_read_yet_is_read_whole_and_in_order() {
    let mut engine = Engine::start(1);
    let (mut ann, mut bob) = (engine.client(), engine.client());
    chat(&mut ann, &mut bob);
    // More than the kernel takes, and less than makes her too slow a reader.
    let long = |number: usize| format!("{number} {}", "x".repeat(1_900));
    let mut said = 0;
    while engine.sum("whisper_sends_short_total", "") == 0.0 {
        for number in said..said + 16 {
            bob.say(&say(&long(number)));
        }
        said += 16;
        engine.await_sum("whisper_relays_total", |relays| relays >= said as f64);
    }
    engine.hand_over();
    for number in 0..said {
        assert_eq!(ann.expect::<Words>().content, long(number));
    }
    talk(&mut ann, &mut bob, "after");
}

#[test]
fn who_waits_in_the_queue_goes_on_waiting() {
    let mut engine = Engine::start(2);
    let topics = [topic(), topic(), topic(), topic()];
    let mut waiting: Vec<Client> = (0..4).map(|number| engine.client_on(number % 2)).collect();
    for (person, topic) in waiting.iter_mut().zip(&topics) {
        join(person, strict(ADULT_TEXT, &[topic]));
    }
    engine.hand_over();
    for (number, (mut person, topic)) in waiting.into_iter().zip(&topics).enumerate() {
        let mut next = engine.client_on(u16::from(number > 1));
        join(&mut next, strict(ADULT_TEXT, &[topic]));
        let (matched, other): (Match, Match) = (next.expect(), person.expect());
        assert_eq!(matched.room, other.room);
        talk(&mut next, &mut person, topic);
    }
}

/// Somebody who said hello, and what they were told first.
fn arrive(engine: &Engine, reactor: u16) -> (Client, Welcome) {
    loop {
        let mut http = engine.http();
        if http.shard() == reactor {
            let mut client = http.upgrade_silently();
            let (welcome, _) = client.greet();
            client.say(&ClientMessage::Hello(Hello::default()));
            return (client, welcome);
        }
    }
}

/// Somebody comes back who has heard so much.
#[track_caller]
fn come_back(engine: &Engine, before: &Welcome, last_seq: u64) -> (Client, Welcome) {
    let mut client = engine.client();
    let (resume, last_seq) = (Some(&before.resume[..]), Some(last_seq));
    client.say(&ClientMessage::Hello(Hello { resume, last_seq, ..Hello::default() }));
    let answer: Welcome = client.expect();
    assert_eq!(answer.user, before.user, "they are back");
    (client, answer)
}

#[test]
fn who_is_waited_for_comes_back_to_another_process() {
    let mut engine = Engine::start(2);
    let ((mut ann, before), (mut bob, _)) = (arrive(&engine, 0), arrive(&engine, 1));
    chat(&mut ann, &mut bob);
    bob.say(&say("one"));
    assert_eq!(ann.expect::<Words>().content, "one");
    ann.reset();
    bob.hear("partner_reconnecting", |message| {
        matches!(message, ServerMessage::PartnerReconnecting { .. }).then_some(())
    });
    bob.say(&say("two"));
    bob.ping();
    engine.hand_over();
    bob.say(&say("three"));
    bob.ping();
    engine.hand_over();
    let (mut ann, _) = come_back(&engine, &before, 1);
    for words in ["two", "three"] {
        assert_eq!(ann.expect::<Words>().content, words);
    }
    bob.hears(&ServerMessage::PartnerResumed);
    talk(&mut ann, &mut bob, "back");
}

#[test]
fn nobody_who_knocks_meanwhile_is_turned_away() {
    let mut engine = Engine::start(2);
    let (address, is_over) = (engine.address, AtomicBool::new(false));
    thread::scope(|scope| {
        let visitor = || {
            let mut visits = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(Http::connect(address).get("/health").status, 200);
                visits += 1;
            }
            visits
        };
        let visitors = [(); 3].map(|()| scope.spawn(visitor));
        for _ in 0..3 {
            engine.hand_over();
        }
        is_over.store(true, Ordering::Relaxed);
        for visitor in visitors {
            assert!(visitor.join().expect("no visit fails") > 0);
        }
    });
}

#[test]
fn there_may_be_another_number_of_reactors() {
    let mut engine = Engine::configured(3, "reactors = 3\n");
    let mut pairs = [(0, 1), (1, 2), (2, 0), (2, 2)]
        .map(|(ann, bob)| (engine.client_on(ann), engine.client_on(bob)));
    for (ann, bob) in &mut pairs {
        chat(ann, bob);
    }
    let topic = topic();
    let (mut waits, token) = arrive(&engine, 2);
    join(&mut waits, strict(ADULT_TEXT, &[&topic]));
    for reactors in [1, 4, 2] {
        engine.settle(&format!("reactors = {reactors}\n"));
        engine.hand_over();
        assert_eq!(engine.ready["reactors"], reactors);
        for (ann, bob) in &mut pairs {
            talk(ann, bob, &format!("{reactors} reactors"));
        }
        // Newcomers come to each.
        for reactor in 0..reactors {
            engine.client_on(reactor).ping();
        }
    }
    let mut next = engine.client_on(1);
    join(&mut next, strict(ADULT_TEXT, &[&topic]));
    assert_eq!(next.expect::<Match>().room, waits.expect::<Match>().room);
    let (mut back, _) = come_back(&engine, &token, 0);
    talk(&mut back, &mut next, "found");
}

#[test]
fn chats_within_tls_go_on_too() {
    const NAME: &str = "chat.example";
    let dir = TempDir::new().expect("a directory");
    let papers = Papers::new(&[NAME]);
    let [certificate, key] = papers.write(dir.path(), "chat");
    let toml =
        format!("[tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{certificate:?}]\nkey = [{key:?}]\n");
    let mut engine = Engine::in_dir(dir, 2, &toml);
    let address = engine.ready["tls"][0].as_str().expect("an address").parse().expect("one");
    let connect = |version| Http::connect_tls(address, &papers.client(version), NAME);
    let mut pairs = [(&TLS13, &TLS12), (&TLS12, &TLS13), (&TLS13, &TLS13)]
        .map(|(ann, bob)| (connect(ann).upgrade(), connect(bob).upgrade()));
    for (ann, bob) in &mut pairs {
        chat(ann, bob);
        talk(ann, bob, "before");
    }
    let mut kept = connect(&TLS13);
    assert_eq!(kept.get("/health").status, 200);
    // One that hasn't said a word.
    let silent = Http::connect(address);
    for _ in 0..2 {
        engine.hand_over();
        for (ann, bob) in &mut pairs {
            talk(ann, bob, "after");
        }
        assert_eq!(kept.get("/health").status, 200);
    }
    let mut late = silent.within_tls(&papers.client(&TLS13), NAME);
    assert_eq!(late.get("/health").status, 200);
    assert_eq!(connect(&TLS12).get("/health").status, 200, "and newcomers");
}
