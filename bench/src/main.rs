//! The load generator.
//!
//! A scenario says what people do ([`scenarios`]), a plan who they are and how much is asked of them
//! when ([`plan`]); one driver turns both into sockets over one reactor ([`driver`]), each
//! connection's protocol being a [`client`], and a fleet of them carries a plan out together
//! ([`fleet`]). What is counted and timed on the way is added up second by second ([`record`]);
//! what is measured outside the wire, of the server and of ourselves, is read from `/proc`
//! ([`measure`]). Servers that a run has for itself are started by [`server`], several of them, on a
//! network that can be cut, by [`town`]; the [`register`] knows who is in a room with whom. Whoever started it is told how it goes ([`operator`]); what came of it is a
//! [`report`].
//!
//! Exits with 0 where the run is good; with 1 where it could not be done, or anything was lost or
//! wrong; with 2 where the command line was; with 3 where all went well but the generator was the
//! bottleneck, so that the figures mean nothing; with 4 where the system forbids what the run needs;
//! with 99 where a threshold was missed.

mod channel;
mod cli;
mod client;
mod cpus;
mod driver;
mod fleet;
mod measure;
mod network;
mod operator;
mod payload;
mod plan;
mod record;
mod register;
mod report;
mod scenarios;
mod server;
mod town;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use self::cli::{Cli, Command, Run};
use self::operator::Operator;
use self::report::{Folder, Outcome};
use self::town::TownError;

/// The system doesn't let us have what the run needs.
const FORBIDDEN: u8 = 4;

fn main() -> ExitCode {
    match obey(&Cli::parse().command) {
        Ok(outcome) => exit_code(outcome),
        Err(error) => {
            let _ = writeln!(io::stderr(), "whisper-bench: {error}");
            match error.downcast_ref::<TownError>().is_some_and(TownError::is_forbidden) {
                true => ExitCode::from(FORBIDDEN),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn obey(command: &Command) -> Result<Outcome, Box<dyn Error>> {
    let (text, outcome) = match command {
        Command::Run(run) => carry_out(run)?,
        Command::Compare(args) => (report::compare(&args.first, &args.second)?, Outcome::Good),
        Command::Completions(wish) => {
            return Ok(wish.print(Cli::command()).map(|()| Outcome::Good)?);
        }
        Command::Man(wish) => return Ok(wish.print(Cli::command()).map(|()| Outcome::Good)?),
    };
    // Nobody to read the report is no reason to call a bad run good.
    let _ = writeln!(io::stdout(), "{text}");
    Ok(outcome)
}

fn carry_out(run: &Run) -> Result<(String, Outcome), Box<dyn Error>> {
    let telling = run.telling();
    let folder = telling.out.as_deref().map(Folder::make).transpose()?;
    let operator = Operator::new(telling.quiet)?;
    let mut report = match run {
        Run::Idle(args) => scenarios::idle::run(args, &operator)?,
        Run::Connect(args) => scenarios::connect::run(args, &operator)?,
        Run::Churn(args) => scenarios::churn::run(args, &operator)?,
        Run::Match(args) => scenarios::matching::run(args, &operator)?,
        Run::Relay(args) => scenarios::relay::run(args, &operator)?,
        Run::Resume(args) => scenarios::resume::run(args, &operator)?,
        Run::Handover(args) => scenarios::handover::run(args, &operator)?,
        Run::Slow(args) => scenarios::slow::run(args, &operator)?,
        Run::Boxes(args) => scenarios::boxes::run(args, &operator)?,
        Run::CompareFloor(args) => scenarios::floor::run(args, &operator)?,
    };
    report.demand(&telling.thresholds);
    let result = report.result(telling.seed.0);
    if let Some(folder) = folder {
        folder.write(&report, &result)?;
    }
    let text = if telling.json { serde_json::to_string(&result)? } else { report.table() };
    Ok((text, result.outcome))
}

fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Good => ExitCode::SUCCESS,
        Outcome::Missed => ExitCode::from(99),
        Outcome::Invalid => ExitCode::from(3),
        Outcome::Failed => ExitCode::FAILURE,
    }
}
