//! JSON → msgpack.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use rmp::encode::{self, ByteBuf};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::place::Place;
use crate::limits::{DEPTH, MESSAGE_BYTES};
use crate::reader::Reader;
use crate::writer::{Bin, Value as _};
use crate::{DecodeError, SignalKind, key};

/// Spells the JSON of a message as the msgpack frame that it stands for, which
/// [`ClientMessage::decode`](crate::ClientMessage::decode) then judges. What was in `frame` is
/// gone.
///
/// # Errors
/// Where the text isn't one JSON object, is too long or nests too deep. What the message says has
/// not been looked at.
pub fn to_msgpack(text: &str, frame: &mut Vec<u8>) -> Result<(), DecodeError> {
    frame.clear();
    if text.len() > MESSAGE_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let mut out = Out { bytes: ByteBuf::from_vec(std::mem::take(frame)), depth: 0, found: None };
    let read = out.envelope(text);
    *frame = out.bytes.into_vec();
    read
}

/// The frame so far.
struct Out {
    bytes: ByteBuf,
    /// How many objects and arrays are open.
    depth: u8,
    /// What is wrong, where it isn't the syntax: serde's own errors can't carry it.
    found: Option<DecodeError>,
}

/// The outer map of a message.
struct Envelope<'o>(&'o mut Out);

/// Any other value, and where it stands.
struct Value<'o> {
    out: &'o mut Out,
    place: Place,
}

/// A map or an array whose length is not known yet.
struct Open {
    start: usize,
    entries: usize,
}

/// How the head of a map or an array is written: short with the length in it, or with 16 bits.
struct Head {
    short: u8,
    wide: u8,
}

const MAP: Head = Head { short: 0x80, wide: 0xde };
const ARRAY: Head = Head { short: 0x90, wide: 0xdc };
const SHORT_END: usize = 16;
const NULL: &str = "null";

// Every element takes a byte of the text at least, so that no length needs more than 16 bits.
const _: () = assert!(MESSAGE_BYTES <= u16::MAX as usize);

impl Out {
    fn envelope(&mut self, text: &str) -> Result<(), DecodeError> {
        let mut json = serde_json::Deserializer::from_str(text);
        match Envelope(self).deserialize(&mut json) {
            Ok(()) => json.end().map_err(|_| DecodeError::TrailingBytes),
            Err(error) => Err(match (self.found, error.classify()) {
                (Some(found), _) => found,
                (None, Category::Eof) => DecodeError::Truncated,
                // Any other kind of value is taken wherever one may stand.
                (None, Category::Data) => DecodeError::NotAMap,
                (None, Category::Syntax | Category::Io) => DecodeError::NotJson,
            }),
        }
    }

    /// Notes what is wrong, and gives serde an error to stop with.
    fn refuse<E: serde::de::Error>(&mut self, why: DecodeError) -> E {
        self.found = Some(why);
        E::custom(why)
    }

    fn open<E: serde::de::Error>(&mut self) -> Result<Open, E> {
        if self.depth == DEPTH {
            return Err(self.refuse(DecodeError::TooDeep));
        }
        self.depth += 1;
        let start = self.bytes.as_vec().len();
        self.bytes.as_mut_vec().push(0);
        Ok(Open { start, entries: 0 })
    }

    fn close(&mut self, &Open { start, entries }: &Open, head: &Head) {
        self.depth -= 1;
        let bytes = self.bytes.as_mut_vec();
        if entries < SHORT_END {
            bytes[start] = head.short | entries as u8;
        } else {
            bytes[start] = head.wide;
            bytes.splice(start + 1..start + 1, (entries as u16).to_be_bytes());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let out = self.0;
        let mut envelope = out.open()?;
        let mut place = Place::Data;
        // How `data` is spelled depends on the type, which may stand behind it.
        let mut data: Option<&RawValue> = None;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if key == key::DATA {
                let value: &RawValue = map.next_value()?;
                if value.get() != NULL && data.replace(value).is_some() {
                    return Err(out.refuse(DecodeError::Duplicate(key::DATA)));
                }
                continue;
            }
            envelope.entries += 1;
            key.as_ref().write(&mut out.bytes);
            let start = out.bytes.as_vec().len();
            map.next_value_seed(Value { out, place: Place::Elsewhere })?;
            let value = &out.bytes.as_vec()[start..];
            if key == key::TYPE && is_signal(value) {
                place = Place::Elsewhere;
            }
        }
        if let Some(data) = data {
            envelope.entries += 1;
            key::DATA.write(&mut out.bytes);
            let mut json = serde_json::Deserializer::from_str(data.get());
            let value = Value { out, place };
            if value.deserialize(&mut json).is_err() {
                let why = out.found.unwrap_or(DecodeError::NotJson);
                return Err(out.refuse(why));
            }
        }
        out.close(&envelope, &MAP);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        let Ok(()) = encode::write_nil(&mut self.out.bytes);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        value.write(&mut self.out.bytes);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        value.write(&mut self.out.bytes);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        let Ok(_) = encode::write_sint(&mut self.out.bytes, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        let Ok(()) = encode::write_f64(&mut self.out.bytes, value);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let binary = match self.place {
            Place::Binary => BASE64URL_NOPAD.decode(text.as_bytes()).ok(),
            _ => None,
        };
        match binary {
            Some(bytes) => Bin(&bytes).write(&mut self.out.bytes),
            // Where bin is meant, this is for the decoder to refuse.
            None => text.write(&mut self.out.bytes),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { out, place } = self;
        let mut array = out.open()?;
        let place = place.element();
        while elements.next_element_seed(Value { out, place })?.is_some() {
            array.entries += 1;
        }
        out.close(&array, &ARRAY);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { out, place } = self;
        let mut map = out.open()?;
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            map.entries += 1;
            key.as_ref().write(&mut out.bytes);
            entries.next_value_seed(Value { out, place: place.entry(&key) })?;
        }
        out.close(&map, &MAP);
        Ok(())
    }
}

/// Whether the value of `type` is that of a message whose data is carried verbatim.
fn is_signal(value: &[u8]) -> bool {
    let kind = Reader::new(value).str(key::TYPE);
    kind.is_ok_and(|kind| SignalKind::from_wire(kind).is_some())
}
