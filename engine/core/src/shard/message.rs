//! What shards say to each other: one serialisable enum without pointers, small enough for a slot
//! of a ring.

use super::census::Counts;
use super::door::DoorMessage;
use super::standing::StandingMessage;
use crate::match_queue::MatchMessage;
use crate::rooms::RoomMessage;

/// A message and the version of the map of keys that its node goes by. What depends on the map of the
/// whole cluster names that itself, see [`ClusterMessage`](crate::match_queue::ClusterMessage).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// [`whisper_shard_router::Placement::epoch`] of the sender.
    pub epoch: u64,
    /// What is said.
    pub message: ShardMessage,
}

/// A message between two shards. What is large is boxed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ShardMessage {
    /// About tickets.
    Match(MatchMessage),
    /// About a room.
    Room(RoomMessage),
    /// The sender's numbers, for everybody's sum.
    Census(Counts),
    /// About who may come in.
    Door(DoorMessage),
    /// About what is held against whom.
    Standing(StandingMessage),
}

// A slot of a ring is a cache line.
const _: () = assert!(size_of::<Envelope>() <= 64);
