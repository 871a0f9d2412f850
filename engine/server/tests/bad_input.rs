//! What a client shouldn't say over a WebSocket: each gets the error or the close code that is meant
//! for it, and the same connection, or the next one, works afterwards.

mod harness;

use std::collections::HashSet;
use std::io::Write as _;

use data_encoding::HEXLOWER;
use harness::{
    ADULT_TEXT, Client, Engine, FIN, Match, Refusal, Shared, Words, chat, close_frame, frame,
    header, join, lane, say, say_as, strict, topic, wish,
};
use serde_json::Value;
use whisper_proto::limits::MESSAGE_BYTES;
use whisper_proto::{
    AgeCategory, ClientMessage, CloseCode, ErrorCode, Hello, Mode, QueueType, Report, ReportReason,
    ServerMessage, Signal, SignalKind, Skip,
};

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const PING: u8 = 0x9;

/// `{type: "ping"}`
const SAY_PING: &[u8] = b"\x81\xa4type\xa4ping";

static ENGINE: Shared = Shared::new(2);

#[test]
fn bad_messages_get_their_error() {
    let engine = ENGINE.get();
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../proto/vectors/bad.json")).expect("vectors");
    let mut tried = 0;
    let mut ann = engine.client();
    for vector in vectors.iter().filter(|vector| vector["direction"] == "client") {
        let text = |key: &str| vector[key].as_str().expect("a text");
        let bytes = HEXLOWER.decode(text("hex").as_bytes()).expect("bytes");
        ann.send_raw(&frame(FIN | BINARY, &bytes));
        let Refusal { code, message, id } = ann.expect();
        assert_eq!(
            (code.as_str(), &*message, id),
            (text("code"), text("error"), None),
            "{}",
            text("name")
        );
        tried += 1;
    }
    assert!(tried > 80, "only {tried} vectors");
    ann.ping();
}

/// The same from within the queue and a chat, which go on as if nothing had happened.
#[test]
fn bad_messages_change_nothing() {
    let engine = ENGINE.get();
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    let topic = topic();
    let bad = frame(FIN | BINARY, b"\x81\xa4type\xa5dance");
    join(&mut ann, strict(ADULT_TEXT, &[&topic]));
    ann.send_raw(&bad);
    ann.refused(ErrorCode::BadMessage);
    join(&mut bob, strict(ADULT_TEXT, &[&topic]));
    ann.expect::<Match>();
    bob.expect::<Match>();
    ann.send_raw(&bad);
    ann.refused(ErrorCode::BadMessage);
    ann.say(&say("hello"));
    bob.expect::<Words>();
}

