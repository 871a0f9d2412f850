//! The WebSocket codec, from outside: rules, limits, every chunking, and an independent peer.

mod encode;
mod limits;
mod peers;
mod properties;
mod rules;
mod splits;

use whisper_core::ws::{Decoder, Item, Limits, Role, Violation};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// An item that outlives the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
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

/// What a stream came to: its items, and the violation that ended it.
type Outcome = (Vec<Owned>, Option<Violation>);

/// One frame as its sender, whose peer is `to`, would write it; written here apart from the encoder
/// under test.
fn frame(to: Role, fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let masked = to == Role::Server;
    let mut out = vec![u8::from(fin) << 7 | opcode];
    let mask_bit = u8::from(masked) << 7;
    match payload.len() {
        len @ 0..126 => out.push(mask_bit | len as u8),
        len @ 126..65536 => {
            out.push(mask_bit | 126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(mask_bit | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    if masked {
        out.extend(KEY);
        out.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        out.extend(payload);
    }
    out
}

/// Feeds the chunks to a decoder, as a session would, until a close or a violation.
fn decode<'a>(role: Role, limits: &Limits, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = Decoder::new(role);
    let mut items = Vec::new();
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = &mut chunk[..];
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

/// Asserts that the stream comes to the same in one piece, byte by byte, and in every two pieces.
fn assert_outcome(role: Role, limits: &Limits, stream: &[u8], expected: &Outcome) {
    assert_eq!(&decode(role, limits, [stream]), expected, "whole");
    assert_eq!(&decode(role, limits, stream.chunks(1)), expected, "byte by byte");
    for at in 0..=stream.len() {
        let (a, b) = stream.split_at(at);
        assert_eq!(&decode(role, limits, [a, b]), expected, "split at {at}");
    }
}
