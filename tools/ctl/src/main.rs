//! `whisperctl`: the operator's command line, over the engine's operators' doors; and, where no
//! engine is needed, by itself.
//!
//! Exit status: 0 done, or as it should be; 1 not so, or the engine refuses; 2 it wasn't reached or
//! asked. What is printed has no colours, and nobody need read it to its end.

mod admin;
mod openmetrics;
mod print;
mod rules;
mod status;
mod switches;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::admin::{Admin, AdminError, Door};
use self::print::Form;

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
    /// Try moderation rules, here and now; no engine is asked.
    ///
    /// Exit status: 0 good, or nothing at fault; 1 something at fault; 2 rules or file not read.
    #[command(subcommand)]
    Rules(rules::Command),
}

/// What an engine is asked.
#[derive(Debug, Subcommand)]
enum Ask {
    /// Say how the engine is: alive, ready, and the numbers of each reactor.
    Status {
        #[command(flatten)]
        form: Form,
    },
    /// Print the engine's numbers in sum.
    Stats {
        #[command(flatten)]
        form: Form,
    },
    /// Open and close lanes.
    #[command(subcommand)]
    Lanes(switches::Lanes),
    /// Have newcomers prove some work, or not.
    Challenge {
        #[arg(value_enum, default_value = "show")]
        wish: switches::Challenge,
        /// Why, for the audit.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
        #[command(flatten)]
        form: Form,
    },
    /// Say how much is logged, or decide it.
    LogLevel {
        /// error, warn, info, debug or trace.
        level: Option<String>,
        /// Why, for the audit.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        why: String,
        #[command(flatten)]
        form: Form,
    },
}

fn main() -> ExitCode {
    let Cli { place, command } = Cli::parse();
    let done = match command {
        Command::Rules(command) => rules::run(&command).map_err(|error| (2, error.to_string())),
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

/// Asks an engine, and says whether all is well.
fn ask(Place { socket, admin, token }: Place, asked: Ask) -> Result<bool, AdminError> {
    let admin = Admin::new(Door::find(socket, admin, token.as_deref())?);
    match asked {
        Ask::Status { form } => status::status(&admin, form),
        Ask::Stats { form } => status::stats(&admin, form),
        Ask::Lanes(command) => switches::lanes(&admin, command),
        Ask::Challenge { wish, why, form } => switches::challenge(&admin, wish, &why, form),
        Ask::LogLevel { level, why, form } => switches::log_level(&admin, level, &why, form),
    }
}
