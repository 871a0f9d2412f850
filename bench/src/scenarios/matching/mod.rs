//! `match`: people who join at a given rate, whatever the answers.

mod meetings;
mod rendezvous;

use std::time::Duration;

use self::meetings::{Meetings, Waiting};
use self::rendezvous::Rendezvous;
use super::{Failed, stay_on};
use crate::cli::{self, MatchModel, Wire};
use crate::fleet;
use crate::operator::Operator;
use crate::plan::{Load, Plan};
use crate::record::{Count, Timing};
use crate::report::{Report, Things};

const FAULTS: &[Count] = &[Count::Unexpected, Count::ConnectionsLost];

const MATCHES: Things =
    Things { one: "match", many: "matches", timing: Timing::Match, faults: FAULTS };

const PAIRS: Things = Things { one: "pair", many: "pairs", timing: Timing::Match, faults: FAULTS };

/// How long somebody may wait and still be free for the join that is theirs by number.
const WAIT: Duration = Duration::from_secs(4);

/// How often each joins in a rendezvous.
const TURN: Duration = Duration::from_secs(2);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Match, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let load = Load::from(&args.course);
    let busy = match args.model {
        MatchModel::Zipf => args.stay + WAIT,
        MatchModel::Rendezvous => TURN,
    };
    let enough = args.rate * load.peak() * busy.as_secs_f64();
    let people = args.people.unwrap_or(enough.ceil() as usize).max(4);
    let mut plan = Plan::new(&args.aim, Wire::default(), people, load)?;
    match args.model {
        MatchModel::Zipf => {
            let ran =
                fleet::run(plan, operator, |plan, reactor| Meetings::new(plan, reactor, args))?;
            let mut report = Report::of("match", MATCHES, &ran);
            let all = ran.rests.iter().copied().fold(Waiting::default(), Waiting::and);
            report.count("people_waiting_at_end", all.people);
            report.figure("longest_wait_at_end_ms", all.longest.as_secs_f64() * 1e3, "ms");
            Ok(report)
        }
        MatchModel::Rendezvous => {
            plan.ask_shard = true;
            let ran =
                fleet::run(plan, operator, |plan, reactor| Rendezvous::new(plan, reactor, args))?;
            let mut report = Report::of("match", PAIRS, &ran);
            let unmatched: usize = ran.rests.iter().sum();
            report.count("pairs_unmatched", unmatched);
            report.fault_if(unmatched > 0, || format!("{unmatched} pairs not matched"));
            Ok(report)
        }
    }
}
