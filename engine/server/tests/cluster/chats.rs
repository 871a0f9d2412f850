//! People of two boxes: they meet, talk, leave, and report each other.

use std::time::{Duration, Instant};

use nix::sys::signal::SIGKILL;
use serde_json::{Value, json};
use whisper_proto::{
    AgeCategory, ClientMessage, Evidence, Mode, QueueType, Report, ReportReason, ServerMessage,
    Signal, SignalKind, Skip,
};

use crate::harness::{
    ADULT_TEXT, Client, Engine, Match, Nats, Words, join, lane, say, strict, topic, until,
};
use crate::linked;

/// People of two boxes who want each other meet within this time: half a second of it is spent
/// looking in their own box.
const MET_WITHIN: Duration = Duration::from_secs(2);

/// Has one of each box meet over what nobody else likes.
#[track_caller]
pub(crate) fn meet_across(ann: &mut Client, bob: &mut Client) -> (Match, Match) {
    let (wish, since) = (topic(), Instant::now());
    join(ann, strict(ADULT_TEXT, &[&wish]));
    join(bob, strict(ADULT_TEXT, &[&wish]));
    let met: (Match, Match) = (ann.expect(), bob.expect());
    assert!(since.elapsed() <= MET_WITHIN, "{:?}", since.elapsed());
    assert_eq!(met.0.room, met.1.room);
    met
}

/// For so long an answer is awaited on who somebody is.
const ASKED_FOR: Duration = Duration::from_secs(1);

fn partner_skipped(message: &ServerMessage<'_>) -> Option<()> {
    matches!(message, ServerMessage::PartnerSkipped).then_some(())
}

#[test]
fn strangers_of_two_boxes_meet_and_talk() {
    let nats = Nats::start();
    let [one, two] = linked(&nats, [2, 1]);
    let people = [(one.client_on(0), two.client()), (one.client_on(1), two.client())];
    for (mut ann, mut bob) in people {
        let (of_ann, of_bob) = meet_across(&mut ann, &mut bob);
        assert_ne!(of_ann.partner, of_bob.partner);
        assert_ne!(of_ann.is_initiator, of_bob.is_initiator, "one of them calls");
        assert_eq!(of_ann.shared, of_bob.shared);
        for (number, words) in [(1, "hello"), (2, "is anybody there?")] {
            ann.say(&say(words));
            let heard: Words = bob.expect();
            assert_eq!((heard.content.as_str(), heard.seq), (words, number));
            assert_eq!(heard.sender, of_bob.partner);
        }
        bob.say(&say("yes"));
        assert_eq!(ann.expect::<Words>().sender, of_ann.partner);
        ann.say(&ClientMessage::Typing { is_typing: true, room: Some(&of_ann.room) });
        bob.hears(&ServerMessage::PartnerTyping { is_typing: true });

        // Who moves on is told of; each finds the next, here or there.
        ann.say(&ClientMessage::Skip(Skip { reason: None, room: None }));
        bob.hear("partner_skipped", partner_skipped);
        ann.say(&ClientMessage::Leave);
        let mut eve = one.client();
        let (_, of_eve) = meet_across(&mut bob, &mut eve);
        eve.say(&say("hi"));
        assert_eq!(bob.expect::<Words>().content, "hi");
        // Who is gone is told of as well.
        eve.close();
        bob.hears(&ServerMessage::PartnerDisconnected);
        assert_ne!(of_eve.room, of_ann.room);
    }
}

#[test]
fn all_that_a_chat_may_carry_crosses_in_order() {
    let nats = Nats::start();
    let [one, two] = linked(&nats, [1, 1]);
    let (mut ann, mut bob) = (one.client(), two.client());
    let video = lane(AgeCategory::Adult, Mode::Video, QueueType::Moderated);
    let wish = topic();
    join(&mut ann, strict(video, &[&wish]));
    join(&mut bob, strict(video, &[&wish]));
    let (_, _): (Match, Match) = (ann.expect(), bob.expect());
    // Nearly as much as a message may have, as a map of one text.
    let mut map = vec![0x81, 0xA3, b's', b'd', b'p', 0xDA];
    map.extend(15_900_u16.to_be_bytes());
    map.extend([b'x'; 15_900]);
    ann.say(&ClientMessage::Signal(Signal::new(SignalKind::Offer, &map).expect("a map")));
    bob.hear("an offer", |message| match message {
        ServerMessage::Signal(heard) => {
            assert_eq!((heard.kind, heard.body), (SignalKind::Offer, &map[..]));
            Some(())
        }
        _ => None,
    });
    // Bursts of both, the longest that may be said among them.
    let long = "wörter 😀 ".repeat(222);
    let words = |count: usize| match count % 50 {
        0 => long.clone(),
        _ => format!("{count}"),
    };
    for count in 0..600 {
        ann.say(&say(&words(count)));
        bob.say(&say(&words(count + 1)));
    }
    for count in 0..600 {
        assert_eq!(bob.expect::<Words>().content.trim_end(), words(count).trim_end());
        assert_eq!(ann.expect::<Words>().content.trim_end(), words(count + 1).trim_end());
    }
}

/// Waits for a report to be listed.
#[track_caller]
fn await_report(engine: &Engine) -> Value {
    until(|| {
        let (status, answer) = engine.look("reports?");
        assert_eq!(status, 200, "{answer}");
        let list = answer["reports"].as_array().expect("a list");
        list.first().cloned().ok_or_else(|| answer.to_string())
    })
}

#[test]
fn who_is_reported_from_another_box_is_known_by_their_own() {
    let nats = Nats::start();
    let [one, two] = linked(&nats, [1, 2]);
    let (mut ann, mut bob) = (one.client(), two.client_on(1));
    meet_across(&mut ann, &mut bob);
    bob.say(&say("something vile"));
    let said: Words = ann.expect();
    let evidence = Evidence {
        seq: said.seq,
        content: &said.content,
        timestamp: said.timestamp,
        tag: said.tag,
    };
    ann.say(&ClientMessage::Report(Report {
        reason: ReportReason::Harassment,
        comment: None,
        id: Some("r"),
        evidence: std::iter::once(evidence).collect(),
        block: false,
        room: None,
    }));
    ann.hears(&ServerMessage::ReportReceived { id: "r" });
    let report = await_report(&one);
    assert_eq!(report["verified"], 1, "{report}");
    // So that whom it is on can be banned for it.
    let deed = format!("reports/{}/ban", report["id"].as_str().expect("an id"));
    let sentence = json!({ "seconds": 60, "reason": "Vile", "why": "read it" });
    let (status, answer) = one.order(&deed, &sentence);
    assert_eq!(status, 200, "{answer}");
}

/// One at a time is looked up: nobody's report waits because another's partner can't be asked about.
#[test]
fn who_was_on_a_box_that_is_gone_is_reported_without_waiting() {
    let nats = Nats::start();
    let [one, two] = linked(&nats, [1, 1]);
    let (mut ann, mut bob) = (one.client(), two.client());
    meet_across(&mut ann, &mut bob);
    two.signal(SIGKILL);
    ann.hears(&ServerMessage::PartnerDisconnected);
    let since = Instant::now();
    ann.say(&ClientMessage::Report(Report {
        reason: ReportReason::Spam,
        comment: None,
        id: Some("r"),
        evidence: Vec::new(),
        block: false,
        room: None,
    }));
    await_report(&one);
    assert!(since.elapsed() < ASKED_FOR, "{:?}", since.elapsed());
}