#[test]
fn bad_frames_close_with_their_code() {
    let engine = ENGINE.get();
    let fragments = |count: usize, first: &[u8]| {
        let mut bytes = frame(BINARY, first);
        for _ in 1..count {
            bytes.extend(frame(CONTINUATION, b""));
        }
        bytes
    };
    let too_long = vec![0; MESSAGE_BYTES + 1];
    let mut two_halves = frame(BINARY, &too_long[..MESSAGE_BYTES]);
    two_halves.extend(frame(FIN | CONTINUATION, b"\0"));
    let mut interleaved = frame(BINARY, b"\x81");
    interleaved.extend(frame(FIN | BINARY, SAY_PING));
    let mut not_shortest = vec![FIN | BINARY, 0x80 | 126, 0, 5];
    not_shortest.extend([0; 4]);

    let protocol = CloseCode::ProtocolError;
    let mut cases: Vec<(String, Vec<u8>, CloseCode)> = [
        ("not masked", vec![FIN | BINARY, 1, 0xc0], protocol),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"x"), protocol),
        ("a message within another", interleaved, protocol),
        ("a ping in fragments", frame(PING, b""), protocol),
        ("a ping of 126 bytes", frame(FIN | PING, &[0; 126]), protocol),
        ("a long way to say 5", not_shortest, protocol),
        ("2^63 bytes, declared", header(FIN | BINARY, 1 << 63), protocol),
        ("2^63 - 1 bytes, declared", header(FIN | BINARY, (1 << 63) - 1), CloseCode::TooBig),
        ("4 GiB, declared", header(FIN | BINARY, 1 << 32), CloseCode::TooBig),
        ("16 KiB + 1, declared", header(FIN | BINARY, too_long.len() as u64), CloseCode::TooBig),
        ("16 KiB + 1", frame(FIN | BINARY, &too_long), CloseCode::TooBig),
        ("16 KiB + 1 in fragments", two_halves, CloseCode::TooBig),
        ("17 fragments", fragments(17, SAY_PING), CloseCode::TooBig),
        ("17 empty fragments", fragments(17, b""), CloseCode::TooBig),
        ("text", frame(FIN | TEXT, br#"{"type":"ping"}"#), CloseCode::WrongFrameType),
        ("empty text", frame(FIN | TEXT, b""), CloseCode::WrongFrameType),
        ("text that is no UTF-8", frame(FIN | TEXT, b"\xff"), CloseCode::BadUtf8),
        ("text that begins badly", frame(TEXT, b"\xc0\x80"), CloseCode::BadUtf8),
        ("a close of one byte", close_frame(b"\x03"), protocol),
        ("a close with a bad reason", close_frame(b"\x03\xe8\xff"), CloseCode::BadUtf8),
        ("a close of 126 bytes", close_frame(&[b'3'; 126]), protocol),
    ]
    .map(|(name, bytes, code)| (name.into(), bytes, code))
    .into();
    for bits in [0x40, 0x20, 0x10, 0x70] {
        cases.push((
            format!("reserved bits {bits:#x}"),
            frame(FIN | bits | BINARY, SAY_PING),
            protocol,
        ));
    }
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        cases.push((format!("opcode {opcode:#x}"), frame(FIN | opcode, b""), protocol));
    }
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        cases.push((format!("a close with {code}"), close_frame(&code.to_be_bytes()), protocol));
    }

    for (name, bytes, code) in cases {
        eprintln!("{name}");
        let mut ann = engine.client();
        // What is right before it still counts.
        ann.send_raw(&[frame(FIN | BINARY, SAY_PING), bytes].concat());
        ann.hear("pong", |it| matches!(it, ServerMessage::Pong { .. }).then_some(()));
        assert_eq!(ann.closed(), code.as_u16(), "{name}");
        engine.client().ping();
    }
}

#[test]
fn a_bad_frame_in_a_chat_frees_the_partner() {
    let engine = ENGINE.get();
    for shard in [0, 1] {
        let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(shard));
        chat(&mut ann, &mut bob);
        ann.send_raw(&frame(FIN | TEXT, b"hello"));
        assert_eq!(ann.closed(), CloseCode::WrongFrameType.as_u16());
        bob.hears(&ServerMessage::PartnerDisconnected);
    }
}

#[test]
fn good_closes_are_answered_with_their_own_code() {
    let engine = ENGINE.get();
    for (payload, code) in [
        (&b""[..], 1000),
        (b"\x03\xe8", 1000),
        (b"\x03\xe9bye", 1001),
        (b"\x0b\xb8", 3000),
        (b"\x13\x87\xf0\x9f\x91\x8b", 4999),
    ] {
        let mut ann = engine.client();
        ann.send_raw(&close_frame(payload));
        assert_eq!(ann.closed(), code);
    }
}

