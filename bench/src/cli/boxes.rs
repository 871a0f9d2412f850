//! Boxes that act as one, and what is done to them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Telling;
use super::values::{count, duration, rate};

/// `boxes`
#[derive(Args, Debug)]
#[command(after_help = BOXES_EXAMPLES)]
pub(crate) struct Boxes {
    /// The engine's program. NATS and Redis are Debian's.
    #[arg(long, value_name = "PATH")]
    pub(crate) engine: PathBuf,
    /// How many boxes, each with an engine on a network of its own.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u16).range(2..=16))]
    pub(crate) boxes: u16,
    /// Reactors of each engine.
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) reactors_each: u16,
    /// People, who come to each box in turn.
    #[arg(long, value_name = "N", default_value = "3000", value_parser = count)]
    pub(crate) people: usize,
    /// How they behave, in TOML [default: as in bench/models/boxes.toml, which is built in].
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// How many times faster than the model they live.
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = rate)]
    pub(crate) hurry: f64,
    /// How long pairs talk before that, of one box and then of two, to compare what it costs; 0 for
    /// not at all.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration)]
    pub(crate) compare: Duration,
    /// How many pairs these are.
    #[arg(long, value_name = "N", default_value = "100", value_parser = count)]
    pub(crate) pairs: usize,
    /// Their messages a second.
    #[arg(long, value_name = "N", default_value = "2000", value_parser = rate)]
    pub(crate) rate: f64,
    /// How long they live before anything counts.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(crate) warm_up: Duration,
    /// How long nothing is done to anybody, at first.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) calm: Duration,
    /// How long troubles last by which boxes lose each other: 6s at least.
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = duration)]
    pub(crate) long: Duration,
    /// How long others last: 2.5s at most.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub(crate) short: Duration,
    /// How long everybody has after each.
    #[arg(long, value_name = "TIME", default_value = "12s", value_parser = duration)]
    pub(crate) settle: Duration,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

const BOXES_EXAMPLES: &str = "\
Needs nats-server, redis-server and iproute2, and root, or leave to make user namespaces; nothing of the
machine's own network is touched.

Examples:
  3,000 people on three boxes, all that can happen to these, and a promise:
    whisper-bench boxes --engine target/release/whisper \\
        --threshold 'relay_across_boxes.p99<=5ms' --threshold 'told_of_lost_partner.max<=5s'";
