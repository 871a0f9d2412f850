//! `cargo xtask configuration`: the page about settings, written anew from the engine's types.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where what is written differs from what would be. So do the engine's tests.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let test = ["test", "--package", "whisper-engine", "--test", "configuration", "the_page"];
    let task = checkout.cargo(&test);
    if args.check { task.run() } else { task.env("WHISPER_BLESS", "1").run() }?;
    Ok(ExitCode::SUCCESS)
}
