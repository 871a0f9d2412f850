//! People of whom the server has half a frame at any time: the rest comes with the first half of
//! the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::SmallRng;

use crate::driver::PersonId;

/// Those of one reactor.
pub(super) struct Halves {
    /// The most that the second half waits.
    wait_max: Duration,
    random: SmallRng,
    /// Who goes on when.
    due: BinaryHeap<Reverse<(Instant, PersonId)>>,
}

impl Halves {
    pub(super) fn new(wait_max: Duration, random: SmallRng) -> Self {
        Self { wait_max, random, due: BinaryHeap::new() }
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

    /// Somebody begins another frame: the share of it that is sent at once.
    pub(super) fn begin(&mut self, person: PersonId) -> f64 {
        let wait = self.wait_max.mul_f64(self.random.random_range(0.05..1.0));
        self.due.push(Reverse((Instant::now() + wait, person)));
        self.random.random_range(0.0..1.0)
    }
}
