//! What happened in a town.

use crate::words::KINDS;

/// What happened how often.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Events that shards handled.
    pub steps: u64,
    /// Searches that began.
    pub joins: u64,
    /// Sides of matches.
    pub matched: u64,
    /// Messages between two shards, by [kind](KINDS).
    pub sent: [u64; KINDS.len()],
    /// Messages of shards to themselves, by kind.
    pub kept: [u64; KINDS.len()],
    /// Of the sides of matches, those whose partner is of another node.
    pub across: u64,
    /// Messages between two nodes, by kind; among those sent.
    pub between: [u64; KINDS.len()],
    /// Messages that found their ring full.
    pub overflowed: u64,
    /// How often all was brought to rest and looked at.
    pub inspections: u64,
    /// Jumps of the clock.
    pub jumps: u64,
    /// Orders of operators.
    pub orders: u64,
}
