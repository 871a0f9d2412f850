//! The command line.

mod boxes;
mod interrupted;
mod values;

pub(crate) use self::boxes::Boxes;
pub(crate) use self::interrupted::{Handover, Resume};
pub(crate) use self::values::{Seed, Sources, Stay, duration, relax};

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::values::{count, each, exponent, rate, share, target};
use whisper_manual::{Completions, Pages};
use whisper_proto::Relax;

use crate::measure::Endpoint;
use crate::plan::{PhaseWish, Spacing};
use crate::report::Demand;

/// Loads a Whisper engine, checks every answer, and says what it took.
#[derive(Debug, Parser)]
#[command(name = "whisper-bench", version, about, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0   the run is good
  1   it could not be done, or something was lost, doubled, altered or unexpected
  2   the command line was wrong
  3   invalid: nothing was lost, but the generator was the bottleneck or was broken off
  4   the system forbids what the run needs
  99  a threshold was missed";

/// What can be done.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, and clap flattens no box")]
pub(crate) enum Command {
    #[command(flatten)]
    Run(Run),
    /// Two results side by side: every number, and how many times the first the second is.
    Compare(Compare),
    /// Print completions for a shell.
    Completions(Completions),
    /// Print this program's page for `man`.
    Man(Pages),
}

/// What can be run.
#[derive(Debug, Subcommand)]
pub(crate) enum Run {
    /// Open WebSockets and hold them: memory per connection.
    Idle(Idle),
    /// A storm of people who come: connects and upgrades a second.
    Connect(Connect),
    /// People who join at a rate: time to match by tier, open loop.
    Match(Match),
    /// People as a model has them, who come, meet, talk, skip and go: for soaks, with slopes of
    /// memory.
    Churn(Churn),
    /// Pairs who talk: latency, throughput, CPU per message.
    Relay(Relay),
    /// Pairs who talk through a network that cuts their connections again and again: what is lost or
    /// doubled by resuming, and how long it takes.
    Resume(Resume),
    /// People who talk, are in the middle of a frame, silent in a chat, or in the queue, while the
    /// server hands all of them to its next process again and again: what is lost or doubled by it,
    /// and how long nobody is served.
    Handover(Handover),
    /// Pairs who talk, at first alone and then beside people who never read what they are sent, and
    /// others who never come to the end of their request: what the former notice of the latter.
    Slow(Slow),
    /// Boxes that act as one, on networks of their own: people who meet within and across them, while
    /// boxes and what is between them are cut off, frozen, killed and started again. What is lost by
    /// it, how long things take, and whether everybody knows whom they talk to.
    Boxes(Boxes),
    /// The same relay against the engine and against the bare floor, in turn: CPU per message.
    CompareFloor(CompareFloor),
}

/// Whom to load, from where, and how to tell of it.
#[derive(Args, Debug)]
pub(crate) struct Aim {
    /// Where the server listens; or several that act as one, each of which people come to in turn.
    #[arg(long = "target", value_name = "HOST:PORT", value_parser = target, value_delimiter = ',')]
    #[arg(required = true)]
    pub(crate) targets: Vec<SocketAddr>,
    /// Allow a target that is not this machine.
    #[arg(long)]
    pub(crate) i_may_load_this_host: bool,
    /// Source addresses: so many of 127.1.0.1 and on, or one for each person, or these.
    #[arg(long, value_name = "N|one-each|A,B,C", default_value = "one-each")]
    pub(crate) sources: Sources,
    /// Threads, each with a ring of its own [default: as few as have room for all sockets].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) reactors: Option<u16>,
    /// Keep the generator on these cores, its reactors in turn.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) cores: Vec<usize>,
    /// The server's process, or those of several, to read their CPU time and memory.
    #[arg(long = "pid", value_name = "PID", value_delimiter = ',')]
    pub(crate) pids: Vec<u32>,
    /// Where the server tells its numbers for Prometheus: what it counted itself, and the sockets it
    /// holds before and after.
    #[arg(long, value_name = "http://HOST:PORT")]
    pub(crate) metrics: Option<Endpoint>,
    #[command(flatten)]
    pub(crate) encryption: Encryption,
    #[command(flatten)]
    pub(crate) telling: Telling,
}

