//! Two strangers in a room, on the same reactor and on different ones.

mod harness;

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use harness::Spoken::Msgpack;
use harness::{
    ADULT_TEXT, Client, Engine, Match, Words, chat, everywhere, everywhere_in, join, lane, meet,
    meet_the_next, say, say_as, strict, topic,
};
use whisper_proto::limits::CONTENT_CHARS;
use whisper_proto::{
    AgeCategory, ClientMessage, ErrorCode, Mode, QueueType, Report, ReportReason, Say, Searching,
    ServerMessage, Signal, SignalKind, Skip, Tier,
};

#[test]
fn strangers_meet_over_what_they_share() {
    everywhere(|_, mut ann, mut bob| {
        let (music, ann_only, bob_only) = (topic(), topic(), topic());
        join(&mut ann, strict(ADULT_TEXT, &[&ann_only, &music]));
        join(&mut bob, strict(ADULT_TEXT, &[&music.to_uppercase(), &bob_only]));
        let (of_ann, of_bob): (Match, Match) = (ann.expect(), bob.expect());

        assert_eq!(of_ann.room, of_bob.room);
        assert_ne!(of_ann.partner, of_bob.partner);
        assert!(!of_ann.is_initiator && of_bob.is_initiator, "who came later calls");
        for (own, other_only) in [(&of_ann, &bob_only), (&of_bob, &ann_only)] {
            assert_eq!(own.shared, [&*music], "normalised, and what both have");
            assert_eq!(
                own.interests.iter().collect::<HashSet<_>>(),
                HashSet::from([&music, other_only])
            );
            assert_eq!((own.mode, own.tier), (Mode::Text, Tier::Single));
        }

        // Each is to the other who their `partnerId` says.
        ann.say(&say("hello"));
        assert_eq!(bob.expect::<Words>().sender, of_bob.partner);
        bob.say(&say("hi"));
        assert_eq!(ann.expect::<Words>().sender, of_ann.partner);
    });
}

#[test]
fn ids_tell_nothing_across_chats() {
    let mut seen = HashSet::new();
    everywhere(|_, mut ann, mut bob| {
        let (of_ann, of_bob) = chat(&mut ann, &mut bob);
        for id in [of_ann.room, of_ann.partner, of_bob.partner] {
            assert!(seen.insert(id), "an id came twice");
        }
    });
}

#[test]
fn messages_are_numbered_tagged_and_acknowledged() {
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        ann.say(&say_as("first", "one"));
        ann.say(&say("two"));
        ann.say(&say_as("third", "three"));
        let heard: [Words; 3] = [bob.expect(), bob.expect(), bob.expect()];
        for (words, (seq, content)) in heard.iter().zip([(1, "one"), (2, "two"), (3, "three")]) {
            assert_eq!((words.seq, &*words.content), (seq, content));
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis();
            assert!(now.abs_diff(words.timestamp.into()) < 60_000, "{}", words.timestamp);
        }
        assert_eq!((&*heard[0].id, &*heard[2].id), ("first", "third"));
        assert!(!heard[1].id.is_empty(), "who gives no id gets one");
        assert_eq!(heard.iter().map(|words| words.tag).collect::<HashSet<_>>().len(), 3);

        ann.hears(&ServerMessage::MessageAck { id: "first", seq: 1 });
        ann.hears(&ServerMessage::MessageAck { id: "third", seq: 3 });

        // The other side counts for itself.
        bob.say(&say_as("his own", "uno"));
        bob.hears(&ServerMessage::MessageAck { id: "his own", seq: 1 });
        let words: Words = ann.expect();
        assert_eq!((words.seq, &*words.id, &*words.content), (1, "his own", "uno"));
    });
}

#[test]
fn long_messages_of_any_script_arrive_as_they_are() {
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        let mixed = "שלום мир 你好 \u{202e}🏳️‍🌈\u{0}\r\n\t";
        let mixed: String = mixed.chars().cycle().take(CONTENT_CHARS).collect();
        let widest = "\u{10FFFF}".repeat(CONTENT_CHARS);
        for content in [&*mixed, &widest, " ", "\u{0}", "a\u{301}"] {
            ann.say(&say(content));
            assert_eq!(bob.expect::<Words>().content, content);
            bob.say(&say_as("back", content));
            bob.hears(&ServerMessage::MessageAck { id: "back", seq: ann.expect::<Words>().seq });
        }
    });
}

#[test]
fn bursts_from_both_sides_arrive_in_order() {
    const BURST: u64 = 200;
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        for n in 1..=BURST {
            let (id, content) = (format!("id {n}"), format!("message {n}"));
            ann.say(&say_as(&id, &content));
            bob.say(&say_as(&id, &content));
        }
        for person in [&mut ann, &mut bob] {
            let (mut said, mut acknowledged) = (0, 0);
            while said < BURST || acknowledged < BURST {
                person.hear("the burst", |message| match message {
                    ServerMessage::Message(words) => {
                        said += 1;
                        assert_eq!(words.seq, said);
                        assert_eq!(words.content, format!("message {said}"));
                        Some(())
                    }
                    ServerMessage::MessageAck { id, seq } => {
                        acknowledged += 1;
                        assert_eq!((*id, *seq), (&*format!("id {acknowledged}"), acknowledged));
                        Some(())
                    }
                    _ => None,
                });
            }
        }
    });
}

