//! WebSocket frames and messages (RFC 6455), either role, from bytes in any pieces.
//!
//! [`Decoder`] turns what came from a peer into [`Item`]s, [`encode_frame`] and its kin write
//! frames to a buffer, [`accept_key`] is the one computation of the opening handshake. Nothing here
//! answers for itself: that a ping wants a pong, and a close a close, is for the session to know.
//!
//! This is our own small code, and tungstenite a peer in its tests only: it brings the system's
//! randomness along, which a pure crate must not.

mod close;
mod decode;
mod encode;
mod frame;
mod handshake;
mod mask;
mod violation;

pub use close::{REASON_BYTES_MAX, close_payload};
pub use decode::Decoder;
pub use encode::{
    Mark, begin_frame, begin_masked_frame, encode_close, encode_frame, encode_masked_frame,
    end_frame,
};
pub use frame::{CONTROL_BYTES_MAX, Opcode};
pub use handshake::{ACCEPT_KEY_BYTES, accept_key};
pub use violation::Violation;

use crate::codec::fields;

/// The side on which we are. A client masks its frames, a server doesn't, and each must insist on
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We accepted the connection: our peer is a client.
    Server,
    /// We opened the connection: our peer is a server.
    Client,
}

fields! { enum Role { 0 Server; 1 Client; } }

/// What a peer may make us hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The greatest message, in bytes after reassembly.
    pub message: usize,
    /// The greatest number of frames in one message, control frames in between not counted.
    pub fragments: u32,
}

impl Default for Limits {
    /// 16 KiB in 16 frames.
    fn default() -> Self {
        Self { message: 16 * 1024, fragments: 16 }
    }
}

/// One whole message or control frame, unmasked.
///
/// It borrows from the chunk that it came in, or from the decoder where it came in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping, to be answered by a pong with the same payload (at most [`CONTROL_BYTES_MAX`]).
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// A close frame: code and reason, where it gives any. What follows it on the connection must
    /// not be read.
    Close(Option<(u16, &'a str)>),
}

impl<'a> Item<'a> {
    fn new(opcode: Opcode, payload: &'a [u8]) -> Result<Self, Violation> {
        Ok(match opcode {
            Opcode::Text => Self::Text(str::from_utf8(payload).map_err(|_| Violation::BadUtf8)?),
            Opcode::Binary => Self::Binary(payload),
            Opcode::Close => Self::Close(close::parse(payload)?),
            Opcode::Ping => Self::Ping(payload),
            Opcode::Pong => Self::Pong(payload),
        })
    }
}
