//! A cluster owner: the waiting lists of the keys that the cluster's map gives to this shard.
//!
//! It is an [`Owner`] among the shards of all nodes, and proposes two of different nodes only. Homes
//! post to it whoever found nobody on their own node. What it knows is worth little: on a new map it
//! forgets everything and is told again, and a proposal of which nothing is heard lapses. Nobody's
//! safety rests on it.

use std::collections::BTreeSet;

use whisper_shard_router::ShardId;

use super::card::Card;
use super::lease::LEASE;
use super::message::{ClusterMessage, MatchMessage, Outcome, Pair};
use super::owner::{Owner, Propose};
use super::{Ground, Host, Reach};
use crate::ids::{SessionId, TicketId};
use crate::seeded_map::SeededMap;
use crate::time::{Micros, Span};

/// How long a proposal may be without an outcome, and so how long somebody sits out who was busy: a
/// lease, and some time for the way there and back.
pub const LAPSE: Span = Span(LEASE.0 + 250_000);

/// The cluster's waiting lists of one shard.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Broker {
    seed: u64,
    owner: Owner,
    proposed: Proposed,
}

/// The proposals whose outcome is awaited, or after which somebody sits out.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Proposed {
    by_deadline: BTreeSet<(Micros, Pair)>,
    by_ticket: SeededMap<TicketId, (Micros, Pair)>,
}

/// Proposes pairs, and notes until when.
struct Proposing<'a, H> {
    host: &'a mut H,
    proposed: &'a mut Proposed,
    until: Micros,
    me: ShardId,
}

impl Broker {
    pub(super) fn new(seed: u64) -> Self {
        let proposed = Proposed {
            by_deadline: BTreeSet::new(),
            by_ticket: SeededMap::new(seed.rotate_left(16)),
        };
        Self { seed, owner: Owner::new(seed, Reach::Cluster), proposed }
    }

    /// Forgets everything: by another map other keys are this shard's.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.seed);
    }

    /// The tickets listed here, oldest first, and whether each is busy.
    pub(super) fn listed(&self) -> Vec<(TicketId, bool)> {
        self.owner.listed()
    }

    pub(super) fn next_timeout(&self) -> Option<Micros> {
        if self.owner.owes() {
            return Some(Micros(0));
        }
        self.proposed.by_deadline.first().map(|&(until, _)| until)
    }

    /// Lists a ticket, or takes note of how far it has opened up.
    pub(super) fn post(&mut self, ground: &Ground, card: Card, host: &mut impl Host) {
        self.with(ground, host, |owner, out| owner.post(ground, card, out));
    }

    pub(super) fn withdraw(&mut self, ticket: TicketId) {
        self.owner.withdraw(ticket);
    }

    /// Takes the outcome of a proposal. Whoever was busy sits out until it would have lapsed.
    pub(super) fn outcome(
        &mut self,
        ground: &Ground,
        pair: Pair,
        outcome: Outcome,
        host: &mut impl Host,
    ) {
        self.owner.note(ground, (pair.a, pair.b), outcome);
        let freed: &[TicketId] = match outcome {
            Outcome::ABusy => &[pair.b],
            Outcome::BBusy => &[pair.a],
            _ => &[pair.a, pair.b],
        };
        self.release(ground, pair, freed, host);
    }

    /// A node is gone, or what was under way to and from it is: so are its tickets.
    pub(super) fn lost(&mut self, ground: &Ground, node: u16, host: &mut impl Host) {
        for ticket in self.owner.listed_of(node) {
            self.owner.withdraw(ticket);
        }
        let proposed = self.proposed.by_deadline.iter().map(|&(_, pair)| pair);
        let concerned = |pair: &Pair| pair.a.node == node || pair.b.node == node;
        for pair in proposed.filter(concerned).collect::<Vec<_>>() {
            self.release(ground, pair, &[pair.a, pair.b], host);
        }
    }

    /// Frees those whose proposal has lapsed and carries on scans that were broken off, so many of
    /// each at most.
    pub(super) fn wake(&mut self, ground: &Ground, budget: usize, host: &mut impl Host) {
        for _ in 0..budget {
            let Some(&(until, pair)) = self.proposed.by_deadline.first() else { break };
            if until > ground.now {
                break;
            }
            self.release(ground, pair, &[pair.a, pair.b], host);
            // Of a pair proposed again since, that is another's deadline.
            self.proposed.by_deadline.remove(&(until, pair));
        }
        for _ in 0..budget {
            if !self.owner.owes() {
                break;
            }
            self.with(ground, host, |owner, out| owner.carry_on(ground, out));
        }
    }

    /// Frees those of a pair who are still proposed as that pair.
    fn release(&mut self, ground: &Ground, pair: Pair, tickets: &[TicketId], host: &mut impl Host) {
        let freed: Vec<_> =
            tickets.iter().copied().filter(|&it| self.proposed.forget(it, pair)).collect();
        self.with(ground, host, |owner, out| owner.free(ground, &freed, out));
    }

    fn with<H: Host>(
        &mut self,
        ground: &Ground,
        host: &mut H,
        work: impl FnOnce(&mut Owner, &mut Proposing<'_, H>),
    ) {
        let (until, me) = (ground.now + LAPSE, ground.me);
        let mut out = Proposing { host, proposed: &mut self.proposed, until, me };
        work(&mut self.owner, &mut out);
    }
}

impl Proposed {
    /// Forgets that a ticket is proposed as one of this pair, if it is; the whole proposal once
    /// neither is.
    fn forget(&mut self, ticket: TicketId, pair: Pair) -> bool {
        let Some(&(until, of)) = self.by_ticket.get(&ticket) else { return false };
        if of != pair {
            return false;
        }
        self.by_ticket.remove(&ticket);
        let is_left = |it| self.by_ticket.get(&it) == Some(&(until, pair));
        if !is_left(pair.a) && !is_left(pair.b) {
            self.by_deadline.remove(&(until, pair));
        }
        true
    }
}

impl<H: Host> Propose for Proposing<'_, H> {
    fn propose(&mut self, (a, b): (TicketId, TicketId), b_person: SessionId, forgive: bool) {
        let pair = Pair { a, b, owner: self.me };
        self.proposed.by_deadline.insert((self.until, pair));
        for ticket in [a, b] {
            self.proposed.by_ticket.insert(ticket, (self.until, pair));
        }
        let propose = ClusterMessage::Propose { pair, b_person, forgive };
        self.host.send(a.home(), MatchMessage::Cluster(Box::new(propose)));
    }
}
