//! Whoever started a run: is told how it goes, and may break it off.
//!
//! On a terminal that is a live line; elsewhere a line of JSON every second. Both go to stderr, so
//! that stdout has the result and nothing else.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::fleet::Board;
use crate::measure::Sample;
use crate::plan::Plan;
use crate::record::{Count, SecondTotal};
use crate::report::{MemorySample, Percentiles};

/// What is told to whoever started the run, and what they want.
#[derive(Debug)]
pub(crate) struct Operator {
    telling: Telling,
    interrupted: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Telling {
    Nothing,
    Line(ProgressBar),
    Json { gathering: RefCell<Option<Instant>> },
}

/// How often a line of JSON tells of the gathering.
const SECOND: Duration = Duration::from_secs(1);

impl Operator {
    /// Is told everything, unless `quiet`; and may interrupt.
    ///
    /// # Errors
    /// Where signals can't be heard of.
    pub(crate) fn new(quiet: bool) -> io::Result<Self> {
        let telling = match io::stderr().is_terminal() {
            _ if quiet => Telling::Nothing,
            true => Telling::Line(line()),
            false => Telling::Json { gathering: RefCell::new(None) },
        };
        Ok(Self { telling, interrupted: interrupts()? })
    }

    /// Set once the run shall end.
    pub(crate) fn interrupted(&self) -> Arc<AtomicBool> {
        self.interrupted.clone()
    }

    /// Tells what is new: the seconds that passed, or how far the gathering is.
    pub(crate) fn tell(&self, plan: &Plan, board: &Board, news: &[SecondTotal]) {
        let gathering = board.start().is_none();
        match &self.telling {
            Telling::Nothing => {}
            Telling::Line(line) if gathering => {
                line.set_message(format!("connecting: {} of {}", board.ready(), plan.people));
            }
            Telling::Line(line) => {
                if let Some(second) = news.last() {
                    line.set_message(in_words(second, board.ready()));
                }
            }
            Telling::Json { gathering: told } if gathering => {
                let mut told = told.borrow_mut();
                if told.is_none_or(|told| told.elapsed() >= SECOND) {
                    *told = Some(Instant::now());
                    write(&json!({
                        "event": "gathering", "ready": board.ready(), "wanted": plan.people,
                    }));
                }
            }
            Telling::Json { .. } => {
                let ready = board.ready();
                news.iter().for_each(|second| write(&in_json(second, ready)));
            }
        }
    }

    /// Tells what the server holds.
    pub(crate) fn tell_memory(&self, sample: &Sample) {
        if let Telling::Json { .. } = &self.telling {
            let mut line = serde_json::to_value(MemorySample::from(sample)).unwrap_or_default();
            line["event"] = "memory".into();
            write(&line);
        }
    }

    /// Tells nothing more of this run.
    pub(crate) fn end(&self) {
        if let Telling::Line(line) = &self.telling {
            line.finish_and_clear();
        }
    }
}

/// It ticks with what is told. A thread that does so by itself would keep us from entering a user
/// namespace, which [towns](crate::town) may have to.
fn line() -> ProgressBar {
    let line = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}");
    if let Ok(style) = style {
        line.set_style(style);
    }
    line
}

fn rate(second: &SecondTotal, what: Count) -> f64 {
    let length = (second.to - second.from).as_secs_f64();
    (second.tally.count(what) as f64 / length.max(f64::EPSILON)).round()
}

fn in_words(second: &SecondTotal, ready: usize) -> String {
    let mut words = format!("{ready} people · {}/s", rate(second, Count::Done));
    let requested = rate(second, Count::Requested);
    if requested > 0.0 {
        words += &format!(" of {requested}/s");
    }
    for (what, times) in second.tally.times() {
        let times = Percentiles::of(times);
        let (name, p50, p99) = (what.name(), times.p50_us / 1e3, times.p99_us / 1e3);
        words += &format!(" · {name} p50 {p50:.2} p99 {p99:.2} ms");
    }
    for what in Count::ALL.into_iter().filter(|what| what.is_fault()) {
        match second.tally.count(what) {
            0 => {}
            count => words += &format!(" · {} {count}!", what.name()),
        }
    }
    words
}

fn in_json(second: &SecondTotal, ready: usize) -> Value {
    let mut line = Map::new();
    line.insert("event".into(), "second".into());
    line.insert("at_s".into(), second.to.as_secs_f64().into());
    line.insert("phase".into(), second.phase.into());
    line.insert("ready".into(), ready.into());
    line.insert("requested_per_second".into(), rate(second, Count::Requested).into());
    line.insert("done_per_second".into(), rate(second, Count::Done).into());
    for what in Count::ALL.into_iter().filter(|what| what.is_fault()) {
        match second.tally.count(what) {
            0 => {}
            count => drop(line.insert(what.name().into(), count.into())),
        }
    }
    for (what, times) in second.tally.times() {
        let times = Percentiles::of(times);
        for (statistic, us) in [("p50", times.p50_us), ("p99", times.p99_us)] {
            line.insert(format!("{}_{statistic}_us", what.name()), us.into());
        }
    }
    line.into()
}

fn write(line: &Value) {
    // Whoever doesn't listen isn't told.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Set at the first interrupt, so that the run ends and is reported; a second one ends us at once.
fn interrupts() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_shutdown};
    const ENDED_BY_SIGNAL: i32 = 130;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: what the one sets, the other finds the next time.
        register_conditional_shutdown(signal, ENDED_BY_SIGNAL, interrupted.clone())?;
        register(signal, interrupted.clone())?;
    }
    Ok(interrupted)
}
