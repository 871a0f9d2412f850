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

use super::{Failed, prepare};
use crate::cli;
use crate::driver::{self, DriveError, Net, News, Next, PersonId, Scenario};
use crate::measure::{Memory, Slab, plain_socket_cost};
use crate::plan::{Dialect, Plan, PlanError};
use crate::report::Report;

/// Plain sockets to compare with.
const PLAIN_SOCKETS: usize = 4_000;

/// The cache that a ring's requests come from. What they need beside, and the places of a ring's
/// table, come from caches for objects of a size.
const REQUESTS: &str = "io_kiocb";

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Idle) -> Result<Report, Failed> {
    prepare(&args.aim)?;
    let mut steps = args.steps.clone();
    steps.push(args.connections);
    steps.dedup();
    if !steps.is_sorted() || steps[0] == 0 {
        let must_be = "ascending, from 1 to --connections".to_owned();
        return Err(PlanError::Number { name: "--steps", must_be }.into());
    }
    // Only root may know.
    let plain = Slab::now().is_ok().then(|| plain_socket_cost(PLAIN_SOCKETS)).transpose()?;
    let plan = Plan::new(&args.aim, Dialect::Whisper, args.connections)?;
    let mut idle = Idle {
        server: args.aim.pid,
        hold_max: args.hold_max,
        steps,
        pinged: vec![0; args.connections],
        pinged_now: 0,
        stage: Stage::Opening,
        readings: Vec::new(),
    };
    idle.readings.push(idle.read(0)?);
    let outcome = driver::run(plan, &mut idle)?;
    let mut report = idle.report(plain.as_ref());
    report.judge_people(&outcome);
    Ok(report)
}

struct Idle {
    server: Option<u32>,
    hold_max: Duration,
    /// Connections to stop at.
    steps: Vec<usize>,
    /// Up to which step, from 1, each was pinged.
    pinged: Vec<u32>,
    /// How many were pinged since the present step was reached.
    pinged_now: usize,
    stage: Stage,
    readings: Vec<Reading>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Until so many are there.
    Opening,
    /// Until each was pinged, or then.
    Holding(Instant),
}

/// What was used when so many connections were open.
struct Reading {
    connections: usize,
    server: Option<Memory>,
    kernel: Option<Slab>,
}

impl Idle {
    /// The step that is being taken, from 1.
    fn step(&self) -> usize {
        self.readings.len()
    }

    fn read(&self, connections: usize) -> Result<Reading, DriveError> {
        let server = self.server.map(Memory::of_process).transpose()?;
        Ok(Reading { connections, server, kernel: Slab::now().ok() })
    }

    fn report(&self, plain: Option<&Slab>) -> Report {
        let mut report = Report::new("idle");
        for Reading { connections, server, .. } in &self.readings {
            if let Some(memory) = server {
                let mb = |bytes: u64| bytes as f64 / 1e6;
                report.figure(format!("rss_mb_at_{connections}"), mb(memory.resident), "MB");
                let anonymous = mb(memory.anonymous);
                report.figure(format!("anonymous_mb_at_{connections}"), anonymous, "MB");
            }
        }
        for pair in self.readings.windows(2) {
            let [from, to] = pair else { continue };
            slope(&mut report, from, to, plain);
        }
        report.fault_if(self.pinged_now < self.pinged.len(), || {
            let missing = self.pinged.len() - self.pinged_now;
            format!("{missing} connections not pinged in {} s", self.hold_max.as_secs())
        });
        report
    }
}

/// What each connection between two readings cost.
fn slope(report: &mut Report, from: &Reading, to: &Reading, plain: Option<&Slab>) {
    let count = to.connections - from.connections;
    let label = format!("{}_to_{}", from.connections, to.connections);
    if let (Some(from), Some(to)) = (from.server, to.server) {
        let each = |from: u64, to: u64| (to as f64 - from as f64) / count as f64;
        let rss = each(from.resident, to.resident);
        report.figure(format!("rss_per_connection_{label}"), rss, "B");
        let anonymous = each(from.anonymous, to.anonymous);
        report.figure(format!("anonymous_per_connection_{label}"), anonymous, "B");
    }
    if let (Some(from), Some(to), Some(plain)) = (&from.kernel, &to.kernel, plain) {
        let each = to.per_thing_since(from, count);
        let of_one_end = |slab: fn(&Slab) -> f64| (slab(&each) - slab(plain)) / 2.0;
        let requests = of_one_end(|slab| slab.of(REQUESTS));
        report.figure(format!("kernel_requests_per_connection_{label}"), requests, "B");
        let beside = of_one_end(Slab::of_sizes);
        report.figure(format!("kernel_beside_them_per_connection_{label}"), beside, "B");
        let beyond = requests + beside;
        report.figure(format!("kernel_beyond_socket_per_connection_{label}"), beyond, "B");
    }
}

impl Scenario for Idle {
    fn heard(
        &mut self,
        _: &mut Net<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        let step = self.step() as u32;
        if matches!((news, self.stage), (News::Ping, Stage::Holding(_)))
            && self.pinged[person] < step
        {
            self.pinged[person] = step;
            self.pinged_now += 1;
        }
        Ok(())
    }

    fn turn(&mut self, net: &mut Net<'_>) -> Result<Next, DriveError> {
        let Some(&wanted) = self.steps.get(self.step() - 1) else { return Ok(Next::Done) };
        let now = Instant::now();
        match self.stage {
            Stage::Opening if net.ready() == wanted => {
                self.pinged_now = 0;
                self.stage = Stage::Holding(now + self.hold_max);
            }
            Stage::Opening => {
                net.want(wanted);
                return Ok(Next::News);
            }
            Stage::Holding(until) if self.pinged_now >= wanted || now >= until => {
                self.readings.push(self.read(wanted)?);
                self.stage = Stage::Opening;
                return Ok(Next::At(now));
            }
            Stage::Holding(_) => {}
        }
        Ok(match self.stage {
            Stage::Opening => Next::News,
            Stage::Holding(until) => Next::At(until),
        })
    }
}
