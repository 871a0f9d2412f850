//! The wires between shards as the mesh has them: one ring of bounded length for each ordered
//! pair, and behind it, in order at the sender, what didn't fit.

use std::collections::VecDeque;

use whisper_core::shard::Envelope;
use whisper_core::time::{Micros, Span};

use crate::dice::Dice;
use crate::places::Places;

/// A time that doesn't come.
pub(super) const NEVER: Micros = Micros(u64::MAX);

/// All rings of a town.
pub(super) struct Rings {
    /// Of a node.
    shards: usize,
    slots: usize,
    dice: Dice,
    /// By receiver, then sender; of one node.
    rings: Vec<Ring>,
    /// When the first message of each ring arrives, in the same order.
    heads: Vec<Micros>,
    /// By sender: its rings that have something waiting behind them.
    overflowing: Vec<usize>,
    underway: usize,
    overflowed: u64,
}

struct Ring {
    /// Each with when it arrives.
    inside: VecDeque<(Micros, Envelope)>,
    behind: VecDeque<Envelope>,
    /// What a message takes at least, and what chance may add.
    least: u64,
    jitter: u64,
    /// When the latest message arrives: none overtakes another.
    latest: Micros,
}

impl Rings {
    /// Rings of `slots` places between the shards of each node, in which a message takes up to
    /// `latency`.
    pub(super) fn new(seed: u64, places: Places, slots: usize, latency: Span) -> Self {
        let mut dice = Dice::new(seed ^ 0x5197);
        let shards = usize::from(places.shards());
        let all = usize::from(places.len());
        let tenth = latency.0 / 10;
        let ring = || {
            let least = tenth + dice.word() % (4 * tenth + 1);
            let jitter = 5 * tenth;
            let (inside, behind) = (VecDeque::new(), VecDeque::new());
            Ring { inside, behind, least, jitter, latest: Micros(0) }
        };
        let rings: Vec<_> = std::iter::repeat_with(ring).take(all * shards).collect();
        Self {
            shards,
            slots,
            heads: vec![NEVER; rings.len()],
            overflowing: vec![0; all],
            rings,
            dice,
            underway: 0,
            overflowed: 0,
        }
    }

    /// Messages sent and not taken.
    pub(super) fn underway(&self) -> usize {
        self.underway
    }

    /// Messages that found their ring full.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Whether something waits at `from` for room in a ring.
    pub(super) fn overflows(&self, from: usize) -> bool {
        self.overflowing[from] > 0
    }

    /// Sends; returns when the receiver has something to take, if that is known by now.
    pub(super) fn send(
        &mut self,
        now: Micros,
        from: usize,
        to: usize,
        envelope: Envelope,
    ) -> Option<Micros> {
        self.underway += 1;
        let place = self.place(from, to);
        let ring = &mut self.rings[place];
        if ring.behind.is_empty() && ring.inside.len() < self.slots {
            return Some(self.enter(now, place, envelope));
        }
        self.overflowed += 1;
        self.overflowing[from] += usize::from(ring.behind.is_empty());
        ring.behind.push_back(envelope);
        None
    }

    /// Moves what waits at `from` into its rings, as far as there is room; tells each receiver and
    /// when it has something to take.
    pub(super) fn flush(&mut self, now: Micros, from: usize, mut tell: impl FnMut(usize, Micros)) {
        if !self.overflows(from) {
            return;
        }
        let first = from - from % self.shards;
        for to in first..first + self.shards {
            let place = self.place(from, to);
            let waited = !self.rings[place].behind.is_empty();
            while self.rings[place].inside.len() < self.slots
                && let Some(envelope) = self.rings[place].behind.pop_front()
            {
                tell(to, self.enter(now, place, envelope));
            }
            let relieved = waited && self.rings[place].behind.is_empty();
            self.overflowing[from] -= usize::from(relieved);
        }
    }

    /// When the next message for `to` arrives.
    pub(super) fn next(&self, to: usize) -> Micros {
        let heads = &self.heads[to * self.shards..][..self.shards];
        heads.iter().copied().min().unwrap_or(NEVER)
    }

    /// Takes a message that has arrived at `to`, and whom it is from. Senders take turns, from
    /// `first` on.
    pub(super) fn take(
        &mut self,
        now: Micros,
        to: usize,
        first: usize,
    ) -> Option<(usize, Envelope)> {
        let row = to * self.shards;
        let first = first % self.shards;
        let arrived = |&from: &usize| self.heads[row + from] <= now;
        let from = (first..self.shards).chain(0..first).find(arrived)?;
        let ring = &mut self.rings[row + from];
        let (_, envelope) = ring.inside.pop_front()?;
        self.heads[row + from] = ring.inside.front().map_or(NEVER, |&(at, _)| at);
        self.underway -= 1;
        Some((to - to % self.shards + from, envelope))
    }

    fn place(&self, from: usize, to: usize) -> usize {
        to * self.shards + from % self.shards
    }

    fn enter(&mut self, now: Micros, place: usize, envelope: Envelope) -> Micros {
        let ring = &mut self.rings[place];
        let delay = Span(ring.least + self.dice.word() % (ring.jitter + 1));
        ring.latest = ring.latest.max(now + delay);
        if ring.inside.is_empty() {
            self.heads[place] = ring.latest;
        }
        ring.inside.push_back((ring.latest, envelope));
        ring.latest
    }
}
