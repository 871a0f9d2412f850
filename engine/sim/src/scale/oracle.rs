//! What the best of matchers would do: one that sees every ticket at once, and needs no time.
//!
//! It pairs greedily: whoever comes, or opens up, gets the best partner there is by then. The
//! tiers, when they open and who fits whom are the engine's own; that it knows everything at once
//! is all it has over the engine.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use whisper_core::ids::{SessionId, TicketId};
use whisper_core::match_queue::{
    Affinity, Cadence, Card, KEYS_MAX, LANES, Language, Level, Share, TierTimes,
};
use whisper_core::settings::lane_id;
use whisper_core::time::{Micros, Span};
use whisper_proto::{Relax, Tier};
use whisper_shard_router::KeyHash;

use super::crowd::Wish;
use super::samples::{Sample, Tally};
use crate::auditor::Memory;
use crate::person::Who;

/// Somebody joins.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) at: Micros,
    pub(super) who: Who,
    pub(super) wish: Wish,
    /// When they will have had enough, if nobody comes.
    pub(super) gives_up: Option<Micros>,
    /// It is early: not to be counted.
    pub(super) uncounted: bool,
}

/// A central greedy matcher.
pub(super) struct Oracle {
    times: TierTimes,
    cadence: Cadence,
    tickets: Vec<Option<Ticket>>,
    free: Vec<u32>,
    /// Who waits for each interest, by number.
    lists: Vec<BTreeSet<TicketId>>,
    /// Who waits for anyone, by lane.
    open: [BTreeSet<TicketId>; LANES],
    alarms: BinaryHeap<Reverse<(Micros, TicketId, Alarm)>>,
    memories: Vec<Memory>,
    tally: Tally,
}

struct Ticket {
    card: Card,
    arrival: Arrival,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Open(Level),
    GiveUp,
    TimeOut,
}

impl Oracle {
    pub(super) fn new(times: TierTimes, interests: usize) -> Self {
        Self {
            times,
            cadence: Cadence::default(),
            tickets: Vec::new(),
            free: Vec::new(),
            lists: vec![BTreeSet::new(); interests],
            open: Default::default(),
            alarms: BinaryHeap::new(),
            memories: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Somebody joins; times never go backwards.
    pub(super) fn arrives(&mut self, arrival: Arrival) {
        self.pass(arrival.at);
        let (now, who) = (arrival.at, arrival.who.0);
        if self.memories.len() <= who {
            self.memories.resize_with(who + 1, Memory::default);
        }
        let lane = lane_id(arrival.wish.lane);
        self.cadence.joined(lane, now);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.tickets.push(None);
            self.tickets.len() as u32 - 1
        });
        let ticket = TicketId { at: now.0, node: 0, shard: 0, slot };
        if let Some(at) = arrival.gives_up {
            self.alarms.push(Reverse((at, ticket, Alarm::GiveUp)));
        }
        self.alarms.push(Reverse((now + self.times.timeout, ticket, Alarm::TimeOut)));
        let wish = &arrival.wish;
        let likes = &wish.likes;
        let level = match wish.relax {
            _ if likes.is_empty() => Level::Any,
            Relax::Anyone => Level::Any,
            Relax::Gradual | Relax::Strict => Level::Overlap,
        };
        let card = Card {
            ticket,
            person: SessionId { node: 0, shard: 0, slot: 0, generation: 0 },
            lane,
            language: Language::parse(wish.speaks()),
            same_language: wish.same_language,
            keys: likes.iter().map(|&like| KeyHash(like.into())).collect(),
            level,
            priority: 0,
        };
        self.tickets[slot as usize] = Some(Ticket { card, arrival });
        self.opened(now, ticket);
    }

    /// Lives on until then.
    pub(super) fn pass(&mut self, until: Micros) {
        while let Some(&Reverse((at, ticket, alarm))) = self.alarms.peek() {
            if at > until {
                return;
            }
            self.alarms.pop();
            if self.ticket(ticket).is_none() {
                continue;
            }
            match alarm {
                Alarm::Open(level) => {
                    self.tickets[ticket.slot as usize].as_mut().expect("it is there").card.level =
                        level;
                    self.opened(at, ticket);
                }
                Alarm::GiveUp => drop(self.remove(ticket)),
                Alarm::TimeOut => {
                    let counted = !self.remove(ticket).arrival.uncounted;
                    self.tally.timeouts += u64::from(counted);
                }
            }
        }
    }

