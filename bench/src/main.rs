//! The load generator.
//!
//! A scenario says what people do ([`scenarios`]), a plan who they are and how much is asked of them
//! when ([`plan`]); one driver turns both into sockets over one reactor ([`driver`]), each
//! connection's protocol being a [`client`], and a fleet of them carries a plan out together
//! ([`fleet`]). What is counted and timed on the way is added up second by second ([`record`]);
//! what is measured outside the wire, of the server and of ourselves, is read from `/proc`
//! ([`measure`]). Whoever started it is told how it goes ([`operator`]); what came of it is a
//! [`report`].
//!
//! Exits with 0 where the run is good; with 1 where it could not be done, or anything was lost or
//! wrong; with 2 where the command line was; with 3 where all went well but the generator was the
//! bottleneck, so that the figures mean nothing; with 99 where a threshold was missed.

mod channel;
mod cli;
mod client;
mod cpus;
mod driver;
mod fleet;
mod measure;
mod operator;
mod payload;
mod plan;
mod record;
mod report;
mod scenarios;
mod server;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use self::cli::{Cli, Command};
use self::operator::Operator;
use self::report::{Folder, Outcome};

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(outcome) => exit_code(outcome),
        Err(error) => {
            let _ = writeln!(io::stderr(), "whisper-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<Outcome, Box<dyn Error>> {
    let telling = command.telling();
    let folder = telling.out.as_deref().map(Folder::make).transpose()?;
    let operator = Operator::new(telling.quiet)?;
    let mut report = match command {
        Command::Idle(args) => scenarios::idle::run(args, &operator)?,
        Command::Connect(args) => scenarios::connect::run(args, &operator)?,
        Command::Match(args) => scenarios::matching::run(args, &operator)?,
        Command::Relay(args) => scenarios::relay::run(args, &operator)?,
        Command::CompareFloor(args) => scenarios::floor::run(args, &operator)?,
    };
    report.demand(&telling.thresholds);
    let result = report.result(telling.seed.0);
    if let Some(folder) = folder {
        folder.write(&result)?;
    }
    let text = if telling.json { serde_json::to_string(&result)? } else { report.table() };
    // Nobody to read the report is no reason to call a bad run good.
    let _ = writeln!(io::stdout(), "{text}");
    Ok(result.outcome)
}

fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Good => ExitCode::SUCCESS,
        Outcome::Missed => ExitCode::from(99),
        Outcome::Invalid => ExitCode::from(3),
        Outcome::Failed => ExitCode::FAILURE,
    }
}
