//! The wire types of Whisper and their codec: msgpack, or [JSON](json) for people at a terminal.
//!
//! One WebSocket binary frame carries one msgpack value: a map `{type, data}`. Where JSON was
//! agreed on, one text frame carries one object. [`ClientMessage`]
//! is everything a client may say, [`ServerMessage`] everything the engine may say; their
//! variants are the reference of the protocol. Both directions can be decoded and encoded, so
//! that the engine, the load generator and third parties share one codec.
//!
//! ```
//! use whisper_proto::{ClientMessage, Say};
//!
//! let mut frame = Vec::new();
//! let said = ClientMessage::Message(Say { content: "hi", id: None, room: None });
//! said.encode(&mut frame);
//! assert_eq!(ClientMessage::decode(&frame), Ok(said));
//! ```
//!
//! # How messages are read
//! - Keys stand in any order; unknown ones are skipped. A known key that stands twice is refused:
//!   two readers might take different ones.
//! - Nil is absent. `data` may be absent where all of its fields may.
//! - Integers are taken in any width, and floats where they have no fraction: JavaScript has but
//!   one kind of number.
//! - Lengths are checked against what remains of the frame before they are believed, and nesting
//!   against [`limits::DEPTH`]. Nothing may follow the value.
//! - What a [`ClientMessage`] holds is within its [`limits`]. [`DecodeError`] tells what isn't,
//!   whose [`Fault`] that is, and, as an [`ErrorCode`], what to answer.
//!
//! Fields are spelled on the wire as here, in camel case; where they aren't, or a value is
//! wrapped, their doc says so. `room` is `roomId`.
//!
//! # What is absent
//! Clocks, sockets, threads, the environment, randomness, logging, any other crate of the
//! workspace. The crate also builds for a target that has none of these.
//!
//! # Lexicon
//! - **frame**: the bytes of one message, at most [`limits::MESSAGE_BYTES`].
//! - **envelope**: the outer map, `{type, data}`.
//! - **field**: a key of `data` that the protocol knows, named by its wire spelling. Unknown
//!   keys are skipped.
//! - **absent**: a field that isn't there, or is `nil`.
//! - **lane**: who may meet whom, by age category, mode and queue. See [`Lane`].
//! - **ticket**: one stay of one person in the queue.
//! - **tier**: how much two people must share to be paired. See [`Tier`].
//! - **room**: one chat of two people; its id is random and tells nothing.
//! - **partner**: the other person in the room.
//! - **seq**: the number of a message, per room and sender, from 1.
//! - **tag**: 16 bytes that let a receiver prove what was said to them. See [`Evidence`].
//! - **resume token**: opaque bytes that bring a session back after a lost connection.
//! - **body**: the map of a signalling message, carried as it came. See [`Signal`].
//!
//! # Units
//! Times are Unix milliseconds (`u64`), durations are milliseconds (`u32`, named `…_ms`),
//! lengths in "chars" are Unicode code points.

mod client;
mod envelope;
mod error;
mod ice;
pub mod json;
mod key;
mod lane;
pub mod limits;
mod names;
mod reader;
mod server;
mod signal;
#[cfg(feature = "typescript")]
pub mod typescript;
mod words;
mod writer;

pub use client::{ClientMessage, Evidence, Hello, Join, Report, Say, Skip};
pub use error::{DecodeError, Fault};
pub use ice::IceServer;
pub use lane::{Lane, Lanes};
pub use names::Names;
pub use server::{
    Banned, Connected, ErrorMessage, Matched, ModerationWarning, Reconnect, Said, Searching,
    ServerMessage, SessionLimits, Stats,
};
pub use signal::Signal;
pub use words::{
    AgeCategory, CloseCode, ErrorCode, LanguageWish, Mode, QueueType, Relax, ReportReason,
    Severity, SignalKind, Tier,
};

/// The proof of one message: what its receiver sends back in a report.
pub type Tag = [u8; limits::TAG_BYTES];
