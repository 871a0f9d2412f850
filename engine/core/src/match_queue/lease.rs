//! A home and other nodes: its tickets that somebody is looked for there, and what it does with two of
//! different nodes.
//!
//! ```text
//! cluster owner ── Propose ──▶ home(a)                    a is leased
//!                              home(a) ── Claim ──▶ home(b)       b is leased
//!                              home(a) ◀─ Accept ── home(b)
//!                              home(a) ── Confirm ─▶ home(b)      b is matched
//!                              home(a) ◀─ Confirmed ─ home(b)     a is matched
//! cluster owner ◀── Outcome ── home(a)
//! ```
//!
//! A hold across nodes is a **lease**: it ends by itself, by the clock of the home that gave it, since
//! another node may stand still or be gone. Both have said yes before either is told; an answer that
//! comes when the lease is over changes nothing, and takes back what it offered. Of what a link loses
//! nothing is said again: it is [lost](Home::lost) as a whole, and what was under way on it with it.
//!
//! Whatever meets a held ticket from another node is answered *busy* at once, and waits for nothing.
//! What meets a leased one within the node waits behind it as behind any hold.

use std::collections::BTreeSet;

use whisper_shard_router::ShardId;

use super::fault::Fault;
use super::home::{Home, Ticket, owners};
use super::message::{ClusterMessage, MatchMessage, Outcome, Pair};
use super::{Ground, Host, Pairing, Reach};
use crate::ids::{RoomId, SessionId, Side, TicketId};
use crate::interests::Names;
use crate::time::{Micros, Span};
use crate::timers::Timers;

/// How long a ticket may be held for somebody of another node.
pub const LEASE: Span = Span::secs(1);

/// How soon a ticket is posted again to whom it couldn't be listed with.
const AGAIN: Span = Span::millis(250);

/// For whom a ticket is held, on whose proposal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hold {
    Free,
    /// For somebody of this node, whose home answers.
    For {
        b: TicketId,
        owner: ShardId,
    },
    /// For somebody of another node, whose home may not.
    Leased(Box<Lease>),
}

const _: () = assert!(size_of::<Hold>() <= 24, "every ticket that waits has one");

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lease {
    pair: Pair,
    until: Micros,
    step: Step,
}

/// How far a pair has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// Of `a`: the home of `b` is asked.
    Claiming,
    /// Of `a`: `b` has accepted and is told that `a` comes.
    Entering { room: RoomId, partner: Partner },
    /// Of `b`: `a` is told that it may come.
    Accepted { room: RoomId, partner: Partner },
}

/// Whom the person would meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Partner {
    person: SessionId,
    names: Names,
}

/// What a home has to do with other nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Abroad {
    /// The nodes that a link goes to.
    linked: BTreeSet<u16>,
    /// The tickets that are leased, by when that ends.
    leases: BTreeSet<(Micros, TicketId)>,
    /// When tickets are to be posted to the cluster, by place.
    posting: Timers,
    /// The place up to which tickets were posted by a new map, or over a new link.
    round: Option<u32>,
}

impl Hold {
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }

    pub(super) fn is_of_node(&self) -> bool {
        matches!(self, Self::For { .. })
    }
}

impl Lease {
    /// The ticket of the other node.
    fn other(&self) -> TicketId {
        match self.step {
            Step::Claiming | Step::Entering { .. } => self.pair.b,
            Step::Accepted { .. } => self.pair.a,
        }
    }

    /// The room that `a` is entering.
    fn entering(&self) -> Option<RoomId> {
        match self.step {
            Step::Entering { room, .. } => Some(room),
            Step::Claiming | Step::Accepted { .. } => None,
        }
    }
}

impl Abroad {
    pub(super) fn next_timeout(&self) -> Option<Micros> {
        if self.round.is_some() {
            return Some(Micros(0));
        }
        let lease = self.leases.first().map(|&(until, _)| until);
        [lease, self.posting.next()].into_iter().flatten().min()
    }

    /// Every ticket that is leased, and until when.
    pub(super) fn leases(&self) -> impl Iterator<Item = (TicketId, Micros)> {
        self.leases.iter().map(|&(until, ticket)| (ticket, until))
    }