#[test]
fn what_is_odd_but_good_is_taken() {
    let engine = ENGINE.get();
    let pong = |it: &ServerMessage<'_>| matches!(it, ServerMessage::Pong { .. }).then_some(());
    let mut ann = engine.client();

    // 16 fragments, most of them empty, with a ping between.
    let mut bytes = frame(BINARY, &SAY_PING[..1]);
    for at in 1..15 {
        bytes.extend(frame(CONTINUATION, SAY_PING.get(at..=at).unwrap_or_default()));
        bytes.extend(frame(FIN | PING, b"?"));
    }
    bytes.extend(frame(FIN | CONTINUATION, b""));
    ann.send_raw(&bytes);
    ann.hear("pong", pong);

    // 16 KiB exactly, and 8 levels, in a key that nobody knows.
    let mut long = b"\x82\xa4type\xa4ping\xa1x\xc5".to_vec();
    let rest = MESSAGE_BYTES - long.len() - 2;
    long.extend((rest as u16).to_be_bytes());
    long.resize(MESSAGE_BYTES, 0);
    ann.send_raw(&frame(FIN | BINARY, &long));
    ann.hear("pong", pong);
    ann.send_raw(&frame(FIN | BINARY, b"\x82\xa4type\xa4ping\xa1x\x91\x91\x91\x91\x91\x91\x90"));
    ann.hear("pong", pong);

    // A byte at a time, and all at once.
    for byte in frame(FIN | BINARY, SAY_PING) {
        ann.send_raw(&[byte]);
    }
    ann.hear("pong", pong);
    ann.send_raw(&frame(FIN | BINARY, SAY_PING).repeat(100));
    for _ in 0..100 {
        ann.hear("pong", pong);
    }
}

#[test]
fn interests_have_bounds() {
    let engine = ENGINE.get();
    // Nobody else is in this lane.
    let lane = lane(AgeCategory::Adult, Mode::Voice, QueueType::Moderated);
    let eleven: Vec<String> = (0..11).map(|n| format!("number {n}")).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    let (long, longer) = ("ä".repeat(32), "ä".repeat(33));
    let mut ann = engine.client();

    // Eleven don't fit the type that this side encodes with.
    let mut raw = b"\x82\xa4type\xa4join\xa4data\x84\xabageCategory\xa5adult\xa4mode\xa5voice\
                    \xa9queueType\xa9moderated\xa9interests\x9b"
        .to_vec();
    for name in &eleven {
        raw.push(0xa0 | name.len() as u8);
        raw.write_all(name.as_bytes()).expect("a vector takes bytes");
    }
    ann.send_raw(&frame(FIN | BINARY, &raw));
    ann.refused(ErrorCode::BadInterests);
    ann.say(&ClientMessage::Join(wish(lane, &["fine", &longer])));
    ann.refused(ErrorCode::BadInterests);
    ann.say(&ClientMessage::Leave);
    ann.refused(ErrorCode::NotInQueue);

    // Long enough, none at all, and nothing that is left of any.
    for interests in [&[&*long][..], &eleven[..10], &[], &["", " ", "\u{200b}", "?!"]] {
        join(&mut ann, wish(lane, interests));
        ann.say(&ClientMessage::Leave);
        ann.ping();
    }

    // What is the same counts once.
    let topic = topic();
    let shouted = format!("  #{}!", topic.to_uppercase());
    let mut bob = engine.client();
    join(&mut ann, strict(lane, &[&topic, &shouted, "", &topic]));
    join(&mut bob, strict(lane, &[&shouted]));
    assert_eq!(bob.expect::<Match>().interests, [&*topic]);
    assert_eq!(ann.expect::<Match>().shared, [&*topic]);
}

#[test]
fn what_needs_a_chat_is_refused_without_one() {
    let engine = ENGINE.get();
    let mut ann = engine.client();
    let topic = topic();
    let report = ClientMessage::Report(Report {
        reason: ReportReason::Other,
        comment: None,
        id: Some("report"),
        evidence: Vec::new(),
        block: false,
        room: None,
    });
    let signal = Signal::new(SignalKind::Offer, b"\x80").expect("a map");
    let refusals = |ann: &mut Client| {
        for (message, id) in [
            (say("hello?"), None),
            (say_as("mine", "hello?"), Some("mine")),
            (ClientMessage::Skip(Skip::default()), None),
            (ClientMessage::Typing { is_typing: true, room: None }, None),
            (ClientMessage::VideoToggle { enabled: true, room: None }, None),
            (ClientMessage::AudioToggle { enabled: true, room: None }, None),
            (ClientMessage::Read { seq: 1, room: None }, None),
            (ClientMessage::Signal(signal), None),
        ] {
            ann.say(&message);
            assert_eq!(ann.refused(ErrorCode::NotInChat).id.as_deref(), id, "{message:?}");
        }
        ann.say(&report);
        assert_eq!(ann.refused(ErrorCode::NoReportTarget).id.as_deref(), Some("report"));
    };
    refusals(&mut ann);
    ann.say(&ClientMessage::Leave);
    ann.refused(ErrorCode::NotInQueue);

    // The same while waiting, which goes on.
    join(&mut ann, strict(ADULT_TEXT, &[&topic]));
    refusals(&mut ann);
    let mut bob = engine.client();
    join(&mut bob, strict(ADULT_TEXT, &[&topic]));
    ann.expect::<Match>();
}

