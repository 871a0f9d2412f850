//! Bytes that say the same in another way: each decodes to the message it is a variant of. They
//! are kept in `vectors/accepted.json`, for servers and clients in other languages.

mod support;

use rmpv::Value;
use serde_json::{Value as Json, json};
use support::{Message, hex, msgpack_of, pack, pack_json, samples};
use whisper_proto::limits::{
    COMMENT_CHARS, CONTENT_CHARS, DEPTH, EVIDENCE, FINGERPRINT_CHARS, ID_CHARS, INTERESTS,
    LANGUAGE_CHARS, REASON_CHARS,
};
use whisper_proto::{ClientMessage, Signal, SignalKind};

struct Variant {
    name: &'static str,
    same_as: &'static str,
    frame: Vec<u8>,
}

#[test]
fn every_variant_decodes_to_its_message() {
    let mut entries = Vec::new();
    for Variant { name, same_as, frame } in all() {
        let message = samples::named(same_as);
        let direction = message.direction();
        assert_eq!(Message::decode(direction, &frame), Ok(message), "{name}");
        entries.push(json!({
            "name": name, "direction": direction.as_str(), "same_as": same_as, "hex": hex(&frame),
        }));
    }
    support::check_vectors("accepted.json", &entries);
}

#[test]
fn integers_of_any_width_are_the_same() {
    let ack = |number: &[u8]| {
        let mut frame = b"\x82\xa4type\xa3ack\xa4data\x81\xa3seq".to_vec();
        frame.extend_from_slice(number);
        match ClientMessage::decode(&frame) {
            Ok(ClientMessage::Ack { seq }) => seq,
            other => panic!("{number:x?}: {other:?}"),
        }
    };
    assert_eq!(ack(&[7]), 7);
    assert_eq!(ack(&[0xcc, 7]), 7);
    assert_eq!(ack(&[0xcd, 0, 7]), 7);
    assert_eq!(ack(&[0xce, 0, 0, 0, 7]), 7);
    assert_eq!(ack(&[0xcf, 0, 0, 0, 0, 0, 0, 0, 7]), 7);
    assert_eq!(ack(&[0xd0, 7]), 7);
    assert_eq!(ack(&[0xd1, 0, 7]), 7);
    assert_eq!(ack(&[0xd2, 0, 0, 0, 7]), 7);
    assert_eq!(ack(&[0xd3, 0, 0, 0, 0, 0, 0, 0, 7]), 7);
    let float = |value: f64| [&[0xcb][..], &value.to_be_bytes()].concat();
    assert_eq!(ack(&[&[0xca][..], &7f32.to_be_bytes()].concat()), 7);
    assert_eq!(ack(&float(7.0)), 7);
    assert_eq!(ack(&float(-0.0)), 0);
    assert_eq!(ack(&float(9_007_199_254_740_992.0)), 1 << 53);
    assert_eq!(ack(&float(2f64.powi(63))), 1 << 63);
    assert_eq!(ack(&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255]), u64::MAX);
}

#[test]
fn texts_and_lists_may_be_as_long_as_their_limits() {
    let wide = |chars: usize| "\u{1f600}".repeat(chars);
    let tag = json!({ "$bin": "AAAAAAAAAAAAAAAAAAAAAA" });
    let entry = json!({ "seq": 1, "content": "", "timestamp": 1, "tag": tag });
    for (kind, data) in [
        ("message", json!({ "content": wide(CONTENT_CHARS), "id": wide(ID_CHARS) })),
        ("skip", json!({ "reason": wide(REASON_CHARS) })),
        (
            "hello",
            json!({ "fingerprint": wide(FINGERPRINT_CHARS), "language": wide(LANGUAGE_CHARS) }),
        ),
        ("report", json!({ "reason": "spam", "comment": wide(COMMENT_CHARS) })),
        ("report", json!({ "reason": "spam", "evidence": vec![entry; EVIDENCE] })),
        (
            "join",
            json!({ "ageCategory": "teen", "mode": "text", "queueType": "moderated",
                "interests": vec![wide(33); INTERESTS] }),
        ),
    ] {
        let frame = pack_json(&json!({ "type": kind, "data": data }));
        assert!(ClientMessage::decode(&frame).is_ok(), "{kind}");
    }
}

#[test]
fn a_signal_keeps_its_bytes_as_they_came() {
    // Not UTF-8, keys of other kinds, wide lengths: none of our business.
    let body =
        b"\xdf\x00\x00\x00\x04\x01\x02\xa1\xff\xd9\x01\xfe\xa6roomId\xa1r\xc0\xc7\x01\x05\x00";
    let frame = [&b"\x82\xa4type\xadice_candidate\xa4data"[..], body].concat();
    let expected = Signal { kind: SignalKind::IceCandidate, room: Some("r"), body };
    assert_eq!(ClientMessage::decode(&frame), Ok(ClientMessage::Signal(expected)));
    assert_eq!(Message::Client(ClientMessage::Signal(expected)).encode(), frame);
}

