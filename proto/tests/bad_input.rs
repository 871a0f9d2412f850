//! Bytes that are no message: each is refused with the error that names what is wrong. They are
//! kept in `vectors/bad.json`, for servers and clients in other languages.

mod support;

use rmpv::Value;
use serde_json::{Value as Json, json};
use support::{Direction, Message, hex, msgpack_of, pack, pack_json, samples};
use whisper_proto::limits::{DEPTH, MESSAGE_BYTES};
use whisper_proto::{ClientMessage, DecodeError, ErrorCode, Fault, ServerMessage, Signal};
use whisper_proto::{SignalKind, limits};

use DecodeError::*;
use Direction::{Client, Server};

struct Bad {
    name: &'static str,
    direction: Direction,
    frame: Vec<u8>,
    error: DecodeError,
}

#[test]
fn every_bad_input_is_named() {
    let mut entries = Vec::new();
    for Bad { name, direction, frame, error } in all() {
        assert_eq!(Message::decode(direction, &frame), Err(error), "{name}");
        entries.push(json!({
            "name": name, "direction": direction.as_str(), "hex": hex(&frame),
            "code": ErrorCode::from(&error).as_str(), "error": error.to_string(),
        }));
    }
    support::check_vectors("bad.json", &entries);
}

#[test]
fn every_kind_of_error_has_an_input() {
    let mut seen: Vec<_> = all().iter().map(|bad| std::mem::discriminant(&bad.error)).collect();
    seen.push(std::mem::discriminant(&TooLarge)); // too big to be kept as a vector; see below
    seen.push(std::mem::discriminant(&NotJson)); // those of the other spelling have their own
    for error in [
        Truncated,
        TrailingBytes,
        ReservedByte,
        NotJson,
        TooDeep,
        TooLarge,
        NotAMap,
        UnknownType,
        Missing(""),
        Duplicate(""),
        WrongType(""),
        OutOfRange(""),
        UnknownWord(""),
        BadUtf8(""),
        WrongLength(""),
        Empty(""),
        TooLong(""),
        TooManyInterests,
    ] {
        assert!(seen.contains(&std::mem::discriminant(&error)), "{error:?} has no input");
    }
}

#[test]
fn a_frame_of_the_full_size_is_looked_at_and_one_byte_more_is_not() {
    // A body of bin 16, as long as it takes.
    let frame_of = |length: usize| {
        let envelope = pack_json(&json!({ "type": "offer", "data": { "sdp": "" } })).len();
        let padding = Value::Binary(vec![0; length - envelope - 2]);
        let data = Value::Map(vec![(Value::from("sdp"), padding)]);
        let frame = pack(&Value::Map(vec![("type".into(), "offer".into()), ("data".into(), data)]));
        assert_eq!(frame.len(), length);
        frame
    };
    let full = frame_of(MESSAGE_BYTES);
    assert!(matches!(ClientMessage::decode(&full), Ok(ClientMessage::Signal(_))));
    assert!(matches!(ServerMessage::decode(&full), Ok(ServerMessage::Signal(_))));
    let over = frame_of(MESSAGE_BYTES + 1);
    assert_eq!(ClientMessage::decode(&over), Err(TooLarge));
    assert_eq!(ServerMessage::decode(&over), Err(TooLarge));
}

#[test]
fn no_prefix_of_a_message_is_a_message() {
    for (name, message) in samples::all() {
        let frame = message.encode();
        for length in 0..frame.len() {
            let decoded = Message::decode(message.direction(), &frame[..length]);
            assert_eq!(decoded, Err(Truncated), "{name}, {length} bytes");
        }
    }
}