    /// How it went.
    pub(super) fn tally(self) -> Tally {
        self.tally
    }

    /// A ticket has come, or opened up: it is paired, or waits.
    fn opened(&mut self, now: Micros, id: TicketId) {
        if let Some(partner) = self.best(now, id) {
            let pair = [self.remove(id), self.remove(partner)];
            return self.matched(now, &pair);
        }
        let ticket = self.ticket(id).expect("it has just opened up");
        let (level, lane, relax) = (ticket.card.level, ticket.card.lane, ticket.arrival.wish.relax);
        let keys = ticket.card.keys.clone();
        for key in keys {
            self.lists[key.0 as usize].insert(id);
        }
        if level >= Level::Any {
            self.open[usize::from(lane.0)].insert(id);
        }
        let (single, any) = self.cadence.openings(lane, now, Share::WHOLE, &self.times);
        let after = |wait: Span| Micros(id.at) + wait;
        let next = match level {
            Level::Overlap => Some((after(single), Level::Single)),
            Level::Single if relax != Relax::Strict => Some((after(any), Level::Any)),
            Level::Any if relax == Relax::Anyone => Some((after(self.times.again), Level::Again)),
            _ => None,
        };
        if let Some((at, level)) = next {
            self.alarms.push(Reverse((at.max(now), id, Alarm::Open(level))));
        }
    }

    fn best(&self, now: Micros, id: TicketId) -> Option<TicketId> {
        let ticket = self.ticket(id)?;
        let listed = ticket.card.keys.iter().map(|key| &self.lists[key.0 as usize]);
        let anyone =
            (ticket.card.level >= Level::Any).then(|| &self.open[usize::from(ticket.card.lane.0)]);
        listed
            .chain(anyone)
            .flatten()
            .filter_map(|&other| self.merit(now, ticket, other))
            .max()
            .map(|(_, _, _, Reverse(other))| other)
    }

    /// How good a partner that is, by the engine's own order; none if they may not meet.
    fn merit(
        &self,
        now: Micros,
        ticket: &Ticket,
        other: TicketId,
    ) -> Option<(bool, Affinity, usize, Reverse<TicketId>)> {
        let it = self.ticket(other)?;
        let fit = ticket.card.fit(&it.card)?;
        let (me, stranger) = (ticket.arrival.who, it.arrival.who);
        let forgive = ticket.card.level.min(it.card.level) == Level::Again;
        let refused = me == stranger
            || self.memories[me.0].refuses(stranger, forgive)
            || self.memories[stranger.0].refuses(me, forgive);
        let overdue = now.since(Micros(other.at)) > self.times.patience;
        let (affinity, shared) =
            if overdue { (Affinity::Any, 0) } else { (fit.affinity, fit.shared) };
        (!refused).then_some((overdue, affinity, shared, Reverse(other)))
    }

    fn matched(&mut self, now: Micros, pair: &[Ticket; 2]) {
        let [one, other] = pair;
        let shared = one.card.keys.iter().filter(|key| other.card.keys.contains(key)).count();
        let affinity = Affinity::of(shared, one.card.keys.len(), other.card.keys.len());
        const _: () = assert!(KEYS_MAX < 256);
        for (me, partner) in [(one, other), (other, one)] {
            self.memories[me.arrival.who.0].meet(partner.arrival.who);
            if me.arrival.uncounted {
                continue;
            }
            self.tally.samples.push(Sample {
                waited: now.since(me.arrival.at).0 as u32,
                commonness: me.arrival.wish.commonness,
                seat: 0,
                shard: 0,
                tier: match affinity {
                    Affinity::Exact => Tier::Exact,
                    Affinity::Overlap => Tier::Overlap,
                    Affinity::Single => Tier::Single,
                    Affinity::Any => Tier::Any,
                },
                shared: shared as u8,
                across: false,
            });
        }
    }

    fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets[id.slot as usize].as_ref().filter(|ticket| ticket.card.ticket == id)
    }

    fn remove(&mut self, id: TicketId) -> Ticket {
        let ticket = self.tickets[id.slot as usize].take().expect("it waits");
        self.free.push(id.slot);
        for key in &ticket.card.keys {
            self.lists[key.0 as usize].remove(&id);
        }
        self.open[usize::from(ticket.card.lane.0)].remove(&id);
        ticket
    }
}
