//! The one loop: carries a reactor's share of a plan out, and lets a scenario say what people do.

mod crowd;
mod error;
mod scene;
mod tls;

pub(crate) use self::error::{DriveError, Lost};
pub(crate) use self::scene::Scene;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use whisper_proto::ServerMessage;
use whisper_reactor::{Reactor, Wait};

use self::crowd::{Crowd, Floor};
use crate::cpus;
use crate::fleet::Board;
use crate::measure::{CpuTime, MeasureError, Meter, Reading};
use crate::plan::{Phase, Phases, Plan};
use crate::record::{Count, Interval, Recorder, Timing};

/// How often a reactor looks up even where nothing is due, which shows how late it is.
const BEAT: Duration = Duration::from_millis(25);

/// How long the gathering may go without anybody coming further.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// A person, as a reactor numbers its own from 0. What a scenario knows of people it keeps by this
/// number.
pub(crate) type PersonId = usize;

/// What people do. Each reactor has a scenario of its own, for its own people.
pub(crate) trait Scenario: Sized {
    /// What a report needs of it, beside what was counted and timed.
    type Rest: Send;

    /// Somebody heard something.
    ///
    /// # Errors
    /// What makes it pointless to go on.
    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError>;

    /// Somebody's connection ended, or never came to be, without our doing.
    ///
    /// # Errors
    /// What makes it pointless to go on: where nothing else is said, that somebody can't get in.
    fn lost(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        why: Lost,
    ) -> Result<(), DriveError> {
        if !why.was_ready() {
            return Err(DriveError::NotReady { person: scene.name(person), why });
        }
        scene.count(Count::ConnectionsLost);
        scene.note_lost(why);
        Ok(())
    }

    /// Whether somebody whose socket is connected asks for a WebSocket at once, as anybody would.
    fn upgrades(&self, person: PersonId) -> bool {
        let _ = person;
        true
    }

    /// How far the gathering is: who is there, and did what must be done before.
    fn gathered(&self, scene: &Scene<'_>) -> Gathered;

    /// A phase begins.
    fn entered(&mut self, scene: &mut Scene<'_>, phase: Phase) {
        let _ = (scene, phase);
    }

    /// Does what is due, and says when the next thing is. Called once a turn.
    ///
    /// # Errors
    /// What makes it pointless to go on.
    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError>;

    /// Whether there is nothing more to begin, before the load ends by itself.
    fn is_finished(&self) -> bool {
        false
    }

    /// Things begun here less things ended here. Those under way when nothing is begun any more are
    /// waited for, for a while.
    fn balance(&self) -> i64;

    /// What is left at the end.
    fn rest(self) -> Self::Rest;
}

/// How far a gathering is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gathered {
    /// People who are as far as they should be.
    pub(crate) done: usize,
    /// People there should be.
    pub(crate) wanted: usize,
    /// What they are, or did.
    pub(crate) what: &'static str,
    /// How long they may go without anybody coming further.
    pub(crate) patience: Duration,
}

impl Gathered {
    /// So many of so many people are, or did, this.
    pub(crate) fn of(done: usize, wanted: usize, what: &'static str) -> Self {
        Self { done, wanted, what, patience: STALLED_AFTER }
    }
}

