//! `cargo xtask sim`: random worlds and towns, a seed each, with every rule checked.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let [seeds, seed] = [args.seeds, args.seed].map(|number| number.to_string());
    // As the tests are built: what breaks unwinds, and says its seed; overflows are noticed.
    let cargo = checkout.cargo(&["run", "--quiet", "--package", "whisper-sim", "--"]);
    cargo.args(["--seeds", &seeds, "--seed", &seed]).run()?;
    Ok(ExitCode::SUCCESS)
}
