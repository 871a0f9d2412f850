//! Several reactors that carry one plan out together.

mod board;

pub(crate) use self::board::Board;

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::driver::{self, DriveError, Ended, Scenario};
use crate::measure::{MeasureError, Reading, Watch};
use crate::operator::Operator;
use crate::plan::Plan;
use crate::record::Ledger;
use crate::report::Series;

/// Intervals that reactors may hand over before somebody takes them.
const OUTBOX: usize = 64;

/// How often the gathering is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran<R> {
    /// The plan that was carried out.
    pub(crate) plan: Arc<Plan>,
    /// What was counted and timed.
    pub(crate) ledger: Ledger,
    /// The same second by second.
    pub(crate) series: Series,
    /// The server's clocks at the ends of the measured phases; none where it is not known.
    pub(crate) readings: Vec<Reading>,
    /// What the server held in the course of it.
    pub(crate) watch: Watch,
    /// Why the first connection was lost.
    pub(crate) first_lost: Option<String>,
    /// Whether somebody broke it off.
    pub(crate) interrupted: bool,
    /// What is left of each reactor's scenario.
    pub(crate) rests: Vec<R>,
}

/// Why a plan was not carried out.
#[derive(Debug, Error)]
pub(crate) enum FleetError {
    /// A thread can't be started.
    #[error("can't start a thread: {0}")]
    NoThread(io::Error),
    /// A reactor could not do its part.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The server can't be looked at.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}

/// Carries a plan out. `make` makes the scenario of a reactor, by its number.
///
/// # Errors
/// What the first reactor said that could not do its part.
pub(crate) fn run<S: Scenario>(
    plan: Plan,
    operator: &Operator,
    make: impl Fn(&Plan, usize) -> S + Sync,
) -> Result<Ran<S::Rest>, FleetError> {
    run_beside(plan, operator, make, |_| {})
}

/// The same beside something else to do: `look` is called at least every 100 ms, on the thread that
/// calls this; with how long the load has been measured, once it is.
///
/// # Errors
/// What the first reactor said that could not do its part.
pub(crate) fn run_beside<S: Scenario>(
    plan: Plan,
    operator: &Operator,
    make: impl Fn(&Plan, usize) -> S + Sync,
    mut look: impl FnMut(Option<Duration>),
) -> Result<Ran<S::Rest>, FleetError> {
    let plan = Arc::new(plan);
    let board = Arc::new(Board::new(plan.reactors, operator.interrupted()));
    let mut ledger = Ledger::new(plan.reactors);
    let mut series = Series::new();
    let mut watch = Watch::new(plan.server.clone(), plan.load.length())?;
    let ended = thread::scope(|scope| {
        let (outbox, inbox) = mpsc::sync_channel(OUTBOX);
        let mut threads = Vec::new();
        for number in 0..plan.reactors {
            let (plan, board, outbox, make) = (&plan, &board, outbox.clone(), &make);
            let part = move || {
                let scenario = make(plan, number);
                let ended = driver::run(plan.clone(), number, board.clone(), outbox, scenario);
                ended.inspect_err(|_| board.give_up())
            };
            let named = thread::Builder::new().name(format!("reactor-{number}"));
            match named.spawn_scoped(scope, part) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    board.give_up();
                    return Err(FleetError::NoThread(error));
                }
            }
        }
        drop(outbox);
        loop {
            match inbox.recv_timeout(LOOK) {
                Ok(interval) => ledger.enter(&interval),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            let news = ledger.news();
            news.iter().for_each(|second| series.add(second));
            operator.tell(&plan, &board, &news);
            let measured_from = board.start().map(|start| start + plan.load.warm_up());
            let sample = measured_from.and_then(|from| watch.look(Instant::now(), from));
            look(measured_from.and_then(|from| Instant::now().checked_duration_since(from)));
            sample.iter().for_each(|sample| operator.tell_memory(sample));
        }
        let ended = threads.into_iter().map(|thread| thread.join().expect("it doesn't panic"));
        Ok(ended.collect::<Vec<_>>())
    })?;
    operator.end();
    let interrupted = board.is_interrupted();
    let mut ran = Ran {
        plan,
        ledger,
        series,
        readings: Vec::new(),
        watch,
        first_lost: None,
        interrupted,
        rests: Vec::new(),
    };
    for Ended { rest, readings, first_lost } in all_or_first_cause(ended)? {
        ran.rests.push(rest);
        ran.readings.extend(readings);
        ran.first_lost = ran.first_lost.or(first_lost);
    }
    ran.watch.settle()?;
    Ok(ran)
}

/// Every part, or why the first gave up that did so by itself.
fn all_or_first_cause<R>(
    ended: Vec<Result<Ended<R>, DriveError>>,
) -> Result<Vec<Ended<R>>, DriveError> {
    let mut parts = Vec::with_capacity(ended.len());
    let mut cause = None;
    for part in ended {
        match part {
            Ok(part) => parts.push(part),
            Err(DriveError::GivenUp) => {
                cause.get_or_insert(DriveError::GivenUp);
            }
            Err(error) => {
                if matches!(cause, None | Some(DriveError::GivenUp)) {
                    cause = Some(error);
                }
            }
        }
    }
    cause.map_or(Ok(parts), Err)
}
