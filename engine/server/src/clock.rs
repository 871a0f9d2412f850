//! The time that shards are handed: the wall clock's at the start, carried on by the monotonic one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Deserialize, Serialize};
use whisper_core::time::{Micros, Span};

/// A clock that never goes backwards. All shards of a process share its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    unix: Duration,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), unix }
    }

    /// The clock that another process has had, at this moment of it: neither is ahead, whatever has
    /// become of the wall clock.
    pub(crate) fn carried_on(Moment { now, monotonic }: Moment) -> Self {
        let since = Duration::from_micros(monotonic_micros().saturating_sub(monotonic));
        Self { began: Instant::now(), unix: Duration::from_micros(now) + since }
    }

    /// The present moment, for a clock to be carried on from.
    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.now().0, monotonic: monotonic_micros() }
    }

    /// The time.
    pub(crate) fn now(&self) -> Micros {
        Micros((self.unix + self.began.elapsed()).as_micros() as u64)
    }
}

/// What a clock said when, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    now: u64,
    /// By the machine's own count, which all its processes share.
    monotonic: u64,
}

fn monotonic_micros() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    tv_sec as u64 * 1_000_000 + tv_nsec as u64 / 1_000
}

/// A span as the standard library's.
pub(crate) fn duration(span: Span) -> Duration {
    Duration::from_micros(span.0)
}
