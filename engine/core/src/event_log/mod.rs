//! The event log: what shards were told, kept so that their decisions can be made again elsewhere.
//!
//! A [`Recorder`] beside a shard writes each event, what it has of ids, hashes, kinds and sizes, and
//! after it how many effects came of it and a running digest of them. [`replay()`] reads that, makes
//! the same shard, tells it the same, and compares.
//!
//! # What is not in it
//! Nothing that anybody said, typed or signalled, but how much it was; no interest and no client's id but by its
//! keyed hash, no fingerprint, comment or evidence; no address, nor that anybody asked to come
//! in from one; no secret. What rules found in words, which aren't there to be judged again, stands
//! with what came of it, as a severity and no more; what is done about it is decided again. What is
//! held against somebody from before is there, but not by what they were known again. So the digest
//! leaves out what depends on any of these: tokens, public ids of sessions, tags, which evidence
//! proves true, who is let in.
//! What *is* in it is the shard's seed: whoever has the log of a process can foretell its room ids
//! for as long as it runs. Guard it as one guards a core dump.
//!
//! # Form
//! A line, [`HEADER`], and then chunks. A chunk is a [`Head`] and a payload: records of one shard,
//! whole ones, in order. Payloads of different shards alternate as they come.
//!
//! ```text
//! chunk   = shard u16 · check of the head u16 · length u32 · checksum u64 · payload
//! payload = record*
//! record  = length · body [outcome]                              the outcome of events only
//! body    = begin | event (time since the last, what was told) | end
//! outcome = effects · lower half of the digest · what was found  absent: it never came to that
//! ```
//!
//! Heads are little-endian, their checksums there to tell damage from a difference in what shards do,
//! not against anybody. All other numbers are LEB128. A shard's records are one `begin`, events, and an `end` that
//! says why there are no more; where that is missing the process ended first. Messages of a shard to
//! itself aren't written: they come again by themselves.
//!
//! Whoever changes what an event, an effect or a setup holds changes what a log must hold. Matches
//! here name every field, so that it doesn't go unnoticed; [`VERSION`] counts up then.

mod begin;
mod effects;
mod messages;
mod recorder;
mod replay;
mod told;

use std::hash::Hasher as _;

pub use begin::KeptRules;
pub use recorder::{End, Recorder};
pub use replay::{Ended, Failure, Replayed, ShardReplayed, Unfinished, replay};
pub use told::{Meant, Said, Told};

use self::begin::Begin;
use crate::codec::{Reader, fields};
use crate::digest::Digest;
use crate::time::Span;

/// The version of the form, and of what is kept.
pub const VERSION: u32 = 5;

/// What every log begins with, before the digits of its version and a line's end.
pub const HEADER: &str = "whisper event log ";

/// Longest payload of a chunk.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// The bytes that every log of this version begins with.
pub fn header() -> Vec<u8> {
    format!("{HEADER}{VERSION}\n").into_bytes()
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose records follow.
    pub shard: u16,
    /// How many bytes of them.
    pub length: u32,
    /// What they hash to.
    checksum: u64,
}

impl Head {
    /// Bytes of a head.
    pub const BYTES: usize = 16;

    /// The head of a payload.
    pub fn of(shard: u16, payload: &[u8]) -> Self {
        let mut digest = Digest::default();
        digest.write(payload);
        Self { shard, length: payload.len() as u32, checksum: digest.finish() }
    }

    /// As written.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..2].copy_from_slice(&self.shard.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.check().to_le_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Reads a head; None where it isn't as it was written.
    fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let mut r = Reader::discreet(&bytes);
        let shard = u16::from_le_bytes(r.array().ok()?);
        let check = u16::from_le_bytes(r.array().ok()?);
        let length = u32::from_le_bytes(r.array().ok()?);
        let checksum = u64::from_le_bytes(r.array().ok()?);
        let head = Self { shard, length, checksum };
        (head.check() == check).then_some(head)
    }

    /// What tells that the head itself is whole.
    fn check(self) -> u16 {
        let mut digest = Digest::default();
        digest.write_u16(self.shard);
        digest.write_u32(self.length);
        digest.write_u64(self.checksum);
        digest.finish() as u16
    }
}

/// The body of a record. An event's is followed by its outcome.
enum Record<'a> {
    Begin(Begin),
    Event { after: Span, told: Told<'a> },
    End(End),
}

fields! {
    enum Record<'a> {
        0 Begin(begin);
        1 Event { after, told };
        2 End(end);
    }
}
