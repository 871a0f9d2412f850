//! The project's own commands: `cargo xtask run`, `cargo xtask test` and their friends.
//!
//! Each command is a module under [`commands`]. Beneath them: [`process`] starts programs,
//! [`debian`] fetches the missing ones, [`client`] knows the frontend, [`policy`] holds the
//! dependencies to `deny.toml`, [`walls`] knows the rooms of the house, [`steps`] sums up.

#![allow(clippy::print_stdout, reason = "a command line speaks on stdout")]

mod checkout;
mod client;
mod commands;
mod debian;
mod freshness;
mod policy;
mod process;
mod steps;
mod tally;
mod walls;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::checkout::Checkout;

/// What went wrong, in words for a person. No caller tells errors apart, so they carry no types.
type Error = Box<dyn std::error::Error>;
type Result<T = ()> = std::result::Result<T, Error>;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build client and engine, and serve both on http://127.0.0.1:8080.
    Run(commands::run::Args),
    /// Check and test everything; install what is missing, and say so.
    Test(commands::test::Args),
    /// What continuous integration runs: the same as `test`.
    Ci(commands::test::Args),
    /// Build the client and the engine, optimised.
    Build,
    /// Pack what people install: a tarball, and a package for Debian.
    Dist(commands::dist::Args),
    /// Formatting, clippy, licences and bans, the walls, the frontend's linter.
    Lint(commands::lint::Args),
    /// Format all sources, Rust and frontend.
    Fmt,
    /// Serve the frontend with live reload, against a running engine or one started for it.
    FeDev,
    /// Redis and PostgreSQL on private ports under `.services/`, for use by hand.
    #[command(subcommand)]
    Services(commands::services::Action),
    /// Simulate many small worlds and towns, a seed each, and check every rule.
    Sim(commands::sim::Args),
    /// Look for bytes that break a promise, with libFuzzer.
    Fuzz(commands::fuzz::Args),
    /// Measure: the engine beside its rivals.
    #[command(subcommand)]
    Bench(commands::bench::Action),
    /// Write the client's TypeScript types anew, from the Rust types.
    Types(commands::types::Args),
    /// Write docs/configuration.md anew, from the engine's types.
    Configuration(commands::configuration::Args),
    /// Write the golden bytes of the protocol anew.
    Vectors(commands::vectors::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Checkout::find().and_then(|checkout| match cli.command {
        Command::Run(args) => commands::run::run(&checkout, &args),
        Command::Test(args) | Command::Ci(args) => commands::test::run(&checkout, &args),
        Command::Build => commands::build::run(&checkout),
        Command::Dist(args) => commands::dist::run(&checkout, &args),
        Command::Lint(args) => commands::lint::run(&checkout, &args),
        Command::Fmt => commands::fmt::run(&checkout),
        Command::FeDev => commands::fe_dev::run(&checkout),
        Command::Services(action) => commands::services::run(&checkout, action),
        Command::Sim(args) => commands::sim::run(&checkout, &args),
        Command::Fuzz(args) => commands::fuzz::run(&checkout, &args),
        Command::Bench(action) => commands::bench::run(&checkout, &action),
        Command::Types(args) => commands::types::run(&checkout, &args),
        Command::Configuration(args) => commands::configuration::run(&checkout, &args),
        Command::Vectors(args) => commands::vectors::run(&checkout, &args),
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
