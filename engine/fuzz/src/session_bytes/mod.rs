//! Bytes of several clients → sessions → shards → bytes.

mod ears;
mod house;

use std::collections::BTreeSet;

use whisper_core::http::{HeaderValue, Subprotocol, UpgradeRequest};
use whisper_core::time::Span;
use whisper_core::ws::{Opcode, encode_masked_frame};
use whisper_proto::{
    AgeCategory, ClientMessage, Hello, Join, Lane, LanguageWish, Mode, QueueType, Relax, Report,
    ReportReason, Say, Signal, SignalKind, Skip, json,
};

use crate::Target;
use crate::choices::Choices;
use crate::pieces::Pieces;
use crate::seeds;
use house::{ADDRESSES, House};

pub(crate) const TARGET: Target =
    Target { name: "session_bytes", run, seeds: seeds::session_bytes, bytes_max: 4096 };

const SHARDS: u16 = 2;
const ACTS_MAX: usize = 300;
const CLIENTS_MAX: usize = 12;

/// What the first bytes of an act choose among.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Bytes, whatever they are.
    Bytes,
    /// A frame of some opcode, whatever it holds.
    Frame,
    /// A message of the protocol.
    Message,
    /// Somebody new connects from some address, and asks for a WebSocket or nothing yet.
    Open,
    /// A connection is lost.
    Vanish,
    /// Time passes.
    Pass,
    /// What one shard says reaches another.
    Deliver,
    /// A look at a connection that may be quiet.
    KeepAlive,
}

impl Act {
    pub(crate) const ALL: &[Self] = &[
        Self::Bytes,
        Self::Frame,
        Self::Message,
        Self::Open,
        Self::Vanish,
        Self::Pass,
        Self::Deliver,
        Self::KeepAlive,
    ];
}

fn run(input: &[u8]) {
    live(input);
}

/// Lives through an input; returns the kinds of messages that were sent.
fn live(input: &[u8]) -> BTreeSet<&'static str> {
    let mut choices = Choices::new(input);
    let pieces = Pieces::choose(&mut choices);
    let mut house = House::new(SHARDS);
    for _ in 0..ACTS_MAX {
        if choices.is_empty() {
            break;
        }
        act(&mut house, &mut choices, &pieces);
    }
    house.close()
}

fn act(house: &mut House, choices: &mut Choices<'_>, pieces: &Pieces) {
    let act = choices.pick(Act::ALL);
    let client = choices.below(CLIENTS_MAX);
    let hear = |house: &mut House, bytes: &[u8]| {
        pieces.of(bytes).for_each(|piece| house.received(client, piece));
    };
    match act {
        Act::Bytes => {
            let count = usize::from(choices.byte());
            hear(house, choices.bytes(count));
        }
        Act::Frame => {
            let opcode = choices.pick(&[Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Close]);
            let count = usize::from(choices.byte());
            hear(house, &frame(opcode, choices.bytes(count)));
        }
        Act::Message => {
            let mut payload = Vec::new();
            message(choices).encode(&mut payload);
            match house.protocol(client) {
                Some(Subprotocol::Json) => {
                    let mut text = Vec::new();
                    json::from_msgpack(&payload, &mut text).expect("it can be said in JSON");
                    hear(house, &frame(Opcode::Text, &text));
                }
                _ => hear(house, &frame(Opcode::Binary, &payload)),
            }
        }
        Act::Open => {
            let place = choices.below(256);
            let (shard, place) = (place % usize::from(SHARDS), place / usize::from(SHARDS));
            let (address, place) = (place % ADDRESSES.len(), place / ADDRESSES.len());
            house.open(client, shard, address, place % 2 == 1);
            let offer = choices.pick(&[
                Some(Some(Subprotocol::Msgpack)),
                Some(Some(Subprotocol::Json)),
                Some(None),
                None,
            ]);
            if let Some(protocol) = offer {
                let wish = UpgradeRequest {
                    host: HeaderValue::from_static("whisper"),
                    target: HeaderValue::from_static("/ws"),
                    nonce: [7; 16],
                    origin: None,
                    protocol,
                };
                let mut request = Vec::new();
                wish.write(&mut request);
                hear(house, &request);
            }
        }
        Act::Vanish => house.vanish(client),
        Act::Pass => house.pass(Span::millis(1 << choices.below(18))),
        Act::Deliver => drop(house.deliver(choices.byte().into())),
        Act::KeepAlive => house.keep_alive(client),
    }
}

fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_masked_frame(&mut frame, opcode, payload, [1, 2, 3, 4]);
    frame
}

/// Something a good client says.
fn message(choices: &mut Choices<'_>) -> ClientMessage<'static> {
    let topics = ["tea", "chess", "rain"];
    match choices.below(12) {
        0 | 1 => ClientMessage::Join(Join {
            lane: Lane {
                age: AgeCategory::Adult,
                mode: choices.pick(&[Mode::Text, Mode::Video]),
                queue: QueueType::Moderated,
            },
            interests: topics.into_iter().filter(|_| choices.flag()).collect(),
            relax: choices.pick(Relax::ALL),
            language: choices.pick(LanguageWish::ALL),
        }),
        2 => ClientMessage::Message(Say {
            content: choices.pick(&["hi", "\u{1f44b}\u{0}\"\\"]),
            id: choices.pick(&[None, Some("id")]),
            room: None,
        }),
        3 => ClientMessage::Skip(Skip::default()),
        4 => ClientMessage::Leave,
        5 => ClientMessage::Typing {
            is_typing: choices.flag(),
            room: choices.pick(&[None, Some("r")]),
        },
        6 => ClientMessage::Read { seq: choices.byte().into(), room: None },
        7 => ClientMessage::Signal(Signal {
            kind: choices.pick(SignalKind::ALL),
            room: None,
            body: b"\x81\xa3sdp\xa1v",
        }),
        8 => ClientMessage::Report(Report {
            reason: ReportReason::Spam,
            comment: None,
            id: None,
            evidence: Vec::new(),
            block: choices.flag(),
            room: None,
        }),
        9 => ClientMessage::Hello(Hello { language: Some("de"), ..Hello::default() }),
        10 => ClientMessage::Ack { seq: choices.byte().into() },
        _ => ClientMessage::Ping,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_get_people_to_talk() {
        let heard: BTreeSet<_> = seeds::session_bytes().iter().flat_map(|it| live(it)).collect();
        for kind in ["matched", "message", "message_ack", "partner_skipped", "pong"] {
            assert!(heard.contains(kind), "nobody hears {kind}: {heard:?}");
        }
    }
}
