//! `match`: people who join at a given rate, whatever the answers.

mod rendezvous;

use self::rendezvous::Rendezvous;
use super::{Failed, stay_on};
use crate::cli::{self, Wire};
use crate::fleet;
use crate::operator::Operator;
use crate::plan::{Load, Plan};
use crate::record::{Count, Timing};
use crate::report::{Report, Things};

const PAIRS: Things = Things {
    one: "pair",
    many: "pairs",
    timing: Timing::Match,
    faults: &[Count::Unexpected, Count::ConnectionsLost],
};

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Match, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let load = Load::from(&args.course);
    let enough = 2.0 * args.rate * load.peak();
    let people = args.people.unwrap_or(enough.ceil() as usize).max(4);
    let mut plan = Plan::new(&args.aim, Wire::default(), people, load)?;
    plan.ask_shard = true;
    let ran = fleet::run(plan, operator, |plan, reactor| Rendezvous::new(plan, reactor, args))?;
    let mut report = Report::of("match", PAIRS, &ran);
    let unmatched: usize = ran.rests.iter().sum();
    report.count("pairs_unmatched", unmatched);
    report.fault_if(unmatched > 0, || format!("{unmatched} pairs not matched"));
    Ok(report)
}