/// What a person's client has to tell.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "built on the stack, heard at once, never kept")]
pub(crate) enum News<'a> {
    /// Its socket is connected.
    Opened,
    /// It is there: upgraded, and greeted by an engine.
    Ready,
    /// A message of the engine.
    Message(ServerMessage<'a>),
    /// A bare frame.
    Frame(&'a [u8]),
    /// A ping. It is answered already.
    Ping,
}

/// What is left of a reactor's part.
#[derive(Debug)]
pub(crate) struct Ended<R> {
    /// The scenario's own.
    pub(crate) rest: R,
    /// The server's clocks at the beginning of each measured phase and at the end of the last one;
    /// those of the first reactor only.
    pub(crate) readings: Vec<Reading>,
    /// Why the first connection was lost.
    pub(crate) first_lost: Option<String>,
}

/// Carries out the share of reactor `number`, on this thread.
///
/// # Errors
/// Where it can't be, or the scenario gives up.
pub(crate) fn run<S: Scenario>(
    plan: Arc<Plan>,
    number: usize,
    board: Arc<Board>,
    outbox: SyncSender<Interval>,
    scenario: S,
) -> Result<Ended<S::Rest>, DriveError> {
    if let Some(core) = plan.cores.get(number % plan.cores.len().max(1)) {
        cpus::pin(&[*core]).map_err(DriveError::NotPinned)?;
    }
    // Without it timers may be late by 50 µs. Not vital.
    let _ = prctl::set_timerslack(1);
    let slots = plan.slots(number);
    let config = whisper_reactor::Config { slots: slots as u32, ..Default::default() };
    let mut reactor = Reactor::new(config)?;
    if (reactor.slots() as usize) < slots {
        return Err(DriveError::TooFewSlots { wanted: slots, slots: reactor.slots() });
    }
    let clock = Clock {
        number,
        board,
        outbox,
        recorder: Recorder::new(),
        phases: Phases::new(&plan.load),
        meter: Meter::new(if number == 0 { plan.server.pids.clone() } else { Vec::new() }),
        beat: Instant::now() + BEAT,
        stage: (0, Instant::now()),
    };
    Driver { crowd: Crowd::new(plan, number), clock, scenario }.run(&mut reactor)
}

struct Driver<S> {
    crowd: Crowd,
    clock: Clock,
    scenario: S,
}

/// What time it is in a run, and what is to be noted then.
struct Clock {
    number: usize,
    board: Arc<Board>,
    outbox: SyncSender<Interval>,
    recorder: Recorder,
    phases: Phases,
    meter: Meter,
    /// When to look up next.
    beat: Instant,
    /// How far the gathering was when it last came further, and when that was.
    stage: (usize, Instant),
}

impl<S: Scenario> Driver<S> {
    fn run(mut self, reactor: &mut Reactor) -> Result<Ended<S::Rest>, DriveError> {
        while self.clock.phases.phase() != Phase::Over {
            self.keep_time(reactor)?;
            let mut scene = Scene::new(reactor.io(), &mut self.crowd, &mut self.clock);
            let due = self.scenario.turn(&mut scene)?;
            self.crowd.dial(reactor.io());
            self.clock.post_ready(self.crowd.ready());
            if let Some(streams) = self.crowd.streams() {
                reactor.seal(streams);
            }
            let wait = if self.crowd.holds_frames() { Wait::No } else { self.clock.wait(due) };
            reactor.wait(wait).map_err(DriveError::Ring)?;
            self.crowd.begin_turn(reactor.io());
            let (crowd, clock) = (&mut self.crowd, &mut self.clock);
            let mut floor = Floor { crowd, clock, scenario: &mut self.scenario, failure: None };
            reactor.dispatch(&mut floor);
            if let Some(failure) = floor.failure {
                return Err(failure);
            }
        }
        Ok(Ended {
            rest: self.scenario.rest(),
            readings: self.clock.meter.readings(),
            first_lost: self.crowd.first_lost(),
        })
    }

    /// Enters the phases whose time has come, and hands over the seconds that have passed.
    fn keep_time(&mut self, reactor: &mut Reactor) -> Result<(), DriveError> {
        let now = Instant::now();
        self.clock.look_up(now)?;
        if self.clock.phases.phase() == Phase::Gathering {
            let gathered =
                self.scenario.gathered(&Scene::new(reactor.io(), &mut self.crowd, &mut self.clock));
            self.clock.gather(now, gathered)?;
        }
        if self.clock.phases.is_loading() && self.scenario.is_finished() {
            self.clock.phases.cut_short(now);
        }
        while let Some(phase) = self.clock.advance(now, self.scenario.balance())? {
            let mut scene = Scene::new(reactor.io(), &mut self.crowd, &mut self.clock);
            self.scenario.entered(&mut scene, phase);
        }
        self.clock.tick(now)
    }
}

impl Clock {
    /// Notes how late we are, and whether all shall end.
    fn look_up(&mut self, now: Instant) -> Result<(), DriveError> {
        if now >= self.beat {
            self.recorder.time(Timing::Lag, now - self.beat);
            self.beat = now + BEAT;
        }
        if self.board.is_given_up() {
            return Err(DriveError::GivenUp);
        }
        if self.board.is_interrupted() {
            if self.phases.phase() == Phase::Gathering {
                return Err(DriveError::Interrupted);
            }
            self.phases.cut_short(now);
        }
        Ok(())
    }

    /// Has the load begin when all are gathered.
    fn gather(&mut self, now: Instant, gathered: Gathered) -> Result<(), DriveError> {
        let Gathered { done, wanted, what, patience } = gathered;
        if done >= wanted {
            self.board.post(self.number).set_gathered();
        } else if done != self.stage.0 {
            self.stage = (done, now);
        } else if now - self.stage.1 > patience {
            return Err(DriveError::Stalled { done, wanted, what });
        }
        if let Some(start) = self.board.start() {
            self.phases.begin(start);
        }
        Ok(())
    }

    /// Enters the next phase where that is due.
    fn advance(&mut self, now: Instant, balance: i64) -> Result<Option<Phase>, DriveError> {
        if self.phases.phase() == Phase::Draining {
            self.board.post(self.number).set_draining(balance);
        }
        let end = self.phases.until();
        let Some(phase) = self.phases.advance(now, self.board.is_drained()) else {
            return Ok(None);
        };
        let since = self.since(end.map_or(now, |end| end.min(now)));
        let cpu = CpuTime::of_this_thread()?;
        let interval = self.recorder.enter(self.number, phase, since, cpu);
        self.hand_over(interval)?;
        if matches!(phase, Phase::Measured(_) | Phase::Draining) {
            self.meter.read()?;
        }
        Ok(Some(phase))
    }

    /// Hands the past seconds over.
    fn tick(&mut self, now: Instant) -> Result<(), DriveError> {
        let since = self.since(now);
        if self.recorder.due().is_none_or(|due| since < due) {
            return Ok(());
        }
        let interval = self.recorder.cut(self.number, since, CpuTime::of_this_thread()?);
        self.hand_over(interval)
    }

    /// Waits where nobody takes it: then whoever should do so needs the core more.
    fn hand_over(&self, interval: Interval) -> Result<(), DriveError> {
        self.outbox.send(interval).map_err(|_| DriveError::GivenUp)
    }

    /// The time since the end of the warm-up; 0 before.
    fn since(&self, at: Instant) -> Duration {
        let from = self.phases.measured_from();
        from.map_or(Duration::ZERO, |from| at.saturating_duration_since(from))
    }

    /// How long there is nothing to do, where the scenario has something due then.
    fn wait(&self, due: Option<Instant>) -> Wait {
        let cut =
            self.recorder.due().zip(self.phases.measured_from()).map(|(due, from)| from + due);
        let soonest = [due, self.phases.until(), self.phases.began(), cut].into_iter().flatten();
        let now = Instant::now();
        let soonest = soonest.filter(|at| *at > now || due == Some(*at)).min();
        match soonest.map_or(self.beat, |at| at.min(self.beat)).checked_duration_since(now) {
            None | Some(Duration::ZERO) => Wait::No,
            Some(left) => Wait::For(left),
        }
    }

    fn post_ready(&self, people: usize) {
        self.board.post(self.number).set_ready(people);
    }
}

impl From<MeasureError> for DriveError {
    fn from(error: MeasureError) -> Self {
        Self::Measure(error)
    }
}
