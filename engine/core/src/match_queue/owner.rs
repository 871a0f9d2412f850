//! An owner: the waiting lists of the keys that placement gives to this shard.
//!
//! Owners know tickets, homes know people. An owner never decides that two are matched; it marks
//! both busy, proposes them, and waits for the one outcome. Whoever keeps lists for the whole
//! cluster is one too, see [`Broker`](super::broker::Broker).

use std::collections::VecDeque;

use arrayvec::ArrayVec;
use whisper_shard_router::KeyHash;

use super::card::{Affinity, Card, KEYS_MAX, LaneId, Language, Level, Marks};
use super::fault::Fault;
use super::list::{List, Listed, Rank, rank};
use super::message::{MatchMessage, Outcome};
use super::{Ground, Host, Reach};
use crate::ids::{SessionId, TicketId};
use crate::seeded_map::SeededMap;
use crate::slots::Slots;
use crate::time::Micros;

/// Candidates looked at before a scan makes way for other work.
const CANDIDATES_MAX: usize = 64;

/// How a pair is proposed to the home of its lower ticket.
pub(super) trait Propose {
    fn propose(&mut self, pair: (TicketId, TicketId), b_person: SessionId, forgive: bool);
}

impl<H: Host> Propose for H {
    fn propose(&mut self, (a, b): (TicketId, TicketId), b_person: SessionId, forgive: bool) {
        self.send(a.home(), MatchMessage::Propose { a, b, b_person, forgive });
    }
}

/// The waiting lists of one shard.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    /// By which map keys are this shard's.
    reach: Reach,
    entries: Slots<Entry>,
    places: SeededMap<TicketId, u32>,
    lists: SeededMap<ListKey, List>,
    /// Tickets whose scan was broken off, each with its cursor in its entry.
    owed: VecDeque<TicketId>,
}

/// A ticket listed here.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Entry {
    card: Card,
    /// The lists of this shard that it is in, and its marks there. Mostly one or two: room for all
    /// there may be would make an entry three times as large.
    keys: Box<[(KeyHash, Marks)]>,
    /// In a proposal whose outcome is awaited.
    busy: bool,
    /// Tickets this one was refused with, or refused, and whether recent partners were allowed.
    /// The other has the same note; both go with either.
    refused: Vec<(TicketId, bool)>,
    /// Where a scan on this ticket's behalf goes on.
    cursor: Option<Cursor>,
    /// Waiting in `owed`.
    owed: bool,
}

/// People who insist on a language are listed apart, so that lanes and languages cost no scan.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ListKey {
    key: KeyHash,
    lane: LaneId,
    insists_on: Option<Language>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Cursor {
    /// Which of the lists that concern the ticket.
    list: usize,
    after: Option<Rank>,
}

#[derive(Clone, Copy)]
struct Candidate {
    place: u32,
    ticket: TicketId,
    overdue: bool,
    affinity: Affinity,
    shared: usize,
    priority: u8,
}

impl Owner {
    pub(super) fn new(seed: u64, reach: Reach) -> Self {
        Self {
            reach,
            entries: Slots::default(),
            places: SeededMap::new(seed),
            lists: SeededMap::new(seed ^ 0x9E37_79B9_7F4A_7C15),
            owed: VecDeque::new(),
        }
    }

    /// Tickets listed here.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no outcome is awaited.
    pub(super) fn is_settled(&self) -> bool {
        let places = 0..self.entries.span() as u32;
        places.filter_map(|place| self.entries.get(place)).all(|entry| !entry.busy)
    }

    /// Whether a scan waits to be carried on.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// The tickets listed here, oldest first, and whether each is busy.
    pub(super) fn listed(&self) -> Vec<(TicketId, bool)> {
        let places = self.places.sorted();
        places.into_iter().map(|(&ticket, &place)| (ticket, self.entries[place].busy)).collect()
    }

    /// The tickets listed here that are at home on a node, the youngest first: so most stand at the
    /// end of their lists when they are withdrawn in this order.
    pub(super) fn listed_of(&self, node: u16) -> Vec<TicketId> {
        let places = 0..self.entries.span() as u32;
        let tickets = places.filter_map(|place| Some(self.entries.get(place)?.card.ticket));
        let mut tickets: Vec<_> = tickets.filter(|ticket| ticket.node == node).collect();
        tickets.sort_unstable_by(|one, other| other.cmp(one));
        tickets
    }

    pub(super) fn post(&mut self, ground: &Ground, card: Card, out: &mut impl Propose) {
        let (ticket, level) = (card.ticket, card.level);
        if self.places.get(&ticket).is_some() {
            return self.relax(ground, ticket, level, out);
        }
        let place = self.entries.insert_with(|_| Entry {
            card,
            keys: Box::default(),
            busy: false,
            refused: Vec::new(),
            cursor: None,
            owed: false,
        });
        self.places.insert(ticket, place);
        self.list(ground, place);
        self.scan_anew(ground, place, out);
    }