#[test]
fn who_is_in_a_chat_cannot_join() {
    let engine = ENGINE.get();
    for shard in [0, 1] {
        let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(shard));
        chat(&mut ann, &mut bob);
        ann.say(&ClientMessage::Join(strict(ADULT_TEXT, &["another"])));
        ann.refused(ErrorCode::InChat);
        ann.say(&say("I stay"));
        assert_eq!(bob.expect::<Words>().content, "I stay");
    }
}

#[test]
fn teens_are_never_unmoderated() {
    let engine = ENGINE.get();
    let mut ann = engine.client();
    for &mode in Mode::ALL {
        let lane = lane(AgeCategory::Teen, mode, QueueType::Unmoderated);
        ann.say(&ClientMessage::Join(wish(lane, &["tea"])));
        ann.refused(ErrorCode::LaneClosed);
    }
    // A refused wish replaces none that is waiting.
    let topic = topic();
    join(&mut ann, strict(ADULT_TEXT, &[&topic]));
    let lane = lane(AgeCategory::Teen, Mode::Text, QueueType::Unmoderated);
    ann.say(&ClientMessage::Join(wish(lane, &[&topic])));
    ann.refused(ErrorCode::LaneClosed);
    let mut bob = engine.client();
    join(&mut bob, strict(ADULT_TEXT, &[&topic]));
    bob.expect::<Match>();
    ann.expect::<Match>();
}

#[test]
fn everybody_is_greeted_with_the_terms() {
    let engine = ENGINE.get();
    let (mut users, mut tokens) = (HashSet::new(), HashSet::new());
    for _ in 0..20 {
        let mut ann = engine.http().upgrade_silently();
        let (welcome, stats) = ann.greet();
        assert!(users.insert(welcome.user) && tokens.insert(welcome.resume));
        assert_eq!(welcome.lanes.len(), 7);
        assert_eq!(
            (welcome.limits.message_bytes, welcome.limits.content_chars),
            (MESSAGE_BYTES as u32, 2_000)
        );
        assert!(stats.total_online >= 1, "oneself included");
        ann.say(&ClientMessage::Hello(Hello::default()));
        ann.ping();
    }
}

#[test]
fn who_doesnt_read_is_let_go() {
    let engine = Engine::start(1);
    let (mut ann, mut bob) = (engine.client(), engine.client());
    chat(&mut ann, &mut bob);
    // Bob never reads. What the kernel and the engine hold for him is bounded.
    let content = "x".repeat(2_000);
    let mut said = 0u64;
    loop {
        for _ in 0..64 {
            ann.say(&say_as("id", &content));
            said += 1;
        }
        let mut gone = false;
        for _ in 0..64 {
            gone |= ann.hear("an ack, or the end", |it| match it {
                ServerMessage::MessageAck { .. } => Some(false),
                ServerMessage::PartnerDisconnected | ServerMessage::Error(_) => Some(true),
                _ => None,
            });
        }
        if gone {
            break;
        }
        assert!(said < 100_000, "200 MB were taken for one who reads nothing");
    }
    // Nobody else is worse off.
    let mut cat = engine.client();
    cat.ping();
    join(&mut cat, wish(ADULT_TEXT, &["tea"]));
    cat.say(&ClientMessage::Leave);
}