/// Whether and how TLS is spoken.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Encryption {
    /// Speak TLS, to a server whose certificate one of those in this file (PEM) has signed, or is.
    /// Handshakes are whole ones: nobody resumes another's session.
    #[arg(long, value_name = "FILE", conflicts_with = "tls_insecure")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Speak TLS, whatever the certificate: for those that sign their own.
    #[arg(long)]
    pub(crate) tls_insecure: bool,
    /// Whom the certificate shall name, and the handshake asks for [default: the target's address].
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_name: Option<String>,
}

impl Encryption {
    /// Whether it is spoken.
    pub(crate) fn is_wanted(&self) -> bool {
        self.tls_insecure || self.tls_ca.is_some()
    }
}

/// What becomes of the result.
#[derive(Args, Clone, Debug)]
pub(crate) struct Telling {
    /// Write the result to this folder: result.json, as bench/schema.json describes it; report.html,
    /// with plots; latency.hlog and a .hgrm of each latency, for the tools of HdrHistogram.
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
    /// Tell nothing on the way.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// What choices, texts and nonces are derived from, in hex [default: another one every run].
    #[arg(long, value_name = "HEX", default_value_t = Seed::fresh(), hide_default_value = true)]
    pub(crate) seed: Seed,
}

impl Run {
    /// What becomes of its result.
    pub(crate) fn telling(&self) -> &Telling {
        match self {
            Self::Idle(args) => &args.aim.telling,
            Self::Connect(args) => &args.aim.telling,
            Self::Match(args) => &args.aim.telling,
            Self::Churn(args) => &args.aim.telling,
            Self::Relay(args) => &args.aim.telling,
            Self::Resume(args) => &args.aim.telling,
            Self::Handover(args) => &args.aim.telling,
            Self::Slow(args) => &args.aim.telling,
            Self::Boxes(args) => &args.telling,
            Self::CompareFloor(args) => &args.telling,
        }
    }
}

/// How long the load is on, and how high.
#[derive(Args, Clone, Debug)]
pub(crate) struct Course {
    /// How long to measure.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) secs: Duration,
    /// How long the load is on before that, not measured.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) warm_up: Duration,
    /// Phases instead of --secs, whose levels are multiples of what is asked for: `ramp:TIME[:LEVELx]`
    /// goes there in a line, hold:TIME stays, `spike:TIME[:LEVELx]` jumps there and back. As in
    /// ramp:10s,hold:30s,spike:5s:3x,hold:30s.
    #[arg(long, value_name = "PHASES", value_delimiter = ',', conflicts_with = "secs")]
    pub(crate) phases: Vec<PhaseWish>,
}

/// What is spoken on the wire.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Wire {
    /// The server is a bare one at /ws: it pairs connections as they come and relays binary frames
    /// verbatim, or echoes them; there is nothing to join. With a frame that is empty it may, but
    /// need not, tell both that they are paired.
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "relay")]
    pub(crate) peer: Option<Peer>,
    /// What becomes of several frames for one connection that are written at once.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) writes: Writes,
}

/// What a bare server does with frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// Pairs connections as they come, and relays.
    Relay,
    /// Sends them back.
    Echo,
}

/// What becomes of several frames for one connection that are written at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Writes {
    /// They leave as one send.
    #[default]
    Merged,
    /// Each leaves as a send of its own.
    Single,
}

