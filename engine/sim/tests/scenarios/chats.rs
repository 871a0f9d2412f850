//! In a room.

use whisper_core::evidence::{Notary, Statement};
use whisper_core::ids::{RoomId, Side};
use whisper_core::time::Span;
use whisper_proto::{
    ClientMessage, Evidence, Report, ReportReason, Say, ServerMessage, Signal, SignalKind,
};
use whisper_sim::World;

use crate::story::{VIDEO, Wishes, comes, likes, pair};

/// The msgpack map `{"sdp": "v=0"}`.
const SDP: &[u8] = b"\x81\xa3sdp\xa3v=0";

#[test]
fn lines_are_numbered_and_come_from_the_partner() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        world.say(ann, "hello");
        world.say(ann, "anybody there?");
        world.settle();
        world.say(bob, "yes");
        world.settle();
        let partner = world.person(bob).latest_match().expect("they chat").partner_id.to_owned();
        let heard: Vec<_> = world
            .person(bob)
            .lines()
            .map(|said| (said.seq, said.content, said.sender_id == partner))
            .collect();
        assert_eq!(heard, [(2, "anybody there?", true), (1, "hello", true)]);
        assert_eq!(world.person(ann).lines().map(|said| said.seq).collect::<Vec<_>>(), [1]);
        assert_eq!(world.news(ann), ["message"], "nothing is acknowledged that has no id");
    }
}

#[test]
fn a_line_with_an_id_is_acknowledged() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    for id in [Some("first"), None, Some("third")] {
        world.send(ann, &ClientMessage::Message(Say { content: "hello", id, room: None }));
    }
    world.settle();
    let acks: Vec<_> = world
        .person(ann)
        .heard()
        .filter_map(|message| match message {
            ServerMessage::MessageAck { id, seq } => Some((id, seq)),
            _ => None,
        })
        .collect();
    assert_eq!(acks, [("third", 3), ("first", 1)]);
    assert_eq!(world.person(bob).lines().next().map(|said| said.id), Some("third"));
}

#[test]
fn everything_about_a_chat_is_passed_on() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]).lane(VIDEO));
        let room = None;
        world.send(ann, &ClientMessage::Typing { is_typing: true, room });
        world.send(ann, &ClientMessage::VideoToggle { enabled: false, room });
        world.send(ann, &ClientMessage::AudioToggle { enabled: true, room });
        world.send(ann, &ClientMessage::Read { seq: 3, room });
        for kind in [SignalKind::Offer, SignalKind::Answer, SignalKind::IceCandidate] {
            world.send(ann, &ClientMessage::Signal(Signal { kind, room, body: SDP }));
        }
        world.settle();
        assert_eq!(
            world.news(bob),
            [
                "partner_typing",
                "partner_video_toggle",
                "partner_audio_toggle",
                "partner_read",
                "offer",
                "answer",
                "ice_candidate"
            ]
        );
        let latest = world.person(bob).heard().next();
        assert!(matches!(latest, Some(ServerMessage::Signal(signal)) if signal.body == SDP));
    }
}

#[test]
fn nothing_is_signalled_in_a_text_chat() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    let offer = Signal { kind: SignalKind::Offer, room: None, body: SDP };
    world.send(ann, &ClientMessage::Signal(offer));
    world.settle();
    assert_eq!(world.news(ann), ["bad_message"]);
    assert!(world.news(bob).is_empty());
}

#[test]
fn a_line_outside_a_chat_is_an_error_with_its_id() {
    let mut world = World::new(1, 1);
    let ann = comes(&mut world, 0, &likes(&["chess"]));
    world.send(ann, &ClientMessage::Message(Say { content: "hm", id: Some("7"), room: None }));
    assert_eq!(world.news(ann), ["connected", "searching", "not_in_chat"]);
    let error = world.person(ann).heard().next();
    assert!(matches!(error, Some(ServerMessage::Error(error)) if error.id == Some("7")));
}

#[test]
fn what_is_meant_for_an_earlier_room_reaches_nobody() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        let earlier = world.room(ann).expect("they chat").to_owned();
        world.skip(ann);
        let carol = comes(&mut world, shards - 1, &likes(&["chess"]));
        assert!(world.are_together(ann, carol));
        world.news(ann);
        world.news(carol);

        let room = Some(earlier.as_str());
        for who in [ann, bob] {
            world.send(who, &ClientMessage::Message(Say { content: "late", id: None, room }));
            world.send(who, &ClientMessage::Typing { is_typing: true, room });
        }
        world.settle();
        assert!(world.news(ann).is_empty() && world.news(carol).is_empty());
        assert_eq!(world.news(bob), ["partner_skipped"]);
    }
}

#[test]
fn a_tag_proves_what_was_said() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    world.say(ann, "as I live");
    world.settle();
    let room = RoomId::decode(world.room(bob).expect("they chat")).expect("a room id");
    let said = world.person(bob).lines().next().expect("heard");
    let mut statement = Statement {
        room,
        seq: said.seq,
        side: Side::First,
        unix_millis: said.timestamp,
        content: said.content,
    };
    let mut notary = Notary::new(World::EVIDENCE_SECRET);
    assert!(notary.proves(world.now(), &statement, &said.tag));
    statement.side = Side::Second;
    assert!(!notary.proves(world.now(), &statement, &said.tag), "bob didn't say it");
}

#[test]
fn a_report_brings_what_proves_true() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    world.say(ann, "buy this");
    world.settle();
    let said = world.person(bob).lines().next().expect("heard");
    let (content, timestamp, seq, tag) =
        (said.content.to_owned(), said.timestamp, said.seq, said.tag);
    let truth = Evidence { seq, content: &content, timestamp, tag };
    let lie = Evidence { content: "never said", ..truth };
    world.send(bob, &ClientMessage::Report(Report { evidence: vec![truth, lie], ..report() }));
    assert_eq!(world.reports(), [1], "one of the two is true");
    assert_eq!(world.news(bob), ["message", "report_received"]);
}

#[test]
fn the_last_partner_can_be_reported_and_nobody_before_the_first() {
    let mut world = World::new(1, 2);
    let carol = world.connect(0);
    world.send(carol, &ClientMessage::Report(report()));
    assert_eq!(world.news(carol), ["connected", "no_report_target"]);
    world.send(carol, &ClientMessage::Report(Report { room: Some("a room"), ..report() }));
    assert!(world.news(carol).is_empty(), "a report about another room is late, and dropped");

    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    world.disconnect(ann);
    world.settle();
    world.send(bob, &ClientMessage::Report(report()));
    assert_eq!(world.news(bob), ["partner_disconnected", "report_received"]);
    assert_eq!(world.reports(), [0]);
}

#[test]
fn whoever_is_blocked_is_never_met_again() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]).anyone());
        world.send(ann, &ClientMessage::Report(report()));
        world.skip(ann);
        world.settle();
        world.skip(bob);
        world.wait(Span::secs(29));
        assert!(world.is_queued(ann) && world.is_queued(bob));
    }
}

fn report() -> Report<'static> {
    Report {
        reason: ReportReason::Spam,
        comment: None,
        id: None,
        evidence: Vec::new(),
        block: true,
        room: None,
    }
}