    pub(super) fn unplan(&mut self, slot: u32) {
        self.posting.cancel(slot);
    }
}

/// Who is told of a ticket, and when.
impl Home {
    /// Everybody who waits is posted by the map there is now.
    pub(super) fn go_round(&mut self) {
        self.abroad.round = Some(0);
    }

    /// A link to a node is up.
    pub(super) fn linked(&mut self, node: u16) {
        self.abroad.linked.insert(node);
        self.go_round();
    }

    /// The link to a node is over: whoever was leased to somebody there is free.
    pub(super) fn lost(&mut self, ground: &Ground, node: u16, host: &mut impl Host) {
        self.abroad.linked.remove(&node);
        if ground.broken.is(Fault::LostIgnored) {
            return;
        }
        let leased: Vec<_> = self.abroad.leases.iter().map(|&(_, ticket)| ticket).collect();
        for ticket in leased {
            if self.lease(ground, ticket).is_some_and(|lease| lease.other().node == node) {
                self.end_lease(ground, ticket, host);
            }
        }
    }

    /// Sets when a ticket is posted to the cluster, where there is more than this node.
    pub(super) fn plan_posting(&mut self, ground: &Ground, slot: u32) {
        if ground.cluster_map().is_none() {
            return;
        }
        let card = &self.tickets[slot].card;
        let after =
            self.cadence.worth_waiting(card.lane, ground.now, ground.share, ground.cluster_after);
        let waited = ground.now.since(Micros(card.ticket.at));
        let due = ground.now + Span(after.0.saturating_sub(waited.0));
        self.abroad.posting.set(slot, due);
    }

    /// Posts a ticket, as it is now, to all in the cluster who list it and can be reached.
    pub(super) fn post_abroad(&mut self, ground: &Ground, slot: u32, host: &mut impl Host) {
        let Some(map) = ground.cluster_map() else { return };
        self.tickets[slot].posted.abroad = true;
        let ticket = &self.tickets[slot];
        for owner in owners(ground, Reach::Cluster, ticket) {
            if self.reaches(ground, owner.node) {
                let message =
                    ClusterMessage::Post { epoch: map.epoch(), card: ticket.card.clone() };
                send(host, owner, message);
            }
        }
    }

    /// A cluster owner goes by another map.
    pub(super) fn stale(&mut self, ground: &Ground, id: TicketId) {
        if self.live(ground, id).is_some() {
            self.abroad.posting.set(id.slot, ground.now + AGAIN);
        }
    }

    /// Ends leases that are due, posts tickets that are, and goes on with a round, so many steps at
    /// most.
    pub(super) fn wake_abroad(&mut self, ground: &Ground, budget: usize, host: &mut impl Host) {
        for _ in 0..budget {
            let Some(&(until, ticket)) = self.abroad.leases.first() else { break };
            if until > ground.now || ground.broken.is(Fault::LeaseNeverEnds) {
                break;
            }
            self.end_lease(ground, ticket, host);
        }
        for _ in 0..budget {
            let Some(slot) = self.abroad.posting.take_due(ground.now) else { break };
            self.post_abroad(ground, slot, host);
        }
        for _ in 0..budget {
            let Some(slot) = self.abroad.round else { break };
            self.abroad.round = (slot as usize + 1 < self.tickets.span()).then_some(slot + 1);
            match self.tickets.get(slot) {
                Some(ticket) if ticket.posted.abroad => self.post_abroad(ground, slot, host),
                Some(_) => self.plan_posting(ground, slot),
                None => {}
            }
        }
    }

    /// Tells the cluster that a ticket is over.
    pub(super) fn end_abroad(&mut self, ground: &Ground, ticket: &Ticket, host: &mut impl Host) {
        let id = ticket.card.ticket;
        if let Hold::Leased(lease) = &ticket.hold {
            self.abroad.leases.remove(&(lease.until, id));
        }
        if !ticket.posted.abroad || ground.cluster_map().is_none() {
            return;
        }
        for owner in owners(ground, Reach::Cluster, ticket) {
            if self.reaches(ground, owner.node) {
                send(host, owner, ClusterMessage::Withdraw { ticket: id });
            }
        }
    }

    fn reaches(&self, ground: &Ground, node: u16) -> bool {
        node == ground.me.node || self.abroad.linked.contains(&node)
    }
}