/// `idle`
#[derive(Args, Debug)]
#[command(after_help = IDLE_EXAMPLES)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// How many connections to hold in the end.
    #[arg(long, value_name = "N", default_value = "15000", value_parser = count)]
    pub(crate) connections: usize,
    /// Where to stop and measure on the way.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = count)]
    pub(crate) steps: Vec<usize>,
    /// How long to hold at each step [default: until every connection was pinged; of a bare server,
    /// which doesn't ping, 3s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) hold: Option<Duration>,
    /// The longest to wait for every connection's ping at a step.
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
    pub(crate) hold_max: Duration,
    /// A course instead, whose levels are multiples of --connections: `ramp:TIME[:LEVELx]` goes there
    /// in a line, hold:TIME stays, `spike:TIME[:LEVELx]` jumps there and back.
    #[arg(long, value_name = "PHASES", value_delimiter = ',', conflicts_with_all = ["steps", "hold"])]
    pub(crate) phases: Vec<PhaseWish>,
    /// Where those go whom the target sends elsewhere (`reconnect`), when they were told to. `done`
    /// of each second, in the result, is how many arrived in it.
    #[arg(long, value_name = "HOST:PORT", value_parser = target, requires = "phases")]
    pub(crate) also: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) wire: Wire,
}

const IDLE_EXAMPLES: &str = "\
Examples:
  What a connection costs, beyond what a server needs for any at all:
    whisper-bench idle --target 127.0.0.1:8080 --connections 100k --steps 50k --pid $(pidof whisper)
  Whether memory comes back when people go:
    whisper-bench idle --target 127.0.0.1:8080 --connections 50k --pid $(pidof whisper) \\
        --phases ramp:20s,hold:20s,ramp:20s:0x,hold:20s
  How evenly people come who are sent elsewhere (by `whisperctl drain`, while it holds):
    whisper-bench idle --target 127.0.0.1:8080 --also 127.0.0.1:8081 --phases ramp:10s,hold:50s \\
        --out drain";

/// `connect`
#[derive(Args, Debug)]
#[command(after_help = CONNECT_EXAMPLES)]
pub(crate) struct Connect {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// Closed loop: people who come in all.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = count)]
    pub(crate) connections: usize,
    /// Closed loop: people on their way at once.
    #[arg(long, value_name = "N", default_value = "256", value_parser = count)]
    pub(crate) at_once: usize,
    /// Open loop instead: people a second who set out, however many are on their way.
    #[arg(long, value_name = "N", value_parser = rate, conflicts_with_all = ["connections", "at_once"])]
    pub(crate) rate: Option<f64>,
    /// Whether they set out at even distances, or as independent people would.
    #[arg(long, value_name = "HOW", value_enum, default_value = "even", requires = "rate")]
    pub(crate) spacing: Spacing,
    /// How long each stays once there.
    #[arg(long, value_name = "TIME|end", default_value = "end")]
    pub(crate) stay: Stay,
    /// Have them join too, each two with a partner, and be there when matched.
    #[arg(long, conflicts_with = "peer")]
    pub(crate) join: bool,
    #[command(flatten)]
    pub(crate) course: Course,
    #[command(flatten)]
    pub(crate) wire: Wire,
}

const CONNECT_EXAMPLES: &str = "\
Examples:
  100,000 people, 256 on their way at once, and what an upgrade costs the server:
    whisper-bench connect --target 127.0.0.1:8080 --connections 100k --pid $(pidof whisper)
  What a restart does: 5,000 people a second whatever happens, held to a promise:
    whisper-bench connect --target 127.0.0.1:8080 --rate 5k --secs 20 \\
        --spacing poisson --threshold 'connect.p99<100ms'
  People who come for a second and go:
    whisper-bench connect --target 127.0.0.1:8080 --rate 1k --secs 1m --stay 1s";

