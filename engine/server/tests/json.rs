//! `whisper.v1.json`: people at a terminal, and the strangers they meet, who speak either. That the
//! two understand each other about everything, the other tests show: most run for both.

mod harness;

use harness::Spoken::{Json, Msgpack};
use harness::{
    ADULT_TEXT, Client, FIN, Match, Refusal, Shared, Words, everywhere_in, frame, join, lane,
    strict, topic,
};
use serde_json::{Value, json};
use tungstenite::Message;
use whisper_proto::limits::MESSAGE_BYTES;
use whisper_proto::{
    AgeCategory, ClientMessage, CloseCode, ErrorCode, Mode, QueueType, ServerMessage, Signal,
    SignalKind,
};

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;

static ENGINE: Shared = Shared::new(2);

/// The session that docs/protocol.md has for copying.
#[test]
fn a_person_at_a_terminal_joins_and_chats() {
    let engine = ENGINE.get();
    let topic = topic();
    let join = json!({ "type": "join", "data": { "ageCategory": "adult", "mode": "text",
        "queueType": "moderated", "interests": [topic], "relax": "strict" } });
    let mut ann = engine.http().upgrade_silently_to(Json);
    let welcome = ann.hears_text("connected");
    let resume = welcome["data"]["resume"].as_str().expect("binary is a string");
    assert!(data_encoding::BASE64URL_NOPAD.decode(resume.as_bytes()).is_ok(), "{resume}");
    assert_eq!(welcome["data"]["limits"]["messageBytes"], MESSAGE_BYTES);
    say(&mut ann, &join);
    assert_eq!(ann.hears_text("searching")["data"]["tier"], "overlap");

    let mut bob = engine.client_speaking(Json, 1);
    say(&mut bob, &join);
    let of_ann = ann.hears_text("matched");
    let of_bob = bob.hears_text("matched");
    assert_eq!(of_ann["data"]["roomId"], of_bob["data"]["roomId"]);
    assert_eq!(of_ann["data"]["partnerInfo"]["sharedInterests"], json!([topic]));

    say(&mut ann, &json!({ "type": "message", "data": { "content": "hi \u{1f44b}", "id": "1" } }));
    assert_eq!(
        ann.hears_text("message_ack"),
        json!({ "type": "message_ack", "data": { "id": "1", "seq": 1 } })
    );
    let said = bob.hears_text("message");
    assert_eq!(said["data"]["content"], "hi \u{1f44b}");
    assert_eq!(said["data"]["senderId"], of_bob["data"]["partnerId"]);

    // What was delivered, told again as it came, is evidence.
    let data = &said["data"];
    let evidence = json!([{ "seq": data["seq"], "content": data["content"],
        "timestamp": data["timestamp"], "tag": data["tag"] }]);
    say(
        &mut bob,
        &json!({ "type": "report", "data": { "reason": "spam", "id": "r", "evidence": evidence } }),
    );
    assert_eq!(bob.hears_text("report_received")["data"]["id"], "r");
    say(&mut bob, &json!({ "type": "skip" }));
    ann.hears_text("partner_skipped");
}

#[test]
fn bad_texts_get_their_error() {
    let engine = ENGINE.get();
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../proto/vectors/bad_text.json"))
            .expect("vectors");
    let mut ann = engine.client_speaking(Json, 0);
    for vector in &vectors {
        let field = |key: &str| vector[key].as_str().expect("a text");
        ann.send(Message::text(field("text")));
        let Refusal { code, message, .. } = ann.expect();
        assert_eq!((code.as_str(), &*message), (field("code"), field("error")), "{vector}");
    }
    assert!(vectors.len() > 40, "only {} vectors", vectors.len());
    ann.ping();
}