#[test]
fn a_signal_made_elsewhere_is_checked_like_a_decoded_one() {
    let made = |body: &[u8]| Signal::new(SignalKind::Offer, body).map(|signal| signal.body.len());
    assert_eq!(made(&[0x80]), Ok(1));
    assert_eq!(made(&[0x80, 0x80]), Err(TrailingBytes));
    assert_eq!(made(&[0x90]), Err(WrongType("data")));
    assert_eq!(made(&[]), Err(Truncated));
    // The body is depth 2 of the message, so one level less remains.
    let nested = |depth: u8| pack_json(&json!({ "x": nest(depth - 1) }));
    assert!(made(&nested(DEPTH - 1)).is_ok());
    assert_eq!(made(&nested(DEPTH)), Err(TooDeep));
}

#[test]
fn an_error_says_whose_fault_it_is_and_which_field_it_is_about() {
    assert_eq!((Truncated.fault(), Truncated.field()), (Fault::Encoding, None));
    assert_eq!((UnknownType.fault(), UnknownType.field()), (Fault::Client, Some("type")));
    let long = TooLong("content");
    assert_eq!((long.fault(), long.field()), (Fault::Person, Some("content")));
    assert_eq!(TooManyInterests.field(), Some("interests"));
}

fn all() -> Vec<Bad> {
    let mut all = Vec::new();
    for part in [structure(), nesting(), lengths(), envelopes(), fields(), numbers(), bounds()] {
        all.extend(part);
    }
    all
}

