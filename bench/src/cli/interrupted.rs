//! Talk that is interrupted: by networks, or by the server's own end.

use std::time::Duration;

use clap::Args;

use super::values::{count, duration, rate, share};
use super::{Aim, Course};

/// `resume`
#[derive(Args, Debug)]
#[command(after_help = RESUME_EXAMPLES)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// Pairs who talk.
    #[arg(long, value_name = "N", default_value = "100", value_parser = count)]
    pub(crate) pairs: usize,
    /// Their messages a second, open loop. What is due while somebody is away waits for the resume.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = rate)]
    pub(crate) rate: f64,
    /// The length of what they say.
    #[arg(long, value_name = "N", default_value = "64", value_parser = count)]
    pub(crate) bytes: usize,
    #[command(flatten)]
    pub(crate) course: Course,
    /// A connection is cut after so many bytes both ways, in the mean.
    #[arg(long, value_name = "N", default_value = "8k", value_parser = count)]
    pub(crate) cut_after: usize,
    /// The part of the cuts that nobody hears of: what is sent vanishes, either way, and the server
    /// still takes the connection for alive when its client is back. The others are resets.
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = share)]
    pub(crate) silent: f64,
    /// How long a client waits for an answer before it tries another connection.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(crate) patience: Duration,
}

const RESUME_EXAMPLES: &str = "\
Examples:
  Ten thousand cuts and more, half of them silent:
    whisper-bench resume --target 127.0.0.1:8080 --pairs 300 --rate 6k --secs 1m \\
        --threshold 'resumes>=10000'";

/// `handover`
#[derive(Args, Debug)]
#[command(after_help = HANDOVER_EXAMPLES)]
pub(crate) struct Handover {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// People. Of ten pairs four talk, one is in the middle of a frame, three are matched and silent,
    /// and two wait in the queue, one for the other.
    #[arg(long, value_name = "N", default_value = "15000", value_parser = count)]
    pub(crate) connections: usize,
    /// Messages a second of those who talk, open loop.
    #[arg(long, value_name = "N", default_value = "2000", value_parser = rate)]
    pub(crate) rate: f64,
    /// What has the server go over to its next process, for `sh -c`: over when it ends, and good
    /// where it ends with 0.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) run: String,
    /// What the report takes of the object that the command prints in its last line: these numbers.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "sockets,pausedMs")]
    pub(crate) numbers: Vec<String>,
    /// How often.
    #[arg(long, value_name = "N", default_value = "100", value_parser = count)]
    pub(crate) times: usize,
    /// How long after one has ended the next begins.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) every: Duration,
    /// How long people talk before the first, not measured.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) warm_up: Duration,
}

const HANDOVER_EXAMPLES: &str = "\
Examples:
  A hundred handovers of 15,000 people, held to a promise:
    whisper-bench handover --target 127.0.0.1:8080 --run 'whisperctl upgrade --json' \\
        --threshold 'handovers==100' --threshold 'handover_pause.p99<=250ms'";