    pub(super) fn relax(
        &mut self,
        ground: &Ground,
        ticket: TicketId,
        level: Level,
        out: &mut impl Propose,
    ) {
        let Some(&place) = self.places.get(&ticket) else { return };
        if self.entries[place].card.level >= level {
            return;
        }
        self.unlist(place);
        self.entries[place].card.level = level;
        self.list(ground, place);
        self.scan_anew(ground, place, out);
    }

    pub(super) fn withdraw(&mut self, ticket: TicketId) {
        let Some(place) = self.places.remove(&ticket) else { return };
        self.unlist(place);
        let entry = self.entries.remove_or_shrink(place).expect("a listed ticket has its entry");
        for (other, _) in entry.refused {
            if let Some(&place) = self.places.get(&other) {
                self.entries[place].refused.retain(|&(refused, _)| refused != ticket);
            }
        }
    }

    /// Takes the one outcome of a proposal: drops who is gone, frees and rescans who is left.
    pub(super) fn outcome(
        &mut self,
        ground: &Ground,
        (a, b): (TicketId, TicketId),
        outcome: Outcome,
        out: &mut impl Propose,
    ) {
        self.note(ground, (a, b), outcome);
        self.free(ground, &[a, b], out);
    }

    /// Drops who is gone by an outcome, and remembers who won't have the other.
    pub(super) fn note(&mut self, ground: &Ground, (a, b): (TicketId, TicketId), outcome: Outcome) {
        match outcome {
            Outcome::Matched => {
                self.withdraw(a);
                self.withdraw(b);
            }
            Outcome::AGone => self.withdraw(a),
            Outcome::BGone => self.withdraw(b),
            Outcome::Refused { .. } if ground.broken.is(Fault::RefusalForgotten) => {}
            Outcome::Refused { forgive } => self.remember_refusal(a, b, forgive),
            Outcome::ABusy | Outcome::BBusy => {}
        }
    }

    /// Frees who is left of these, at most two, and then looks for partners for them.
    pub(super) fn free(&mut self, ground: &Ground, tickets: &[TicketId], out: &mut impl Propose) {
        let survivors = tickets.iter().filter_map(|ticket| self.places.get(ticket).copied());
        let survivors: ArrayVec<u32, 2> = survivors.collect();
        for &place in &survivors {
            self.entries[place].busy = false;
        }
        for place in survivors {
            self.scan_anew(ground, place, out);
            if ground.broken.is(Fault::OneSideRescanned) {
                break;
            }
        }
    }

    /// Carries on one scan that was broken off.
    pub(super) fn carry_on(&mut self, ground: &Ground, out: &mut impl Propose) {
        let Some(ticket) = self.owed.pop_front() else { return };
        let Some(&place) = self.places.get(&ticket) else { return };
        let entry = &mut self.entries[place];
        entry.owed = false;
        if let Some(cursor) = entry.cursor.take() {
            self.scan(ground, place, cursor, out);
        }
    }

    fn remember_refusal(&mut self, a: TicketId, b: TicketId, forgive: bool) {
        let (Some(&a_place), Some(&b_place)) = (self.places.get(&a), self.places.get(&b)) else {
            return;
        };
        for (place, other) in [(a_place, b), (b_place, a)] {
            let refused = &mut self.entries[place].refused;
            match refused.iter_mut().find(|(ticket, _)| *ticket == other) {
                Some((_, forgiven)) => *forgiven |= forgive,
                None => refused.push((other, forgive)),
            }
        }
    }

    fn list(&mut self, ground: &Ground, place: u32) {
        let Entry { card, keys, .. } = &mut self.entries[place];
        *keys = owned_keys(ground, self.reach, card).as_slice().into();
        let (ticket, level) = (card.ticket, card.level);
        for &(key, marks) in &**keys {
            let list = ListKey { key, lane: card.lane, insists_on: card.insists_on() };
            let listed = Listed { ticket, marks, place, level };
            self.lists.get_or_insert_with(list, List::default).insert(listed);
        }
    }

    fn unlist(&mut self, place: u32) {
        let Entry { card, keys, .. } = &self.entries[place];
        let rank = rank(card.level, card.ticket);
        for &(key, _) in keys {
            let key = ListKey { key, lane: card.lane, insists_on: card.insists_on() };
            let Some(list) = self.lists.get_mut(&key) else { continue };
            list.remove(rank);
            if list.is_empty() {
                self.lists.remove(&key);
            }
        }
    }

    fn scan_anew(&mut self, ground: &Ground, place: u32, out: &mut impl Propose) {
        // A survivor may have been proposed again while its fellow was rescanned.
        self.entries[place].cursor = None;
        if !self.entries[place].busy {
            self.scan(ground, place, Cursor { list: 0, after: None }, out);
        }
    }

