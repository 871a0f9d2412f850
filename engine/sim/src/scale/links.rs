//! The links between nodes as a town has them: nothing is lost, and all takes its time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use whisper_core::shard::Envelope;
use whisper_core::time::{Micros, Span};

use super::rings::NEVER;
use crate::dice::Dice;
use crate::places::Places;

/// What is on its way between nodes.
pub(super) struct Links {
    places: Places,
    dice: Dice,
    /// What a message takes at the most; the least is half of it.
    latency: Span,
    /// By ordered pair of nodes, when the latest arrives: none overtakes another.
    latest: Vec<Micros>,
    /// By receiver.
    underway: Vec<BinaryHeap<Reverse<Parcel>>>,
    count: usize,
    sent: u64,
}

/// Ordered by when it arrives, then by when it was sent.
struct Parcel {
    at: Micros,
    number: u64,
    from: u16,
    envelope: Envelope,
}

impl Links {
    pub(super) fn new(seed: u64, places: Places, latency: Span) -> Self {
        let nodes = usize::from(places.nodes());
        let none = || BinaryHeap::new();
        Self {
            places,
            dice: Dice::new(seed ^ 0x11_4B5),
            latency,
            latest: vec![Micros(0); nodes * nodes],
            underway: std::iter::repeat_with(none).take(places.len().into()).collect(),
            count: 0,
            sent: 0,
        }
    }

    /// Messages sent and not taken.
    pub(super) fn underway(&self) -> usize {
        self.count
    }

    /// Sends from one place to another; returns when it arrives.
    pub(super) fn send(&mut self, now: Micros, from: u16, to: u16, envelope: Envelope) -> Micros {
        let [sender, receiver] = [from, to].map(|place| usize::from(self.places.node_of(place)));
        let half = self.latency.0 / 2;
        let delay = Span(half + self.dice.word() % (half + 1));
        let latest = &mut self.latest[sender * usize::from(self.places.nodes()) + receiver];
        *latest = (*latest).max(now + delay);
        self.sent += 1;
        self.count += 1;
        let parcel = Parcel { at: *latest, number: self.sent, from, envelope };
        self.underway[usize::from(to)].push(Reverse(parcel));
        *latest
    }

    /// When the next message for a place arrives.
    pub(super) fn next(&self, to: usize) -> Micros {
        self.underway[to].peek().map_or(NEVER, |Reverse(parcel)| parcel.at)
    }

    /// Takes a message that has arrived, and from which place it is.
    pub(super) fn take(&mut self, now: Micros, to: usize) -> Option<(u16, Envelope)> {
        if self.next(to) > now {
            return None;
        }
        let Reverse(Parcel { from, envelope, .. }) = self.underway[to].pop()?;
        self.count -= 1;
        Some((from, envelope))
    }
}

impl Parcel {
    fn key(&self) -> (Micros, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
