//! What a client hears: good frames with good messages in them, and nothing after a close.

use std::collections::BTreeSet;

use whisper_core::http::Subprotocol;
use whisper_core::ws::{Decoder, Item, Limits, Role};
use whisper_proto::{ServerMessage, json};
use whisper_sim::kind;

/// The receiving end of one connection.
pub(super) struct Ears {
    /// What the connection speaks.
    pub(super) protocol: Subprotocol,
    /// The kinds of messages that came.
    pub(super) heard: BTreeSet<&'static str>,
    decoder: Decoder,
    closed: bool,
}

impl Ears {
    pub(super) fn new(protocol: Subprotocol) -> Self {
        let decoder = Decoder::new(Role::Client);
        Self { protocol, heard: BTreeSet::new(), decoder, closed: false }
    }

    /// Takes what one write of the engine is made of: whole frames.
    pub(super) fn hear(&mut self, mut bytes: Vec<u8>) {
        let mut input = &mut bytes[..];
        while !input.is_empty() {
            assert!(!self.closed, "more comes after a close");
            let next = self.decoder.next(&mut input, &Limits::default()).expect("good frames");
            match (next.expect("whole frames"), self.protocol) {
                (Item::Binary(frame), Subprotocol::Msgpack) => {
                    self.heard.insert(kind(&ServerMessage::decode(frame).expect("a message")));
                }
                (Item::Text(text), Subprotocol::Json) => {
                    let mut frame = Vec::new();
                    json::to_msgpack(text, &mut frame).expect("JSON");
                    self.heard.insert(kind(&ServerMessage::decode(&frame).expect("a message")));
                }
                (Item::Ping(_) | Item::Pong(_), _) => {}
                (Item::Close(close), _) => {
                    close.expect("the engine says why");
                    self.closed = true;
                }
                (item, protocol) => panic!("{item:?} to somebody who speaks {protocol:?}"),
            }
        }
    }
}