#[test]
fn what_a_partner_does_is_shown() {
    everywhere(|_, mut ann, mut bob| {
        let (of_ann, _) = chat(&mut ann, &mut bob);
        // With the room named, and without.
        for room in [Some(&*of_ann.room), None] {
            ann.say(&ClientMessage::Typing { is_typing: true, room });
            bob.hears(&ServerMessage::PartnerTyping { is_typing: true });
            ann.say(&ClientMessage::Typing { is_typing: false, room });
            bob.hears(&ServerMessage::PartnerTyping { is_typing: false });
            ann.say(&ClientMessage::Read { seq: 7, room });
            bob.hears(&ServerMessage::PartnerRead { seq: 7 });
            ann.say(&ClientMessage::VideoToggle { enabled: false, room });
            bob.hears(&ServerMessage::PartnerVideoToggle { enabled: false });
            ann.say(&ClientMessage::AudioToggle { enabled: true, room });
            bob.hears(&ServerMessage::PartnerAudioToggle { enabled: true });
        }
        // An ack is between a client and the engine.
        ann.say(&ClientMessage::Ack { seq: 1 });
        ann.say(&say("and nothing else"));
        bob.expect::<Words>();
    });
}

#[test]
fn signalling_passes_verbatim_where_there_are_calls() {
    // Lengths and numbers wider than they need be, bytes that are no UTF-8, and no room's key: who
    // decodes and encodes again would change something.
    let odd: &[u8] = b"\x84\xa3sdp\xdb\0\0\0\x05v=0\r\n\xda\0\x05mline\xd3\0\0\0\0\0\0\0\x01\
                       \xa4blob\xc5\0\x03\xff\xfe\xfd\xa4nest\x81\xc0\x91\xca\x3f\x80\0\0";
    let mut long = b"\x81\xa3sdp\xda\x3a\x98".to_vec();
    long.resize(long.len() + 15_000, b'a');

    for (mode, may_call) in [(Mode::Video, true), (Mode::Voice, true), (Mode::Text, false)] {
        everywhere_in(Msgpack, Msgpack, |_, mut ann, mut bob| {
            let lane = lane(AgeCategory::Adult, mode, QueueType::Unmoderated);
            let topic = topic();
            join(&mut ann, strict(lane, &[&topic]));
            join(&mut bob, strict(lane, &[&topic]));
            let (of_ann, _): (Match, Match) = (ann.expect(), bob.expect());
            let mut with_room = b"\x82\xa6roomId\xb6".to_vec();
            with_room.extend_from_slice(of_ann.room.as_bytes());
            with_room.extend_from_slice(b"\xa1x\xcc\x01");

            let kinds = [SignalKind::Offer, SignalKind::Answer, SignalKind::IceCandidate];
            for (kind, body) in kinds.into_iter().zip([odd, &long, &with_room]) {
                let signal = Signal::new(kind, body).expect("a map");
                ann.say(&ClientMessage::Signal(signal));
                if may_call {
                    // Its room is the body's, which is the same bytes.
                    bob.hears(&ServerMessage::Signal(signal));
                } else {
                    ann.refused(ErrorCode::BadMessage);
                }
            }
        });
    }
}

#[test]
fn a_skip_leads_on_to_the_next_stranger() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        let (first, _) = meet(&mut ann, &mut bob, &topic);
        ann.say(&ClientMessage::Skip(Skip { reason: Some("bored"), room: Some(&first.room) }));
        bob.hears(&ServerMessage::PartnerSkipped);
        ann.expect::<Searching>();

        // Bob looks on too; the two don't meet again, but whoever comes.
        join(&mut bob, strict(ADULT_TEXT, &[&topic]));
        let rooms = meet_the_next(engine, [&mut ann, &mut bob], ADULT_TEXT, &topic);
        assert!(!rooms.contains(&first.room), "a room is of one chat");
    });
}

#[test]
fn both_may_skip_at_once() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        let (of_ann, of_bob) = meet(&mut ann, &mut bob, &topic);
        ann.say(&ClientMessage::Skip(Skip { reason: None, room: Some(&of_ann.room) }));
        bob.say(&ClientMessage::Skip(Skip { reason: None, room: Some(&of_bob.room) }));
        // Whichever comes first, both are in the queue again: each meets somebody new.
        for person in [&mut ann, &mut bob] {
            let searching = person.hear("searching, or partner_skipped before", |it| match it {
                ServerMessage::Searching(_) => Some(true),
                ServerMessage::PartnerSkipped => Some(false),
                _ => None,
            });
            if !searching {
                person.expect::<Searching>();
            }
        }
        meet_the_next(engine, [&mut ann, &mut bob], ADULT_TEXT, &topic);
    });
}

