//! The other spelling: what JSON text is taken for, and what it isn't. The samples are kept in
//! `vectors/accepted_text.json` and `vectors/bad_text.json`; the text of every good message stands
//! beside its bytes in `client.json` and `server.json`.

mod support;

use data_encoding::BASE64URL_NOPAD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};
use support::arbitrary::message;
use support::{Direction, Message, read_vectors, samples, spoken, unhex};
use whisper_proto::json::{Unsayable, from_msgpack, to_msgpack};
use whisper_proto::limits::{CONTENT_CHARS, DEPTH, MESSAGE_BYTES};
use whisper_proto::{ClientMessage, DecodeError, ErrorCode, ServerMessage, SignalKind};

use DecodeError::*;

#[test]
fn every_variant_decodes_to_its_message() {
    let mut entries = Vec::new();
    for (name, same_as, text) in accepted() {
        let (message, mut frame) = (samples::named(same_as), Vec::new());
        let decoded = Message::decode_text(message.direction(), &text, &mut frame);
        assert_eq!(decoded, Ok(message), "{name}");
        entries.push(json!({
            "name": name, "direction": "client", "same_as": same_as, "text": text,
        }));
    }
    support::check_vectors("accepted_text.json", &entries);
}

#[test]
fn every_bad_text_is_named() {
    let mut entries = Vec::new();
    for (name, error, text) in bad() {
        let mut frame = Vec::new();
        let decoded = Message::decode_text(Direction::Client, &text, &mut frame);
        assert_eq!(decoded, Err(error), "{name}");
        entries.push(json!({
            "name": name, "direction": "client", "text": text,
            "code": ErrorCode::from(&error).as_str(), "error": error.to_string(),
        }));
    }
    support::check_vectors("bad_text.json", &entries);
}

/// The rules are those of msgpack: what is refused there is refused here, wherever it can be said.
#[test]
fn what_is_bad_in_msgpack_is_bad_in_json() {
    // A bin where text is meant is text in JSON.
    let good_here = ["content binary"];
    let mut said = 0;
    for vector in read_vectors("bad.json") {
        let field = |key: &str| vector[key].as_str().expect("a text");
        let (name, mut text) = (field("name"), Vec::new());
        if from_msgpack(&unhex(field("hex")), &mut text).is_err() || good_here.contains(&name) {
            continue;
        }
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        let mut frame = Vec::new();
        let direction = Direction::from_str(field("direction"));
        let error = Message::decode_text(direction, &text, &mut frame).expect_err(name);
        assert_eq!(ErrorCode::from(&error).as_str(), field("code"), "{name}");
        said += 1;
    }
    assert!(said > 60, "only {said} of them can be said");
}