fn all() -> Vec<Variant> {
    let mut all = absence();
    all.extend(order());
    all.extend(unknown_keys());
    all.extend(widths());
    all
}

fn absence() -> Vec<Variant> {
    let nil_wishes = json!({ "ageCategory": "adult", "mode": "text", "queueType": "moderated",
        "interests": [], "relax": null, "language": null });
    let default_wishes = json!({ "ageCategory": "adult", "mode": "text", "queueType": "moderated",
        "interests": [], "relax": "gradual", "language": "any" });
    let bare_report = json!({ "reason": "other", "evidence": [], "block": false });
    vec![
        variant(
            "nil is absent",
            "message, content only",
            json!({ "type": "message", "data": { "content": "h", "id": null, "roomId": null } }),
        ),
        variant("no data", "hello, nothing", json!({ "type": "hello" })),
        variant("data nil", "skip, nothing", json!({ "type": "skip", "data": null })),
        variant("empty data", "ping", json!({ "type": "ping", "data": {} })),
        variant("data of no fields", "leave", json!({ "type": "leave", "data": { "now": true } })),
        variant("signalling without data", "offer, empty", json!({ "type": "offer" })),
        variant("wishes nil", "join, defaults", json!({ "type": "join", "data": nil_wishes })),
        variant(
            "defaults said",
            "join, defaults",
            json!({ "type": "join", "data": default_wishes }),
        ),
        variant(
            "defaults of a report said",
            "report, reason only",
            json!({ "type": "report", "data": bare_report }),
        ),
        variant("no data from the server", "partner_skipped", json!({ "type": "partner_skipped" })),
    ]
}

fn order() -> Vec<Variant> {
    ["hello, all", "message, all", "report, all", "connected, required only", "matched", "message"]
        .into_iter()
        .map(|same_as| Variant {
            name: "keys the other way round",
            same_as,
            frame: pack(&reversed(support::unpack(&samples::named(same_as).encode()))),
        })
        .collect()
}

fn unknown_keys() -> Vec<Variant> {
    let deep = (0..DEPTH - 1).fold(json!(0), |inner, _| json!([inner]));
    let deep_in_data = (0..DEPTH - 2).fold(json!(0), |inner, _| json!({ "x": inner }));
    let numbered = Value::Map(vec![
        (Value::from(1), Value::from("one")),
        (Value::from("type"), Value::from("ping")),
        (Value::Nil, Value::Ext(7, vec![0; 16])),
        (Value::Array(vec![Value::from("type")]), Value::from("leave")),
    ]);
    vec![
        variant(
            "unknown keys",
            "message, content only",
            json!({ "type": "message", "v": 2, "data": { "content": "h", "mood": ["good"] } }),
        ),
        variant("depth 8", "ping", json!({ "type": "ping", "x": deep })),
        variant(
            "depth 8 in data",
            "read",
            json!({ "type": "read", "data": { "seq": 0, "x": deep_in_data } }),
        ),
        Variant { name: "keys that are no str", same_as: "ping", frame: pack(&numbered) },
        Variant {
            name: "a key that isn't UTF-8",
            same_as: "ping",
            frame: b"\x82\xa2\xff\xfe\x01\xa4type\xa4ping".to_vec(),
        },
    ]
}

fn widths() -> Vec<Variant> {
    let float = |value: f64| {
        let data = Value::Map(vec![("seq".into(), Value::F64(value))]);
        pack(&Value::Map(vec![("type".into(), "ack".into()), ("data".into(), data)]))
    };
    vec![
        Variant { name: "a float without a fraction", same_as: "ack", frame: float(300.0) },
        Variant {
            name: "lengths wider than need be",
            same_as: "ack",
            frame:
                b"\xdf\0\0\0\x02\xd9\x04type\xda\0\x03ack\xdb\0\0\0\x04data\xde\0\x01\xd9\x03seq\
                \xd3\0\0\0\0\0\0\x01\x2c"
                    .to_vec(),
        },
        Variant {
            name: "a list wider than need be",
            same_as: "join, defaults",
            frame: {
                let mut frame = b"\x82\xa4type\xa4join\xa4data\x84".to_vec();
                for (key, value) in
                    [("ageCategory", "adult"), ("mode", "text"), ("queueType", "moderated")]
                {
                    frame.extend(pack(&Value::from(key)));
                    frame.extend(pack(&Value::from(value)));
                }
                frame.extend(b"\xa9interests\xdd\0\0\0\0");
                frame
            },
        },
    ]
}

fn variant(name: &'static str, same_as: &'static str, json: Json) -> Variant {
    // `type` first, as most clients have it; `order` has the other.
    let Value::Map(mut entries) = msgpack_of(&json) else { panic!("{name}: a message is a map") };
    entries.sort_by_key(|(key, _)| key.as_str() != Some("type"));
    Variant { name, same_as, frame: pack(&Value::Map(entries)) }
}

fn reversed(value: Value) -> Value {
    match value {
        Value::Map(entries) => {
            Value::Map(entries.into_iter().rev().map(|(k, v)| (k, reversed(v))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(reversed).collect()),
        other => other,
    }
}