    /// Looks for a partner from the cursor on, at up to [`CANDIDATES_MAX`] candidates. The best of
    /// them is proposed; if there is none and more are left, the scan is owed.
    fn scan(&mut self, ground: &Ground, place: u32, from: Cursor, out: &mut impl Propose) {
        if self.entries[place].busy {
            return;
        }
        let card = &self.entries[place].card;
        let (best, rest) = self.search(ground, place, from);
        if let Some(best) = best {
            let other = &self.entries[best.place].card;
            let forgive = card.level.min(other.level) == Level::Again;
            let in_order = (card.ticket < other.ticket) != ground.broken.is(Fault::OrderSwapped);
            let (a, b) = if in_order { (card, other) } else { (other, card) };
            let (pair, b_person) = ((a.ticket, b.ticket), b.person);
            self.entries[place].busy = true;
            self.entries[best.place].busy = true;
            out.propose(pair, b_person, forgive);
        } else if rest.is_some() && !ground.broken.is(Fault::SearchCutShort) {
            let entry = &mut self.entries[place];
            entry.cursor = rest;
            if !std::mem::replace(&mut entry.owed, true) {
                self.owed.push_back(entry.card.ticket);
            }
        }
    }

    fn search(
        &self,
        ground: &Ground,
        place: u32,
        from: Cursor,
    ) -> (Option<Candidate>, Option<Cursor>) {
        let entry = &self.entries[place];
        let mut left = CANDIDATES_MAX;
        let mut best: Option<Candidate> = None;
        let mut after = from.after;
        for number in from.list..2 * entry.keys.len() {
            // The rank is one of the list that was broken off at, which may have vanished since.
            let after = after.take();
            let Some((at, marks)) = entry.searched_list(number) else { continue };
            let Some(list) = self.lists.get(&at) else { continue };
            let candidates = list.behind(after);
            let candidates = &candidates[..left.min(candidates.len())];
            left -= candidates.len();
            for other in candidates.iter().filter(|other| marks.meet(&other.marks)) {
                if let Some(candidate) = self.assess(ground, place, other.place, at.key)
                    && best.is_none_or(|best| candidate.beats(&best))
                {
                    best = Some(candidate);
                }
            }
            if left == 0 {
                let after = candidates.last().map(Listed::rank);
                return (best, Some(Cursor { list: number, after }));
            }
        }
        (best, None)
    }

    /// Whether the two, met in the list of `key`, may be proposed, and how good a pair they make.
    fn assess(
        &self,
        ground: &Ground,
        place: u32,
        other_place: u32,
        key: KeyHash,
    ) -> Option<Candidate> {
        let (entry, other) = (&self.entries[place], &self.entries[other_place]);
        if place == other_place || other.busy {
            return None;
        }
        // Two of one node are for that node to bring together.
        if self.reach == Reach::Cluster && entry.card.ticket.node == other.card.ticket.node {
            return None;
        }
        let fit = entry.card.fit(&other.card)?;
        // A pair is proposed from one list: that of the smallest hash it shares, or of the lane.
        if fit.least.unwrap_or(ground.lane_key(entry.card.lane)) != key {
            return None;
        }
        let forgive = entry.card.level.min(other.card.level) == Level::Again;
        let ticket = other.card.ticket;
        if entry
            .refused
            .iter()
            .any(|&(refused, finally)| refused == ticket && (finally || !forgive))
        {
            return None;
        }
        Some(Candidate {
            place: other_place,
            ticket,
            overdue: ground.now.since(Micros(ticket.at)) > ground.times.patience,
            affinity: fit.affinity,
            shared: fit.shared,
            priority: other.card.priority,
        })
    }
}

impl Entry {
    /// The lists in which a partner may stand, by number, and the card's marks there. For each key
    /// there are two: of those who take any language, and of those who insist on this card's.
    fn searched_list(&self, number: usize) -> Option<(ListKey, Marks)> {
        let Card { lane, language, .. } = self.card;
        let (key, marks) = self.keys[number / 2];
        let insists_on = if number.is_multiple_of(2) { None } else { Some(language?) };
        Some((ListKey { key, lane, insists_on }, marks))
    }
}

impl Candidate {
    /// Past a maximum wait age beats all; else the better tier, the more shared, the longer wait.
    fn beats(&self, other: &Self) -> bool {
        let older = self.ticket < other.ticket;
        if self.overdue || other.overdue {
            return self.overdue && (!other.overdue || older);
        }
        let merit = |it: &Self| (it.affinity, it.shared, it.priority);
        merit(self) > merit(other) || (merit(self) == merit(other) && older)
    }
}

/// The card's keys that this shard owns, ascending, and its marks in their lists; the lane's at the
/// end once anyone will do.
fn owned_keys(
    ground: &Ground,
    reach: Reach,
    card: &Card,
) -> ArrayVec<(KeyHash, Marks), { KEYS_MAX + 1 }> {
    let map = ground.map(reach);
    let mine = |&(key, _): &(KeyHash, Marks)| map.owner(key) == ground.me;
    let mut keys: ArrayVec<_, _> = card.marked_keys().filter(mine).collect();
    keys.reverse();
    let lane = (ground.lane_key(card.lane), Marks::LANE);
    keys.extend(Some(lane).filter(|lane| card.level >= Level::Any && mine(lane)));
    keys
}