/// `match`
#[derive(Args, Debug)]
#[command(after_help = MATCH_EXAMPLES)]
pub(crate) struct Match {
    #[command(flatten)]
    pub(crate) aim: Aim,
    #[command(flatten)]
    pub(crate) course: Course,
    /// Who meets whom.
    #[arg(long, value_name = "MODEL", value_enum, default_value_t)]
    pub(crate) model: MatchModel,
    /// Joins a second. In a rendezvous, those who wait and those who arrive together.
    #[arg(long, value_name = "N", default_value = "5000", value_parser = rate)]
    pub(crate) rate: f64,
    /// Whether joins are due at even distances, or as independent people would come.
    #[arg(long, value_name = "HOW", value_enum, default_value = "even")]
    pub(crate) spacing: Spacing,
    /// People who take turns in joining [default: enough for each to wait 4s and stay; in a
    /// rendezvous to join every 2s]. Too few, and people meet whom they met before, which the engine
    /// avoids.
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) people: Option<usize>,
    /// Zipf: how many interests there are.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = count)]
    pub(crate) interests: usize,
    /// Zipf: how much more the first are liked; the n-th N^-S times as often as the first.
    #[arg(long, value_name = "S", default_value = "1", value_parser = exponent)]
    pub(crate) exponent: f64,
    /// Zipf: how many interests each has, of which any number is as likely.
    #[arg(long, value_name = "MIN-MAX", default_value = "1-5", value_parser = each)]
    pub(crate) each: RangeInclusive<usize>,
    /// Zipf: how far people go from their interests as they wait: strict, gradual or anyone.
    #[arg(long, value_name = "HOW", default_value = "gradual", value_parser = relax)]
    pub(crate) relax: Relax,
    /// Zipf: how long a chat lasts in the mean.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) stay: Duration,
    /// Zipf: the share of chats that end with a skip, by which whoever ends it waits again with the
    /// same wishes; the others end with leaving.
    #[arg(long, value_name = "SHARE", default_value = "0.25", value_parser = share)]
    pub(crate) skips: f64,
    /// Rendezvous: how long a partner waits before the other joins.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(crate) lead: Duration,
}

/// Who meets whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatchModel {
    /// Anybody: interests are drawn by Zipf's law, and the engine finds who fits.
    #[default]
    Zipf,
    /// Two of different shards with an interest of their own: one waits, then the other joins.
    Rendezvous,
}

const MATCH_EXAMPLES: &str = "\
Examples:
  1,000 joins a second of people who like what many like, held to a promise:
    whisper-bench match --target 127.0.0.1:8080 --rate 1k --secs 60 --threshold 'match.mean<100ms'
  A niche audience: 100,000 interests, nearly all as rare, and nobody settles for less:
    whisper-bench match --target 127.0.0.1:8080 --interests 100k --exponent 0.5 --relax strict
  How long it takes to find the one partner there is, on another shard:
    whisper-bench match --target 127.0.0.1:8080 --model rendezvous --threshold 'match.p99<1ms'";

/// `churn`
#[derive(Args, Debug)]
#[command(after_help = CHURN_EXAMPLES)]
pub(crate) struct Churn {
    #[command(flatten)]
    pub(crate) aim: Aim,
    #[command(flatten)]
    pub(crate) course: Course,
    /// How many people there are, whether they are connected or away for the moment.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = count)]
    pub(crate) people: usize,
    /// How they behave, in TOML [default: as in bench/models/people.toml, which is built in].
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// How many times faster than the model they live.
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = rate)]
    pub(crate) hurry: f64,
}

const CHURN_EXAMPLES: &str = "\
Examples:
  A soak of an hour, as people live, and whether memory grows:
    whisper-bench churn --target 127.0.0.1:8080 --people 10k --secs 1h --warm-up 5m \\
        --pid $(pidof whisper) --threshold 'server_anonymous_growth_kb_per_10min<100'
  The same hour in six minutes:
    whisper-bench churn --target 127.0.0.1:8080 --people 10k --hurry 10 --secs 6m
  A town that fills and empties, with people of your own:
    whisper-bench churn --target 127.0.0.1:8080 --model town.toml --phases ramp:5m,hold:10m,ramp:5m:0x";

/// `relay`
#[derive(Args, Debug)]
#[command(after_help = RELAY_EXAMPLES)]
pub(crate) struct Relay {
    #[command(flatten)]
    pub(crate) aim: Aim,
    #[command(flatten)]
    pub(crate) talk: Talk,
    #[command(flatten)]
    pub(crate) wire: Wire,
}

