//! Joins without names: enough to match by, and nothing that tells what somebody likes.

use arrayvec::ArrayVec;
use whisper_proto::{Join, Lane, LanguageWish, Relax};
use whisper_shard_router::KeyHash;

use super::Shard;
use crate::interests::BadInterest;
use crate::match_queue::KEYS_MAX;

/// A join as an [event log](crate::event_log) keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedJoin {
    /// Where they want to be.
    pub lane: Lane,
    /// How far they open up.
    pub relax: Relax,
    /// Which languages a partner may have.
    pub language: LanguageWish,
    /// The hashes of their interests, in the order of their normal forms; or why they are refused.
    pub interests: Result<ArrayVec<KeyHash, KEYS_MAX>, BadInterest>,
}

impl HashedJoin {
    /// The name that stands in for an interest known by its hash alone: sixteen hexadecimal digits.
    pub fn stand_in(hash: KeyHash) -> Box<str> {
        format!("{:016x}", hash.0).into()
    }

    /// The hash that a name stands in for, if it does.
    pub fn stood_for(name: &str) -> Option<KeyHash> {
        u64::from_str_radix(name, 16).ok().filter(|_| name.len() == 16).map(KeyHash)
    }
}

impl Shard {
    /// What is kept of a client's id.
    pub fn hash_of(&self, id: &str) -> u64 {
        self.floor.hash_of(id)
    }

    /// What is kept of a join.
    pub fn hashed(&self, join: &Join<'_>) -> HashedJoin {
        let Join { lane, relax, language, interests } = join;
        let interests = self.interests(interests).map(|interests| interests.keys);
        HashedJoin { lane: *lane, relax: *relax, language: *language, interests }
    }
}
