//! What holds for all messages and all bytes.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rmpv::Value;
use support::arbitrary::{message, msgpack};
use support::{Direction, Message, json_of, pack, unpack};
use whisper_proto::limits::MESSAGE_BYTES;

/// The maps inside `data` that the protocol reads; other values are carried verbatim, so that the
/// order of their keys matters.
const READ_WITHIN_DATA: [&str; 4] = ["limits", "lanes", "partnerInfo", "evidence"];

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(message in message()) {
        let frame = message.encode();
        prop_assume!(frame.len() <= MESSAGE_BYTES);
        prop_assert_eq!(Message::decode(message.direction(), &frame), Ok(message));
    }

    #[test]
    fn encoding_appends(message in message(), before in vec(any::<u8>(), 0..50)) {
        let mut out = before.clone();
        match &message {
            Message::Client(message) => message.encode(&mut out),
            Message::Server(message) => message.encode(&mut out),
        }
        prop_assert_eq!(&out[..before.len()], &before[..]);
        prop_assert_eq!(&out[before.len()..], &message.encode()[..]);
    }

    #[test]
    fn what_is_encoded_is_one_map_to_another_msgpack(message in message()) {
        let frame = message.encode();
        let value = unpack(&frame);
        prop_assert!(value.is_map());
        // Every integer and length has its shortest form, as the other encoder has them. Other
        // maps are verbatim, so they hold only what that encoder wrote in the first place.
        prop_assert_eq!(pack(&value), frame);
    }

    #[test]
    fn order_and_unknown_keys_change_nothing(
        message in message(),
        order in vec(any::<u32>(), 1..40),
        unknown in vec((0..99u8, msgpack(3)), 0..4),
    ) {
        let mut keys = Shuffle { order: order.into_iter().cycle(), unknown };
        let signal = matches!(
            message,
            Message::Client(whisper_proto::ClientMessage::Signal(_))
                | Message::Server(whisper_proto::ServerMessage::Signal(_))
        );
        let frame = pack(&keys.envelope(unpack(&message.encode()), signal));
        prop_assume!(frame.len() <= MESSAGE_BYTES);
        prop_assert_eq!(Message::decode(message.direction(), &frame), Ok(message));
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..400)) {
        decodes_to_something_stable(&bytes);
    }

    #[test]
    fn no_msgpack_panics(value in msgpack(10)) {
        decodes_to_something_stable(&pack(&value));
    }

    #[test]
    fn no_msgpack_in_data_panics(
        kind in prop::sample::select(kinds()),
        data in msgpack(6),
    ) {
        let frame = Value::Map(vec![("type".into(), kind.into()), ("data".into(), data)]);
        decodes_to_something_stable(&pack(&frame));
    }

    #[test]
    fn no_damaged_message_panics(
        message in message(),
        damage in vec((any::<Index>(), 0..4u8, any::<u8>()), 1..6),
    ) {
        let mut frame = message.encode();
        for (place, kind, byte) in damage {
            if frame.is_empty() {
                break;
            }
            let place = place.index(frame.len());
            match kind {
                0 => frame[place] = byte,
                1 => frame[place] ^= 1 << (byte & 7),
                2 => frame.insert(place, byte),
                _ => drop(frame.remove(place)),
            }
        }
        decodes_to_something_stable(&frame);
    }
}

/// Whatever bytes are taken for, is taken for the same when it is written again.
fn decodes_to_something_stable(frame: &[u8]) {
    for direction in [Direction::Client, Direction::Server] {
        if let Ok(message) = Message::decode(direction, frame) {
            assert_eq!(Message::decode(direction, &message.encode()), Ok(message));
        }
    }
}

/// Every `type` of both directions.
fn kinds() -> Vec<String> {
    let frames = support::samples::all().into_iter().map(|(_, message)| message.encode());
    let kinds = frames.map(|frame| json_of(&unpack(&frame))["type"].as_str().map(str::to_owned));
    kinds.map(|kind| kind.expect("a type")).collect()
}

/// Puts the keys of what the protocol reads into another order, and unknown ones among them.
struct Shuffle<Order> {
    order: Order,
    unknown: Vec<(u8, Value)>,
}

impl<Order: Iterator<Item = u32>> Shuffle<Order> {
    fn envelope(&mut self, frame: Value, data_is_verbatim: bool) -> Value {
        self.map(frame, |keys, key, value| match key {
            "data" if !data_is_verbatim => keys.data(value),
            _ => value,
        })
    }

    fn data(&mut self, data: Value) -> Value {
        self.map(
            data,
            |keys, key, value| {
                if READ_WITHIN_DATA.contains(&key) { keys.flat(value) } else { value }
            },
        )
    }

    fn flat(&mut self, value: Value) -> Value {
        match value {
            Value::Array(values) => {
                Value::Array(values.into_iter().map(|value| self.flat(value)).collect())
            }
            Value::Map(_) => self.map(value, |_, _, value| value),
            other => other,
        }
    }

    fn map(
        &mut self,
        map: Value,
        mut within: impl FnMut(&mut Self, &str, Value) -> Value,
    ) -> Value {
        let Value::Map(entries) = map else { panic!("no map: {map}") };
        let mut entries: Vec<_> = entries
            .into_iter()
            .map(|(key, value)| {
                let value = within(self, key.as_str().expect("a str key"), value);
                (key, value)
            })
            .collect();
        let unknown = self.unknown.iter();
        entries.extend(unknown.map(|(key, value)| (format!("x-{key}").into(), value.clone())));
        entries.sort_by_cached_key(|_| self.order.next());
        Value::Map(entries)
    }
}
