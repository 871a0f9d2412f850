//! Handing over to a newer engine, wherever it is asked for, and what comes of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::{io, process, thread};

use serde::Serialize;
use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;

use crate::succession::{Failure, HandedOver, Takeover, Will};

/// What became of a handover.
pub(crate) type Outcome = Result<HandedOver, Failure>;

/// The handovers of this process. Clones are the same.
#[derive(Clone)]
pub(crate) struct Upgrades(Arc<State>);

struct State {
    will: Will,
    begun_by: OnceLock<Takeover>,
    course: Mutex<Course>,
    called_off: AtomicBool,
    failures: AtomicU64,
    /// Each attempt sends once, when it is over.
    over: UnboundedSender<Outcome>,
}

/// How far it is.
#[derive(Clone, Debug)]
enum Course {
    Idle,
    UnderWay,
    Failed(String),
}

/// How it goes, for operators.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    /// Of the process that answers: once it is another one, that has taken over.
    pid: u32,
    version: &'static str,
    /// How many processes have handed over, one to the next, up to this one.
    generation: u32,
    /// `idle`, `underWay`, or `failed`: then this process has gone on.
    state: &'static str,
    why: Option<String>,
    /// What this process took over, if it did.
    sockets: Option<u64>,
    paused_ms: Option<f64>,
}

/// It can't begin.
#[derive(Debug, Error)]
pub(super) enum CantBegin {
    #[error("a new process is about to take over already")]
    UnderWay,
    #[error("this engine is being emptied")]
    Draining,
    #[error("no thread for it: {0}")]
    System(#[from] io::Error),
}

impl Upgrades {
    /// Those of a process with this to hand over. What comes of each is sent to `over`.
    pub(crate) fn new(will: Will, over: UnboundedSender<Outcome>) -> Self {
        let begun_by = OnceLock::new();
        let (course, called_off) = (Mutex::new(Course::Idle), AtomicBool::new(false));
        let failures = AtomicU64::new(0);
        Self(Arc::new(State { will, begun_by, course, called_off, failures, over }))
    }

    /// This process has begun by taking over itself.
    pub(crate) fn begun_by_taking_over(&self, takeover: Takeover) {
        let Takeover { sockets, paused_micros } = takeover;
        tracing::info!(sockets, paused_ms = paused_micros / 1_000, "this process has taken over");
        // It begins once.
        let _ = self.0.begun_by.set(takeover);
    }

    /// Has the program that lies where this process came from take over.
    ///
    /// # Errors
    /// [`CantBegin`].
    pub(super) fn begin(&self, is_draining: bool) -> Result<(), CantBegin> {
        let mut course = self.course();
        match &*course {
            Course::UnderWay => return Err(CantBegin::UnderWay),
            _ if is_draining => return Err(CantBegin::Draining),
            Course::Idle | Course::Failed(_) => {}
        }
        let state = Arc::clone(&self.0);
        state.called_off.store(false, Ordering::Relaxed);
        thread::Builder::new().name("handover".into()).spawn(move || {
            let outcome = state.will.hand_over(&|| state.called_off.load(Ordering::Relaxed));
            // Nobody to tell means that the process is ending.
            let _ = state.over.send(outcome);
        })?;
        *course = Course::UnderWay;
        Ok(())
    }

    /// Has one that is under way fail, if it still can.
    pub(super) fn call_off(&self) {
        self.0.called_off.store(true, Ordering::Relaxed);
    }

    /// It is over, and this process goes on.
    pub(super) fn failed(&self, failure: &Failure) {
        tracing::error!(error = %failure, "this process goes on: nobody has taken over");
        self.0.failures.fetch_add(1, Ordering::Relaxed);
        *self.course() = Course::Failed(failure.to_string());
    }

    /// Whether one is under way.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(&*self.course(), Course::UnderWay)
    }

    /// Whether another program lies where this process came from.
    pub(super) fn is_newer_there(&self) -> bool {
        self.0.will.binary.has_changed()
    }

    /// How many have failed.
    pub(super) fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// How many processes have handed over, up to this one.
    pub(super) fn generation(&self) -> u32 {
        self.0.will.generation
    }

    /// How this process began, if by taking over.
    pub(super) fn begun_by(&self) -> Option<Takeover> {
        self.0.begun_by.get().copied()
    }

    /// How it goes.
    pub(super) fn progress(&self) -> Progress {
        let (state, why) = match &*self.course() {
            Course::Idle => ("idle", None),
            Course::UnderWay => ("underWay", None),
            Course::Failed(why) => ("failed", Some(why.clone())),
        };
        Progress {
            pid: process::id(),
            version: env!("CARGO_PKG_VERSION"),
            generation: self.generation(),
            state,
            why,
            sockets: self.begun_by().map(|it| it.sockets),
            paused_ms: self.begun_by().map(|it| it.paused_micros as f64 / 1e3),
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.0.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
