//! Time as a number handed in, so that whoever drives the core owns it.

use std::ops::Add;

use crate::codec::fields;

/// Microseconds since the Unix epoch, never going backwards within one shard.
///
/// The driver derives it from a wall clock read once and a monotonic one read every turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// A length of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

fields! {
    struct Micros(0)
    struct Span(0)
}

impl Span {
    /// A span of whole milliseconds.
    pub const fn millis(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    /// A span of whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(secs * 1_000_000)
    }

    /// Whole milliseconds, rounded down, at most `u32::MAX`.
    pub fn as_millis(self) -> u32 {
        u32::try_from(self.0 / 1_000).unwrap_or(u32::MAX)
    }
}

impl Micros {
    /// Whole milliseconds since the Unix epoch: the unit of every time on the wire.
    pub const fn unix_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Days since the Unix epoch, for keys that change by the day.
    pub const fn unix_day(self) -> u64 {
        self.0 / 86_400_000_000
    }

    /// The time since `earlier`, zero if that lies ahead.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Micros {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}
