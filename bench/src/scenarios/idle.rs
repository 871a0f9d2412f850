//! `idle`: connections that are open and say nothing, and what they cost.
//!
//! At every step it waits until each connection was pinged since, so that everything that a ping
//! leaves behind is there. User memory is the server process's own. Kernel memory is the whole
//! system's, with both ends of each connection in it. What two plain sockets cost is taken off,
//! found by opening some before. What remains is for the two rings, ours and the server's, and half
//! of it is called the server's: both are of the same make, with the same waits at the same times.
//! (To end our own waits for the moment of the reading would show nothing: a ring keeps what it
//! once had for requests.) Other programs' doings are in it too: measure on a quiet machine, and
//! more than once.

use std::time::{Duration, Instant};

use super::{Failed, held, stay_on};
use crate::cli;
use crate::driver::{DriveError, Gathered, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::measure::{Memory, Slab, plain_socket_cost};
use crate::operator::Operator;
use crate::plan::{Load, Plan, PlanError};
use crate::record::Count;
use crate::report::Report;

/// Plain sockets to compare with.
const PLAIN_SOCKETS: usize = 4_000;

/// The cache that a ring's requests come from. What they need beside, and the places of a ring's
/// table, come from caches for objects of a size.
const REQUESTS: &str = "io_kiocb";

/// How long bare servers, which don't ping, are held at a step.
const HOLD_PEER: Duration = Duration::from_secs(3);

/// How often a reactor looks whether the others are as far as it is.
const LOOK: Duration = Duration::from_millis(20);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Idle, operator: &Operator) -> Result<Report, Failed> {
    if !args.phases.is_empty() {
        return held::run(args, operator);
    }
    stay_on(&args.aim.cores)?;
    let mut steps = args.steps.clone();
    steps.push(args.connections);
    steps.dedup();
    if !steps.is_sorted() {
        let must_be = "ascending, and at most --connections".to_owned();
        return Err(PlanError::Number { name: "--steps", must_be }.into());
    }
    // Only root may know.
    let plain = Slab::now().is_ok().then(|| plain_socket_cost(PLAIN_SOCKETS)).transpose()?;
    let plan = Plan::new(&args.aim, args.wire, args.connections, Load::nothing())?;
    let at_none = read(args.aim.pids.first().copied(), 0)?;
    let ran = fleet::run(plan, operator, |plan, reactor| Idle::new(plan, reactor, args, &steps))?;

    let mut report = Report::new("idle");
    let mut readings = vec![at_none];
    let mut unpinged = 0;
    for Rest { readings: more, missing } in &ran.rests {
        readings.extend(more.iter().cloned());
        unpinged += missing;
    }
    report.count("connections", args.connections);
    report.memory(&readings, plain.as_ref());
    report.count("connections_not_pinged", unpinged);
    report.fault_if(unpinged > 0, || {
        format!("{unpinged} connections not pinged in {} s", args.hold_max.as_secs())
    });
    report.judge_faults(&[Count::ConnectionsLost], &ran);
    Ok(report)
}

/// One reactor's part.
struct Idle {
    /// The server's process, where it is known and this reactor is who looks at it.
    server: Option<u32>,
    hold: Hold,
    /// Connections of this reactor to stop at, and those of all.
    steps: Vec<(usize, usize)>,
    step: usize,
    /// Up to which step, from 1, each was pinged.
    pinged: Vec<u32>,
    /// How many were pinged since the present step was reached.
    pinged_now: usize,
    stage: Stage,
    readings: Vec<Reading>,
}

/// How long to stay at a step.
#[derive(Clone, Copy, Debug)]
enum Hold {
    /// So long.
    For(Duration),
    /// Until each was pinged, so long at most.
    Pings(Duration),
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Until so many are there.
    Opening,
    /// Until each was pinged, or then.
    Holding(Instant),
    /// Until all reactors are as far.
    Waiting,
}

/// What is left of a reactor's part.
struct Rest {
    readings: Vec<Reading>,
    /// Connections that were not pinged.
    missing: usize,
}

/// What was used when so many connections were open.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// All reactors' connections.
    pub(crate) connections: usize,
    /// The server's, where it is known.
    pub(crate) server: Option<Memory>,
    /// The system's, where it may be known.
    pub(crate) kernel: Option<Slab>,
}

