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
}
