//! `cargo xtask types`: the client's TypeScript types, written anew from the Rust types.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::process::Task;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where what is written differs from what would be.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let task = check(checkout);
    if args.check { task.run() } else { task.env("WHISPER_BLESS", "1").run() }?;
    Ok(ExitCode::SUCCESS)
}

/// Tests that the types are what they would be.
pub(crate) fn check(checkout: &Checkout) -> Task {
    let test = ["test", "--package", "whisper-proto", "--features", "typescript"];
    checkout.cargo(&test).args(["--test", "typescript"])
}
