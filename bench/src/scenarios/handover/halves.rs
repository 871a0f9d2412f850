//! People of whom the server has half a frame at any time: the rest comes with the first half of
//! the next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::SmallRng;

use crate::driver::{PersonId, Scene};

/// Those of one reactor.
pub(super) struct Halves {
    /// The most that the second half waits.
    wait_max: Duration,
    random: SmallRng,
    /// Who goes on when.
    due: BinaryHeap<Reverse<(Instant, PersonId)>>,
    /// What each has still to send.
    tails: BTreeMap<PersonId, Vec<u8>>,
}

impl Halves {
    pub(super) fn new(wait_max: Duration, random: SmallRng) -> Self {
        Self { wait_max, random, due: BinaryHeap::new(), tails: BTreeMap::new() }
    }

    /// Whose next frame is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<PersonId> {
        let Reverse((at, person)) = *self.due.peek()?;
        if at > now {
            return None;
        }
        self.due.pop();
        Some(person)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Somebody sends what is left of their frame, and the beginning of this one.
    pub(super) fn send(&mut self, scene: &mut Scene<'_>, person: PersonId, mut frame: Vec<u8>) {
        let tail = frame.split_off(self.random.random_range(1..frame.len()));
        let mut bytes = self.tails.insert(person, tail).unwrap_or_default();
        bytes.extend_from_slice(&frame);
        scene.write(person, &bytes);
        let wait = self.wait_max.mul_f64(self.random.random_range(0.05..1.0));
        self.due.push(Reverse((Instant::now() + wait, person)));
    }

    /// Everybody sends what is left.
    pub(super) fn finish(&mut self, scene: &mut Scene<'_>) {
        self.due.clear();
        for (person, tail) in std::mem::take(&mut self.tails) {
            scene.write(person, &tail);
        }
    }
}
