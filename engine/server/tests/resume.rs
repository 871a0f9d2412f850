//! Chats that outlive their connection, and those that don't.

mod harness;

use harness::{ADULT_TEXT, strict, topic, upgrade_request};
use harness::{Client, Engine, Http, Shared, Spoken, Welcome, Words, chat, join, say, say_as};
use harness::{arrive, ask_in, hears_words, waits};
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use whisper_core::event_log::replay;
use whisper_proto::{ClientMessage, CloseCode, ErrorCode, Hello, ServerMessage, Skip};

static ONE: Shared = Shared::new(1);

/// A new connection that asks for a session; what it is told then.
#[track_caller]
fn ask_for(engine: &Engine, token: &[u8], last_seq: u64) -> (Client, Welcome) {
    ask_in(engine, Spoken::Msgpack, token, last_seq)
}

/// Somebody comes back who has heard so much.
#[track_caller]
fn come_back(engine: &Engine, before: &Welcome, last_seq: u64) -> (Client, Welcome) {
    let (client, answer) = ask_for(engine, &before.resume, last_seq);
    assert_eq!(answer.user, before.user, "they are back");
    (client, answer)
}

/// Somebody comes, and isn't taken for whom they were.
#[track_caller]
fn come_as_a_stranger(engine: &Engine, token: &[u8], before: &Welcome) -> Client {
    let (client, answer) = ask_for(engine, token, 0);
    assert_ne!(answer.user, before.user, "they are not back");
    client
}

#[test]
fn a_chat_survives_a_reset() {
    for (ann_speaks, bob_speaks) in
        [(Spoken::Msgpack, Spoken::Msgpack), (Spoken::Json, Spoken::Msgpack)]
    {
        let engine = ONE.get();
        let ((mut ann, before), (mut bob, _)) =
            (arrive(&engine, ann_speaks), arrive(&engine, bob_speaks));
        let (_, matched) = chat(&mut ann, &mut bob);
        bob.say(&say("one"));
        hears_words(&mut ann, &["one"]);
        bob.say(&say("two"));
        bob.ping();
        ann.reset();
        let grace_ms = waits(&mut bob);
        assert_eq!(grace_ms, 20_000);
        bob.say(&ClientMessage::Typing { is_typing: true, room: None });
        bob.say(&say_as("3", "three"));
        bob.hears(&ServerMessage::MessageAck { id: "3", seq: 3 });
        let (mut ann, after) = ask_in(&engine, ann_speaks, &before.resume, 1);
        assert_eq!(after.user, before.user);
        assert_ne!(after.resume, before.resume);
        hears_words(&mut ann, &["two", "three"]);
        bob.hears(&ServerMessage::PartnerResumed);
        ann.say(&say("still here"));
        let words: Words = bob.expect();
        assert_eq!((words.content.as_str(), words.seq), ("still here", 1));
        assert_eq!(words.sender, matched.partner);
        bob.say(&say("me too"));
        hears_words(&mut ann, &["me too"]);
    }
}

#[test]
fn the_newest_wins_while_the_old_connection_looks_alive() {
    let engine = ONE.get();
    let ((mut old, before), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut old, &mut bob);
    bob.say(&say("do you hear me?"));
    bob.ping();
    let (mut new, _) = come_back(&engine, &before, 0);
    hears_words(&mut new, &["do you hear me?"]);
    let code = old.closed_after(|message| {
        assert!(matches!(message, ServerMessage::Message(_)), "{message:?}");
    });
    assert_eq!(code, CloseCode::GoingAway.as_u16());
    // Bob is told nothing of it, nor when the old connection is gone.
    new.say(&say("loud and clear"));
    hears_words(&mut bob, &["loud and clear"]);
    bob.ping();
}

