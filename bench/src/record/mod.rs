//! What is counted and timed on the way: by each reactor for itself, handed over second by second,
//! and added up in one place.

mod ledger;
mod names;
mod recorder;

pub(crate) use self::ledger::{Ledger, PhaseTotal, SecondTotal};
pub(crate) use self::names::{Count, Timing};
pub(crate) use self::recorder::{Interval, Recorder};

use std::time::Duration;

use hdrhistogram::Histogram;

/// The greatest time that is recorded as such, in nanoseconds: an hour.
const TIME_MAX: u64 = 3_600_000_000_000;

/// Three digits of every time are kept.
const DIGITS: u8 = 3;

/// Counts and times of a stretch.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    counts: [u64; Count::ALL.len()],
    times: [Option<Box<Histogram<u64>>>; Timing::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [0; Count::ALL.len()], times: [const { None }; Timing::ALL.len()] }
    }
}

impl Tally {
    /// How often something happened.
    pub(crate) fn count(&self, what: Count) -> u64 {
        self.counts[what as usize]
    }

    /// Notes that something happened, so often.
    pub(crate) fn add_count(&mut self, what: Count, more: u64) {
        self.counts[what as usize] += more;
    }

    /// Those times of which there are any, in the order of their names.
    pub(crate) fn times(&self) -> impl Iterator<Item = (Timing, &Histogram<u64>)> {
        let all = Timing::ALL.into_iter().zip(&self.times);
        all.filter_map(|(what, times)| Some((what, times.as_deref()?)))
    }

    /// The times of something; None where there are none.
    pub(crate) fn time(&self, what: Timing) -> Option<&Histogram<u64>> {
        self.times[what as usize].as_deref()
    }

    /// Notes how long something took. More than an hour is an hour.
    pub(crate) fn add_time(&mut self, what: Timing, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(TIME_MAX).min(TIME_MAX);
        let times = self.times[what as usize].get_or_insert_with(|| Box::new(no_times()));
        times.record(nanos).expect("it grows as far as is needed");
    }

    /// Adds another stretch.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        for (mine, theirs) in self.times.iter_mut().zip(&other.times) {
            match (mine, theirs) {
                (_, None) => {}
                (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
                (Some(mine), Some(theirs)) => {
                    mine.add(&**theirs).expect("it grows as far as is needed");
                }
            }
        }
    }
}

/// A histogram that grows with what it holds.
fn no_times() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("so many digits can be kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut all = Tally::default();
        for took in [1, 2_000_000] {
            let mut one = Tally::default();
            one.add_count(Count::Done, 2);
            one.add_time(Timing::Relay, Duration::from_micros(took));
            all.add(&one);
        }
        assert_eq!(all.count(Count::Done), 4);
        assert_eq!(all.count(Count::Lost), 0);
        let (what, times) = all.times().next().unwrap();
        assert_eq!((what, times.len()), (Timing::Relay, 2));
        assert!(times.max() >= 2_000_000_000, "{}", times.max());
    }

    #[test]
    fn nothing_takes_longer_than_an_hour() {
        let mut tally = Tally::default();
        tally.add_time(Timing::Lag, Duration::MAX);
        let longest = tally.time(Timing::Lag).unwrap().max();
        assert!((TIME_MAX..TIME_MAX + TIME_MAX / 500).contains(&longest));
    }
}
