//! `whisperctl`: the operator's command line, over the engine's operators' doors; and, where no
//! engine is needed, by itself.
//!
//! Exit status: 0 done, or as it should be; 1 not so, or the engine refuses; 2 it wasn't reached or
//! asked. What is printed has no colours, and nobody need read it to its end.

mod admin;
mod audit;
mod bans;
mod cluster;
mod doctor;
mod drain;
mod openmetrics;
mod print;
mod reports;
mod rules;
mod status;
mod switches;
mod top;
mod upgrade;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use whisper_manual::{Completions, Pages};

use self::admin::{Admin, AdminError, Door};
use self::print::{Care, Form, Why};

/// Look after a running Whisper engine.
///
/// Exit status: 0 done, or as it should be; 1 not so, or the engine refuses; 2 not reached or asked.
#[derive(Debug, Parser)]
#[command(name = "whisperctl", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    place: Place,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// Where the engine is reached.
#[derive(Debug, Args)]
struct Place {
    /// The engine's operators' socket
    /// [default: /run/whisper/admin.sock, or else data/admin.sock].
    #[arg(long, value_name = "PATH", env = "WHISPER_ADMIN_SOCKET", global = true)]
    socket: Option<PathBuf>,
    /// Its operators' listener, where there is no way to the socket: see `whisper serve --admin`.
    #[arg(long, value_name = "ADDR", env = "WHISPER_ADMIN", global = true)]
    admin: Option<SocketAddr>,
    /// A file with the token to show there: see `whisper serve --admin-token`.
    #[arg(long, value_name = "FILE", env = "WHISPER_ADMIN_TOKEN", global = true)]
    token: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Engine(Ask),
    /// Say whether this machine can serve so many people, and what to change; no engine is asked.
    ///
    /// Exit status: 0 all is well; 1 something could be better; 2 something keeps the engine from
    /// serving so many, or the settings can't be read.
    Doctor(doctor::Wish),
    /// Try moderation rules, here and now; no engine is asked.
    ///
    /// Exit status: 0 good, or nothing at fault; 1 something at fault; 2 rules or file not read.
    #[command(subcommand)]
    Rules(rules::Command),
    /// Print completions for a shell.
    Completions(Completions),
    /// Print this program's page for `man`.
    Man(Pages),
}

/// What an engine is asked.
#[derive(Debug, Subcommand)]
enum Ask {
    /// Say how the engine is: alive, ready, and the numbers of each reactor.
    Status {
        #[command(flatten)]
        form: Form,
    },
    /// Show what each reactor does, second by second, until interrupted.
    Top(top::Top),
    /// Print the engine's numbers in sum.
    Stats {
        #[command(flatten)]
        form: Form,
    },
    /// Show the nodes that act as one, as this one hears them: who owns how many of the buckets, how
    /// the links to them are, and what was refused.
    ///
    /// Exit status: 0 where the others count on this node, or there are to be none; 1 where not.
    #[command(visible_alias = "nodes")]
    Cluster {
        #[command(flatten)]
        form: Form,
    },
    /// Open and close lanes.
    #[command(subcommand)]
    Lanes(switches::Lanes),
    /// Look at what people report, and decide.
    #[command(subcommand)]
    Reports(reports::Reports),
    /// Ban somebody.
    Ban {
        /// An address or a block, as 192.0.2.7 or 2001:db8::/48; or a key, as banned:users:NAME.
        whom: String,
        #[command(flatten)]
        sentence: bans::Sentence,
        /// The kind of ban, in letters, digits and _.
        #[arg(long)]
        code: Option<String>,
        /// Why, for the audit [default: what the person is told].
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        #[command(flatten)]
        care: Care,
        #[command(flatten)]
        form: Form,
    },
    /// Lift a ban.
    Unban {
        /// What the banned person quotes, or what the ban is on.
        name: String,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        care: Care,
        #[command(flatten)]
        form: Form,
    },
    /// List the bans in force, those that end first at the front.
    Bans {
        #[command(flatten)]
        form: Form,
    },
    /// Decide on bans that are suddenly gone from the shared store: until then they stay in force.
    #[command(subcommand)]
    Withheld(bans::Withheld),
    /// Say who decided what, when and why, the latest first.
    Audit {
        /// Only on this: a report's id, or what a banned person quotes.
        #[arg(long)]
        subject: Option<String>,
        /// So many, at most 1,000.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        form: Form,
    },
    /// Send everybody elsewhere at an even rate, those who chat last, and end the engine.
    Drain(drain::Drain),
    /// Have the engine that is installed take over from the one that runs: nobody is cut off.
    ///
    /// Exit status: 0 it has; 1 the one that runs goes on, and says why.
    Upgrade(upgrade::Upgrade),
    /// Have newcomers prove some work, or not.
    Challenge {
        #[arg(value_enum, default_value = "show")]
        wish: switches::Challenge,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Say how much is logged, or decide it.
    LogLevel {
        /// error, warn, info, debug or trace.
        level: Option<String>,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        form: Form,
    },
}

fn main() -> ExitCode {
    let Cli { place, command } = Cli::parse();
    let done = match command {
        Command::Doctor(wish) => match doctor::run(wish) {
            Ok(status) => return ExitCode::from(status),
            Err(error) => Err((2, error)),
        },
        Command::Rules(command) => rules::run(&command).map_err(|error| (2, error.to_string())),
        Command::Completions(wish) => written(wish.print(Cli::command())),
        Command::Man(wish) => written(wish.print(Cli::command())),
        Command::Engine(asked) => {
            ask(place, asked).map_err(|error| (error.exit_code(), error.to_string()))
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err((code, error)) => {
            let _ = writeln!(io::stderr(), "whisperctl: {error}");
            ExitCode::from(code)
        }
    }
}

/// Something that needs no engine is done, or can't be.
fn written(done: io::Result<()>) -> Result<bool, (u8, String)> {
    done.map(|()| true).map_err(|error| (2, error.to_string()))
}

/// Asks an engine, and says whether all is well.
fn ask(Place { socket, admin, token }: Place, asked: Ask) -> Result<bool, AdminError> {
    let admin = Admin::new(Door::find(socket, admin, token.as_deref())?);
    match asked {
        Ask::Status { form } => status::status(&admin, form),
        Ask::Top(wish) => top::run(&admin, &wish),
        Ask::Stats { form } => status::stats(&admin, form),
        Ask::Cluster { form } => cluster::show(&admin, form),
        Ask::Lanes(command) => switches::lanes(&admin, command),
        Ask::Reports(command) => reports::run(&admin, command),
        Ask::Ban { whom, sentence, code, why, care, form } => {
            let words = (code.as_deref(), why.as_deref());
            bans::ban(&admin, &whom, &sentence, words, (care, form))
        }
        Ask::Unban { name, why, care, form } => bans::unban(&admin, &name, &why, (care, form)),
        Ask::Bans { form } => bans::list(&admin, form),
        Ask::Withheld(decision) => bans::withheld(&admin, decision),
        Ask::Audit { subject, limit, form } => audit::list(&admin, subject, limit, form),
        Ask::Drain(wish) => drain::run(&admin, &wish),
        Ask::Upgrade(wish) => upgrade::run(&admin, &wish),
        Ask::Challenge { wish, why, form } => switches::challenge(&admin, wish, &why, form),
        Ask::LogLevel { level, why, form } => switches::log_level(&admin, level, &why, form),
    }
}
