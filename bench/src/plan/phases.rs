//! Where a run stands.

use std::time::{Duration, Instant};

use super::Load;

/// How long what is under way may take to end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// A stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// People connect, and do what must be done before.
    Gathering,
    /// The load is on, and nothing counts.
    WarmUp,
    /// It counts; the number is that of the load's segment.
    Measured(u16),
    /// Nothing is begun any more.
    Draining,
    /// The end.
    Over,
}

/// The way of a run through its phases, by the clock alone: every reactor goes it by itself, and
/// all arrive at once.
#[derive(Debug)]
pub(crate) struct Phases {
    phase: Phase,
    /// When the warm-up began.
    began: Option<Instant>,
    /// When each phase after the gathering ends, as time since then.
    ends: Vec<(Phase, Duration)>,
}

impl Phases {
    /// A run at its beginning.
    pub(crate) fn new(load: &Load) -> Self {
        let mut end = load.warm_up();
        let mut ends = vec![(Phase::WarmUp, end)];
        for (number, segment) in (0..).zip(load.segments()) {
            end += segment.length;
            ends.push((Phase::Measured(number), end));
        }
        ends.push((Phase::Draining, end + DRAIN_MAX));
        Self { phase: Phase::Gathering, began: None, ends }
    }

    /// The phase at present.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the load is on.
    pub(crate) fn is_loading(&self) -> bool {
        matches!(self.phase, Phase::WarmUp | Phase::Measured(_))
    }

    /// When the warm-up began; None while people gather.
    pub(crate) fn began(&self) -> Option<Instant> {
        self.began
    }

    /// When the measured phases begin; None while people gather.
    pub(crate) fn measured_from(&self) -> Option<Instant> {
        let warm_up = self.ends.first()?.1;
        self.began.map(|began| began + warm_up)
    }

    /// When the present phase ends by itself.
    pub(crate) fn until(&self) -> Option<Instant> {
        let (_, end) = self.ends.iter().find(|(phase, _)| *phase == self.phase)?;
        self.began.map(|began| began + *end)
    }

    /// Has the load begin at a moment that everybody knows.
    pub(crate) fn begin(&mut self, at: Instant) {
        self.began.get_or_insert(at);
    }

    /// Goes on to the next phase where that is due, and says so. To be called until it says
    /// nothing: a phase may be over before it was noticed.
    pub(crate) fn advance(&mut self, now: Instant, drained: bool) -> Option<Phase> {
        let began = self.began?;
        let next = match self.phase {
            Phase::Gathering if now >= began => self.ends[0].0,
            Phase::Draining if drained => Phase::Over,
            Phase::Gathering | Phase::Over => return None,
            _ if self.until().is_some_and(|until| now < until) => return None,
            phase => {
                let place = self.ends.iter().position(|(other, _)| *other == phase)?;
                self.ends.get(place + 1).map_or(Phase::Over, |(next, _)| *next)
            }
        };
        self.phase = next;
        Some(next)
    }

    /// Breaks the load off: what is under way may still end.
    pub(crate) fn cut_short(&mut self, now: Instant) {
        if let (true, Some(began)) = (self.is_loading(), self.began) {
            let passed = now.saturating_duration_since(began);
            for (phase, end) in &mut self.ends {
                let more = if *phase == Phase::Draining { DRAIN_MAX } else { Duration::ZERO };
                *end = (*end).min(passed + more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn gathered() -> (Phases, impl Fn(u64) -> Instant) {
        let load = Load::of_phases(SECOND, &["hold:9s", "spike:1s"].map(|it| it.parse().unwrap()));
        let mut phases = Phases::new(&load);
        let start = Instant::now();
        let later = move |secs| start + Duration::from_secs(secs);
        assert_eq!(phases.advance(later(9), true), None, "not before all are gathered");
        phases.begin(later(10));
        (phases, later)
    }

    #[test]
    fn a_run_goes_through_its_phases() {
        let (mut phases, later) = gathered();
        assert_eq!(phases.advance(later(9), false), None, "not yet");
        assert_eq!(phases.advance(later(10), false), Some(Phase::WarmUp));
        assert_eq!(phases.measured_from(), Some(later(11)));
        assert_eq!(phases.until(), Some(later(11)));
        assert_eq!(phases.advance(later(10), true), None);
        assert_eq!(phases.advance(later(11), false), Some(Phase::Measured(0)));
        assert_eq!(phases.advance(later(20), false), Some(Phase::Measured(1)));
        assert_eq!(phases.until(), Some(later(21)));
        assert_eq!(phases.advance(later(21), false), Some(Phase::Draining));
        assert_eq!(phases.advance(later(22), false), None);
        assert_eq!(phases.advance(later(22), true), Some(Phase::Over));
        assert_eq!(phases.advance(later(99), true), None);
    }

    #[test]
    fn who_sleeps_long_misses_no_phase() {
        let (mut phases, later) = gathered();
        let missed: Vec<_> = std::iter::from_fn(|| phases.advance(later(30), false)).collect();
        let measured = [Phase::Measured(0), Phase::Measured(1)];
        assert_eq!(missed[0], Phase::WarmUp);
        assert_eq!(missed[1..3], measured);
        assert_eq!(missed[3..], [Phase::Draining, Phase::Over]);
    }

    #[test]
    fn a_run_can_be_cut_short() {
        let (mut phases, later) = gathered();
        phases.advance(later(10), false);
        phases.advance(later(11), false);
        phases.cut_short(later(12));
        assert_eq!(phases.advance(later(12), false), Some(Phase::Measured(1)));
        assert_eq!(phases.advance(later(12), false), Some(Phase::Draining));
        assert_eq!(phases.advance(later(12), false), None, "what is under way may end");
        assert_eq!(phases.advance(later(17), false), Some(Phase::Over));
    }
}
