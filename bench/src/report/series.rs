//! A run second by second: small enough to keep for hours.

use super::distribution::IntervalLog;
use super::result::Second;
use crate::record::SecondTotal;

/// What each second came to.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(super) seconds: Vec<Second>,
    pub(super) log: IntervalLog,
}

impl Series {
    /// Without any.
    pub(crate) fn new() -> Self {
        Self { seconds: Vec::new(), log: IntervalLog::new() }
    }

    /// Adds the next one.
    pub(crate) fn add(&mut self, second: &SecondTotal) {
        self.seconds.push(Second::from(second));
        for (what, times) in second.tally.times() {
            self.log.add(what.name(), second.from, second.to, times);
        }
    }
}
