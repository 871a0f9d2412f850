//! How a worker keeps up: how long its turns take, and how much comes in one.

use whisper_core::histogram::Histogram;
use whisper_core::time::Span;

/// Microseconds, from 16 to 1.05 s and above.
pub(crate) type TurnTimes = Histogram<4, 18>;

/// Completions, from 1 to 4,096 and above.
pub(crate) type TurnSizes = Histogram<0, 14>;

/// Of all turns so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// From having woken to being ready to sleep, in microseconds.
    pub(crate) times: TurnTimes,
    /// Completions that a turn found.
    pub(crate) sizes: TurnSizes,
    completions: u64,
}

impl Pace {
    /// A turn is over.
    pub(super) fn turned(&mut self, took: Span) {
        self.times.record(took.0);
    }

    /// A turn has begun; there were so many completions so far.
    pub(super) fn began(&mut self, completions: u64) {
        self.sizes.record(completions - self.completions);
        self.completions = completions;
    }
}
