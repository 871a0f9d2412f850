//! Whoever comes back at another box is brought back there, as long as their home lives: real
//! engines, and a real NATS between them.

mod harness;

use std::fs;
use std::time::{Duration, Instant};

use harness::{ADULT_TEXT, Client, Engine, Http, Nats, Spoken, Welcome};
use harness::{arrive, ask_in, chat, hears_words, join, say, say_as, strict, topic, until, waits};
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tungstenite::Message;
use whisper_proto::{ClientMessage, CloseCode, ErrorCode, Hello, ServerMessage};

const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// What each box has; a setting, so that another may take its place.
const TWO_REACTORS: &str = "reactors = 2";

/// Boxes of one cluster, numbered from 1.
struct Boxes {
    engines: Vec<Engine>,
    _nats: Nats,
}

impl Boxes {
    /// So many that all have links to all others.
    fn start(count: u16) -> Self {
        let nats = Nats::start();
        let engines: Vec<_> = (1..=count).map(|id| node(nats.port, id)).collect();
        let boxes = Self { engines, _nats: nats };
        boxes.await_links(&(1..=count).collect::<Vec<_>>());
        boxes
    }

    /// The box of this number.
    fn at(&self, node: u16) -> &Engine {
        &self.engines[usize::from(node) - 1]
    }

    /// Waits until these have links to one another.
    #[track_caller]
    fn await_links(&self, nodes: &[u16]) {
        for node in nodes {
            for other in nodes.iter().filter(|other| *other != node) {
                await_link(self.at(*node), *other);
            }
        }
    }
}

fn node(port: u16, id: u16) -> Engine {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("cluster.secret");
    fs::write(&file, SECRET).expect("a secret");
    let toml = format!(
        "nats = [\"nats://127.0.0.1:{port}\"]\nnode_id = {id}\ncluster_secret_file = {file:?}\n\
         drain_secs = 0\n{TWO_REACTORS}\n"
    );
    Engine::in_dir(dir, 2, &toml)
}

/// Waits until the link to a node is up.
#[track_caller]
fn await_link(engine: &Engine, other: u16) {
    until(|| {
        let (_, cluster) = engine.look("cluster");
        let nodes = cluster["nodes"].as_array().into_iter().flatten();
        let up = nodes.filter(|it| it["node"] == other).any(|it| it["link"]["up"] == true);
        if up { Ok(()) } else { Err(cluster.to_string()) }
    });
}

/// Two who chat at the first box, and who the first of them is.
fn chatting(boxes: &Boxes, spoken: Spoken) -> (Client, Welcome, Client) {
    let ((mut ann, before), (mut bob, _)) =
        (arrive(boxes.at(1), spoken), arrive(boxes.at(1), Spoken::Msgpack));
    chat(&mut ann, &mut bob);
    (ann, before, bob)
}

