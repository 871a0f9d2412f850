//! The time that shards are handed: the wall clock's at the start, carried on by the monotonic one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

    /// The time.
    pub(crate) fn now(&self) -> Micros {
        Micros((self.unix + self.began.elapsed()).as_micros() as u64)
    }
}

/// A span as the standard library's.
pub(crate) fn duration(span: Span) -> Duration {
    Duration::from_micros(span.0)
}
