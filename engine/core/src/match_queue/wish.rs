//! What somebody asks the queue for, and what becomes of it.

use arrayvec::ArrayVec;
use whisper_shard_router::KeyHash;

use super::card::{KEYS_MAX, LaneId, Language, Level};
use crate::codec::fields;
use crate::ids::SessionId;
use crate::time::Micros;

/// How far a person lets their ticket open up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Relaxation {
    /// Never to people without a shared interest.
    Strict,
    /// To one shared interest, then to anyone.
    #[default]
    Gradual,
    /// To anyone at once.
    Anyone,
}

/// What a person asks the queue for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// Who asks.
    pub person: SessionId,
    /// Where they want to be.
    pub lane: LaneId,
    /// What they speak.
    pub language: Option<Language>,
    /// Whether they want a partner of that language only.
    pub same_language: bool,
    /// Hashes of their interests, in any order.
    pub keys: ArrayVec<KeyHash, KEYS_MAX>,
    /// How far they open up.
    pub relaxation: Relaxation,
    /// Higher goes first.
    pub priority: u8,
}

/// What a ticket is beyond the [`Wish`] that it was made for: enough to make it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// When it began, see [`crate::ids::TicketId::at`].
    pub at: u64,
    /// What its person spoke then.
    pub language: Option<Language>,
    /// How far it has opened up.
    pub level: Level,
    /// How it goes before others.
    pub priority: u8,
    /// When it opens up next, or ends.
    pub due: Micros,
}

fields! {
    enum Relaxation {
        0 Strict;
        1 Gradual;
        2 Anyone;
    }
    struct Stay { at, language, level, priority, due }
}
