//! How often something may happen: the generic cell rate algorithm (ITU-T I.371), which keeps one
//! number for each thing it meters.

use crate::codec::fields;
use crate::time::{Micros, Span};

/// `burst` at once, and one every so many milliseconds in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    every_ms: u32,
    burst: u32,
}

impl Rate {
    /// The longest a meter looks ahead, and so what a burst may amount to: a day.
    const WINDOW_MAX_MS: u32 = 86_400_000;

    /// `times` a minute, of which `burst` may come at once. Both are at least 1; more than 60,000
    /// a minute is no limit that a meter of milliseconds can keep, and counts as 60,000.
    pub const fn per_minute(times: u32, burst: u32) -> Self {
        let times = if times == 0 { 1 } else { times };
        let every_ms = if times > 60_000 { 1 } else { 60_000 / times };
        let most = Self::WINDOW_MAX_MS / every_ms;
        let burst = if burst == 0 { 1 } else { burst };
        Self { every_ms, burst: if burst > most { most } else { burst } }
    }

    /// The same, `factor` times as often.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        let Self { every_ms, burst } = self;
        let every_ms = if every_ms <= factor { 1 } else { every_ms / factor };
        Self { every_ms, burst: burst.saturating_mul(factor) }
    }

    /// After this long without a call a meter is as good as new.
    pub const fn window(self) -> Span {
        Span::millis(self.every_ms as u64 * self.burst as u64)
    }
}

/// What is left of a [`Rate`] for one thing: the time at which all of it would be left again, in
/// milliseconds modulo 2^32. (One left alone for the 49 days in which these come round seems, for
/// the length of its window, to be just used.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter(u32);

fields! {
    array Meter
    struct Meter(0)
}

impl Meter {
    /// A meter that nothing was taken from.
    pub fn new(now: Micros) -> Self {
        Self(millis(now))
    }

    /// Takes one.
    ///
    /// # Errors
    /// Nothing is left: how long until there will be. Nothing is taken then.
    pub fn take(&mut self, now: Micros, rate: Rate) -> Result<(), Span> {
        let ahead = self.ahead(now, rate);
        let most = rate.every_ms * (rate.burst - 1);
        if ahead > most {
            return Err(Span::millis(u64::from(ahead - most)));
        }
        self.0 = millis(now).wrapping_add(ahead + rate.every_ms);
        Ok(())
    }

    /// Whether nothing is missing from it, whatever its rate.
    pub fn is_full(self, now: Micros) -> bool {
        let ahead = self.0.wrapping_sub(millis(now));
        ahead == 0 || ahead > Rate::WINDOW_MAX_MS
    }

    /// By how much the meter runs ahead of the time. Further than it can ever get means that it is
    /// behind: the number has gone round.
    fn ahead(self, now: Micros, rate: Rate) -> u32 {
        let ahead = self.0.wrapping_sub(millis(now));
        if ahead > rate.every_ms * rate.burst { 0 } else { ahead }
    }
}

/// Milliseconds modulo 2^32, which come round every 49 days.
fn millis(now: Micros) -> u32 {
    (now.0 / 1_000) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAYS_49: u64 = (u32::MAX as u64 + 1) * 1_000;

    fn at(ms: u64) -> Micros {
        // A little before the milliseconds come round.
        Micros(DAYS_49 * 400 - 30_000_000 + ms * 1_000)
    }

    #[test]
    fn a_burst_then_a_steady_trickle() {
        let rate = Rate::per_minute(60, 3);
        let mut meter = Meter::new(at(0));
        for _ in 0..3 {
            assert_eq!(meter.take(at(0), rate), Ok(()));
        }
        assert_eq!(meter.take(at(0), rate), Err(Span::secs(1)));
        assert!(!meter.is_full(at(0)) && meter.is_full(at(3_000)));
        assert_eq!(meter.take(at(400), rate), Err(Span::millis(600)));
        assert_eq!(meter.take(at(1_000), rate), Ok(()));
        assert_eq!(meter.take(at(1_001), rate), Err(Span::millis(999)));
    }

    #[test]
    fn a_long_rest_gives_back_the_burst_and_no_more() {
        let rate = Rate::per_minute(60, 3);
        let mut meter = Meter::new(at(0));
        for rest in [rate.window().0, DAYS_49 / 2, DAYS_49 - 10_000_000] {
            let now = Micros(at(0).0 + rest);
            let taken = (0..10).filter(|_| meter.take(now, rate).is_ok()).count();
            assert_eq!(taken, 3, "after {rest} µs");
            meter = Meter::new(at(0));
            let _ = meter.take(at(0), rate);
        }
    }

    proptest! {
        /// However calls are spread, no stretch of time sees more than its share and one burst;
        /// and whoever waits as long as they are told is let through.
        #[test]
        fn no_stretch_gives_more_than_its_share(
            per_minute in 1u32..10_000,
            burst in 1u32..50,
            gaps in prop::collection::vec(0u64..3_000, 1..200),
        ) {
            let rate = Rate::per_minute(per_minute, burst);
            let mut meter = Meter::new(at(0));
            let (mut ms, mut given) = (0, 0u64);
            for gap in gaps {
                ms += gap;
                match meter.take(at(ms), rate) {
                    Ok(()) => given += 1,
                    Err(wait) => {
                        prop_assert!(wait.0 > 0 && wait.0 % 1_000 == 0);
                        let mut later = meter;
                        prop_assert_eq!(later.take(at(ms) + wait, rate), Ok(()));
                    }
                }
                prop_assert!(given <= u64::from(burst) + ms / u64::from(rate.every_ms));
            }
        }
    }
}
