//! One waiting list: who waits for a key, the most open first, then the oldest.
//!
//! Most of those in a list have that one key in common with whoever looks for a partner, and no
//! other; they are no pair until both have opened up. So a list is one piece of memory, in which
//! such a candidate is passed by for the price of reading it. Coming and going moves what stands
//! behind, 56 bytes a ticket; new tickets come at the end.

use super::card::{Level, Marks};
use crate::ids::TicketId;

/// Where in a list a ticket stands.
pub(super) type Rank = (u8, TicketId);

/// Tickets in the order of their [`Rank`].
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct List {
    listed: Vec<Listed>,
}

/// A ticket in a list: where its entry is, and enough of its card to pass it by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Listed {
    pub(super) ticket: TicketId,
    pub(super) marks: Marks,
    pub(super) place: u32,
    pub(super) level: Level,
}

const _: () = assert!(size_of::<Listed>() == 56);

impl Listed {
    pub(super) fn rank(&self) -> Rank {
        rank(self.level, self.ticket)
    }
}

impl List {
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    pub(super) fn insert(&mut self, listed: Listed) {
        if self.listed.last().is_none_or(|last| last.rank() < listed.rank()) {
            return self.listed.push(listed);
        }
        let at = self.listed.partition_point(|it| it.rank() < listed.rank());
        self.listed.insert(at, listed);
    }

    pub(super) fn remove(&mut self, rank: Rank) {
        if let Ok(at) = self.listed.binary_search_by_key(&rank, Listed::rank) {
            self.listed.remove(at);
        }
    }

    /// Those behind a rank, whether it is still taken or not; all without one.
    pub(super) fn behind(&self, rank: Option<Rank>) -> &[Listed] {
        let from = rank.map_or(0, |rank| self.listed.partition_point(|it| it.rank() <= rank));
        &self.listed[from..]
    }
}

/// The rank of a ticket that has opened up so far.
pub(super) fn rank(level: Level, ticket: TicketId) -> Rank {
    (Level::Again as u8 - level as u8, ticket)
}
