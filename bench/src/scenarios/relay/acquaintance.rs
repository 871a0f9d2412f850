//! Who talks to whom, where the server doesn't say: found out by greetings.
//!
//! A bare relay pairs connections as they come, may drop what is said before, and may or may not
//! tell of it. So whoever knows nobody asks, again and again; whoever is asked answers; and whoever
//! is heard first is the partner.

use std::time::{Duration, Instant};

use crate::driver::PersonId;

/// How often a person asks who is there.
const AGAIN: Duration = Duration::from_millis(200);

/// A text that is no message, told apart by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Who is there?
    Question,
    /// I am.
    Answer,
}

impl Greeting {
    /// The greeting that has this number, if any.
    pub(super) fn of(seq: u32) -> Option<Self> {
        [Self::Question, Self::Answer].into_iter().find(|greeting| greeting.seq() == seq)
    }

    /// Its number, which no message ever has.
    pub(super) const fn seq(self) -> u32 {
        match self {
            Self::Question => u32::MAX,
            Self::Answer => u32::MAX - 1,
        }
    }
}

/// The partners of one reactor's people.
#[derive(Debug)]
pub(super) struct Acquaintances {
    /// By their number among those of all reactors.
    partners: Vec<Option<u32>>,
    known: usize,
    greet_at: Instant,
}

impl Acquaintances {
    /// Nobody knows anybody yet.
    pub(super) fn new(people: usize) -> Self {
        Self { partners: vec![None; people], known: 0, greet_at: Instant::now() + AGAIN }
    }

    /// Somebody's partner.
    pub(super) fn partner(&self, person: PersonId) -> Option<u32> {
        self.partners[person]
    }

    /// Somebody's partner; whoever knew none knows `heard` from now on.
    pub(super) fn partner_or(&mut self, person: PersonId, heard: u32) -> u32 {
        *self.partners[person].get_or_insert_with(|| {
            self.known += 1;
            heard
        })
    }

    /// How many know their partner.
    pub(super) fn known(&self) -> usize {
        self.known
    }

    /// When those who know nobody shall ask again.
    pub(super) fn greet_at(&self) -> Instant {
        self.greet_at
    }

    /// Those who shall ask now.
    pub(super) fn strangers_to_greet(&mut self) -> Vec<PersonId> {
        let now = Instant::now();
        if now < self.greet_at || self.known == self.partners.len() {
            return Vec::new();
        }
        self.greet_at = now + AGAIN;
        (0..self.partners.len()).filter(|person| self.partners[*person].is_none()).collect()
    }
}
