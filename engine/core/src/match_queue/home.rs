//! A home: the tickets of this shard's own people, and the only say in whether one is free.

use std::collections::{BTreeSet, VecDeque};

use arrayvec::ArrayVec;
use whisper_shard_router::ShardId;

use super::cadence::Cadence;
use super::card::{Card, KEYS_MAX, LANES, LaneId, Level};
use super::fault::Fault;
use super::lease::{Abroad, Hold};
use super::message::{Accept, Claim, MatchMessage, Outcome};
use super::wish::{Relaxation, Stay, Wish};
use super::{Ground, Host, Pairing, Reach, Search};
use crate::codec::{Damage, Field, Reader, Writer};
use crate::ids::{SessionId, Side, TicketId};
use crate::slots::Slots;
use crate::time::{Micros, Span};
use crate::timers::Timers;

/// People of the own core looked at for somebody who takes anyone.
const LOCAL_CANDIDATES_MAX: usize = 64;

/// A proposal as it reaches the home of its lower ticket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proposal {
    pub(super) owner: ShardId,
    pub(super) a: TicketId,
    pub(super) b: TicketId,
    pub(super) b_person: SessionId,
    pub(super) forgive: bool,
}

/// The tickets of one shard's people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Home {
    pub(super) tickets: Slots<Ticket>,
    latest: u64,
    /// Tickets open to anyone, so that two on one core find each other here.
    open: BTreeSet<(LaneId, TicketId)>,
    per_lane: [u32; LANES],
    per_level: [u32; Level::COUNT],
    pub(super) cadence: Cadence,
    timers: Timers,
    pub(super) abroad: Abroad,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticket {
    pub(super) card: Card,
    relaxation: Relaxation,
    /// Posted to the owners of its interests, and of its lane.
    pub(super) posted: Posted,
    /// For whom this ticket is held, on whose proposal.
    pub(super) hold: Hold,
    /// What met the ticket while it was held; at most one for each owner it is listed with.
    behind: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Posted {
    interests: bool,
    lane: bool,
    /// To those of the cluster too.
    pub(super) abroad: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Waiting {
    Proposal(Proposal),
    Claim(Box<Claim>),
}

impl Home {
    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    /// How many tickets have opened up to each level.
    pub(super) fn per_level(&self) -> [u32; Level::COUNT] {
        self.per_level
    }

    pub(super) fn next_timeout(&self) -> Option<Micros> {
        self.timers.next()
    }

    pub(super) fn tickets(&self) -> Vec<(Card, bool)> {
        let places = 0..self.tickets.span() as u32;
        places
            .filter_map(|place| self.tickets.get(place))
            .map(|ticket| (ticket.card.clone(), !ticket.hold.is_free()))
            .collect()
    }

    /// Whether no ticket is held for somebody of this node, or met while it was held.
    pub(super) fn is_settled(&self) -> bool {
        let places = 0..self.tickets.span() as u32;
        let mut tickets = places.filter_map(|place| self.tickets.get(place));
        tickets.all(|ticket| !ticket.hold.is_of_node() && ticket.behind.is_empty())
    }

    /// What is to be known of the home as a whole.
    pub(super) fn bequeath(&self, w: &mut Writer<'_>) {
        self.latest.put(w);
        self.cadence.put(w);
    }

    /// Goes on from where another home was, whose people come one by one. Of several the first is
    /// gone on from, but no ticket is older than theirs.
    pub(super) fn inherit(&mut self, mut r: Reader<'_>) -> Result<(), Damage> {
        let is_first = self.latest == 0;
        self.latest = self.latest.max(Field::get(&mut r)?);
        let cadence = Field::get(&mut r)?;
        if is_first {
            self.cadence = cadence;
        }
        r.end()
    }

    pub(super) fn stay(&self, place: u32) -> Option<Stay> {
        let Card { ticket, language, level, priority, .. } = self.tickets.get(place)?.card;
        let due = self.timers.of(place)?;
        Some(Stay { at: ticket.at, language, level, priority, due })
    }

    /// Makes a ticket again, for the wish it was made for; nobody is told of it yet.
    pub(super) fn take_in(&mut self, ground: &Ground, wish: Wish, stay: Stay) -> TicketId {
        let Stay { at, language: _, level, priority: _, due } = stay;
        let slot = self.insert(ground, at, level, wish);
        let ticket = &mut self.tickets[slot];
        ticket.posted = Posted { interests: true, lane: level >= Level::Any, abroad: false };
        let (lane, id) = (ticket.card.lane, ticket.card.ticket);
        if level >= Level::Any {
            self.open.insert((lane, id));
        }
        self.timers.set(slot, due);
        id
    }

    /// Posts a ticket to all who list it.
    pub(super) fn post(&self, ground: &Ground, place: u32, host: &mut impl Host) {
        let Some(ticket) = self.tickets.get(place) else { return };
        for owner in owners(ground, Reach::Node, ticket) {
            host.send(owner, MatchMessage::Post(Box::new(ticket.card.clone())));
        }
    }

    pub(super) fn join(
        &mut self,
        ground: &Ground,
        wish: Wish,
        host: &mut impl Host,
    ) -> Option<TicketId> {
        self.cadence.joined(wish.lane, ground.now);
        // Strictly increasing, so that no id is ever used twice.
        let later = if ground.broken.is(Fault::TicketIdReused) { 0 } else { 1 };
        self.latest = ground.now.0.max(self.latest + later);
        let at = self.latest;
        // Whoever takes anyone and yet likes something is first shown to the owners of that, and
        // opens up right after: a better tier goes before anybody who is at hand.
        let (level, told) = match wish.relaxation {
            _ if wish.keys.is_empty() => (Level::Any, Level::Any),
            Relaxation::Anyone => (Level::Single, Level::Any),
            Relaxation::Gradual | Relaxation::Strict => (Level::Overlap, Level::Overlap),
        };
        let (person, lane) = (wish.person, wish.lane);
        let slot = self.insert(ground, at, level, wish);
        host.searching(person, self.search(ground, lane, told));
        if level >= Level::Any && self.match_locally(ground, slot, host) {
            return None;
        }
        let ticket = &mut self.tickets[slot];
        ticket.posted = Posted { interests: true, lane: level >= Level::Any, abroad: false };
        if ticket.posted.lane {
            self.open.insert((ticket.card.lane, ticket.card.ticket));
        }
        let id = ticket.card.ticket;
        let mut owners = owners(ground, Reach::Node, ticket);
        if ground.broken.is(Fault::KeyUnposted) {
            owners.pop();
        }
        for owner in owners {
            host.send(owner, MatchMessage::Post(Box::new(ticket.card.clone())));
        }
        self.schedule(ground, slot);
        self.plan_posting(ground, slot);
        Some(id)
    }

    pub(super) fn ticket_at(&self, place: u32) -> Option<TicketId> {
        self.tickets.get(place).map(|ticket| ticket.card.ticket)
    }

    pub(super) fn leave(&mut self, ground: &Ground, id: TicketId, host: &mut impl Host) {
        if self.live(ground, id).is_some() {
            self.end(ground, id.slot, None, host);
        }
    }

    /// Opens one tier, or ends one ticket, whose time has come; false if there is none.
    pub(super) fn open_next(&mut self, ground: &Ground, host: &mut impl Host) -> bool {
        let Some(slot) = self.timers.take_due(ground.now) else { return false };
        let ticket = &self.tickets[slot];
        let waited = ground.now.since(Micros(ticket.card.ticket.at));
        if waited >= ground.times.timeout {
            let person = ticket.card.person;
            self.end(ground, slot, None, host);
            host.timed_out(person, waited);
        } else if let Some(level) = next_level(ticket) {
            self.open(ground, slot, level, host);
        }
        true
    }

    pub(super) fn open_up(&mut self, ground: &Ground, id: TicketId, host: &mut impl Host) -> bool {
        let Some(level) = self.live(ground, id).and_then(|ticket| next_level(ticket)) else {
            return false;
        };
        self.open(ground, id.slot, level, host);
        true
    }

    pub(super) fn propose(&mut self, ground: &Ground, proposal: Proposal, host: &mut impl Host) {
        let Proposal { owner, a, b, b_person, forgive } = proposal;
        let answer = |outcome| MatchMessage::Outcome { a, b, outcome };
        let Some(ticket) = self.live(ground, a) else {
            return host.send(owner, answer(Outcome::AGone));
        };
        if !ticket.hold.is_free() {
            if ground.broken.is(Fault::HeldIsGone) {
                return host.send(owner, answer(Outcome::AGone));
            }
            return ticket.behind.push_back(Waiting::Proposal(proposal));
        }
        let a_person = ticket.card.person;
        if host.refuses(a_person, b_person, forgive) {
            return host.send(owner, answer(Outcome::Refused { forgive }));
        }
        ticket.hold = Hold::For { b, owner };
        let a_names = host.names(a_person);
        let claim = Claim { a, b, a_person, a_names, owner, forgive };
        host.send(b.home(), MatchMessage::Claim(Box::new(claim)));
        debug_assert!(ground.me == a.home(), "a proposal goes to the home of its lower ticket");
    }

    pub(super) fn claim(&mut self, ground: &Ground, claim: Box<Claim>, host: &mut impl Host) {
        let Claim { a, b, a_person, owner, forgive, .. } = *claim;
        let refuse = |outcome| MatchMessage::Refuse { a, b, owner, outcome };
        let Some(ticket) = self.live(ground, b) else {
            return host.send(a.home(), refuse(Outcome::BGone));
        };
        if !ticket.hold.is_free() {
            if ground.broken.is(Fault::HeldIsGone) {
                return host.send(a.home(), refuse(Outcome::BGone));
            }
            return ticket.behind.push_back(Waiting::Claim(claim));
        }
        let b_person = ticket.card.person;
        if host.refuses(b_person, a_person, forgive) {
            return host.send(a.home(), refuse(Outcome::Refused { forgive }));
        }
        let room = host.new_room();
        let accept = Accept { a, b, b_person, b_names: host.names(b_person), owner, room };
        host.send(a.home(), MatchMessage::Accept(Box::new(accept)));
        self.settle(ground, b, Some(owner), host);
        host.matched(Pairing {
            person: b_person,
            side: Side::Second,
            waited: ground.now.since(Micros(b.at)),
            partner: a_person,
            partner_names: claim.a_names,
            room,
        });
    }

    pub(super) fn accept(&mut self, ground: &Ground, accept: Accept, host: &mut impl Host) {
        let Accept { a, b, b_person, b_names, owner, room } = accept;
        let held = self.live(ground, a).filter(|ticket| ticket.hold == Hold::For { b, owner });
        host.send(owner, MatchMessage::Outcome { a, b, outcome: Outcome::Matched });
        let Some(ticket) = held else {
            if ground.broken.is(Fault::HoldDiesWithTicket) {
                return;
            }
            // The hold outlived its ticket: whoever it was has left.
            return host.left_before_room(b_person, room);
        };
        let person = ticket.card.person;
        self.settle(ground, a, Some(owner), host);
        host.matched(Pairing {
            person,
            side: Side::First,
            waited: ground.now.since(Micros(a.at)),
            partner: b_person,
            partner_names: b_names,
            room,
        });
    }

    pub(super) fn refused(
        &mut self,
        ground: &Ground,
        (a, b): (TicketId, TicketId),
        owner: ShardId,
        outcome: Outcome,
        host: &mut impl Host,
    ) {
        host.send(owner, MatchMessage::Outcome { a, b, outcome });
        let held = self.live(ground, a).filter(|ticket| ticket.hold == Hold::For { b, owner });
        if held.is_some() {
            self.free(ground, a, host);
        }
    }

    /// Ends the hold of a ticket that is there, and turns to what met it meanwhile.
    pub(super) fn free(&mut self, ground: &Ground, id: TicketId, host: &mut impl Host) {
        self.tickets[id.slot].hold = Hold::Free;
        while let Some(ticket) = self.live(ground, id).filter(|it| it.hold.is_free()) {
            match ticket.behind.pop_front() {
                Some(waiting) => self.meet(ground, waiting, host),
                None => return,
            }
        }
    }

    #[cfg(feature = "faults")]
    pub(super) fn replace_in_place(
        &mut self,
        ground: &Ground,
        id: TicketId,
        wish: Wish,
        host: &mut impl Host,
    ) {
        let Some(ticket) = self.live(ground, id) else { return };
        let before = owners(ground, Reach::Node, ticket);
        let lane = std::mem::replace(&mut ticket.card.lane, wish.lane);
        ticket.card.keys = wish.keys;
        ticket.card.keys.sort_unstable();
        for owner in before {
            host.send(owner, MatchMessage::Withdraw { ticket: id });
        }
        for owner in owners(ground, Reach::Node, ticket) {
            host.send(owner, MatchMessage::Post(Box::new(ticket.card.clone())));
        }
        self.per_lane[usize::from(lane.0)] -= 1;
        self.per_lane[usize::from(wish.lane.0)] += 1;
    }

    /// Makes a ticket, which is posted to nobody; returns its place.
    fn insert(&mut self, ground: &Ground, at: u64, level: Level, wish: Wish) -> u32 {
        let mut keys = wish.keys;
        keys.sort_unstable();
        let doubles = (1..keys.len()).rev().filter(|&i| keys[i] == keys[i - 1]);
        for double in doubles.collect::<ArrayVec<_, KEYS_MAX>>() {
            keys.remove(double);
        }
        self.per_lane[usize::from(wish.lane.0)] += 1;
        self.per_level[level as usize] += 1;
        self.tickets.insert_with(|slot| Ticket {
            card: Card {
                ticket: TicketId { at, node: ground.me.node, shard: ground.me.shard, slot },
                person: wish.person,
                lane: wish.lane,
                language: wish.language,
                same_language: wish.same_language,
                keys,
                level,
                priority: wish.priority,
            },
            relaxation: wish.relaxation,
            posted: Posted { interests: false, lane: false, abroad: false },
            hold: Hold::Free,
            behind: VecDeque::new(),
        })
    }

    fn search(&self, ground: &Ground, lane: LaneId, level: Level) -> Search {
        let others_here = self.per_lane[usize::from(lane.0)].saturating_sub(1);
        let ahead = ground.share.extend(others_here);
        Search { level, ahead, median_wait_ms: self.cadence.median_wait_ms(lane) }
    }

    fn meet(&mut self, ground: &Ground, waiting: Waiting, host: &mut impl Host) {
        match waiting {
            Waiting::Proposal(proposal) => self.propose(ground, proposal, host),
            Waiting::Claim(claim) => self.claim(ground, claim, host),
        }
    }

    pub(super) fn live(&mut self, ground: &Ground, id: TicketId) -> Option<&mut Ticket> {
        let ticket = self.tickets.get_mut(id.slot)?;
        let same = ticket.card.ticket == id || ground.broken.is(Fault::GenerationUnchecked);
        same.then_some(ticket)
    }

    fn open(&mut self, ground: &Ground, slot: u32, level: Level, host: &mut impl Host) {
        let ticket = &mut self.tickets[slot];
        self.per_level[ticket.card.level as usize] -= 1;
        self.per_level[level as usize] += 1;
        ticket.card.level = level;
        let (person, lane, id) = (ticket.card.person, ticket.card.lane, ticket.card.ticket);
        // Whoever takes anyone was told so on joining.
        if ticket.relaxation != Relaxation::Anyone {
            host.searching(person, self.search(ground, lane, level));
        }
        if level == Level::Any {
            let free = self.tickets[slot].hold.is_free();
            if free && self.match_locally(ground, slot, host) {
                return;
            }
            let ticket = &mut self.tickets[slot];
            self.open.insert((ticket.card.lane, id));
            let lane_owner = ground.owner(ground.lane_key(ticket.card.lane));
            let message = if owners(ground, Reach::Node, ticket).contains(&lane_owner) {
                MatchMessage::Relax { ticket: id, level }
            } else {
                MatchMessage::Post(Box::new(ticket.card.clone()))
            };
            ticket.posted.lane = true;
            host.send(lane_owner, message);
        } else {
            for owner in owners(ground, Reach::Node, &self.tickets[slot]) {
                host.send(owner, MatchMessage::Relax { ticket: id, level });
            }
        }
        if self.tickets[slot].posted.abroad {
            self.post_abroad(ground, slot, host);
        }
        self.schedule(ground, slot);
    }

    /// Sets the time at which the ticket opens up next, or ends.
    fn schedule(&mut self, ground: &Ground, slot: u32) {
        let ticket = &self.tickets[slot];
        let times = &ground.times;
        let (single, any) =
            self.cadence.openings(ticket.card.lane, ground.now, ground.share, times);
        let after = |wait: Span| Micros(ticket.card.ticket.at) + wait.min(times.timeout);
        let due = match next_level(ticket) {
            Some(Level::Single) => after(single),
            Some(Level::Any) if ticket.relaxation == Relaxation::Anyone => ground.now,
            Some(Level::Any) => after(any),
            Some(Level::Again) => after(times.again),
            _ => after(times.timeout),
        };
        self.timers.set(slot, due);
    }

    /// Pairs the ticket with somebody of this core who takes anyone too: their chat then never
    /// crosses cores. This home has the say over both, so they are matched there and then.
    fn match_locally(&mut self, ground: &Ground, slot: u32, host: &mut impl Host) -> bool {
        let card = &self.tickets[slot].card;
        let best = self
            .open
            .range((card.lane, TicketId::MIN)..)
            .take_while(|(lane, _)| *lane == card.lane)
            .take(LOCAL_CANDIDATES_MAX)
            .filter_map(|&(_, id)| {
                let other = &self.tickets[id.slot];
                let fit = card.fit(&other.card)?;
                let strangers = !host.refuses(card.person, other.card.person, false)
                    && !host.refuses(other.card.person, card.person, false);
                let free = other.hold.is_free() && id != card.ticket;
                let merit = (fit.affinity, fit.shared, other.card.priority);
                (free && strangers).then_some((merit, id))
            })
            // Among equals the first, which is the oldest.
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let Some((_, other)) = best else { return false };
        let me = card.ticket;
        let room = host.new_room();
        let (a, b) = if me < other { (me, other) } else { (other, me) };
        let people = [a, b].map(|id| self.tickets[id.slot].card.person);
        for id in [a, b] {
            self.settle(ground, id, None, host);
        }
        for (mine, id, side) in [(0, a, Side::First), (1, b, Side::Second)] {
            host.matched(Pairing {
                person: people[mine],
                side,
                waited: ground.now.since(Micros(id.at)),
                partner: people[1 - mine],
                partner_names: host.names(people[1 - mine]),
                room,
            });
        }
        true
    }

    /// Ends a ticket that is matched. `owner`, who proposed it, learns it by the outcome.
    pub(super) fn settle(
        &mut self,
        ground: &Ground,
        id: TicketId,
        owner: Option<ShardId>,
        host: &mut impl Host,
    ) {
        let lane = self.tickets[id.slot].card.lane;
        self.cadence.matched(lane, ground.now.since(Micros(id.at)));
        self.end(ground, id.slot, owner, host);
    }

    fn end(&mut self, ground: &Ground, slot: u32, informed: Option<ShardId>, host: &mut impl Host) {
        let ticket = self.tickets.remove_or_shrink(slot).expect("only a live ticket ends");
        let id = ticket.card.ticket;
        self.timers.cancel(slot);
        self.open.remove(&(ticket.card.lane, id));
        self.per_lane[usize::from(ticket.card.lane.0)] -= 1;
        self.per_level[ticket.card.level as usize] -= 1;
        if ticket.posted.abroad || !ticket.hold.is_free() {
            self.end_abroad(ground, &ticket, host);
        }
        self.abroad.unplan(slot);
        for owner in owners(ground, Reach::Node, &ticket) {
            let told = Some(owner) == informed || ground.broken.is(Fault::WithdrawForgotten);
            if !told {
                host.send(owner, MatchMessage::Withdraw { ticket: id });
            }
        }
        // They find it gone.
        for waiting in ticket.behind {
            self.meet(ground, waiting, host);
        }
    }
}

/// The level that opens next for a ticket by its person's wish; none if all are open.
fn next_level(ticket: &Ticket) -> Option<Level> {
    let strict = ticket.relaxation == Relaxation::Strict;
    match ticket.card.level {
        Level::Overlap => Some(Level::Single),
        Level::Single => (!strict).then_some(Level::Any),
        Level::Any => (ticket.relaxation == Relaxation::Anyone).then_some(Level::Again),
        Level::Again => None,
    }
}

/// The shards that list this ticket by one map, each once.
pub(super) fn owners(
    ground: &Ground,
    reach: Reach,
    ticket: &Ticket,
) -> ArrayVec<ShardId, { KEYS_MAX + 1 }> {
    let mut owners = ArrayVec::new();
    let map = ground.map(reach);
    let interests = ticket.card.keys.iter().copied().filter(|_| ticket.posted.interests);
    let lane = ticket.posted.lane.then(|| ground.lane_key(ticket.card.lane));
    for key in interests.chain(lane) {
        let owner = map.owner(key);
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    owners
}
