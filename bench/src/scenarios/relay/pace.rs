//! When pairs talk: as fast as answers come, or when it is due.

use std::iter::Peekable;
use std::time::Instant;

use crate::cli::Talk;
use crate::driver::PersonId;
use crate::plan::{Arrivals, Plan};

/// The pace of one reactor's people.
#[derive(Debug)]
pub(super) enum Pace {
    /// So many messages in flight in each pair that talks.
    Closed {
        depth: usize,
        /// Pairs that talk at level 1, of all reactors.
        pairs: usize,
        /// Pairs that talk now.
        talking: usize,
        /// The first to speak of each pair, by the pair's number.
        leaders: Vec<(usize, PersonId)>,
        /// How many of them have spoken.
        spoken: usize,
    },
    /// People in turn, each message when it is due.
    Open { arrivals: Box<Peekable<Arrivals>>, people: usize, speaker: PersonId },
}

impl Pace {
    /// That of so many people of a reactor.
    pub(super) fn new(plan: &Plan, reactor: usize, people: usize, talk: &Talk) -> Self {
        let Some(rate) = talk.rate else {
            let (depth, pairs) = (talk.depth, talk.pairs);
            return Self::Closed { depth, pairs, talking: 0, leaders: Vec::new(), spoken: 0 };
        };
        // Each reactor's part of the rate is as large as its part of the people.
        let rate = rate * people as f64 / (2 * talk.pairs) as f64;
        let offset = reactor as f64 / plan.reactors as f64;
        let seed = plan.seed.wrapping_add(reactor as u64);
        let arrivals = Arrivals::new(&plan.load, rate, offset, talk.spacing, seed);
        Self::Open { arrivals: Box::new(arrivals.peekable()), people, speaker: 0 }
    }

    /// Everybody knows their partner: each comes with their own name and the partner's.
    pub(super) fn begin(&mut self, pairs: impl Iterator<Item = (PersonId, u32, u32)>) {
        let Self::Closed { leaders, .. } = self else { return };
        // Who echoes has no partner, but the neighbour takes turns.
        let pairs = pairs.map(|(person, name, partner)| match partner == name {
            true => (person, name, name ^ 1),
            false => (person, name, partner),
        });
        *leaders = pairs
            .filter(|(_, name, partner)| name < partner)
            .map(|(person, name, _)| (name as usize / 2, person))
            .collect();
    }

    /// Who shall speak first, and how often, now that so many times the pairs talk.
    pub(super) fn serve(&mut self, level: f64) -> Vec<(PersonId, usize)> {
        let Self::Closed { depth, pairs, talking, leaders, spoken } = self else {
            return Vec::new();
        };
        *talking = (*pairs as f64 * level).ceil() as usize;
        let now = leaders.partition_point(|(pair, _)| pair < talking);
        let before = std::mem::replace(spoken, now);
        leaders.get(before..now).unwrap_or_default().iter().map(|(_, it)| (*it, *depth)).collect()
    }

    /// Whether somebody answers their partner.
    pub(super) fn answers(&self, name: u32, partner: u32) -> bool {
        match self {
            Self::Closed { talking, .. } => (name.min(partner) as usize / 2) < *talking,
            Self::Open { .. } => false,
        }
    }

    /// When the next message is due.
    pub(super) fn next_due(&mut self, began: Instant) -> Option<Instant> {
        let Self::Open { arrivals, .. } = self else { return None };
        arrivals.peek().map(|at| began + *at)
    }

    /// Who shall say the next message, which was due then; None where none is yet.
    pub(super) fn pop_due(&mut self, began: Instant, now: Instant) -> Option<(PersonId, Instant)> {
        let due = self.next_due(began).filter(|due| *due <= now)?;
        let Self::Open { arrivals, people, speaker } = self else { return None };
        arrivals.next();
        let person = *speaker;
        *speaker = (person + 1) % (*people).max(1);
        Some((person, due))
    }
}