impl Reading {
    /// What each of the connections took that came between two readings, of the kernel's memory for
    /// one end's requests and of what is beside them, in bytes.
    pub(crate) fn kernel_each(from: &Self, to: &Self, plain: &Slab) -> Option<(f64, f64)> {
        let each = to.kernel.as_ref()?.per_thing_since(from.kernel.as_ref()?, from.until(to));
        let of_one_end = |slab: fn(&Slab) -> f64| (slab(&each) - slab(plain)) / 2.0;
        Some((of_one_end(|slab| slab.of(REQUESTS)), of_one_end(Slab::of_sizes)))
    }

    /// How many connections came between two readings.
    pub(crate) fn until(&self, to: &Self) -> usize {
        to.connections - self.connections
    }
}

fn read(server: Option<u32>, connections: usize) -> Result<Reading, DriveError> {
    let server = server.map(Memory::of_process).transpose()?;
    Ok(Reading { connections, server, kernel: Slab::now().ok() })
}

impl Idle {
    fn new(plan: &Plan, reactor: usize, args: &cli::Idle, steps: &[usize]) -> Self {
        let people = plan.share(reactor).len();
        let share =
            |all: usize| all * (reactor + 1) / plan.reactors - all * reactor / plan.reactors;
        let hold = match (args.hold, args.wire.peer) {
            (Some(hold), _) => Hold::For(hold),
            (None, Some(_)) => Hold::For(HOLD_PEER),
            (None, None) => Hold::Pings(args.hold_max),
        };
        Self {
            server: args.aim.pids.first().copied().filter(|_| reactor == 0),
            hold,
            steps: steps.iter().map(|&all| (share(all).min(people), all)).collect(),
            step: 0,
            pinged: vec![0; people],
            pinged_now: 0,
            stage: Stage::Opening,
            readings: Vec::new(),
        }
    }

    /// Takes the present step as far as it goes by now.
    fn advance(&mut self, scene: &mut Scene<'_>) -> Result<(), DriveError> {
        let Some(&(mine, all)) = self.steps.get(self.step) else { return Ok(()) };
        let now = Instant::now();
        if let Stage::Opening = self.stage {
            scene.want(mine);
            if scene.ready() == mine {
                let (Hold::For(longest) | Hold::Pings(longest)) = self.hold;
                self.pinged_now = 0;
                self.stage = Stage::Holding(now + longest);
            }
        }
        if let Stage::Holding(until) = self.stage {
            let all_pinged = matches!(self.hold, Hold::Pings(_)) && self.pinged_now >= mine;
            if all_pinged || now >= until {
                scene.board().post(scene.reactor()).set_step_taken(self.step as u32);
                self.stage = Stage::Waiting;
            }
        }
        if let Stage::Waiting = self.stage {
            if scene.reactor() == 0 && scene.board().is_step_taken() {
                self.readings.push(read(self.server, all)?);
                scene.board().next_step();
            }
            if scene.board().step() as usize > self.step {
                self.step += 1;
                self.stage = Stage::Opening;
            }
        }
        Ok(())
    }
}

impl Scenario for Idle {
    type Rest = Rest;

    fn heard(
        &mut self,
        _: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        let step = self.step as u32 + 1;
        if matches!((news, self.stage), (News::Ping, Stage::Holding(_)))
            && self.pinged[person] < step
        {
            self.pinged[person] = step;
            self.pinged_now += 1;
        }
        Ok(())
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        match (self.stage, self.steps.get(self.step)) {
            (Stage::Opening, Some((wanted, _))) => {
                Gathered::of(scene.ready(), wanted + 1, "connections are there")
            }
            _ => {
                let (Hold::For(longest) | Hold::Pings(longest)) = self.hold;
                let patience = 2 * longest + Duration::from_secs(60);
                let steps = Gathered::of(self.step, self.steps.len(), "steps are taken");
                Gathered { patience, ..steps }
            }
        }
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        self.advance(scene)?;
        Ok(match self.stage {
            Stage::Holding(until) => Some(until),
            Stage::Opening | Stage::Waiting => Some(Instant::now() + LOOK),
        })
    }

    fn balance(&self) -> i64 {
        0
    }

    fn rest(self) -> Rest {
        let pings = matches!(self.hold, Hold::Pings(_));
        let missing = if pings { self.pinged.len() - self.pinged_now } else { 0 };
        Rest { readings: self.readings, missing }
    }
}
