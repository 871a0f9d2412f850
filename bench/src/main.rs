//! The load generator.
//!
//! A scenario says what people do ([`scenarios`]), a plan who they are and for how long ([`plan`]);
//! one driver turns both into sockets over one reactor ([`driver`]), each connection's protocol
//! being a [`client`]. What is measured outside the wire, of the server and of ourselves, is read
//! from `/proc` ([`measure`]); what came of it is a [`report`].
//!
//! Exits with 0 where the run is good; with 1 where it could not be done, or anything was lost or
//! wrong; with 2 where the command line was; with 3 where all went well but the generator was the
//! bottleneck, so that the figures mean nothing.

mod channel;
mod cli;
mod client;
mod cpus;
mod driver;
mod measure;
mod payload;
mod plan;
mod report;
mod scenarios;
mod server;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use self::cli::{Cli, Command};
use self::report::Report;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok((report, as_json)) => {
            let text = if as_json { report.json() } else { report.table() };
            // Nobody to read the report is no reason to call a bad run good.
            let _ = writeln!(io::stdout(), "{text}");
            report.exit_code()
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "whisper-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(Report, bool), Box<dyn std::error::Error>> {
    Ok(match command {
        Command::Idle(args) => (scenarios::idle::run(&args)?, args.aim.json),
        Command::Match(args) => (scenarios::matching::run(&args)?, args.aim.json),
        Command::Relay(args) => (scenarios::relay::run(&args)?, args.aim.json),
        Command::CompareFloor(args) => (scenarios::floor::run(&args)?, args.json),
    })
}