#[test]
fn what_is_late_never_reaches_the_next_stranger() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        let (first, _) = meet(&mut ann, &mut bob, &topic);
        ann.say(&ClientMessage::Skip(Skip::default()));
        bob.hears(&ServerMessage::PartnerSkipped);
        let mut cat = engine.client();
        join(&mut cat, strict(ADULT_TEXT, &[&topic]));
        let (second, _): (Match, Match) = (ann.expect(), cat.expect());

        let late = |content, room| {
            ClientMessage::Message(Say { content, id: Some("late"), room: Some(room) })
        };
        let old = Some(&*first.room);
        for person in [&mut ann, &mut bob] {
            person.say(&late("for Bob, or Ann", &first.room));
            person.say(&ClientMessage::Typing { is_typing: true, room: old });
            person.say(&ClientMessage::VideoToggle { enabled: true, room: old });
            person.say(&ClientMessage::Read { seq: 1, room: old });
        }
        ann.say(&ClientMessage::Skip(Skip { reason: None, room: old }));
        bob.ping(); // Nothing came of what he said, not even an error.
        ann.say(&late("for Cat", &second.room));
        ann.hears(&ServerMessage::MessageAck { id: "late", seq: 1 });
        assert_eq!(cat.expect::<Words>().content, "for Cat");
    });
}

#[test]
fn who_leaves_is_gone_from_chat_and_queue() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        meet(&mut ann, &mut bob, &topic);
        ann.say(&ClientMessage::Leave);
        bob.hears(&ServerMessage::PartnerSkipped);
        ann.say(&ClientMessage::Leave);
        ann.refused(ErrorCode::NotInQueue);

        // From the queue as well: who comes now finds only who comes after.
        join(&mut ann, strict(ADULT_TEXT, &[&topic]));
        ann.say(&ClientMessage::Leave);
        ann.ping();
        let (mut cat, mut dan) = (engine.client(), engine.client());
        let (of_cat, of_dan) = meet(&mut cat, &mut dan, &topic);
        assert_eq!(of_cat.room, of_dan.room);
        ann.say(&say("anybody?"));
        ann.refused(ErrorCode::NotInChat);
    });
}

#[test]
fn who_vanishes_is_reported_gone() {
    let ways: [fn(Client); 3] = [Client::close, Client::vanish, Client::reset];
    everywhere(|engine, first, mut bob| {
        let mut partner = Some(first);
        for leave in ways {
            let topic = topic();
            let mut ann = partner.take().unwrap_or_else(|| engine.client());
            meet(&mut ann, &mut bob, &topic);
            leave(ann);
            bob.hears(&ServerMessage::PartnerDisconnected);
            bob.say(&say("still there?"));
            bob.refused(ErrorCode::NotInChat);
        }
    });
}

#[test]
fn who_closes_while_waiting_is_met_by_nobody() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        join(&mut ann, strict(ADULT_TEXT, &[&topic]));
        ann.close();
        let mut cat = engine.client();
        let (of_bob, of_cat) = meet(&mut bob, &mut cat, &topic);
        assert_eq!(of_bob.room, of_cat.room);
    });
}

#[test]
fn partners_can_be_reported_now_and_when_gone() {
    everywhere(|_, mut ann, mut bob| {
        let (of_ann, _) = chat(&mut ann, &mut bob);
        let report = |id, room| {
            ClientMessage::Report(Report {
                reason: ReportReason::Spam,
                comment: Some("sells things"),
                id: Some(id),
                evidence: Vec::new(),
                block: true,
                room,
            })
        };
        ann.say(&report("now", Some(&of_ann.room)));
        ann.hears(&ServerMessage::ReportReceived { id: "now" });
        ann.say(&report("elsewhere", Some("no such room")));
        ann.ping(); // Dropped silently, as whatever names another room.
        bob.vanish();
        ann.hears(&ServerMessage::PartnerDisconnected);
        ann.say(&report("then", None));
        ann.hears(&ServerMessage::ReportReceived { id: "then" });
    });
}

#[test]
fn a_hundred_pairs_talk_at_once() {
    const PAIRS: usize = 100;
    let engine = Engine::start(5);
    let mut people: Vec<(Client, Client)> =
        (0..PAIRS).map(|_| (engine.client(), engine.client())).collect();
    let topics: Vec<String> = (0..PAIRS).map(|_| topic()).collect();
    for ((ann, bob), topic) in people.iter_mut().zip(&topics) {
        ann.say(&ClientMessage::Join(strict(ADULT_TEXT, &[topic])));
        bob.say(&ClientMessage::Join(strict(ADULT_TEXT, &[topic])));
    }
    for (ann, bob) in &mut people {
        assert_eq!(ann.expect::<Match>().room, bob.expect::<Match>().room);
    }
    for round in 1..=10 {
        for ((ann, bob), topic) in people.iter_mut().zip(&topics) {
            ann.say(&say(topic));
            bob.say(&say(topic));
        }
        for ((ann, bob), topic) in people.iter_mut().zip(&topics) {
            for person in [ann, bob] {
                let words: Words = person.expect();
                assert_eq!((&words.content, words.seq), (topic, round));
            }
        }
    }
    let numbers = engine.http().get("/stats").json();
    assert!(numbers["totalOnline"].as_u64().is_some_and(|online| online <= 200));
}
