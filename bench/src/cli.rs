//! The command line.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Demand;

/// Loads a Whisper engine, and says what it took.
#[derive(Debug, Parser)]
#[command(name = "whisper-bench", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open WebSockets and hold them: memory per connection.
    Idle(Idle),
    /// People who join while their partner waits: time to match, open loop.
    Match(Match),
    /// Pairs who talk: throughput, latency and CPU per message, closed loop.
    Relay(Relay),
    /// The same relay against the engine and against the bare floor, in turn: CPU per message.
    CompareFloor(CompareFloor),
}

/// Whom to load, from where, and how to tell of it.
#[derive(Args, Debug)]
pub(crate) struct Aim {
    /// Where the server listens.
    #[arg(long, value_name = "ADDR")]
    pub(crate) target: SocketAddr,
    /// Allow a target that is not this machine.
    #[arg(long)]
    pub(crate) i_may_load_this_host: bool,
    /// Source addresses on loopback: a number of them, or one for each connection.
    #[arg(long, value_name = "N|one-each", default_value = "one-each", value_parser = sources)]
    pub(crate) sources: Sources,
    /// The server's process, to read its CPU time and memory.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Keep the generator on this core.
    #[arg(long)]
    pub(crate) core: Option<usize>,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

/// What becomes of the result.
#[derive(Args, Clone, Debug)]
pub(crate) struct Telling {
    /// Write the result to this folder: result.json, as bench/schema.json describes it.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What the run must come to, or it ends with exit code 99: a latency's min, mean, p50, p90, p99,
    /// p99.9, p99.99 or max with a unit, or a figure. As in 'relay.p99<5ms' or
    /// 'messages_per_second>=100000'. More than once if need be.
    #[arg(long = "threshold", value_name = "EXPRESSION")]
    pub(crate) thresholds: Vec<Demand>,
    /// Print result.json as one line instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// What choices, texts and nonces are derived from, in hex [default: another one every run].
    #[arg(long, value_name = "HEX", default_value_t = Seed::fresh(), hide_default_value = true)]
    pub(crate) seed: Seed,
}

/// What everything random in a run derives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    fn fresh() -> Self {
        use std::hash::{BuildHasher, RandomState};
        // The standard library's keys are the one randomness it offers.
        Self(RandomState::new().hash_one(std::process::id()))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = u64::from_str_radix(text, 16);
        number.map(Self).map_err(|_| "at most 16 hexadecimal digits".to_owned())
    }
}

impl Command {
    /// What becomes of its result.
    pub(crate) fn telling(&self) -> &Telling {
        match self {
            Self::Idle(args) => &args.aim.telling,
            Self::Match(args) => &args.aim.telling,
            Self::Relay(args) => &args.aim.telling,
            Self::CompareFloor(args) => &args.telling,
        }
    }
}

/// How many addresses the connections come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// Every connection has its own.
    OneEach,
    /// So many, in turn.
    Few(u32),
}

/// `idle`
#[derive(Args, Debug)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// How many connections to hold in the end.
    #[arg(long, default_value_t = 15_000)]
    pub(crate) connections: usize,
    /// Where to stop and measure on the way.
    #[arg(long, value_delimiter = ',')]
    pub(crate) steps: Vec<usize>,
    /// The longest to wait for every connection's ping at a step, in seconds.
    #[arg(long, value_name = "SECS", default_value = "120", value_parser = seconds)]
    pub(crate) hold_max: Duration,
}

/// `match`
#[derive(Args, Debug)]
pub(crate) struct Match {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// Joins a second, those who wait and those who arrive together.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) rate: u32,
    /// Seconds to measure.
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub(crate) secs: Duration,
    /// Seconds before that, not measured.
    #[arg(long, value_name = "SECS", default_value = "1", value_parser = seconds)]
    pub(crate) warm_up: Duration,
    /// People who take turns in joining [default: enough for each to join every two seconds].
    #[arg(long)]
    pub(crate) people: Option<usize>,
    /// How long a partner waits before the other joins, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 100)]
    pub(crate) lead_ms: u64,
}

/// `relay`
#[derive(Args, Debug)]
pub(crate) struct Relay {
    #[command(flatten)]
    pub(crate) aim: Aim,
    #[command(flatten)]
    pub(crate) talk: Talk,
    /// The server is a bare one at /ws: it pairs connections as they come and relays binary frames
    /// verbatim, or echoes them; there is nothing to join. With a frame that is empty it may, but
    /// need not, tell both that they are paired.
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "relay")]
    pub(crate) peer: Option<Peer>,
}

/// What pairs do.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Talk {
    /// Pairs who talk.
    #[arg(long, default_value_t = 100)]
    pub(crate) pairs: usize,
    /// Messages in flight in each pair.
    #[arg(long, default_value_t = 1)]
    pub(crate) depth: usize,
    /// The length of what is said.
    #[arg(long, default_value_t = 64)]
    pub(crate) bytes: usize,
    /// Seconds to measure.
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub(crate) secs: Duration,
    /// Seconds before that, not measured.
    #[arg(long, value_name = "SECS", default_value = "1", value_parser = seconds)]
    pub(crate) warm_up: Duration,
    /// Name the room in every message, as the web client does.
    #[arg(long)]
    pub(crate) room: bool,
}

/// What a bare server does with frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// Pairs connections as they come, and relays.
    Relay,
    /// Sends them back.
    Echo,
}

/// `compare-floor`
#[derive(Args, Debug)]
pub(crate) struct CompareFloor {
    /// The engine's program.
    #[arg(long, value_name = "PATH")]
    pub(crate) engine: PathBuf,
    /// The floor's program.
    #[arg(long, value_name = "PATH")]
    pub(crate) floor: PathBuf,
    /// How often each is measured.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    #[command(flatten)]
    pub(crate) talk: Talk,
    /// The most that the engine may cost, as a multiple of the bare echo; more fails the run.
    #[arg(long, value_name = "RATIO")]
    pub(crate) bar: Option<f64>,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn sources(text: &str) -> Result<Sources, String> {
    if text == "one-each" {
        return Ok(Sources::OneEach);
    }
    match text.parse() {
        Ok(count @ 1..) => Ok(Sources::Few(count)),
        _ => Err("a number from 1, or one-each".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_may_be_broken_but_not_negative() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert!(seconds("-1").is_err() && seconds("soon").is_err());
    }

    #[test]
    fn seeds_are_read_as_they_are_written() {
        let seed = Seed::fresh();
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert!("0xff".parse::<Seed>().is_err());
    }

    #[test]
    fn there_is_at_least_one_source() {
        assert_eq!(sources("one-each"), Ok(Sources::OneEach));
        assert_eq!(sources("3"), Ok(Sources::Few(3)));
        assert!(sources("0").is_err());
    }
}
