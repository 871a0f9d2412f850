//! What a message costs between people of two boxes, beside one between people of one: the same
//! pairs at the same rate, and nobody else there.

use std::time::Duration;

use crate::cli::{self, Aim, Course, Talk, Wire};
use crate::operator::Operator;
use crate::plan::Spacing;
use crate::report::Report;
use crate::scenarios::{Failed, relay};
use crate::town::Town;

/// What it came to where pairs are so.
pub(super) struct Compared {
    name: &'static str,
    talk: Report,
    /// NATS's time, of all that was said and done.
    nats: Duration,
}

/// Has pairs talk within the first box, and then across it and the second.
///
/// # Errors
/// Where it can't be measured.
pub(super) fn compare(
    town: &Town,
    args: &cli::Boxes,
    operator: &Operator,
) -> Result<Vec<Compared>, Failed> {
    let mut compared = Vec::new();
    if args.compare.is_zero() {
        return Ok(compared);
    }
    let talk = Talk {
        pairs: args.pairs,
        depth: 1,
        rate: Some(args.rate),
        spacing: Spacing::Poisson,
        bytes: 64,
        course: Course { secs: args.compare, warm_up: Duration::from_secs(1), phases: Vec::new() },
        room: true,
        moderated: true,
    };
    for (name, boxes) in [("within_box", 1), ("across_boxes", 2)] {
        let all = super::aim(town, args);
        let targets = all.targets.iter().take(boxes).copied().collect();
        let pids = town.pids().into_iter().take(boxes).collect();
        let before = town.used()?;
        let talk = relay::measure(&Aim { targets, pids, ..all }, &talk, Wire::default(), operator)?;
        let nats = town.used()?.since(before).nats.total();
        compared.push(Compared { name, talk, nats });
    }
    Ok(compared)
}

impl Compared {
    /// Adds it to a report.
    pub(super) fn tell(self, report: &mut Report) {
        let Self { name, talk, nats } = self;
        let value = |key| talk.value(key).unwrap_or(f64::NAN);
        let messages = value("messages").max(1.0);
        report.figure(format!("pairs_{name}_messages"), messages, "");
        let cpu = value("server_cpu_us_per_message");
        report.figure(format!("pairs_{name}_cpu_us_per_message"), cpu, "µs");
        let nats = nats.as_secs_f64() * 1e6 / messages;
        report.figure(format!("pairs_{name}_nats_cpu_us_per_message"), nats, "µs");
        let times = talk.latency("relay").unwrap_or_default();
        report.figure(format!("pairs_{name}_p50_us"), times.p50_us, "µs");
        report.figure(format!("pairs_{name}_p99_us"), times.p99_us, "µs");
        for fault in talk.faults() {
            report.fault_if(true, || format!("pairs {}: {fault}", name.replace('_', " ")));
        }
    }
}
