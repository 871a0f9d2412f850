//! What homes and owners say to each other. Every message names tickets, never people alone; one
//! about a ticket that is no more is answered *gone* and changes nothing else.

use whisper_shard_router::ShardId;

use super::card::{Card, Level};
use crate::ids::{RoomId, SessionId, TicketId};
use crate::interests::Names;

/// A message between two shards about tickets. `a` is always the lower (older) ticket of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MatchMessage {
    /// Home → owner: list this ticket (or list it under the lane too).
    Post(Box<Card>),
    /// Home → owner: the ticket has opened up.
    Relax {
        /// Which ticket.
        ticket: TicketId,
        /// How far.
        level: Level,
    },
    /// Home → owner: the ticket is over; no list keeps the dead.
    Withdraw {
        /// Which ticket.
        ticket: TicketId,
    },
    /// Owner → home of `a`: these two would fit.
    Propose {
        /// The lower ticket, to be held.
        a: TicketId,
        /// The higher ticket, to be claimed.
        b: TicketId,
        /// Whose `b` is.
        b_person: SessionId,
        /// Both have opened up to recent partners.
        forgive: bool,
    },
    /// Home of `a` → home of `b`: `a` is held for `b`.
    Claim(Box<Claim>),
    /// Home of `b` → home of `a`: `b` is yours.
    Accept(Box<Accept>),
    /// Home of `b` → home of `a`: `b` isn't to be had.
    Refuse {
        /// The held ticket.
        a: TicketId,
        /// The claimed ticket.
        b: TicketId,
        /// Who proposed the pair.
        owner: ShardId,
        /// Why not: [`Outcome::BGone`] or [`Outcome::Refused`].
        outcome: Outcome,
    },
    /// Home of `a` → owner: how the proposal ended. Exactly one for each.
    Outcome {
        /// The lower ticket.
        a: TicketId,
        /// The higher ticket.
        b: TicketId,
        /// How it ended.
        outcome: Outcome,
    },
    /// About tickets that are looked for on other nodes too.
    Cluster(Box<ClusterMessage>),
}

/// A message about tickets that wait in the whole cluster: as above, but that nobody waits for an
/// answer longer than a [`LEASE`](super::LEASE) lasts, and that both homes have said yes before
/// either person is told.
///
/// A link between two nodes loses nothing and keeps its order until it is lost as a whole, which
/// both sides learn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClusterMessage {
    /// Home → cluster owner: list this ticket, or what has become of it.
    Post {
        /// The map by which the owner was found: under another it isn't listed.
        epoch: u64,
        /// The ticket as it is now.
        card: Card,
    },
    /// Cluster owner → home: I go by another map; the ticket isn't listed.
    Stale {
        /// Which ticket.
        ticket: TicketId,
    },
    /// Home → cluster owner: the ticket is over.
    Withdraw {
        /// Which ticket.
        ticket: TicketId,
    },
    /// Cluster owner → home of `a`: these two would fit.
    Propose {
        /// Who.
        pair: Pair,
        /// Whose `b` is.
        b_person: SessionId,
        /// Both have opened up to recent partners.
        forgive: bool,
    },
    /// Home of `a` → home of `b`: `a` is leased to `b`.
    Claim {
        /// Who.
        pair: Pair,
        /// Whose `a` is.
        a_person: SessionId,
        /// What that person likes.
        a_names: Names,
        /// Both have opened up to recent partners.
        forgive: bool,
    },
    /// Home of `b` → home of `a`: `b` is leased to `a`, and this would be their room.
    Accept {
        /// Who.
        pair: Pair,
        /// Whose `b` is.
        b_person: SessionId,
        /// What that person likes.
        b_names: Names,
        /// Made for them.
        room: RoomId,
    },
    /// Home of `b` → home of `a`: `b` isn't to be had.
    Refuse {
        /// Who.
        pair: Pair,
        /// The room of the [`Confirm`](Self::Confirm) that this answers; None: it answers a
        /// [`Claim`](Self::Claim).
        room: Option<RoomId>,
        /// Why not.
        outcome: Outcome,
    },
    /// Home of `a` → home of `b`: `a` comes. `b` may be told.
    Confirm {
        /// Who.
        pair: Pair,
        /// Their room.
        room: RoomId,
    },
    /// Home of `b` → home of `a`: `b` is in the room, and `a` may be told.
    Confirmed {
        /// Who.
        pair: Pair,
        /// Whose `b` was.
        b_person: SessionId,
        /// Their room.
        room: RoomId,
    },
    /// Home of `a` → home of `b`: `a` doesn't come, and `b`, who was accepted for it, is free.
    Release {
        /// Who.
        pair: Pair,
        /// The room that isn't entered.
        room: RoomId,
    },
    /// Home of `a` → cluster owner: how the proposal ended. At most one for each.
    Outcome {
        /// Who.
        pair: Pair,
        /// How it ended.
        outcome: Outcome,
    },
}

impl ClusterMessage {
    /// The tickets it is about: one, or a pair.
    pub fn tickets(&self) -> [Option<TicketId>; 2] {
        match self {
            Self::Post { card, .. } => [Some(card.ticket), None],
            Self::Stale { ticket } | Self::Withdraw { ticket } => [Some(*ticket), None],
            Self::Propose { pair, .. }
            | Self::Claim { pair, .. }
            | Self::Accept { pair, .. }
            | Self::Refuse { pair, .. }
            | Self::Confirm { pair, .. }
            | Self::Confirmed { pair, .. }
            | Self::Release { pair, .. }
            | Self::Outcome { pair, .. } => [Some(pair.a), Some(pair.b)],
        }
    }
}

/// Two tickets of different nodes, and who proposed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    /// The lower ticket.
    pub a: TicketId,
    /// The higher ticket.
    pub b: TicketId,
    /// The cluster owner who proposed them.
    pub owner: ShardId,
}

/// The body of [`MatchMessage::Claim`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The held ticket.
    pub a: TicketId,
    /// The claimed ticket.
    pub b: TicketId,
    /// Whose `a` is.
    pub a_person: SessionId,
    /// What that person likes.
    pub a_names: Names,
    /// Who proposed the pair.
    pub owner: ShardId,
    /// Both have opened up to recent partners.
    pub forgive: bool,
}

/// The body of [`MatchMessage::Accept`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Accept {
    /// The held ticket.
    pub a: TicketId,
    /// The claimed ticket.
    pub b: TicketId,
    /// Whose `b` is.
    pub b_person: SessionId,
    /// What that person likes.
    pub b_names: Names,
    /// Who proposed the pair.
    pub owner: ShardId,
    /// The room that `b` is in already.
    pub room: RoomId,
}

/// How a proposal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Both are in a room.
    Matched,
    /// `a` is no more.
    AGone,
    /// `b` is no more.
    BGone,
    /// Both are there, and one won't have the other.
    Refused {
        /// Even with recent partners allowed.
        forgive: bool,
    },
    /// `a` is being held for somebody else. Across nodes only: in a box one waits behind that.
    ABusy,
    /// `b` is, or hasn't answered in time. Across nodes only.
    BBusy,
}