/// Two of different nodes.
impl Home {
    /// A cluster owner proposes `a` of this home to somebody of another node.
    pub(super) fn propose_abroad(
        &mut self,
        ground: &Ground,
        pair: Pair,
        (b_person, forgive): (SessionId, bool),
        host: &mut impl Host,
    ) {
        let reachable = self.reaches(ground, pair.b.node);
        let outcome = match self.live(ground, pair.a) {
            None => Outcome::AGone,
            Some(ticket) if !ticket.hold.is_free() => Outcome::ABusy,
            Some(_) if !reachable => Outcome::BBusy,
            Some(ticket) => {
                let a_person = ticket.card.person;
                if !host.refuses(a_person, b_person, forgive) {
                    self.let_out(ground, pair.a, pair, Step::Claiming);
                    let a_names = host.names(a_person);
                    let claim = ClusterMessage::Claim { pair, a_person, a_names, forgive };
                    return send(host, pair.b.home(), claim);
                }
                Outcome::Refused { forgive }
            }
        };
        conclude(pair, outcome, host);
    }

    /// Another home has leased `a` to `b` of this one.
    pub(super) fn claim_abroad(
        &mut self,
        ground: &Ground,
        pair: Pair,
        (a_person, a_names, forgive): (SessionId, Names, bool),
        host: &mut impl Host,
    ) {
        let outcome = match self.live(ground, pair.b) {
            None => Outcome::BGone,
            Some(ticket) if !ticket.hold.is_free() => Outcome::BBusy,
            Some(ticket) => {
                let b_person = ticket.card.person;
                if !host.refuses(b_person, a_person, forgive) {
                    let room = host.new_room();
                    let partner = Partner { person: a_person, names: a_names };
                    self.let_out(ground, pair.b, pair, Step::Accepted { room, partner });
                    let b_names = host.names(b_person);
                    let accept = ClusterMessage::Accept { pair, b_person, b_names, room };
                    return send(host, pair.a.home(), accept);
                }
                Outcome::Refused { forgive }
            }
        };
        send(host, pair.a.home(), ClusterMessage::Refuse { pair, room: None, outcome });
    }

    /// `b` is leased to `a` of this home.
    pub(super) fn accept_abroad(
        &mut self,
        ground: &Ground,
        pair: Pair,
        (b_person, b_names, room): (SessionId, Names, RoomId),
        host: &mut impl Host,
    ) {
        let lease = self.lease(ground, pair.a);
        let claiming = lease.filter(|it| it.pair == pair && it.step == Step::Claiming);
        if let Some(lease) = claiming {
            let partner = Partner { person: b_person, names: b_names };
            lease.step = Step::Entering { room, partner };
            send(host, pair.b.home(), ClusterMessage::Confirm { pair, room });
            if ground.broken.is(Fault::EnteredUnconfirmed) {
                self.confirmed(ground, pair, (b_person, room), host);
            }
            return;
        }
        send(host, pair.b.home(), ClusterMessage::Release { pair, room });
        self.conclude_for_gone(ground, pair, Outcome::AGone, host);
    }

    /// `b` isn't to be had, after all where `a` was entering a room.
    pub(super) fn refuse_abroad(
        &mut self,
        ground: &Ground,
        pair: Pair,
        (room, outcome): (Option<RoomId>, Outcome),
        host: &mut impl Host,
    ) {
        let lease = self.lease(ground, pair.a);
        if lease.is_some_and(|it| it.pair == pair && it.entering() == room) {
            conclude(pair, outcome, host);
            return self.free_lease(ground, pair.a, host);
        }
        self.conclude_for_gone(ground, pair, outcome, host);
    }

