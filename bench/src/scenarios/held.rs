//! `idle --phases`: connections that come and go as a course has it, and say nothing. What they
//! cost at each moment is in the samples of the server's memory.

use std::time::{Duration, Instant};

use super::{Failed, stay_on};
use crate::cli;
use crate::driver::{DriveError, Gathered, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::operator::Operator;
use crate::plan::{Load, Plan};
use crate::record::{Count, Timing};
use crate::report::{Report, Things};

const CONNECTIONS: Things = Things {
    one: "connection",
    many: "connections",
    timing: Timing::Upgrade,
    faults: &[Count::ConnectionsLost],
};

/// How often it is looked how many there should be.
const LOOK: Duration = Duration::from_millis(20);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Idle, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let load = Load::of_phases(Duration::ZERO, &args.phases);
    let people = (args.connections as f64 * load.peak()).ceil().max(1.0) as usize;
    let mut plan = Plan::new(&args.aim, args.wire, people, load)?;
    plan.make_room();
    if let Some(also) = args.also {
        plan.sends_to(also, &args.aim)?;
    }
    let ran = fleet::run(plan, operator, |plan, reactor| {
        let share = plan.share(reactor).len() as f64 / plan.people as f64;
        Held { at_level_1: args.connections as f64 * share, opened: Vec::new() }
    })?;
    Ok(Report::of("idle", CONNECTIONS, &ran))
}

/// One reactor's part.
struct Held {
    /// How many there are at level 1.
    at_level_1: f64,
    /// When whose socket was connected.
    opened: Vec<Option<Instant>>,
}

impl Scenario for Held {
    type Rest = ();

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        if self.opened.len() <= person {
            self.opened.resize(person + 1, None);
        }
        let opened = &mut self.opened[person];
        match (news, *opened) {
            (News::Opened, _) => *opened = Some(Instant::now()),
            (News::Ready, Some(at)) => {
                scene.count(Count::Done);
                scene.time(Timing::Upgrade, at.elapsed());
            }
            _ => {}
        }
        Ok(())
    }

    fn gathered(&self, _: &Scene<'_>) -> Gathered {
        Gathered::of(0, 0, "people need to be there")
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        if !scene.is_loading() {
            return Ok(None);
        }
        let now = Instant::now();
        scene.want((self.at_level_1 * scene.level(now)).round() as usize);
        Ok(Some(now + LOOK))
    }

    fn balance(&self) -> i64 {
        0
    }

    fn rest(self) {}
}
