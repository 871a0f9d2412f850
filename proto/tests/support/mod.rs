//! What the tests share: one sample of every message, and an independent look at msgpack.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod arbitrary;
pub(crate) mod samples;

use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use rmpv::Value;
use serde_json::{Value as Json, json};
use whisper_proto::json::{self, Unsayable};
use whisper_proto::{ClientMessage, DecodeError, ServerMessage};

/// A message of either direction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message<'a> {
    Client(ClientMessage<'a>),
    Server(ServerMessage<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Client,
    Server,
}

impl<'a> Message<'a> {
    pub(crate) fn decode(direction: Direction, frame: &'a [u8]) -> Result<Self, DecodeError> {
        match direction {
            Direction::Client => ClientMessage::decode(frame).map(Self::Client),
            Direction::Server => ServerMessage::decode(frame).map(Self::Server),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        match self {
            Self::Client(message) => message.encode(&mut frame),
            Self::Server(message) => message.encode(&mut frame),
        }
        frame
    }

    /// Decodes what somebody says who speaks JSON.
    pub(crate) fn decode_text(
        direction: Direction,
        text: &str,
        frame: &'a mut Vec<u8>,
    ) -> Result<Self, DecodeError> {
        json::to_msgpack(text, frame)?;
        Self::decode(direction, frame)
    }

    /// What it is in JSON.
    pub(crate) fn encode_text(&self) -> Result<String, Unsayable> {
        let mut text = Vec::new();
        json::from_msgpack(&self.encode(), &mut text)?;
        Ok(String::from_utf8(text).expect("JSON is UTF-8"))
    }

    /// Whether some of it is carried as it came, without being interpreted.
    pub(crate) fn carries_a_map(&self) -> bool {
        match self {
            Self::Client(message) => matches!(message, ClientMessage::Signal(_)),
            Self::Server(ServerMessage::Connected(it)) => {
                it.ice_servers.is_some() || it.challenge.is_some()
            }
            Self::Server(message) => matches!(message, ServerMessage::Signal(_)),
        }
    }

    pub(crate) fn direction(&self) -> Direction {
        match self {
            Self::Client(_) => Direction::Client,
            Self::Server(_) => Direction::Server,
        }
    }
}

impl Direction {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    pub(crate) fn from_str(text: &str) -> Self {
        match text {
            "client" => Self::Client,
            "server" => Self::Server,
            other => panic!("no direction: {other}"),
        }
    }
}

/// Encodes with `rmpv`, which shares no code with this crate's codec.
pub(crate) fn pack(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("a Vec takes every byte");
    bytes
}

/// Decodes with `rmpv`, all of it.
pub(crate) fn unpack(mut bytes: &[u8]) -> Value {
    let value = rmpv::decode::read_value(&mut bytes).expect("msgpack");
    assert!(bytes.is_empty(), "bytes follow the value");
    value
}

/// Encodes the JSON view of a message. `serde_json` sorts keys, so `data` stands before `type`.
pub(crate) fn pack_json(json: &Json) -> Vec<u8> {
    pack(&msgpack_of(json))
}

/// The JSON view of msgpack: binary is `{"$bin": base64url}`.
pub(crate) fn json_of(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(value) => value.as_u64().map_or_else(|| json!(value.as_i64()), |n| json!(n)),
        Value::F32(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(text) => json!(text.as_str().expect("UTF-8")),
        Value::Binary(bytes) => json!({ "$bin": BASE64URL_NOPAD.encode(bytes) }),
        Value::Array(values) => values.iter().map(json_of).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str().expect("a str key").to_owned(), json_of(value)))
            .collect(),
        Value::Ext(..) => panic!("the protocol has no extensions"),
    }
}

/// The JSON that somebody says who speaks it: a view with its binary as strings.
pub(crate) fn spoken(view: &Json) -> Json {
    match view {
        Json::Object(entries) => match entries.get("$bin") {
            Some(text) => text.clone(),
            None => entries.iter().map(|(key, value)| (key.clone(), spoken(value))).collect(),
        },
        Json::Array(values) => values.iter().map(spoken).collect(),
        other => other.clone(),
    }
}

/// The msgpack of a JSON view.
pub(crate) fn msgpack_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(value), ..) => Value::from(value),
            (_, Some(value), _) => Value::from(value),
            (.., value) => Value::from(value.expect("a number")),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => values.iter().map(msgpack_of).collect::<Vec<_>>().into(),
        Json::Object(entries) => match entries.get("$bin") {
            Some(text) => {
                let text = text.as_str().expect("base64url");
                Value::Binary(BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url"))
            }
            None => Value::Map(
                entries.iter().map(|(k, v)| (Value::from(k.as_str()), msgpack_of(v))).collect(),
            ),
        },
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex")
}

/// Compares a file under `vectors/` with what it should hold, entry by entry; with
/// `WHISPER_BLESS=1` in the environment, writes it instead.
pub(crate) fn check_vectors(file: &str, entries: &[Json]) {
    let path = vectors_path(file);
    if std::env::var_os("WHISPER_BLESS").is_some_and(|value| value == "1") {
        let lines: Vec<String> = entries.iter().map(|entry| format!("  {entry}")).collect();
        std::fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n"))).expect("writable vectors");
    }
    let found = read_vectors(file);
    for (expected, found) in entries.iter().zip(&found) {
        assert_eq!(found, expected, "{file} is stale: WHISPER_BLESS=1 cargo test writes it anew");
    }
    assert_eq!(found.len(), entries.len(), "{file} is stale");
}

pub(crate) fn read_vectors(file: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(vectors_path(file)).expect("readable vectors");
    serde_json::from_str(&text).expect("an array of vectors")
}

fn vectors_path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file)
}
