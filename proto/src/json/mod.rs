//! The second form of a frame: JSON, under the sub-protocol `whisper.v1.json`.
//!
//! JSON is no codec of its own, but another spelling of the same msgpack: [`to_msgpack`] spells a
//! client's text as the frame that [`ClientMessage::decode`] reads, and [`from_msgpack`] spells a
//! frame that [`ServerMessage::encode`] wrote as text. So every rule of the messages stands once,
//! and the two forms cannot drift apart. What it costs, only those pay who speak JSON.
//!
//! # How the two are spelled
//! | msgpack | JSON |
//! |---|---|
//! | nil, bool, int, str, array, map | null, true and false, a number, a string, an array, an object |
//! | float | a number with a fraction or an exponent; there is no NaN and no infinity |
//! | bin | a string of base64url (RFC 4648, section 5) without padding |
//! | ext; a key that isn't a str; a str that isn't UTF-8 | nothing: see [`Unsayable`] |
//!
//! Read from JSON, a string is bin only where the protocol has bin: `resume`, `proof` and `tag`.
//! In a map that is carried verbatim it stays a string, and a bin that was sent by somebody who
//! speaks msgpack arrives as one.
//!
//! Either form of a message is within [`MESSAGE_BYTES`](crate::limits::MESSAGE_BYTES).
//!
//! [`ClientMessage::decode`]: crate::ClientMessage::decode
//! [`ServerMessage::encode`]: crate::ServerMessage::encode

mod place;
mod read;
mod write;

pub use read::to_msgpack;
pub use write::{Unsayable, from_msgpack};
