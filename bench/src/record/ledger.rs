//! What all reactors saw, added up: by second, by phase, and in all.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Count, Interval, Tally};
use crate::measure::CpuTime;
use crate::plan::Phase;

/// The account of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    reactors: Vec<Reached>,
    everything: Tally,
    measured: Tally,
    phases: Vec<PhaseTotal>,
    /// Those that not all reactors handed over yet, by their ends.
    seconds: BTreeMap<Duration, SecondTotal>,
}

/// How far a reactor is.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    to: Duration,
    cpu: CpuTime,
}

/// A measured phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhaseTotal {
    /// When it began, counted from the end of the warm-up.
    pub(crate) from: Duration,
    /// When it ended.
    pub(crate) to: Duration,
    /// What happened in it.
    pub(crate) tally: Tally,
    /// The CPU time of each reactor.
    pub(crate) cpu: Vec<CpuTime>,
}

/// A second of all reactors, or what was left of one at the end of a phase.
#[derive(Clone, Debug)]
pub(crate) struct SecondTotal {
    /// Which phase it is of.
    pub(crate) phase: u16,
    /// When it began, counted from the end of the warm-up.
    pub(crate) from: Duration,
    /// When it ended.
    pub(crate) to: Duration,
    /// What happened in it.
    pub(crate) tally: Tally,
}

impl Ledger {
    /// An empty one, for so many reactors.
    pub(crate) fn new(reactors: usize) -> Self {
        Self { reactors: vec![Reached::default(); reactors], ..Self::default() }
    }

    /// Enters what a reactor handed over.
    pub(crate) fn enter(&mut self, interval: &Interval) {
        let Interval { reactor, phase, from, to, tally, cpu } = interval;
        self.everything.add(tally);
        let reactors = self.reactors.len();
        let reached = &mut self.reactors[*reactor];
        let used = *cpu - std::mem::replace(&mut reached.cpu, *cpu);
        reached.to = *to;
        let &Phase::Measured(phase) = phase else { return };
        self.measured.add(tally);
        let place = usize::from(phase);
        if self.phases.len() <= place {
            let cpu = vec![CpuTime::default(); reactors];
            self.phases.resize(place + 1, PhaseTotal { from: *from, cpu, ..PhaseTotal::default() });
        }
        let total = &mut self.phases[place];
        total.to = total.to.max(*to);
        total.tally.add(tally);
        total.cpu[*reactor] = total.cpu[*reactor] + used;
        let nothing = SecondTotal { phase, from: *from, to: *to, tally: Tally::default() };
        let second = self.seconds.entry(*to).or_insert(nothing);
        second.from = second.from.max(*from);
        second.tally.add(tally);
    }

    /// Enters what shows only when everything is over.
    pub(crate) fn add_late(&mut self, what: Count, many: u64) {
        self.everything.add_count(what, many);
    }

    /// The seconds that are complete by now; they are told once, in order.
    pub(crate) fn news(&mut self) -> Vec<SecondTotal> {
        let until = self.reactors.iter().map(|it| it.to).min().unwrap_or_default();
        let mut news = Vec::new();
        while let Some(first) = self.seconds.first_entry()
            && *first.key() <= until
        {
            news.push(first.remove());
        }
        news
    }

    /// All of the measured phases.
    pub(crate) fn measured(&self) -> &Tally {
        &self.measured
    }

    /// All of the run, from the gathering to the end.
    pub(crate) fn everything(&self) -> &Tally {
        &self.everything
    }

    /// The measured phases, in order.
    pub(crate) fn phases(&self) -> &[PhaseTotal] {
        &self.phases
    }

    /// How long was measured.
    pub(crate) fn length(&self) -> Duration {
        self.phases.iter().map(PhaseTotal::length).sum()
    }
}

impl PhaseTotal {
    /// How long it took.
    pub(crate) fn length(&self) -> Duration {
        self.to - self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(reactor: usize, phase: Phase, from: u64, to: u64) -> Interval {
        let [from, to] = [from, to].map(Duration::from_millis);
        let mut tally = Tally::default();
        tally.add_count(Count::Done, 1);
        Interval { reactor, phase, from, to, tally, cpu: CpuTime::default() }
    }

    #[test]
    fn seconds_are_told_when_all_reactors_have_them_and_once() {
        let mut ledger = Ledger::new(2);
        ledger.enter(&interval(0, Phase::WarmUp, 0, 0));
        ledger.enter(&interval(0, Phase::Measured(0), 0, 1000));
        ledger.enter(&interval(0, Phase::Measured(0), 1000, 2000));
        assert!(ledger.news().is_empty(), "the other has none yet");
        // One that was busy hands over two seconds in one.
        ledger.enter(&interval(1, Phase::Measured(0), 0, 2000));
        let told: Vec<_> = ledger.news().iter().map(|it| it.tally.count(Count::Done)).collect();
        assert_eq!(told, [1, 2]);
        assert!(ledger.news().is_empty());
        ledger.enter(&interval(0, Phase::Measured(1), 2000, 2500));
        ledger.enter(&interval(1, Phase::Measured(1), 2000, 2500));
        ledger.enter(&interval(0, Phase::Draining, 2500, 2600));
        let news = ledger.news();
        assert_eq!((news.len(), news[0].phase), (1, 1));

        assert_eq!(ledger.measured().count(Count::Done), 5);
        assert_eq!(ledger.everything().count(Count::Done), 7);
        let phases: Vec<_> = ledger.phases().iter().map(PhaseTotal::length).collect();
        assert_eq!(phases, [2000, 500].map(Duration::from_millis));
        assert_eq!(ledger.length(), Duration::from_millis(2500));
    }
}
