//! What must hold of people of different nodes, between whom anything may be lost.

use super::{Auditor, Standing};
use crate::person::Who;
use crate::places::Places;

/// Which nodes run: what they know can be looked at, and they can be held to rules.
#[derive(Clone, Debug)]
pub(crate) struct Calm {
    places: Places,
    runs: Vec<bool>,
}

impl Calm {
    /// All nodes for which that is so run.
    pub(crate) fn new(places: Places, runs: impl Fn(u16) -> bool) -> Self {
        Self { places, runs: (0..places.nodes()).map(runs).collect() }
    }

    /// Whether the shard at a place runs.
    pub(crate) fn runs(&self, place: usize) -> bool {
        self.runs[place / usize::from(self.places.shards())]
    }

    /// Whether nothing is underway between the homes at two places.
    pub(crate) fn is_between(&self, one: u16, other: u16) -> bool {
        self.places.node_of(one) == self.places.node_of(other) && self.runs(one.into())
    }
}

impl Auditor {
    /// A process dies, and all its people are gone.
    pub(crate) fn dies(&mut self, now: whisper_core::time::Micros, node: u16) {
        let home = self.places.of_node(node);
        for number in 0..self.lives.len() {
            let life = &self.lives[number];
            if home.contains(&life.home) && life.standing != Standing::Gone {
                self.departs(now, Who(number));
            }
        }
        self.lanes[usize::from(home.start)..usize::from(home.end)].fill(self.settings.lanes);
    }

    /// Whether somebody's home and their partner's can be held to the same.
    pub(super) fn is_calm_for(&self, who: Who, calm: &Calm) -> bool {
        let life = &self.lives[who.0];
        let there = life.partner.map_or(life.home, |partner| self.lives[partner.0].home);
        calm.is_between(life.home, there)
    }
}
