//! An independent msgpack with serde's own idea of the messages understands ours, and we its.

mod support;

use rmp_serde::{from_slice, to_vec, to_vec_named};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use whisper_proto::*;

#[derive(Debug, Deserialize, Serialize, PartialEq)]
struct Frame<T> {
    r#type: String,
    data: T,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct JoinData {
    age_category: String,
    mode: String,
    queue_type: String,
    interests: Vec<String>,
    #[serde(default)]
    relax: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct SaidData {
    id: String,
    sender_id: String,
    content: String,
    timestamp: u64,
    seq: u64,
    tag: Bytes,
}

/// Binary data; serde takes a plain `Vec<u8>` for a list of numbers.
#[derive(Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("binary data")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[test]
fn a_client_on_serde_can_join() {
    let theirs = Frame {
        r#type: "join".to_owned(),
        data: JoinData {
            age_category: "adult".to_owned(),
            mode: "voice".to_owned(),
            queue_type: "unmoderated".to_owned(),
            interests: vec!["rust".to_owned(), "wandern".to_owned()],
            relax: Some("strict".to_owned()),
        },
    };
    let ours = ClientMessage::Join(Join {
        lane: Lane { age: AgeCategory::Adult, mode: Mode::Voice, queue: QueueType::Unmoderated },
        interests: ["rust", "wandern"].into_iter().collect(),
        relax: Relax::Strict,
        language: LanguageWish::Any,
    });
    let frame = to_vec_named(&theirs).expect("serializable");
    assert_eq!(ClientMessage::decode(&frame).as_ref(), Ok(&ours));
    let mut frame = Vec::new();
    ours.encode(&mut frame);
    assert_eq!(from_slice::<Frame<JoinData>>(&frame).expect("msgpack"), theirs);
}

#[test]
fn a_client_on_serde_hears_its_partner() {
    let theirs = Frame {
        r#type: "message".to_owned(),
        data: SaidData {
            id: "1".to_owned(),
            sender_id: "p".to_owned(),
            content: "grüß dich".to_owned(),
            timestamp: 1_790_000_000_000,
            seq: u64::MAX,
            tag: Bytes((0..16).collect()),
        },
    };
    let ours = ServerMessage::Message(Said {
        id: "1",
        sender_id: "p",
        content: "grüß dich",
        timestamp: 1_790_000_000_000,
        seq: u64::MAX,
        tag: std::array::from_fn(|index| index as u8),
    });
    let mut frame = Vec::new();
    ours.encode(&mut frame);
    assert_eq!(from_slice::<Frame<SaidData>>(&frame).expect("msgpack"), theirs);
    let frame = to_vec_named(&theirs).expect("serializable");
    assert_eq!(ServerMessage::decode(&frame), Ok(ours));
}

/// Structs as arrays, the other habit of rmp-serde, are not the protocol.
#[test]
fn compact_structs_are_refused() {
    let frame = to_vec(&Frame { r#type: "ping".to_owned(), data: () }).expect("serializable");
    assert_eq!(ClientMessage::decode(&frame), Err(DecodeError::NotAMap));
}

/// A whole stats frame by way of JSON, as an operator's script might read it.
#[test]
fn messages_without_binary_are_plain_json_to_serde() {
    let mut frame = Vec::new();
    let stats =
        Stats { total_online: 3, in_queue: 1, active_chats: 1, avg_match_ms: 40, stale: false };
    ServerMessage::Stats(stats).encode(&mut frame);
    let view = json!({ "type": "stats", "data": {
        "totalOnline": 3, "inQueue": 1, "activeChats": 1, "avgMatchTime": 40 } });
    assert_eq!(from_slice::<Json>(&frame).expect("msgpack"), view);
    let frame = to_vec(&view).expect("serializable");
    assert_eq!(ServerMessage::decode(&frame), Ok(ServerMessage::Stats(stats)));
}
