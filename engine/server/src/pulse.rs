//! Whether every shard still turns: one number a shard, which it alone writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use whisper_core::time::{Micros, Span};

/// A shard that hasn't turned for this long is stuck.
const STUCK_AFTER: Span = Span::secs(5);

/// The times of every shard's latest turn.
#[derive(Clone)]
pub(crate) struct Pulse(Arc<[Beat]>);

/// On a cache line of its own, since each is written by another core.
#[derive(Default)]
#[repr(align(64))]
struct Beat(AtomicU64);

impl Pulse {
    /// The pulse of `shards` shards that have just begun.
    pub(crate) fn new(now: Micros, shards: usize) -> Self {
        Self((0..shards).map(|_| Beat(AtomicU64::new(now.0))).collect())
    }

    /// Notes a turn.
    pub(crate) fn beat(&self, shard: usize, now: Micros) {
        self.0[shard].0.store(now.0, Ordering::Relaxed);
    }

    /// How long ago each shard's latest turn began.
    pub(crate) fn ages(&self, now: Micros) -> impl Iterator<Item = Span> {
        self.0.iter().map(move |beat| now.since(Micros(beat.0.load(Ordering::Relaxed))))
    }

    /// Whether every shard has turned lately.
    pub(crate) fn is_steady(&self, now: Micros) -> bool {
        self.ages(now).all(|age| age < STUCK_AFTER)
    }
}