#[test]
fn bad_frames_close_with_their_code() {
    let engine = ENGINE.get();
    let long = format!("{:1$}", r#"{"type":"ping"}"#, MESSAGE_BYTES + 1);
    for (name, bytes, code) in [
        ("binary", frame(FIN | BINARY, b"\x81\xa4type\xa4ping"), CloseCode::WrongFrameType),
        ("empty binary", frame(FIN | BINARY, b""), CloseCode::WrongFrameType),
        ("text that is no UTF-8", frame(FIN | TEXT, b"{\"type\":\"\xff\"}"), CloseCode::BadUtf8),
        ("16 KiB + 1", frame(FIN | TEXT, long.as_bytes()), CloseCode::TooBig),
    ] {
        let mut ann = engine.client_speaking(Json, 0);
        ann.ping();
        ann.send_raw(&bytes);
        assert_eq!(ann.closed(), code.as_u16(), "{name}");
    }
}

#[test]
fn what_is_odd_but_good_is_taken() {
    let engine = ENGINE.get();
    let mut ann = engine.client_speaking(Json, 0);
    let mut pong = |bytes: &[u8]| {
        ann.send_raw(bytes);
        ann.hear("pong", |it| matches!(it, ServerMessage::Pong { .. }).then_some(()));
    };
    // 16 KiB exactly; a character cut in two by fragments; a byte at a time.
    pong(&frame(FIN | TEXT, format!("{:1$}", r#"{"type":"ping"}"#, MESSAGE_BYTES).as_bytes()));
    let (front, back) = b"{\"type\":\"ping\",\"x\":\"\xc3\xa4\"}".split_at(21);
    pong(&[frame(TEXT, front), frame(FIN, back)].concat());
    let bytes = frame(FIN | TEXT, br#"{"type":"ping"}"#);
    let (last, first) = bytes.split_last().expect("bytes");
    first.iter().for_each(|byte| ann.send_raw(&[*byte]));
    ann.send_raw(&[*last]);
    ann.hear("pong", |it| matches!(it, ServerMessage::Pong { .. }).then_some(()));
}

#[test]
fn signalling_passes_between_the_two() {
    let lane = lane(AgeCategory::Adult, Mode::Video, QueueType::Unmoderated);
    for (of_ann, of_bob) in [(Json, Json), (Json, Msgpack), (Msgpack, Json)] {
        everywhere_in(of_ann, of_bob, |_, mut ann, mut bob| {
            let topic = topic();
            join(&mut ann, strict(lane, &[&topic]));
            join(&mut bob, strict(lane, &[&topic]));
            ann.expect::<Match>();
            bob.expect::<Match>();
            // What browsers signal is JSON by nature, and arrives as it was sent.
            let body = b"\x82\xa9candidate\x82\xa6sdpMid\xa10\xb0usernameFragment\xc0\xa4tags\x92\xa4AAAA\xcb\x3f\xf8\0\0\0\0\0\0";
            let kind = SignalKind::IceCandidate;
            let signal = Signal::new(kind, body).expect("a map");
            for _ in 0..2 {
                ann.say(&ClientMessage::Signal(signal));
                bob.hears(&ServerMessage::Signal(signal));
                bob.say(&ClientMessage::Signal(signal));
                ann.hears(&ServerMessage::Signal(signal));
            }
        });
    }
}

#[test]
fn what_json_cannot_say_does_not_arrive() {
    let lane = lane(AgeCategory::Adult, Mode::Video, QueueType::Unmoderated);
    everywhere_in(Msgpack, Json, |_, mut ann, mut bob| {
        let topic = topic();
        join(&mut ann, strict(lane, &[&topic]));
        join(&mut bob, strict(lane, &[&topic]));
        ann.expect::<Match>();
        bob.expect::<Match>();
        let signal =
            |body| ClientMessage::Signal(Signal::new(SignalKind::Offer, body).expect("a map"));
        let mut long = b"\x81\xa1x\xda\x3a\x98".to_vec();
        long.resize(long.len() + 15_000, 1);
        for body in [&b"\x81\xa1x\xd4\x01\x00"[..], b"\x81\x01\x02", b"\x81\xa1x\xa1\xff", &long] {
            ann.say(&signal(body));
        }
        // Binary arrives as text.
        ann.say(&signal(b"\x81\xa1x\xc4\x02\xff\xfe"));
        let text = Signal::new(SignalKind::Offer, b"\x81\xa1x\xa3__4").expect("a map");
        bob.hears(&ServerMessage::Signal(text));
        ann.say(&harness::say("and on it goes"));
        bob.expect::<Words>();
    });
}

#[test]
fn messages_too_long_to_relay_are_refused() {
    let engine = ENGINE.get();
    let mut ann = engine.client_speaking(Json, 0);
    let halves = vec!["0.5"; 4_000].join(",");
    ann.send(Message::text(format!(r#"{{"type":"offer","data":{{"x":[{halves}]}}}}"#)));
    ann.refused(ErrorCode::TooLarge);
    join(&mut ann, strict(ADULT_TEXT, &[&topic()]));
}

#[track_caller]
fn say(person: &mut Client, message: &Value) {
    person.send(Message::text(message.to_string()));
}
