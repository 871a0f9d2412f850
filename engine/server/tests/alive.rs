//! What comes by itself: pings, numbers, and the end of who doesn't answer or does nothing.

mod harness;

use std::sync::mpsc::{self, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use harness::{
    ADULT_TEXT, Client, Engine, Match, PATIENCE, Words, chat, join, say, strict, topic,
    upgrade_request,
};
use tungstenite::protocol::frame::FrameSocket;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use whisper_proto::{ClientMessage, CloseCode, Say, ServerMessage, Stats};

#[test]
fn who_answers_no_ping_is_closed() {
    let quick = "[people]\nping_interval_ms = 1000\nstats_interval_ms = 200\n";
    let engine = Engine::configured(2, quick);
    // Tungstenite answers pings, so a client that doesn't is made by hand.
    let mut http = engine.http();
    http.send(upgrade_request());
    assert_eq!(http.answer_head().status, 101);
    let (stream, unread) = http.into_parts();
    let mut silent = FrameSocket::from_partially_read(stream, unread);
    // Somebody else says nothing either, but answers, as tungstenite does by itself.
    let mut answering = engine.client();
    let (done, is_done) = mpsc::channel::<()>();
    let answering = thread::spawn(move || {
        while is_done.try_recv() == Err(TryRecvError::Empty) {
            answering.expect::<Stats>();
        }
        answering.ping();
    });

    let mut pings = 0;
    let close = loop {
        let frame = silent.read(None).expect("a frame in time").expect("no end before a close");
        match frame.header().opcode {
            OpCode::Control(Control::Ping) => {
                pings += 1;
                assert!(pings <= 2, "two may stay unanswered, no more");
            }
            OpCode::Control(Control::Close) => break frame,
            OpCode::Data(Data::Binary) => {} // the greetings, and numbers
            other => panic!("unexpected: {other}"),
        }
    };
    assert_eq!(pings, 2, "two may stay unanswered, no fewer");
    let code = CloseCode::GoingAway.as_u16().to_be_bytes();
    assert_eq!(close.payload()[..2], code);
    assert!(silent.read(None).expect("an end").is_none());
    drop(done);
    answering.join().expect("who answers is kept");
}

#[test]
fn plain_connections_that_say_nothing_end() {
    let engine = Engine::configured(1, "people.ping_interval_ms = 1000\n");
    let mut never = engine.http();
    let mut once = engine.http();
    assert_eq!(once.get("/health").status, 200);
    let mut half = engine.http();
    half.send("GET /health HTTP/1.1\r\nHos");
    for quiet in [&mut never, &mut once, &mut half] {
        quiet.expect_end();
    }
}

#[test]
fn numbers_come_while_idle_and_searching_but_not_in_a_chat() {
    let engine = Engine::configured(2, "people.stats_interval_ms = 100\n");
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    // Each shard hears of the other's people once a second.
    let until = |person: &mut Client, good: &dyn Fn(Stats) -> bool| {
        let start = Instant::now();
        while !good(person.expect()) {
            assert!(start.elapsed() < PATIENCE, "the numbers never get right");
        }
    };
    until(&mut ann, &|stats| stats.total_online == 2 && stats.in_queue == 0);
    let topic = topic();
    join(&mut ann, strict(ADULT_TEXT, &[&topic]));
    until(&mut ann, &|stats| stats.in_queue == 1);
    until(&mut bob, &|stats| stats.in_queue == 1 && stats.active_chats == 0);
    bob.say(&ClientMessage::Join(strict(ADULT_TEXT, &[&topic])));
    ann.expect::<Match>();
    bob.expect::<Match>();
    let mut cat = engine.client();
    until(&mut cat, &|stats| stats.active_chats == 1 && stats.total_online == 3);
    // By now numbers would have come to these two, were they not in a chat; the client makes sure
    // that none did.
    ann.say(&say("still here"));
    bob.expect::<Words>();
    bob.say(&say("me too"));
    ann.expect::<Words>();
    bob.vanish();
    ann.hears(&ServerMessage::PartnerDisconnected);
    until(&mut ann, &|stats| stats.total_online == 2 && stats.active_chats == 0);
    let numbers = engine.http().get("/stats").json();
    assert_eq!(numbers["nodes"], 1);
}

#[test]
fn who_does_nothing_for_long_is_closed() {
    let engine = Engine::configured(
        2,
        "[people]\nidle_max_ms = 1000\nstats_interval_ms = 200\nping_interval_ms = 1000\n",
    );
    let (mut idle, mut waiting) = (engine.client(), engine.client());
    join(&mut waiting, strict(ADULT_TEXT, &[&topic()]));
    let (mut ann, mut bob) = (engine.client(), engine.client());
    chat(&mut ann, &mut bob);
    let start = Instant::now();
    assert_eq!(idle.closed(), CloseCode::Idle.as_u16());
    assert!(start.elapsed() >= Duration::from_millis(500));
    // Who waits or chats isn't idle, however quiet.
    waiting.ping();
    ann.ping();
    bob.ping();
}

#[test]
fn who_doesn_t_read_is_closed_and_told_why_and_their_partner_goes_on() {
    let engine = Engine::configured(2, "");
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    let (_, of_bob) = chat(&mut ann, &mut bob);
    // Far more than two kernels hold for a connection; what comes after its end is dropped, for it
    // names the room.
    let content = "\u{10FFFF}".repeat(2_000);
    let words =
        ClientMessage::Message(Say { content: &content, id: None, room: Some(&of_bob.room) });
    for _ in 0..4_000 {
        bob.say(&words);
    }
    bob.hears(&ServerMessage::PartnerDisconnected);
    let mut heard = 0;
    let code = ann.closed_after(|message| {
        assert!(matches!(message, ServerMessage::Message(_)), "{message:?}");
        heard += 1;
    });
    assert_eq!(code, CloseCode::SlowReader.as_u16());
    assert!((1..4_000).contains(&heard), "{heard}");
    bob.ping();
}
