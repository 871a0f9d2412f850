//! WebSocket frames.

use whisper_core::ws::{
    Decoder, Item, Limits, Opcode, Role, Violation, close_payload, encode_frame,
    encode_masked_frame,
};

use crate::Target;
use crate::choices::Choices;
use crate::pieces::Pieces;
use crate::seeds;

pub(crate) const TARGET: Target =
    Target { name: "ws_decode", run, seeds: seeds::ws_decode, bytes_max: 4096 };

/// An item that outlives the decoder.
#[derive(Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// What a stream came to: its items, and the violation that ended it.
type Outcome = (Vec<Owned>, Option<Violation>);

fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let role = choices.pick(&[Role::Server, Role::Client]);
    // With tight limits, short inputs reach them.
    let limits = choices.pick(&[Limits { message: 200, fragments: 4 }, Limits::default()]);
    let pieces = Pieces::choose(&mut choices);
    let stream = choices.rest();

    let (items, violation) = decode(role, &limits, [stream]);
    for item in &items {
        if let Owned::Text(_) | Owned::Binary(_) = item {
            assert!(payload(item).1.len() <= limits.message, "a message over its limit");
        }
    }
    let cut = decode(role, &limits, pieces.of(stream));
    assert_eq!((&items, violation), (&cut.0, cut.1), "the pieces matter");
    let bytewise = decode(role, &limits, stream.chunks(1));
    assert_eq!((&items, violation), (&bytewise.0, bytewise.1), "bytes one by one matter");

    let mut again = Vec::new();
    for item in &items {
        let (opcode, payload) = payload(item);
        match role {
            Role::Server => encode_masked_frame(&mut again, opcode, &payload, [1, 2, 3, 4]),
            Role::Client => encode_frame(&mut again, opcode, &payload),
        }
    }
    assert_eq!(decode(role, &limits, pieces.of(&again)), (items, None), "written again");
}

/// Feeds the pieces to a decoder, as a session does, until a close or a violation.
fn decode<'a>(role: Role, limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = Decoder::new(role);
    let mut items = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match decoder.next(&mut input, limits) {
                Ok(Some(item)) => items.push(Owned::from(item)),
                Ok(None) => break,
                Err(violation) => return (items, Some(violation)),
            }
            if matches!(items.last(), Some(Owned::Close(_))) {
                return (items, None);
            }
        }
        assert!(input.is_empty(), "the decoder left {} bytes", input.len());
    }
    (items, None)
}

fn payload(item: &Owned) -> (Opcode, Vec<u8>) {
    match item {
        Owned::Text(text) => (Opcode::Text, text.clone().into()),
        Owned::Binary(bytes) => (Opcode::Binary, bytes.clone()),
        Owned::Ping(bytes) => (Opcode::Ping, bytes.clone()),
        Owned::Pong(bytes) => (Opcode::Pong, bytes.clone()),
        Owned::Close(None) => (Opcode::Close, Vec::new()),
        Owned::Close(Some((code, reason))) => {
            (Opcode::Close, close_payload(*code, reason).to_vec())
        }
    }
}

impl From<Item<'_>> for Owned {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.into()),
            Item::Binary(bytes) => Self::Binary(bytes.into()),
            Item::Ping(bytes) => Self::Ping(bytes.into()),
            Item::Pong(bytes) => Self::Pong(bytes.into()),
            Item::Close(close) => Self::Close(close.map(|(code, reason)| (code, reason.into()))),
        }
    }
}
