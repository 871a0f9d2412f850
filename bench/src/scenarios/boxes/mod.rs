//! `boxes`: people who live as in `churn`, in a town of several boxes ([`town`](crate::town)) that
//! act as one, while a hand does to boxes and to what is between them all that can happen to them
//! ([`course`]).
//!
//! The [register](crate::register) of all rooms knows what each trouble excuses. Of short ones nobody
//! may notice more than that things take a moment; by long ones boxes lose each other, and whoever
//! has lost their partner is told in time. In all of it nobody is in two rooms, alone in one, or
//! stuck; and nothing said between boxes that have each other is lost, doubled, or somebody else's.

mod comparison;
mod course;
mod hand;

use std::sync::Arc;

use self::course::Course;
use self::hand::Hand;
use super::churn::{Churn, Model};
use super::{Failed, MESSAGES};
use crate::cli::{self, Aim, Encryption, Sources, Wire};
use crate::fleet;
use crate::operator::Operator;
use crate::plan::{Load, Plan};
use crate::record::Count;
use crate::register::Register;
use crate::report::{Report, Things};
use crate::town::{Town, Wish};

/// What people say, and all that may not come of it.
const TALK: Things = Things {
    faults: &[
        Count::Lost,
        Count::Doubled,
        Count::Reordered,
        Count::Foreign,
        Count::Unexpected,
        Count::ConnectionsFailed,
        Count::ConnectionsLost,
        Count::Broken,
        Count::InTwoRooms,
        Count::Thirds,
        Count::Alone,
        Count::Stuck,
        Count::Untold,
    ],
    ..MESSAGES
};

/// How people behave, unless a file says otherwise.
const MODEL: &str = include_str!("../../../models/boxes.toml");

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Boxes, operator: &Operator) -> Result<Report, Failed> {
    let model = Model::read(args.model.as_deref(), MODEL)?;
    let course = Course::new(args);
    let boxes = usize::from(args.boxes);
    let wish = Wish { engine: &args.engine, boxes, reactors: args.reactors_each };
    let town = Town::build(&wish)?;
    let compared = comparison::compare(&town, args, operator)?;
    let load = Load::holds(args.warm_up, course.lengths());
    let mut plan = Plan::new(&aim(&town, args), Wire::default(), args.people, load)?;
    plan.make_room();
    let register = Arc::new(Register::new(boxes));
    let mut hand = Hand::new(town, course, Arc::clone(&register));
    let make = |plan: &Plan, reactor| {
        Churn::new(plan, reactor, &model, args.people, args.hurry, Arc::clone(&register))
    };
    let mut ran = fleet::run_beside(plan, operator, make, |measured| hand.look(measured))?;
    hand.end(&mut ran.ledger);
    let mut report = Report::of("boxes", TALK, &ran);
    compared.into_iter().for_each(|compared| compared.tell(&mut report));
    hand.tell(&ran.ledger, &mut report);
    Ok(report)
}

fn aim(town: &Town, args: &cli::Boxes) -> Aim {
    Aim {
        targets: town.addresses(),
        // There is no host on a street of our own but ours.
        i_may_load_this_host: true,
        sources: Sources::OneEach,
        reactors: None,
        cores: Vec::new(),
        pids: Vec::new(),
        metrics: None,
        encryption: Encryption::default(),
        telling: args.telling.clone(),
    }
}
