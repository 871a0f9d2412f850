//! The hand that does things to boxes, and looks at how everybody is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::course::{Act, Course, LEAD, What};
use crate::measure::CpuTime;
use crate::record::{Count, Ledger};
use crate::register::{Register, Wrong};
use crate::report::Report;
use crate::town::{Town, TownError, Used};

/// How often everybody is looked at.
const AUDIT: Duration = Duration::from_millis(250);

/// A town, and where its course is.
pub(super) struct Hand {
    town: Town,
    register: Arc<Register>,
    course: Course,
    /// The act that is on.
    place: usize,
    /// When its phase began, counted from when the load is measured.
    from: Duration,
    stage: Stage,
    /// When everybody was looked at last.
    looked: Instant,
    wrong: Wrong,
    /// How long after each act's end the boxes were one again.
    rejoined: Vec<(&'static str, Duration)>,
    /// What was used up to the beginning of the first act and to its end.
    used: Vec<Used>,
    faults: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has yet to be done.
    Due,
    Done,
    /// It was undone then, and the boxes have yet to be one again.
    Undone(Instant),
    Over,
}

impl Hand {
    pub(super) fn new(town: Town, course: Course, register: Arc<Register>) -> Self {
        Self {
            town,
            register,
            course,
            place: 0,
            from: Duration::ZERO,
            stage: Stage::Due,
            looked: Instant::now(),
            wrong: Wrong::default(),
            rejoined: Vec::new(),
            used: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Does what is due, so long after the load began to be measured.
    pub(super) fn look(&mut self, measured: Option<Duration>) {
        if self.looked.elapsed() >= AUDIT {
            self.looked = Instant::now();
            let act = self.course.0[self.place].name;
            let mut wrong = self.register.audit(self.looked);
            for person in &mut wrong.such_as {
                *person = format!("{act}: {person}");
            }
            self.wrong.add(wrong);
        }
        let Some(at) = measured else { return };
        if let Err(error) = self.go_on(at) {
            let act = self.course.0[self.place].name;
            self.faults.push(format!("{act}: {error}"));
            self.stage = Stage::Over;
        }
    }

    fn go_on(&mut self, at: Duration) -> Result<(), TownError> {
        let act = self.course.0[self.place];
        let done_at = self.from + if act.what == What::Nothing { Duration::ZERO } else { LEAD };
        match self.stage {
            Stage::Due if at >= done_at => {
                if self.place == 0 {
                    self.used.push(self.town.used()?);
                }
                if let Some(trouble) = act.trouble() {
                    self.register.begin(trouble, Instant::now());
                }
                self.stage = Stage::Done;
                self.do_it(act)?;
            }
            Stage::Done if at >= done_at + act.lasts => {
                self.undo(act)?;
                let now = Instant::now();
                self.register.end_all(now);
                self.stage = match act.what {
                    What::Nothing => Stage::Over,
                    _ => Stage::Undone(now),
                };
                if self.place == 0 {
                    self.used.push(self.town.used()?);
                }
            }
            Stage::Undone(since) if self.town.is_one_cluster() => {
                self.rejoined.push((act.name, since.elapsed()));
                self.stage = Stage::Over;
            }
            _ => {}
        }
        let end = done_at + act.lasts + act.settle;
        // There is time enough at the end to see the boxes one again after the last trouble.
        let waits = matches!(self.stage, Stage::Undone(_)) && self.place + 2 == self.course.0.len();
        if at >= end && !waits && self.place + 1 < self.course.0.len() {
            (self.place, self.from, self.stage) = (self.place + 1, end, Stage::Due);
        }
        Ok(())
    }

    fn do_it(&mut self, act: Act) -> Result<(), TownError> {
        match act.what {
            What::Nothing => Ok(()),
            What::Cut(place) => self.town.connect(place, false),
            What::Freeze(number) => self.town.freeze(number, true),
            What::Kill(number) => {
                self.town.kill(number);
                Ok(())
            }
            What::RestartNats => self.town.restart_nats(),
        }
    }

    fn undo(&mut self, act: Act) -> Result<(), TownError> {
        match act.what {
            What::Nothing | What::RestartNats => Ok(()),
            What::Cut(place) => self.town.connect(place, true),
            What::Freeze(number) => self.town.freeze(number, false),
            What::Kill(number) => self.town.start(number),
        }
    }

    /// Enters what was found wrong with people.
    pub(super) fn end(&self, ledger: &mut Ledger) {
        let Wrong { alone, stuck, untold, .. } = self.wrong;
        for (what, many) in [(Count::Alone, alone), (Count::Stuck, stuck), (Count::Untold, untold)]
        {
            ledger.add_late(what, many);
        }
    }

    /// Tells what it took, and what could not be done.
    pub(super) fn tell(self, ledger: &Ledger, report: &mut Report) {
        report.name_phases(self.course.0.iter().map(|act| act.name));
        for (act, took) in &self.rejoined {
            report.figure(format!("{act}_one_again_s"), took.as_secs_f64(), "s");
        }
        if let (&[begin, end], Some(calm)) = (&self.used[..], ledger.phases().first()) {
            let messages = calm.tally.count(Count::Done).max(1) as f64;
            let Used { reactors, others, nats } = end.since(begin);
            let each = |time: CpuTime| time.total().as_secs_f64() * 1e6 / messages;
            report.figure("engines_cpu_us_per_message", each(reactors + others), "µs");
            report.figure("reactors_cpu_us_per_message", each(reactors), "µs");
            report.figure("control_cpu_us_per_message", each(others), "µs");
            report.figure("nats_cpu_us_per_message", each(nats), "µs");
        }
        let missing = self.course.0.len() - 1 - self.place;
        report.fault_if(missing > 0, || format!("{missing} acts never were"));
        let apart = !self.town.is_one_cluster();
        report.fault_if(apart, || "the boxes are not one again".to_owned());
        for fault in self.faults.into_iter().chain(self.wrong.such_as) {
            report.fault_if(true, || fault);
        }
    }
}
