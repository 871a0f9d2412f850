//! Towns: many people, many shards, virtual time, and how good the matches are.
//!
//! A [`World`](crate::World) looks at everything after every step and speaks through the codec; it
//! suits stories and short random lives. A town is leaner, so that it can be large:
//!
//! - The shards and the auditor are the same. The auditor hears and is told everything, so every
//!   match is checked in full as it is made (wishes, lanes, languages, tiers, recent partners, who
//!   is where, both sides of the room). What is sampled: at each inspection, once a simulated
//!   second by default, everything is brought to rest; then all lists and rooms are compared with
//!   the truth, one shard's table of people is, in turn, and of those who wait some hundred are
//!   held against all others who wait, so that no two who would fit are left waiting.
//! - Messages go through rings of bounded length with delays of their own, first in, first out;
//!   what doesn't fit waits in order at the sender, as in the mesh. Nothing passes the codec.
//! - Several nodes ([`Plan::nodes`]) are linked from the beginning, and links lose nothing: what goes
//!   wrong with them is left to the small worlds.
//! - People join, think, chat, skip, leave, click twice and vanish at any moment; operators ban them
//!   and close lanes. What people say to each other in a chat is left to the small worlds.
//! - The end drains to zero, whatever happened.
//!
//! The same plan gives the same run and the same hash on every machine.

mod counts;
mod crowd;
mod fairness;
mod links;
mod oracle;
mod plan;
mod rings;
mod samples;
mod tastes;
mod town;

use std::sync::mpsc;

#[cfg(feature = "faults")]
use whisper_core::match_queue::Fault;
use whisper_core::match_queue::TierTimes;

pub use crate::words::KINDS;
pub use counts::Counts;
pub use fairness::{Difference, Fairness, GROUP_MIN, Group, Grouping, fairness};
pub use plan::Plan;
pub use samples::{Sample, TIERS, Tally, Waits, decile};

use self::oracle::Oracle;
use self::town::Town;
use crate::Book;

/// Arrivals that the oracle may be behind.
const LAG_MAX: usize = 4_096;

/// How a town lived.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Which town.
    pub plan: Plan,
    /// What happened how often.
    pub counts: Counts,
    /// How searches ended, after the warm-up.
    pub tally: Tally,
    /// A hash of every effect in order, the same on every machine.
    pub hash: u64,
}

/// A rule was broken.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}\nseed {seed}, step {step}; the last events:\n{}", last.join("\n"))]
pub struct Failure {
    /// Of the plan.
    pub seed: u64,
    /// How many events shards had handled.
    pub step: u64,
    /// Which rule.
    pub what: String,
    /// What happened before, the oldest first.
    pub last: Vec<String>,
}

/// Lives a town from its beginning until it is empty.
///
/// # Errors
/// [`Failure`], where an invariant doesn't hold.
pub fn live(plan: Plan) -> Result<Report, Failure> {
    Town::new(plan, None).live(|_| ())
}

/// The same, and writes its event log into a book.
///
/// # Errors
/// [`Failure`], where an invariant doesn't hold; the book has it all then, up to there.
pub fn live_logged(plan: Plan, book: &Book) -> Result<Report, Failure> {
    Town::new(plan, Some(book)).live(|_| ())
}

/// The same as [`live`], with a rule of every match queue broken, to see that it shows.
///
/// # Errors
/// [`Failure`], where an invariant doesn't hold.
#[cfg(feature = "faults")]
pub fn live_breaking(plan: Plan, rule: Fault) -> Result<Report, Failure> {
    Town::new(plan, None).breaking(rule).live(|_| ())
}

/// The same as [`live`], and what a central matcher makes of the same arrivals, in a thread beside it.
///
/// # Errors
/// [`Failure`], where an invariant doesn't hold.
pub fn live_beside_oracle(plan: Plan) -> Result<(Report, Tally), Failure> {
    let (tell, told) = mpsc::sync_channel(LAG_MAX);
    let mut oracle = Oracle::new(TierTimes::default(), plan.interests);
    std::thread::scope(|scope| {
        let beside = scope.spawn(move || {
            while let Ok(arrival) = told.recv() {
                oracle.arrives(arrival);
            }
            oracle.tally()
        });
        let tell = move |arrival| tell.send(arrival).expect("the oracle listens to the end");
        let report = Town::new(plan, None).live(tell)?;
        Ok((report, beside.join().expect("the oracle doesn't break")))
    })
}