const RELAY_EXAMPLES: &str = "\
Examples:
  As fast as it goes, 16 messages in flight in each of 100 pairs:
    whisper-bench relay --target 127.0.0.1:8080 --pairs 100 --depth 16
  20,000 messages a second whatever the answers, and CPU time of the server:
    whisper-bench relay --target 127.0.0.1:8080 --pairs 5k --rate 20k --pid $(pidof whisper)
  A spike, held to a promise, with a page of plots:
    whisper-bench relay --target 127.0.0.1:8080 --rate 10k \\
        --phases ramp:10s,hold:20s,spike:5s:4x,hold:20s --threshold 'relay.p99<5ms' --out spike";

/// What pairs do.
#[derive(Args, Clone, Debug)]
pub(crate) struct Talk {
    /// Pairs who talk.
    #[arg(long, value_name = "N", default_value = "100", value_parser = count)]
    pub(crate) pairs: usize,
    /// Closed loop: messages in flight in each pair; whoever gets one sends the next.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub(crate) depth: usize,
    /// Open loop instead: messages a second, sent when they are due whatever came of those before.
    #[arg(long, value_name = "N", value_parser = rate, conflicts_with = "depth")]
    pub(crate) rate: Option<f64>,
    /// Whether messages are due at even distances, or as independent people would talk.
    #[arg(long, value_name = "HOW", value_enum, default_value = "even", requires = "rate")]
    pub(crate) spacing: Spacing,
    /// The length of what is said.
    #[arg(long, value_name = "N", default_value = "64", value_parser = count)]
    pub(crate) bytes: usize,
    #[command(flatten)]
    pub(crate) course: Course,
    /// Name the room in every message, as the web client does.
    #[arg(long)]
    pub(crate) room: bool,
    /// Talk in the moderated lane.
    #[arg(long)]
    pub(crate) moderated: bool,
}

/// `slow`
#[derive(Args, Debug)]
#[command(after_help = SLOW_EXAMPLES)]
pub(crate) struct Slow {
    #[command(flatten)]
    pub(crate) aim: Aim,
    /// Pairs who talk.
    #[arg(long, value_name = "N", default_value = "100", value_parser = count)]
    pub(crate) pairs: usize,
    /// Their messages a second, open loop.
    #[arg(long, value_name = "N", default_value = "2000", value_parser = rate)]
    pub(crate) rate: f64,
    /// The length of what they say.
    #[arg(long, value_name = "N", default_value = "64", value_parser = count)]
    pub(crate) bytes: usize,
    /// How long they talk before that, not measured.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) warm_up: Duration,
    /// How long they are alone.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) calm: Duration,
    /// How long they aren't.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    pub(crate) attack: Duration,
    /// People who join in pairs, talk, and never read; an odd one waits in vain.
    #[arg(long, value_name = "N", default_value = "20", value_parser = count)]
    pub(crate) readers: usize,
    /// What each of them says a second, in messages of 2,000 bytes. It takes some megabytes until
    /// the system's own buffers are full, and the server knows.
    #[arg(long, value_name = "N", default_value = "500", value_parser = rate)]
    pub(crate) flood: f64,
    /// People who send the head of their request byte by byte, without an end.
    #[arg(long, value_name = "N", default_value = "500", value_parser = count)]
    pub(crate) handshakes: usize,
    /// The time from one of these bytes to the next.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) drip: Duration,
}

const SLOW_EXAMPLES: &str = "\
Examples:
  Whether anybody notices 1,000 slow readers and 5,000 slow handshakes:
    whisper-bench slow --target 127.0.0.1:8080 --readers 1k --handshakes 5k --attack 1m \\
        --threshold 'attacked_to_calm_p99<2' --threshold 'attackers_left==0'";

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

/// `compare`
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// A folder that --out made, or the result.json in it.
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// Another one.
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