#[test]
fn both_forms_are_within_the_limit() {
    let ping = |length: usize| format!("{:length$}", r#"{"type":"ping"}"#);
    let mut frame = Vec::new();
    assert_eq!(to_msgpack(&ping(MESSAGE_BYTES), &mut frame), Ok(()));
    assert_eq!(to_msgpack(&ping(MESSAGE_BYTES + 1), &mut frame), Err(TooLarge));

    // Nine bytes in msgpack for each four here.
    let halves = vec!["0.5"; 4_000].join(",");
    let offer = format!(r#"{{"type":"offer","data":{{"x":[{halves}]}}}}"#);
    assert!(offer.len() <= MESSAGE_BYTES);
    assert_eq!(Message::decode_text(Direction::Client, &offer, &mut frame), Err(TooLarge));
    assert!(frame.len() <= 3 * MESSAGE_BYTES, "what is put aside is bounded");

    // And six here for each one in msgpack: it isn't said, and nothing is left of it.
    let controls = "\u{1}".repeat(3_000);
    let pong = Message::Server(ServerMessage::ReportReceived { id: &controls });
    let mut out = b"before".to_vec();
    assert_eq!(from_msgpack(&pong.encode(), &mut out), Err(Unsayable::TooLarge));
    assert_eq!(out, b"before");
}

#[test]
fn the_longest_content_can_be_said_whatever_it_is() {
    for content in ["\u{1}", "\"", "\u{7f}", "\u{2028}", "\u{10FFFF}"] {
        let content = content.repeat(CONTENT_CHARS);
        let said = samples::said(&content);
        let (text, mut frame) = (said.encode_text().expect("it fits"), Vec::new());
        assert_eq!(Message::decode_text(Direction::Server, &text, &mut frame), Ok(said));
    }
}

#[test]
fn what_json_cannot_say_is_not_said() {
    let said = |body: &[u8]| {
        let mut text = Vec::new();
        let offer = [&b"\x82\xa4type\xa5offer\xa4data"[..], body].concat();
        from_msgpack(&offer, &mut text).map(|()| String::from_utf8(text).expect("UTF-8"))
    };
    assert_eq!(
        said(b"\x81\xa1x\xc4\x02\xff\xfe").as_deref(),
        Ok(r#"{"type":"offer","data":{"x":"__4"}}"#)
    );
    assert_eq!(said(b"\x81\xa1x\xd4\x01\x00"), Err(Unsayable::Extension));
    assert_eq!(said(b"\x81\x01\xa1x"), Err(Unsayable::Key));
    assert_eq!(said(b"\x81\xa1\xff\xa1x"), Err(Unsayable::BadUtf8));
    assert_eq!(said(b"\x81\xa1x\xa1\xff"), Err(Unsayable::BadUtf8));
    assert_eq!(said(b"\x81\xa1x\xca\x7f\xc0\x00\x00"), Err(Unsayable::NotFinite));
    assert_eq!(said(b"\x81\xa1x\xca\xff\x80\x00\x00"), Err(Unsayable::NotFinite));
    assert_eq!(said(b"\x81\xa1x"), Err(Unsayable::Malformed(Truncated)));
    assert_eq!(said(b"\x80\x80"), Err(Unsayable::Malformed(TrailingBytes)));
}

#[test]
fn strings_are_binary_only_where_the_protocol_says_so() {
    // Valid base64url, all of it; and of a map that is carried verbatim none becomes bin.
    let text =
        r#"{"data":{"resume":"AAAA","tag":"AAAA","evidence":[{"tag":"AAAA"}]},"type":"answer"}"#;
    let mut frame = Vec::new();
    to_msgpack(text, &mut frame).expect("JSON");
    let Ok(ClientMessage::Signal(signal)) = ClientMessage::decode(&frame) else { panic!("{text}") };
    assert_eq!(signal.kind, SignalKind::Answer);
    assert_eq!(
        signal.body,
        b"\x83\xa6resume\xa4AAAA\xa3tag\xa4AAAA\xa8evidence\x91\x81\xa3tag\xa4AAAA"
    );
}

#[test]
fn lengths_have_their_shortest_form() {
    for count in [0, 1, 15, 16, 300] {
        let text = json!({ "type": "offer", "data": { "x": vec![0; count] } }).to_string();
        let mut frame = Vec::new();
        to_msgpack(&text, &mut frame).expect("JSON");
        assert_eq!(support::pack(&support::unpack(&frame)), frame, "{count}");
    }
}

proptest! {
    #[test]
    fn what_is_said_in_json_is_what_is_meant(message in message()) {
        let text = match message.encode_text() {
            Ok(text) => text,
            Err(error) => {
                let only_there = error == Unsayable::TooLarge || message.carries_a_map();
                prop_assert!(only_there, "{error}: {message:?}");
                return Ok(());
            }
        };
        let mut frame = Vec::new();
        let decoded = Message::decode_text(message.direction(), &text, &mut frame);
        prop_assume!(decoded != Err(TooLarge));
        let decoded = decoded.expect(&text);
        // A map that is carried verbatim has no bin when it comes from JSON.
        prop_assert_eq!(decoded.encode_text(), Ok(text));
        prop_assert!(decoded == message || message.carries_a_map(), "{:?}", decoded);
    }

    #[test]
    fn both_spellings_are_judged_alike(kind in prop::sample::select(kinds()), data in view(4)) {
        let said = spoken(&json!({ "type": kind, "data": data }));
        let (text, msgpack) = (said.to_string(), support::pack_json(&meant(&said)));
        for direction in [Direction::Client, Direction::Server] {
            let mut frame = Vec::new();
            let of_text = Message::decode_text(direction, &text, &mut frame);
            let of_msgpack = Message::decode(direction, &msgpack);
            prop_assert_eq!(of_text.is_ok(), of_msgpack.is_ok(), "{:?} {:?}", of_text, of_msgpack);
            if let (Ok(one), Ok(other)) = (of_text, of_msgpack) {
                prop_assert!(one == other || one.carries_a_map(), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        decodes_to_something_stable(&text);
    }

    #[test]
    fn no_damaged_text_panics(
        message in message(),
        damage in vec((any::<Index>(), 0..3u8, prop::sample::select(b"{}[]\",:\\0e-.tnu ".as_slice())), 1..6),
    ) {
        let Ok(text) = message.encode_text() else { return Ok(()) };
        let mut text: Vec<char> = text.chars().collect();
        for (place, how, byte) in damage {
            let place = place.index(text.len());
            match how {
                0 => text[place] = byte.into(),
                1 => text.insert(place, byte.into()),
                _ if text.len() > 1 => drop(text.remove(place)),
                _ => {}
            }
        }
        decodes_to_something_stable(&String::from_iter(text));
    }
}

/// Whatever text is taken for, is taken for the same when it is said again.
fn decodes_to_something_stable(text: &str) {
    for direction in [Direction::Client, Direction::Server] {
        let mut frame = Vec::new();
        if let Ok(message) = Message::decode_text(direction, text, &mut frame)
            && let Ok(said) = message.encode_text()
        {
            let mut frame = Vec::new();
            assert_eq!(Message::decode_text(direction, &said, &mut frame), Ok(message), "{text}");
        }
    }
}

/// The view that JSON stands for: what is bin by the protocol, and base64url, is bin.
fn meant(said: &Json) -> Json {
    fn binary(fields: &mut Json, keys: &[&str]) {
        let Json::Object(fields) = fields else { return };
        for (_, value) in fields.iter_mut().filter(|(key, _)| keys.contains(&key.as_str())) {
            let text = value.as_str().unwrap_or("!").as_bytes();
            if BASE64URL_NOPAD.decode(text).is_ok() {
                *value = json!({ "$bin": value });
            }
        }
    }
    let mut view = said.clone();
    if SignalKind::from_wire(said["type"].as_str().expect("a type")).is_none() {
        binary(&mut view["data"], &["resume", "proof", "tag"]);
        if let Some(entries) = view["data"].get_mut("evidence").and_then(Json::as_array_mut) {
            entries.iter_mut().for_each(|entry| binary(entry, &["tag"]));
        }
    }
    view
}

/// Any JSON view of `data`, with keys and values of the protocol's own among it.
fn view(depth: u32) -> impl Strategy<Value = Json> {
    let texts: Vec<Json> = samples::all()
        .iter()
        .flat_map(|(_, message)| leaves(&support::json_of(&support::unpack(&message.encode()))))
        .collect();
    let keys = [
        "content",
        "id",
        "roomId",
        "seq",
        "resume",
        "proof",
        "tag",
        "evidence",
        "interests",
        "ageCategory",
        "mode",
        "queueType",
        "reason",
        "enabled",
        "isTyping",
        "timestamp",
        "limits",
        "x",
    ];
    let leaf = prop_oneof![
        6 => prop::sample::select(texts),
        1 => any::<i64>().prop_map(Json::from),
        1 => (-3.0..3.0).prop_map(Json::from),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| {
            json!({ "$bin": BASE64URL_NOPAD.encode(&bytes) })
        }),
    ];
    leaf.prop_recursive(depth, 24, 6, move |inner| {
        let key = prop::sample::select(keys.to_vec());
        prop_oneof![
            1 => vec(inner.clone(), 0..6).prop_map(Json::Array),
            3 => vec((key, inner), 0..6).prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
}

/// The values in a view that hold no other.
fn leaves(view: &Json) -> Vec<Json> {
    match view {
        Json::Array(values) => values.iter().flat_map(leaves).collect(),
        Json::Object(entries) if !entries.contains_key("$bin") => {
            entries.values().flat_map(leaves).collect()
        }
        other => vec![other.clone()],
    }
}

/// Every `type` of both directions.
fn kinds() -> Vec<String> {
    let texts = samples::all().into_iter().filter_map(|(_, message)| message.encode_text().ok());
    let kind = |text: String| -> Json { serde_json::from_str(&text).expect("JSON") };
    texts.map(|text| kind(text)["type"].as_str().expect("a type").to_owned()).collect()
}

fn accepted() -> Vec<(&'static str, &'static str, String)> {
    let deep = |depth: u8| (0..depth).fold(json!(0), |inner, _| json!([inner])).to_string();
    vec![
        ("white space", "ping", " {\t\"type\" :\r\n\"ping\" } ".into()),
        ("data first", "ack", r#"{"data":{"seq":300},"type":"ack"}"#.into()),
        (
            "escapes",
            "message, content only",
            r#"{"\u0074ype":"message","data":{"content":"\u0068"}}"#.into(),
        ),
        (
            "null is absent",
            "message, content only",
            r#"{"type":"message","data":{"content":"h","id":null}}"#.into(),
        ),
        (
            "data null, and then not",
            "ack",
            r#"{"data":null,"type":"ack","data":{"seq":300}}"#.into(),
        ),
        (
            "a number with a fraction of nothing",
            "ack",
            r#"{"type":"ack","data":{"seq":300.0}}"#.into(),
        ),
        ("a number with an exponent", "ack", r#"{"type":"ack","data":{"seq":3e2}}"#.into()),
        ("unknown keys", "ping", r#"{"v":[1,{"w":null}],"type":"ping","":"x"}"#.into()),
        (
            "an unknown key with what looks like binary",
            "ack",
            r#"{"type":"ack","data":{"seq":300,"x":{"tag":"!"}}}"#.into(),
        ),
        ("depth 8", "ping", format!(r#"{{"type":"ping","x":{}}}"#, deep(DEPTH - 1))),
        ("signalling without data", "offer, empty", r#"{"type":"offer"}"#.into()),
    ]
}

fn bad() -> Vec<(&'static str, DecodeError, String)> {
    let deep = |depth: u8| (0..depth).fold(json!(0), |inner, _| json!([inner])).to_string();
    let report = |tag: &str| {
        format!(
            r#"{{"type":"report","data":{{"reason":"spam","evidence":[{{"seq":1,"content":"x","timestamp":2,"tag":{tag}}}]}}}}"#
        )
    };
    let hello = |resume: &str| format!(r#"{{"type":"hello","data":{{"resume":{resume}}}}}"#);
    let ack = |seq: &str| format!(r#"{{"type":"ack","data":{{"seq":{seq}}}}}"#);
    vec![
        ("nothing", Truncated, "".into()),
        ("only white space", Truncated, " \n".into()),
        ("cut short", Truncated, r#"{"type":"ping""#.into()),
        ("cut short in data", Truncated, r#"{"type":"read","data":{"seq":"#.into()),
        ("two messages in one", TrailingBytes, r#"{"type":"ping"}{"type":"ping"}"#.into()),
        ("a comma behind it", TrailingBytes, r#"{"type":"ping"},"#.into()),
        ("words", NotJson, "hello?".into()),
        ("single quotes", NotJson, "{'type':'ping'}".into()),
        ("keys without quotes", NotJson, r#"{type:"ping"}"#.into()),
        ("a comma too many", NotJson, r#"{"type":"ping",}"#.into()),
        ("a comment", NotJson, r#"{"type":"ping"/* ! */}"#.into()),
        ("a byte order mark", NotJson, "\u{feff}{\"type\":\"ping\"}".into()),
        ("a line break in a string", NotJson, "{\"type\":\"pi\nng\"}".into()),
        ("an unknown escape", NotJson, r#"{"type":"\ping"}"#.into()),
        (
            "half a surrogate pair",
            NotJson,
            r#"{"type":"message","data":{"content":"\ud83d"}}"#.into(),
        ),
        ("a leading zero", NotJson, ack("07")),
        ("not a number", NotJson, ack("NaN")),
        ("a number beyond all floats", NotJson, ack("1e999")),
        ("broken where nobody looks", NotJson, r#"{"type":"ping","x":{"y":[1,}}"#.into()),
        ("an array", NotAMap, r#"["ping"]"#.into()),
        ("null", NotAMap, "null".into()),
        ("a string", NotAMap, r#""ping""#.into()),
        ("nothing but arrays", NotAMap, "[".repeat(10_000)),
        ("depth 9", TooDeep, format!(r#"{{"type":"ping","x":{}}}"#, deep(DEPTH))),
        (
            "depth 9 in data",
            TooDeep,
            format!(r#"{{"data":{{"x":{}}},"type":"offer"}}"#, deep(DEPTH - 1)),
        ),
        ("arrays without end", TooDeep, format!(r#"{{"type":"ping","x":{}"#, "[".repeat(10_000))),
        ("no type", Missing("type"), "{}".into()),
        ("type unknown", UnknownType, r#"{"type":"dance"}"#.into()),
        ("type twice", Duplicate("type"), r#"{"type":"ping","type":"leave"}"#.into()),
        ("data twice", Duplicate("data"), r#"{"data":{},"type":"ping","data":{}}"#.into()),
        (
            "content twice",
            Duplicate("content"),
            r#"{"type":"message","data":{"content":"a","content":"b"}}"#.into(),
        ),
        ("data a string", WrongType("data"), r#"{"type":"message","data":"hi"}"#.into()),
        ("a number as text", WrongType("seq"), ack(r#""1""#)),
        ("a fraction", OutOfRange("seq"), ack("1.5")),
        ("negative", OutOfRange("seq"), ack("-1")),
        ("2^64", OutOfRange("seq"), ack("18446744073709551616")),
        ("base64 with padding", WrongType("resume"), hello(r#""AA==""#)),
        ("the other base64", WrongType("resume"), hello(r#""+/+/""#)),
        ("bits left over", WrongType("resume"), hello(r#""AB""#)),
        ("binary as an object", WrongType("resume"), hello(r#"{"$bin":"AAAA"}"#)),
        ("binary as numbers", WrongType("resume"), hello("[0,1]")),
        ("a tag of 15 bytes", WrongLength("tag"), report(r#""AAAAAAAAAAAAAAAAAAAA""#)),
        ("a tag of words", WrongType("tag"), report(r#""all of it is true""#)),
    ]
}