#[test]
fn both_may_be_absent_at_once() {
    let engine = Engine::start(1);
    let ((mut ann, anns), (mut bob, bobs)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    ann.say(&say("hello"));
    ann.ping();
    ann.reset();
    hears_words(&mut bob, &["hello"]);
    waits(&mut bob);
    bob.say(&say("are you there?"));
    bob.ping();
    bob.vanish();
    engine.await_sum("whisper_sessions_absent", |absent| absent == 2.0);
    engine.await_sum("whisper_people_online", |people| people == 0.0);

    let (mut ann, _) = come_back(&engine, &anns, 0);
    hears_words(&mut ann, &["are you there?"]);
    assert!(waits(&mut ann) <= 20_000);
    ann.say(&say("yes, and you?"));
    ann.ping();
    let (mut bob, _) = come_back(&engine, &bobs, 1);
    hears_words(&mut bob, &["yes, and you?"]);
    bob.hears(&ServerMessage::PartnerResumed);
    ann.hears(&ServerMessage::PartnerResumed);
    bob.say(&say("yes"));
    hears_words(&mut ann, &["yes"]);
    engine.await_sum("whisper_sessions_absent", |absent| absent == 0.0);
    engine.await_labelled("whisper_resumes_total", "outcome=\"resumed\"", |it| it == 2.0);
}

#[test]
fn who_comes_too_late_is_somebody_new() {
    let engine = Engine::configured(1, "[people]\nresume_grace_ms = 100\n");
    let ((mut ann, before), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    ann.reset();
    assert_eq!(waits(&mut bob), 100);
    bob.hears(&ServerMessage::PartnerDisconnected);
    come_as_a_stranger(&engine, &before.resume, &before);
    engine.await_labelled("whisper_resumes_total", "outcome=\"late\"", |it| it == 1.0);
    engine.await_sum("whisper_kept_bytes", |bytes| bytes == 0.0);
}

#[test]
fn a_chat_that_is_left_is_over_at_once() {
    let engine = ONE.get();
    // A clean close; and none, of somebody who never said hello.
    let ((mut ann, before), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    ann.close();
    bob.hears(&ServerMessage::PartnerDisconnected);
    come_as_a_stranger(&engine, &before.resume, &before);

    let mut silent = engine.http().upgrade_silently();
    let (before, _) = silent.greet();
    chat(&mut silent, &mut bob);
    silent.reset();
    bob.hears(&ServerMessage::PartnerDisconnected);
    come_as_a_stranger(&engine, &before.resume, &before);

    // The same while the connection looks alive: they are here, and so not there.
    let mut silent = engine.http().upgrade_silently();
    let (before, _) = silent.greet();
    chat(&mut silent, &mut bob);
    let mut stranger = come_as_a_stranger(&engine, &before.resume, &before);
    bob.hears(&ServerMessage::PartnerDisconnected);
    assert_eq!(silent.closed(), CloseCode::GoingAway.as_u16());
    stranger.ping();
}

#[test]
fn who_was_in_the_queue_is_out_of_it() {
    let engine = ONE.get();
    let topic = topic();
    let (mut ann, before) = arrive(&engine, Spoken::Msgpack);
    join(&mut ann, strict(ADULT_TEXT, &[&topic]));
    let mut stranger = come_as_a_stranger(&engine, &before.resume, &before);
    assert_eq!(ann.closed(), CloseCode::GoingAway.as_u16());
    let (mut bob, _) = arrive(&engine, Spoken::Msgpack);
    join(&mut bob, strict(ADULT_TEXT, &[&topic]));
    bob.ping();
    join(&mut stranger, strict(ADULT_TEXT, &[&topic]));
    stranger.expect::<harness::Match>();
}

#[test]
fn tokens_are_good_where_they_were_made_and_for_whom() {
    let engine = Engine::start(1);
    let other = Engine::start(1);
    let ((mut ann, anns), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    let foreign = arrive(&other, Spoken::Msgpack).1.resume;
    let flipped = |at: usize| {
        let mut token = anns.resume.clone();
        token[at] ^= 0x80;
        token
    };
    let forged = [flipped(0), flipped(20), vec![], vec![7; 32], anns.resume[1..].to_vec(), foreign];
    for token in &forged {
        come_as_a_stranger(&engine, token, &anns);
    }
    let wrong = forged.len() as f64;
    engine.await_labelled("whisper_resumes_total", "outcome=\"refused\"", |it| it == wrong);
    // One's own, on the connection that it is for, changes nothing.
    let resume = Some(anns.resume.as_slice());
    ann.say(&ClientMessage::Hello(Hello { resume, ..Hello::default() }));
    ann.ping();
    ann.say(&say("nothing happened"));
    hears_words(&mut bob, &["nothing happened"]);
}

#[test]
fn a_token_is_good_until_the_next_has_arrived() {
    let engine = ONE.get();
    let ((mut ann, first), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    let (ann, second) = come_back(&engine, &first, 0);
    // What it was told may not have arrived: it comes by the same token again.
    ann.reset();
    waits(&mut bob);
    let (mut ann, again) = come_back(&engine, &first, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    assert_eq!(again.resume, second.resume);
    bob.say(&say("one"));
    hears_words(&mut ann, &["one"]);
    ann.say(&ClientMessage::Ack { seq: 1 });
    ann.ping();
    come_as_a_stranger(&engine, &first.resume, &first);
    ann.ping();
    let (mut ann, third) = come_back(&engine, &second, 1);
    assert_ne!(third.resume, second.resume);
    ann.say(&say("still here"));
    hears_words(&mut bob, &["still here"]);
}

#[test]
fn so_many_are_waited_for_and_no_more() {
    let engine = Engine::configured(1, "[people]\nabsent_max = 1\n");
    let mut people: Vec<_> = (0..4).map(|_| arrive(&engine, Spoken::Msgpack)).collect();
    let (mut dora, mut carl) = (people.pop().expect("four").0, people.pop().expect("four").0);
    let (mut bob, (mut ann, before)) = (people.pop().expect("four").0, people.pop().expect("four"));
    chat(&mut ann, &mut bob);
    chat(&mut carl, &mut dora);
    ann.reset();
    waits(&mut bob);
    carl.reset();
    dora.hears(&ServerMessage::PartnerDisconnected);
    come_back(&engine, &before, 0);
    bob.hears(&ServerMessage::PartnerResumed);
}

#[test]
fn what_is_said_again_is_neither_told_nor_judged_twice() {
    let engine = ONE.get();
    let ((mut ann, before), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    let blocked = "i will kill you";
    for (id, content) in [("a", "one"), ("b", blocked), ("c", "two")] {
        ann.say(&say_as(id, content));
    }
    hears_words(&mut bob, &["one", "two"]);
    let (mut ann, _) = come_back(&engine, &before, 0);
    for (id, content) in [("a", "one"), ("b", blocked), ("c", "two"), ("d", "three")] {
        ann.say(&say_as(id, content));
    }
    ann.hears(&ServerMessage::MessageAck { id: "a", seq: 1 });
    // No warning comes with it.
    assert_eq!(ann.refused(ErrorCode::Blocked).id.as_deref(), Some("b"));
    ann.hears(&ServerMessage::MessageAck { id: "c", seq: 2 });
    ann.hears(&ServerMessage::MessageAck { id: "d", seq: 3 });
    hears_words(&mut bob, &["three"]);
    bob.ping();
}

#[test]
fn who_was_away_learns_how_the_chat_ended() {
    let engine = ONE.get();
    // Noticed, and not.
    for noticed in [true, false] {
        let ((mut ann, before), (mut bob, _)) =
            (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
        chat(&mut ann, &mut bob);
        let old = if noticed {
            ann.reset();
            waits(&mut bob);
            None
        } else {
            Some(ann)
        };
        bob.say(&say("bye"));
        bob.say(&ClientMessage::Skip(Skip::default()));
        bob.ping();
        let (mut ann, _) = come_back(&engine, &before, 0);
        hears_words(&mut ann, &["bye"]);
        ann.hears(&ServerMessage::PartnerSkipped);
        drop(old);
        let (mut carl, _) = arrive(&engine, Spoken::Msgpack);
        chat(&mut ann, &mut carl);
    }
}

#[test]
fn nothing_is_lost_in_silence() {
    let engine = ONE.get();
    for (heard, is_back) in [(6, true), (5, false)] {
        let ((mut ann, before), (mut bob, _)) =
            (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
        chat(&mut ann, &mut bob);
        let lines: Vec<_> = (1..=70).map(|number| format!("line {number}")).collect();
        lines.iter().for_each(|line| bob.say(&say(line)));
        bob.ping();
        ann.reset();
        waits(&mut bob);
        if is_back {
            let (mut ann, _) = come_back(&engine, &before, heard);
            let missed: Vec<_> = lines[6..].iter().map(String::as_str).collect();
            hears_words(&mut ann, &missed);
            bob.hears(&ServerMessage::PartnerResumed);
        } else {
            let (_, answer) = ask_for(&engine, &before.resume, heard);
            assert_ne!(answer.user, before.user, "a line is lost");
            bob.hears(&ServerMessage::PartnerDisconnected);
        }
    }
}

#[test]
fn a_ban_finds_who_is_absent() {
    let engine = Engine::start(1);
    let from = |address: &str| {
        let mut http = Http::connect_from(address, engine.address);
        http.send(upgrade_request());
        assert_eq!(http.answer_head().status, 101);
        let mut client = http.into_client(Spoken::Msgpack);
        let (welcome, _) = client.greet();
        client.say(&ClientMessage::Hello(Hello::default()));
        (client, welcome)
    };
    let ((mut ann, before), (mut bob, _)) = (from("127.0.0.2"), from("127.0.0.3"));
    chat(&mut ann, &mut bob);
    ann.reset();
    waits(&mut bob);
    let wish = json!({ "subject": "127.0.0.2", "reason": "Spam", "code": "spam", "seconds": 60,
        "why": "a test" });
    assert_eq!(engine.order("bans", &wish).0, 200);
    bob.hears(&ServerMessage::PartnerDisconnected);
    // From elsewhere the token is of no use either.
    come_as_a_stranger(&engine, &before.resume, &before);
}

#[test]
fn who_stays_silent_is_lost_and_not_gone() {
    let engine = Engine::configured(1, "[people]\nping_interval_ms = 1000\n");
    let ((mut ann, before), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    // Only who reads answers pings.
    waits(&mut bob);
    come_back(&engine, &before, 0);
    bob.hears(&ServerMessage::PartnerResumed);
}

/// A side of a chat whose connections don't last.
struct Restless {
    client: Option<Client>,
    welcome: Welcome,
    /// Words that came, in order.
    heard: Vec<String>,
    /// Connections that look alive still.
    old: Option<Client>,
}

impl Restless {
    fn new(engine: &Engine) -> Self {
        let (client, welcome) = arrive(engine, Spoken::Msgpack);
        Self { client: Some(client), welcome, heard: Vec::new(), old: None }
    }

    /// Loses the connection, which the engine may see or not, and comes back by whichever reactor.
    fn come_again(&mut self, engine: &Engine, is_seen: bool) {
        self.old = self.client.take();
        if is_seen {
            self.old.take().into_iter().for_each(Client::reset);
        }
        let (client, welcome) = come_back(engine, &self.welcome, self.heard.len() as u64);
        (self.client, self.welcome) = (Some(client), welcome);
    }

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("they are here")
    }

    /// Hears all that came up to the answer to a ping.
    fn listen(&mut self) {
        self.client().say(&ClientMessage::Ping);
        loop {
            let words = self.client().hear("anything", |message| {
                Some(match message {
                    ServerMessage::Message(said) => Some((said.seq, said.content.to_owned())),
                    ServerMessage::Pong { .. } => None,
                    _ => Some((0, String::new())),
                })
            });
            let Some((seq, content)) = words else { break };
            if seq > 0 {
                self.heard.push(content);
                assert_eq!(seq, self.heard.len() as u64, "in order, and once");
            }
        }
        let seq = self.heard.len() as u64;
        self.client().say(&ClientMessage::Ack { seq });
    }
}

/// How often each of the two comes back.
const COMES_AGAIN: usize = 5_000;

#[test]
fn however_often_they_come_back_nothing_is_lost_or_doubled() {
    let engine = Engine::start(2);
    let mut people = [Restless::new(&engine), Restless::new(&engine)];
    let [ann, bob] = &mut people;
    chat(ann.client(), bob.client());
    for round in 0..COMES_AGAIN {
        for (me, other) in [(0, 1), (1, 0)] {
            let line = format!("line {round}");
            people[me].client().say(&say_as(&line, &line));
            // It may have arrived, and isn't answered yet: it is said again.
            people[me].come_again(&engine, (round + me) % 3 == 0);
            people[me].client().say(&say_as(&line, &line));
            if round % 5 == 0 {
                people[other].listen();
            }
        }
    }
    for person in &mut people {
        person.listen();
        person.listen();
        let wanted = (0..COMES_AGAIN).map(|round| format!("line {round}"));
        assert!(person.heard.iter().cloned().eq(wanted), "{:?}", person.heard.len());
    }
    let wanted = 2.0 * COMES_AGAIN as f64;
    engine.await_labelled("whisper_resumes_total", "outcome=\"resumed\"", |it| it == wanted);
}

#[test]
fn an_event_log_has_it_all_come_out_again() {
    let dir = TempDir::new().expect("a directory");
    let events = dir.path().join("events");
    let toml = format!("event_log = {events:?}\n[people]\nresume_grace_ms = 300\n");
    let mut engine = Engine::in_dir(dir, 1, &toml);
    let ((mut ann, before), (mut bob, _)) =
        (arrive(&engine, Spoken::Msgpack), arrive(&engine, Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    for id in ["an id", "another", "a third"] {
        ann.say(&say_as(id, "hm"));
    }
    hears_words(&mut bob, &["hm"; 3]);
    ann.reset();
    waits(&mut bob);
    (0..30).for_each(|_| bob.say(&say("again and again")));
    bob.ping();
    let (mut ann, before) = come_back(&engine, &before, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    ann.say(&say_as("another", "hm"));
    ann.reset();
    waits(&mut bob);
    bob.hears(&ServerMessage::PartnerDisconnected);
    come_as_a_stranger(&engine, &before.resume, &before);
    engine.signal(Signal::SIGTERM);
    assert!(engine.wait().success(), "{}", engine.log());
    let log = std::fs::read(events).expect("a log");
    assert!(!log.windows(7).any(|bytes| bytes == b"another"), "no id of a client is in it");
    let replayed = replay(&*log).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(replayed.shards.len(), 1);
}