/// Somebody who chats at the first box, loses the connection, and comes back at the second.
fn roaming(boxes: &Boxes) -> (Client, Welcome, Client) {
    let (ann, before, mut bob) = chatting(boxes, Spoken::Msgpack);
    ann.reset();
    waits(&mut bob);
    let (ann, after) = come_back(boxes.at(2), &before, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    (ann, after, bob)
}

#[track_caller]
fn come_back(engine: &Engine, before: &Welcome, last_seq: u64) -> (Client, Welcome) {
    let (client, answer) = ask_in(engine, Spoken::Msgpack, &before.resume, last_seq);
    assert_eq!(answer.user, before.user, "they are back");
    (client, answer)
}

#[track_caller]
fn come_as_a_stranger(engine: &Engine, before: &Welcome) -> (Client, Welcome) {
    let (client, answer) = ask_in(engine, Spoken::Msgpack, &before.resume, 0);
    assert_ne!(answer.user, before.user, "they are not back");
    (client, answer)
}

/// Waits for the end of somebody who is sent elsewhere; when they shall come back.
#[track_caller]
fn sent_on(person: &mut Client) -> u32 {
    let mut after_ms = None;
    let code = person.closed_after(|message| match message {
        ServerMessage::Reconnect(it) => assert!(after_ms.replace(it.after_ms).is_none()),
        ServerMessage::Stats(_) | ServerMessage::PartnerDisconnected => {}
        other => panic!("wanted to be sent elsewhere, but got {other:?}"),
    });
    assert_eq!(code, CloseCode::Restart.as_u16());
    after_ms.expect("who is to come back is told when")
}

/// Both hear each other.
#[track_caller]
fn hear_each_other(ann: &mut Client, bob: &mut Client) {
    ann.say(&say("do you hear me?"));
    hears_words(bob, &["do you hear me?"]);
    bob.say(&say("I do"));
    hears_words(ann, &["I do"]);
}

#[test]
fn a_chat_goes_on_at_another_box() {
    let boxes = Boxes::start(2);
    for spoken in [Spoken::Msgpack, Spoken::Json] {
        let (mut ann, before, mut bob) = chatting(&boxes, spoken);
        bob.say(&say("one"));
        hears_words(&mut ann, &["one"]);
        ann.say(&say_as("7", "said before"));
        ann.hears(&ServerMessage::MessageAck { id: "7", seq: 1 });
        hears_words(&mut bob, &["said before"]);
        bob.say(&say("two"));
        bob.ping();
        ann.reset();
        waits(&mut bob);
        bob.say(&say("three"));

        let (mut ann, after) = ask_in(boxes.at(2), spoken, &before.resume, 1);
        assert_eq!(after.user, before.user);
        assert_ne!(after.resume, before.resume);
        hears_words(&mut ann, &["two", "three"]);
        bob.hears(&ServerMessage::PartnerResumed);
        hear_each_other(&mut ann, &mut bob);
        // What is said again is known by its id, as it would be at home.
        ann.say(&say_as("7", "said before"));
        ann.hears(&ServerMessage::MessageAck { id: "7", seq: 1 });
        bob.say(&ClientMessage::Typing { is_typing: true, room: None });
        ann.hears(&ServerMessage::PartnerTyping { is_typing: true });
        ann.send(match spoken {
            Spoken::Msgpack => Message::binary(vec![0xc1]),
            Spoken::Json => Message::text("{"),
        });
        ann.refused(ErrorCode::BadMessage);
        boxes.at(2).await_sum("whisper_visitors", |count| count == 1.0);
        boxes.at(1).await_sum("whisper_hosted", |count| count == 1.0);

        // Back at home, by the token that came by way of the other box.
        let mut elsewhere = ann;
        let (mut ann, _) = come_back(boxes.at(1), &after, 4);
        assert_eq!(elsewhere.closed(), CloseCode::GoingAway.as_u16());
        hear_each_other(&mut ann, &mut bob);
        boxes.at(2).await_sum("whisper_visitors", |count| count == 0.0);
        boxes.at(1).await_sum("whisper_hosted", |count| count == 0.0);
    }
}

#[test]
fn at_another_box_they_leave_and_meet_as_ever() {
    let boxes = Boxes::start(2);
    let (mut ann, _, mut bob) = roaming(&boxes);
    // The chat ends, and the next one is of home too.
    ann.say(&ClientMessage::Leave);
    bob.hears(&ServerMessage::PartnerSkipped);
    let mut eve = boxes.at(1).client();
    chat(&mut ann, &mut eve);
    hear_each_other(&mut ann, &mut eve);
    // A close frame is one, wherever it comes.
    ann.close();
    eve.hears(&ServerMessage::PartnerDisconnected);

    // A connection that breaks is waited for, again.
    let (ann, after, mut bob) = roaming(&boxes);
    ann.reset();
    waits(&mut bob);
    let (mut ann, _) = come_back(boxes.at(2), &after, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    hear_each_other(&mut ann, &mut bob);
}

#[test]
fn who_cant_be_brought_back_is_somebody_new_where_they_came() {
    let boxes = Boxes::start(2);
    let (ann, before, mut bob) = chatting(&boxes, Spoken::Msgpack);
    let (mut back, after) = come_back(boxes.at(2), &before, 0);
    drop(ann);
    back.say(&ClientMessage::Ack { seq: 0 });
    back.ping();
    // The token before is good no more.
    let (mut stranger, _) = come_as_a_stranger(boxes.at(2), &before);
    join(&mut stranger, strict(ADULT_TEXT, &[&topic()]));
    hear_each_other(&mut back, &mut bob);
    // Nobody is there any more.
    bob.say(&ClientMessage::Leave);
    back.hears(&ServerMessage::PartnerSkipped);
    back.close();
    boxes.at(1).await_sum("whisper_hosted", |count| count == 0.0);
    come_as_a_stranger(boxes.at(2), &after);
    let mut forged = before;
    forged.resume[40] ^= 1;
    come_as_a_stranger(boxes.at(2), &forged);
}

#[test]
fn a_ban_at_home_reaches_who_roams() {
    let boxes = Boxes::start(2);
    let (mut ann, after, mut bob) = roaming(&boxes);
    let subject = format!("banned:users:{}", after.user);
    let wish = json!({ "subject": subject, "reason": "Spam", "code": "spam", "seconds": 60 });
    let (status, answer) = boxes.at(1).order("bans", &wish);
    assert_eq!(status, 200, "{answer}");
    let mut reason = String::new();
    let code = ann.closed_after(|message| {
        if let ServerMessage::Banned(banned) = message {
            reason = banned.reason.to_owned();
        }
    });
    assert_eq!((code, reason.as_str()), (CloseCode::Banned.as_u16(), "Spam"));
    bob.hears(&ServerMessage::PartnerDisconnected);
}

#[test]
fn a_home_that_dies_is_told_of_plainly() {
    let boxes = Boxes::start(2);
    let (mut ann, after, bob) = roaming(&boxes);
    boxes.at(1).signal(Signal::SIGKILL);
    drop(bob);
    assert!((3_000..=4_000).contains(&sent_on(&mut ann)));
    let (mut ann, _) = come_as_a_stranger(boxes.at(2), &after);
    let mut eve = boxes.at(2).client();
    chat(&mut ann, &mut eve);
    hear_each_other(&mut ann, &mut eve);
}

#[test]
fn a_chat_outlives_an_upgrade_of_either_box() {
    let mut boxes = Boxes::start(2);
    let (mut ann, mut after, mut bob) = roaming(&boxes);
    for (heard, upgraded) in (0..).zip([1, 0]) {
        boxes.engines[upgraded].hand_over();
        let since = Instant::now();
        let wait = Duration::from_millis(sent_on(&mut ann).into());
        waits(&mut bob);
        boxes.await_links(&[1, 2]);
        assert!(since.elapsed() <= wait, "who comes when told to comes too early");
        (ann, after) = come_back(boxes.at(2), &after, heard);
        bob.hears(&ServerMessage::PartnerResumed);
        hear_each_other(&mut ann, &mut bob);
    }
}

#[test]
fn a_home_that_says_nothing_keeps_nobody_waiting() {
    let boxes = Boxes::start(2);
    let (ann, before, bob) = chatting(&boxes, Spoken::Msgpack);
    ann.reset();
    boxes.at(1).signal(Signal::SIGSTOP);
    // It isn't known to be gone yet.
    let (mut ann, _) = come_as_a_stranger(boxes.at(2), &before);
    join(&mut ann, strict(ADULT_TEXT, &[&topic()]));
    drop(bob);
    boxes.at(1).signal(Signal::SIGCONT);
}

#[test]
fn a_box_that_dies_loses_connections_and_no_chat() {
    let boxes = Boxes::start(2);
    let (ann, after, mut bob) = roaming(&boxes);
    boxes.at(2).signal(Signal::SIGKILL);
    drop(ann);
    waits(&mut bob);
    let (mut ann, _) = come_back(boxes.at(1), &after, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    hear_each_other(&mut ann, &mut bob);
}

#[test]
fn a_drained_box_sends_its_people_to_the_others() {
    let mut boxes = Boxes::start(3);
    // At the first box: two who chat, one of them by way of the second, and somebody idle.
    let (mut ann, after, mut bob) = roaming(&boxes);
    let (mut idle, before) = arrive(boxes.at(1), Spoken::Msgpack);
    let drain = |node: u16, over_ms: u32| {
        let (status, begun) = boxes.at(node).order("drain", &json!({ "overMs": over_ms }));
        assert_eq!(status, 200, "{begun}");
    };
    // The box that somebody roams by goes first: they come back by the third.
    drain(2, 100);
    assert!(sent_on(&mut ann) <= 1_000);
    waits(&mut bob);
    let (mut ann, after) = come_back(boxes.at(3), &after, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    hear_each_other(&mut ann, &mut bob);

    // Then their home: chats go last, and meanwhile on, by a new connection too.
    drain(1, 60_000);
    ann.reset();
    waits(&mut bob);
    let (mut ann, after) = come_back(boxes.at(3), &after, 1);
    bob.hears(&ServerMessage::PartnerResumed);
    hear_each_other(&mut ann, &mut bob);
    // In the end everybody goes, wherever their connection is, and is somebody new elsewhere.
    drain(1, 100);
    for person in [&mut ann, &mut bob, &mut idle] {
        assert!(sent_on(person) <= 1_000);
    }
    for before in [&after, &before] {
        come_as_a_stranger(boxes.at(3), before);
    }
    assert_eq!(boxes.engines[0].wait().code(), Some(0), "{}", boxes.engines[0].log());
}

#[test]
fn a_box_with_visitors_alone_is_drained_at_an_even_rate_too() {
    let boxes = Boxes::start(2);
    // Two of them are at one of the two reactors, wherever they land.
    let mut pairs = [(); 3].map(|()| roaming(&boxes));
    boxes.at(2).await_sum("whisper_visitors", |count| count == 3.0);
    let (status, begun) = boxes.at(2).order("drain", &json!({ "overMs": 4_000 }));
    assert_eq!(status, 200, "{begun}");
    let since = Instant::now();
    for (ann, ..) in &mut pairs {
        sent_on(ann);
    }
    // The first of a reactor at once, the last at half of the time or later.
    assert!(since.elapsed() >= Duration::from_millis(1_500), "{:?}", since.elapsed());
}

#[test]
fn a_slow_reader_is_a_matter_of_the_box_that_has_the_socket() {
    let boxes = Boxes::start(2);
    let (ann, _, mut bob) = roaming(&boxes);
    let long = "x".repeat(2_000);
    until(|| {
        (0..500).for_each(|_| bob.say(&say(&long)));
        let slow = boxes.at(2).sum("whisper_slow_readers_total", "");
        if slow == 1.0 { Ok(()) } else { Err("nobody is slow".to_owned()) }
    });
    waits(&mut bob);
    boxes.at(1).await_sum("whisper_kept_bytes", |bytes| bytes <= 32_768.0);
    drop(ann);
}

#[test]
fn who_was_at_a_reactor_that_is_no_more_is_brought_back() {
    let mut boxes = Boxes::start(2);
    let first = boxes.at(1);
    let on_second = std::iter::repeat_with(|| first.http()).find_map(|mut http| {
        (http.shard() == 1).then(|| http.upgrade_silently_to(Spoken::Msgpack))
    });
    let mut ann = on_second.expect("one of them comes to it");
    let (before, _) = ann.greet();
    ann.say(&ClientMessage::Hello(Hello::default()));
    let mut bob = first.client_on(0);
    chat(&mut ann, &mut bob);

    let file = first.dir().join("whisper.toml");
    let settings = fs::read_to_string(file).expect("its settings");
    first.settle(&settings.replace(TWO_REACTORS, "reactors = 1"));
    boxes.engines[0].hand_over();
    boxes.await_links(&[1, 2]);
    ann.reset();
    waits(&mut bob);
    let (mut ann, _) = come_back(boxes.at(2), &before, 0);
    bob.hears(&ServerMessage::PartnerResumed);
    hear_each_other(&mut ann, &mut bob);
    // All that became of the link is what the handover made of it.
    let metrics = Http::connect(boxes.at(2).admin).get("/metrics").text().to_owned();
    assert!(metrics.contains("whisper_cluster_link_resets_total{node=\"1\"} 1\n"), "{metrics}");
}
