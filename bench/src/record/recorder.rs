//! What one reactor's people went through, cut into intervals.

use std::time::Duration;

use super::{Count, Tally, Timing};
use crate::measure::CpuTime;
use crate::plan::Phase;

/// The distance of the cuts within a phase.
const SECOND: Duration = Duration::from_secs(1);

/// Notes what happens, for the present interval.
#[derive(Debug)]
pub(crate) struct Recorder {
    tally: Tally,
    phase: Phase,
    from: Duration,
}

/// A second of a phase, or what is left of one at its end, as one reactor saw it.
#[derive(Clone, Debug)]
pub(crate) struct Interval {
    /// Which reactor.
    pub(crate) reactor: usize,
    /// The phase it is of.
    pub(crate) phase: Phase,
    /// When it began, counted from the end of the warm-up.
    pub(crate) from: Duration,
    /// When it ended.
    pub(crate) to: Duration,
    /// What happened in it.
    pub(crate) tally: Tally,
    /// The reactor's CPU time up to its end.
    pub(crate) cpu: CpuTime,
}

impl Recorder {
    /// Of a run at its beginning.
    pub(crate) fn new() -> Self {
        Self { tally: Tally::default(), phase: Phase::Gathering, from: Duration::ZERO }
    }

    /// Something happened.
    pub(crate) fn count(&mut self, what: Count) {
        self.tally.add_count(what, 1);
    }

    /// Something happened so often.
    pub(crate) fn count_many(&mut self, what: Count, many: u64) {
        self.tally.add_count(what, many);
    }

    /// Something took so long.
    pub(crate) fn time(&mut self, what: Timing, took: Duration) {
        self.tally.add_time(what, took);
    }

    /// When the present interval is to be cut, counted from the end of the warm-up.
    pub(crate) fn due(&self) -> Option<Duration> {
        matches!(self.phase, Phase::Measured(_))
            .then(|| Duration::from_secs(self.from.as_secs()) + SECOND)
    }

    /// Cuts the present interval off at the last whole second.
    pub(crate) fn cut(&mut self, reactor: usize, since: Duration, cpu: CpuTime) -> Interval {
        self.cut_at(reactor, Duration::from_secs(since.as_secs()), cpu)
    }

    /// Cuts it off because another phase begins.
    pub(crate) fn enter(
        &mut self,
        reactor: usize,
        phase: Phase,
        since: Duration,
        cpu: CpuTime,
    ) -> Interval {
        let interval = self.cut_at(reactor, since, cpu);
        self.phase = phase;
        interval
    }

    fn cut_at(&mut self, reactor: usize, to: Duration, cpu: CpuTime) -> Interval {
        let (phase, from) = (self.phase, std::mem::replace(&mut self.from, to));
        Interval { reactor, phase, from, to, tally: std::mem::take(&mut self.tally), cpu }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_cut_at_whole_seconds_and_at_the_ends_of_phases() {
        let ms = Duration::from_millis;
        let cpu = CpuTime::default();
        let mut recorder = Recorder::new();
        recorder.count(Count::Done);
        assert_eq!(recorder.due(), None, "nothing is measured yet");
        let before = recorder.enter(0, Phase::Measured(0), ms(0), cpu);
        assert_eq!(before.tally.count(Count::Done), 1);
        assert_eq!(recorder.due(), Some(ms(1_000)));
        let late = recorder.cut(0, ms(2_300), cpu);
        assert_eq!((late.from, late.to), (ms(0), ms(2_000)));
        assert_eq!(late.tally.count(Count::Done), 0);
        let end = recorder.enter(0, Phase::Measured(1), ms(2_500), cpu);
        assert_eq!((end.phase, end.from, end.to), (Phase::Measured(0), ms(2_000), ms(2_500)));
        assert_eq!(recorder.due(), Some(ms(3_000)), "seconds count from the first phase");
    }
}