fn structure() -> Vec<Bad> {
    let ping = pack_json(&json!({ "type": "ping" }));
    vec![
        client("nothing", Truncated, vec![]),
        client("the byte msgpack never uses", ReservedByte, vec![0xc1]),
        client("JSON", NotAMap, br#"{"type":"ping"}"#.to_vec()),
        client("a map cut short", Truncated, vec![0x81, 0xa4, b't', b'y']),
        client("bytes after the value", TrailingBytes, [&ping[..], &[0xc0]].concat()),
        client("two messages in one", TrailingBytes, [&ping[..], &ping[..]].concat()),
        client(
            "the unused byte inside",
            ReservedByte,
            vec![0x81, 0xa4, b't', b'y', b'p', b'e', 0xc1],
        ),
    ]
}

fn nesting() -> Vec<Bad> {
    let deep = json!({ "type": "ping", "x": nest(DEPTH) });
    let deep_data = json!({ "type": "message", "data": { "content": "hi", "x": nest(DEPTH - 1) } });
    let deep_signal = json!({ "type": "offer", "data": { "x": nest(DEPTH - 1) } });
    let deep_server = json!({ "type": "pong", "data": { "timestamp": 1, "x": nest(DEPTH - 1) } });
    vec![
        client("depth 9 in an unknown key", TooDeep, pack_json(&deep)),
        client("depth 9 in data", TooDeep, pack_json(&deep_data)),
        client("depth 9 in signalling", TooDeep, pack_json(&deep_signal)),
        client("nothing but arrays", NotAMap, vec![0x91; 200]),
        client("nothing but maps", TooDeep, vec![0x81; 200]),
        server("depth 9 from the server", TooDeep, pack_json(&deep_server)),
    ]
}

/// Lengths of nearly 4 GiB in frames of some 20 bytes.
fn lengths() -> Vec<Bad> {
    let declared = |prefix: &[u8], marker: u8| {
        let mut frame = prefix.to_vec();
        frame.extend([marker, 0xff, 0xff, 0xff, 0xff]);
        frame.resize(20, 0);
        frame
    };
    let unknown_key = b"\x82\xa1x";
    let kind = b"\x82\xa4type";
    vec![
        client("a map of 4 Gi entries", Truncated, declared(b"", 0xdf)),
        client("an array of 4 Gi", Truncated, declared(unknown_key, 0xdd)),
        client("a map of 4 Gi entries inside", Truncated, declared(unknown_key, 0xdf)),
        client("a str of 4 GiB", Truncated, declared(kind, 0xdb)),
        client("a bin of 4 GiB", Truncated, declared(unknown_key, 0xc6)),
        client("an ext of 4 GiB", Truncated, declared(unknown_key, 0xc9)),
        client("a key of 4 GiB", Truncated, declared(b"\x82", 0xdb)),
        client("interests, 4 Gi of them", Truncated, {
            let mut frame = b"\x82\xa4type\xa4join\xa4data\x81\xa9interests".to_vec();
            frame.extend([0xdd, 0xff, 0xff, 0xff, 0xff]);
            frame
        }),
        client(
            "more elements than bytes",
            Truncated,
            vec![0x81, 0xa1, b'x', 0xdc, 0x00, 0x02, 0x01],
        ),
    ]
}

fn envelopes() -> Vec<Bad> {
    let say = json!({ "content": "hi" });
    vec![
        client("an array", NotAMap, pack_json(&json!(["ping"]))),
        client("nil", NotAMap, pack_json(&json!(null))),
        client("no type", Missing("type"), pack_json(&json!({ "data": say }))),
        client("type nil", Missing("type"), pack_json(&json!({ "type": null }))),
        client("type a number", WrongType("type"), pack_json(&json!({ "type": 1 }))),
        client("type unknown", UnknownType, pack_json(&json!({ "type": "dance" }))),
        client("type empty", UnknownType, pack_json(&json!({ "type": "" }))),
        client("type in capitals", UnknownType, pack_json(&json!({ "type": "Ping" }))),
        client("a type of the server", UnknownType, pack_json(&json!({ "type": "pong" }))),
        server("a type of the client", UnknownType, pack_json(&json!({ "type": "join" }))),
        client("type not UTF-8", BadUtf8("type"), b"\x81\xa4type\xa2\xff\xfe".to_vec()),
        client(
            "type twice",
            Duplicate("type"),
            entries(&[("type", json!("ping")), ("type", json!("leave"))]),
        ),
        client(
            "data twice",
            Duplicate("data"),
            entries(&[("type", json!("message")), ("data", say.clone()), ("data", say.clone())]),
        ),
        client(
            "data before and after type",
            Duplicate("data"),
            entries(&[("data", say.clone()), ("type", json!("message")), ("data", say)]),
        ),
        said("data an array", WrongType("data"), json!([])),
        said("data a str", WrongType("data"), json!("hi")),
        said("data absent", Missing("content"), json!(null)),
        client("ping with data that is no map", WrongType("data"), message("ping", json!(7))),
        client("offer with data that is no map", WrongType("data"), message("offer", json!([1]))),
    ]
}

fn fields() -> Vec<Bad> {
    let join = |changes: Json| {
        let mut data = json!({ "ageCategory": "adult", "mode": "text", "queueType": "moderated",
            "interests": ["music"] });
        for (key, value) in changes.as_object().expect("changes") {
            data[key] = value.clone();
        }
        message("join", data)
    };
    let report = |changes: Json| {
        let mut entry = json!({ "seq": 1, "content": "x", "timestamp": 2,
            "tag": { "$bin": "AAAAAAAAAAAAAAAAAAAAAA" } });
        for (key, value) in changes.as_object().expect("changes") {
            entry[key] = value.clone();
        }
        message("report", json!({ "reason": "spam", "evidence": [entry] }))
    };
    let nameless_str = b"\x82\xa4type\xa7message\xa4data\x81\xa7content\xa4ab\xff\xfe".to_vec();
    let bad_id = b"\x82\xa4type\xa7message\xa4data\x82\xa7content\xa1a\xa2id\xa1\x80".to_vec();
    let twice = [
        &b"\x82\xa4type\xa7message\xa4data"[..],
        &entries(&[("content", json!("one")), ("content", json!("two"))]),
    ]
    .concat();
    vec![
        said("content missing", Missing("content"), json!({})),
        said("content nil", Missing("content"), json!({ "content": null })),
        said("content a number", WrongType("content"), json!({ "content": 5 })),
        said("content binary", WrongType("content"), json!({ "content": { "$bin": "aGk" } })),
        said("id a number", WrongType("id"), json!({ "content": "hi", "id": 5 })),
        said("roomId a bool", WrongType("roomId"), json!({ "content": "hi", "roomId": true })),
        client("content not UTF-8", BadUtf8("content"), nameless_str),
        client("id not UTF-8", BadUtf8("id"), bad_id),
        client("content twice", Duplicate("content"), twice),
        client("isTyping missing", Missing("isTyping"), message("typing", json!({}))),
        client("isTyping 1", WrongType("isTyping"), message("typing", json!({ "isTyping": 1 }))),
        client(
            "enabled a str",
            WrongType("enabled"),
            message("video_toggle", json!({ "enabled": "true" })),
        ),
        client("ack without seq", Missing("seq"), message("ack", json!({}))),
        client("read without seq", Missing("seq"), message("read", json!({}))),
        client("resume a str", WrongType("resume"), message("hello", json!({ "resume": "token" }))),
        client(
            "roomId of signalling a number",
            WrongType("roomId"),
            message("answer", json!({ "roomId": 1 })),
        ),
        client("join without interests", Missing("interests"), join(json!({ "interests": null }))),
        client("join without mode", Missing("mode"), join(json!({ "mode": null }))),
        client("interests a str", WrongType("interests"), join(json!({ "interests": "music" }))),
        client(
            "an interest a number",
            WrongType("interests"),
            join(json!({ "interests": ["a", 1] })),
        ),
        client("an interest nil", WrongType("interests"), join(json!({ "interests": [null] }))),
        client("mode unknown", UnknownWord("mode"), join(json!({ "mode": "smell" }))),
        client(
            "ageCategory unknown",
            UnknownWord("ageCategory"),
            join(json!({ "ageCategory": "" })),
        ),
        client(
            "queueType unknown",
            UnknownWord("queueType"),
            join(json!({ "queueType": "Moderated" })),
        ),
        client("relax unknown", UnknownWord("relax"), join(json!({ "relax": "more" }))),
        client("language unknown", UnknownWord("language"), join(json!({ "language": "de" }))),
        client("mode a number", WrongType("mode"), join(json!({ "mode": 0 }))),
        client("report without reason", Missing("reason"), message("report", json!({}))),
        client(
            "reason unknown",
            UnknownWord("reason"),
            message("report", json!({ "reason": "bored" })),
        ),
        client(
            "block a number",
            WrongType("block"),
            message("report", json!({ "reason": "spam", "block": 1 })),
        ),
        client(
            "evidence a map",
            WrongType("evidence"),
            message("report", json!({ "reason": "spam", "evidence": {} })),
        ),
        client(
            "evidence of numbers",
            WrongType("evidence"),
            message("report", json!({ "reason": "spam", "evidence": [1] })),
        ),
        client("evidence without tag", Missing("tag"), report(json!({ "tag": null }))),
        client(
            "evidence with a tag of 15 bytes",
            WrongLength("tag"),
            report(json!({ "tag": { "$bin":
            "AAAAAAAAAAAAAAAAAAAA" } })),
        ),
        client(
            "evidence with a tag of text",
            WrongType("tag"),
            report(json!({ "tag": "AAAAAAAAAAAAAAAA" })),
        ),
        server("iceServers a map", WrongType("iceServers"), connected(json!({ "iceServers": {} }))),
        server("challenge an array", WrongType("challenge"), connected(json!({ "challenge": [] }))),
        server("limits missing", Missing("limits"), connected(json!({ "limits": null }))),
        server(
            "a thirteenth lane",
            TooLong("lanes"),
            connected(json!({ "lanes": vec![json!({}); 13] })),
        ),
    ]
}

fn numbers() -> Vec<Bad> {
    let ack = |value: Value| {
        let data = Value::Map(vec![("seq".into(), value)]);
        pack(&Value::Map(vec![("type".into(), "ack".into()), ("data".into(), data)]))
    };
    let out = OutOfRange("seq");
    vec![
        client("a fraction", out, ack(Value::F64(1.5))),
        client("a fraction in 32 bits", out, ack(Value::F32(0.25))),
        client("negative", out, ack(Value::from(-1))),
        client("very negative", out, ack(Value::from(i64::MIN))),
        client("a negative float", out, ack(Value::F64(-3.0))),
        client("not a number", out, ack(Value::F64(f64::NAN))),
        client("infinite", out, ack(Value::F64(f64::INFINITY))),
        client("a float of 2^64", out, ack(Value::F64(2f64.powi(64)))),
        client("a number as text", WrongType("seq"), ack(Value::from("1"))),
        client("a number as bool", WrongType("seq"), ack(Value::from(true))),
        client("a number as extension", WrongType("seq"), ack(Value::Ext(1, vec![1]))),
        server(
            "2^32 where 32 bits are meant",
            OutOfRange("waitedMs"),
            message(
                "match_timeout",
                json!({ "waitedMs":
            4_294_967_296_u64 }),
            ),
        ),
    ]
}

fn bounds() -> Vec<Bad> {
    let chars = |count: usize| "ä".repeat(count);
    let hello = |key: &str, count: usize| message("hello", json!({ key: chars(count) }));
    let join = |interests: Json| {
        message(
            "join",
            json!({ "ageCategory": "teen", "mode": "text", "queueType": "moderated",
            "interests": interests }),
        )
    };
    let entry = json!({ "seq": 1, "content": "", "timestamp": 1, "tag": { "$bin":
        "AAAAAAAAAAAAAAAAAAAAAA" } });
    let report =
        |key: &str, value: Json| message("report", json!({ "reason": "spam", key: value }));
    vec![
        said("content empty", Empty("content"), json!({ "content": "" })),
        said(
            "content of 2001",
            TooLong("content"),
            json!({ "content": chars(limits::CONTENT_CHARS + 1) }),
        ),
        said("id of 37", TooLong("id"), json!({ "content": "a", "id": chars(37) })),
        client("reason of 65", TooLong("reason"), message("skip", json!({ "reason": chars(65) }))),
        client("fingerprint of 129", TooLong("fingerprint"), hello("fingerprint", 129)),
        client("language of 36", TooLong("language"), hello("language", 36)),
        client("comment of 501", TooLong("comment"), report("comment", json!(chars(501)))),
        client("report id of 37", TooLong("id"), report("id", json!(chars(37)))),
        client(
            "evidence, 21 of it",
            TooLong("evidence"),
            report("evidence", json!(vec![entry; 21])),
        ),
        client("interests, 11 of them", TooManyInterests, join(json!(vec!["a"; 11]))),
        client("interests, 11 empty ones", TooManyInterests, join(json!(vec![""; 11]))),
    ]
}

fn client(name: &'static str, error: DecodeError, frame: Vec<u8>) -> Bad {
    Bad { name, direction: Client, frame, error }
}

fn server(name: &'static str, error: DecodeError, frame: Vec<u8>) -> Bad {
    Bad { name, direction: Server, frame, error }
}

/// A client's `message` with that data.
fn said(name: &'static str, error: DecodeError, data: Json) -> Bad {
    client(name, error, message("message", data))
}

fn message(kind: &str, data: Json) -> Vec<u8> {
    entries(&[("type", json!(kind)), ("data", data)])
}

/// A `connected` that is good but for the changes.
fn connected(changes: Json) -> Vec<u8> {
    let mut data = json!({ "userId": "u", "resume": { "$bin": "" }, "serverTime": 1, "limits": {
        "messageBytes": 1, "contentChars": 1, "interests": 1, "interestChars": 1 } });
    for (key, value) in changes.as_object().expect("changes") {
        data[key] = value.clone();
    }
    message("connected", data)
}

/// A map that may hold a key twice.
fn entries(entries: &[(&str, Json)]) -> Vec<u8> {
    pack(&Value::Map(entries.iter().map(|(k, v)| (Value::from(*k), msgpack_of(v))).collect()))
}

/// Arrays in arrays, `depth` of them.
fn nest(depth: u8) -> Json {
    (0..depth).fold(json!(0), |inner, _| json!([inner]))
}