    /// `a` is entering; `b` of this home is told, unless its lease is over.
    pub(super) fn confirm(
        &mut self,
        ground: &Ground,
        pair: Pair,
        room: RoomId,
        host: &mut impl Host,
    ) {
        let lease = self.lease(ground, pair.b).filter(|it| it.pair == pair);
        let partner = lease.and_then(|it| match &it.step {
            Step::Accepted { room: offered, partner } if *offered == room => Some(partner.clone()),
            _ => None,
        });
        let Some(Partner { person: partner, names: partner_names }) = partner else {
            let there = self.live(ground, pair.b).is_some();
            let outcome = if there { Outcome::BBusy } else { Outcome::BGone };
            let refuse = ClusterMessage::Refuse { pair, room: Some(room), outcome };
            return send(host, pair.a.home(), refuse);
        };
        let b_person = self.tickets[pair.b.slot].card.person;
        send(host, pair.a.home(), ClusterMessage::Confirmed { pair, b_person, room });
        self.settle(ground, pair.b, None, host);
        let waited = ground.now.since(Micros(pair.b.at));
        let (person, side) = (b_person, Side::Second);
        host.matched(Pairing { person, side, waited, partner, partner_names, room });
    }

    /// `b` is in the room; `a` of this home is told, or `b` that nobody comes.
    pub(super) fn confirmed(
        &mut self,
        ground: &Ground,
        pair: Pair,
        (b_person, room): (SessionId, RoomId),
        host: &mut impl Host,
    ) {
        let lease = self.lease(ground, pair.a).filter(|it| it.pair == pair);
        let partner = lease.and_then(|it| match &it.step {
            Step::Entering { room: offered, partner } if *offered == room => Some(partner.clone()),
            _ => None,
        });
        let Some(Partner { person: partner, names: partner_names }) = partner else {
            if !ground.broken.is(Fault::HoldDiesWithTicket) {
                host.left_before_room(b_person, room);
            }
            return self.conclude_for_gone(ground, pair, Outcome::Matched, host);
        };
        conclude(pair, Outcome::Matched, host);
        let person = self.tickets[pair.a.slot].card.person;
        self.settle(ground, pair.a, None, host);
        let waited = ground.now.since(Micros(pair.a.at));
        host.matched(Pairing { person, side: Side::First, waited, partner, partner_names, room });
    }

    /// `a` doesn't come: `b` of this home is free.
    pub(super) fn release(
        &mut self,
        ground: &Ground,
        pair: Pair,
        room: RoomId,
        host: &mut impl Host,
    ) {
        let lease = self.lease(ground, pair.b).filter(|it| it.pair == pair);
        let offered = |step: &Step| matches!(step, Step::Accepted { room: it, .. } if *it == room);
        if lease.is_some_and(|it| offered(&it.step)) {
            self.free_lease(ground, pair.b, host);
        }
    }

    fn lease(&mut self, ground: &Ground, id: TicketId) -> Option<&mut Lease> {
        match &mut self.live(ground, id)?.hold {
            Hold::Leased(lease) => Some(lease),
            Hold::Free | Hold::For { .. } => None,
        }
    }

    fn let_out(&mut self, ground: &Ground, id: TicketId, pair: Pair, step: Step) {
        let until = ground.now + LEASE;
        self.abroad.leases.insert((until, id));
        self.tickets[id.slot].hold = Hold::Leased(Box::new(Lease { pair, until, step }));
    }

    /// Ends a lease that is over before it came to anything.
    fn end_lease(&mut self, ground: &Ground, id: TicketId, host: &mut impl Host) {
        let Some(lease) = self.lease(ground, id) else { return };
        let pair = lease.pair;
        if id == pair.a {
            conclude(pair, Outcome::BBusy, host);
        }
        self.free_lease(ground, id, host);
    }

    fn free_lease(&mut self, ground: &Ground, id: TicketId, host: &mut impl Host) {
        let Some(lease) = self.lease(ground, id) else { return };
        let until = lease.until;
        self.abroad.leases.remove(&(until, id));
        self.free(ground, id, host);
    }

    /// Tells how a proposal ended whose lower ticket is over; of one whose lease is, the owner knows.
    fn conclude_for_gone(
        &mut self,
        ground: &Ground,
        pair: Pair,
        outcome: Outcome,
        host: &mut impl Host,
    ) {
        if self.live(ground, pair.a).is_none() {
            conclude(pair, outcome, host);
        }
    }
}

fn conclude(pair: Pair, outcome: Outcome, host: &mut impl Host) {
    send(host, pair.owner, ClusterMessage::Outcome { pair, outcome });
}

fn send(host: &mut impl Host, to: ShardId, message: ClusterMessage) {
    host.send(to, MatchMessage::Cluster(Box::new(message)));
}
