//! `cargo xtask vectors`: the golden bytes, written anew from the types.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::client;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where what is written differs from what would be.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let tests = checkout.cargo(&["test", "--package", "whisper-proto", "--test", "vectors"]);
    if args.check {
        tests.run()?;
        return Ok(ExitCode::SUCCESS);
    }
    // The bytes of the Rust codec first; then what an independent encoder makes of the same.
    tests.env("WHISPER_BLESS", "1").args(["every_message"]).run()?;
    client::install(checkout)?;
    let script = checkout.path("proto/vectors/javascript.mjs");
    checkout.task("node").folder(checkout.path(client::FOLDER)).args([script]).run()?;
    checkout.cargo(&["test", "--package", "whisper-proto", "--test", "vectors"]).run()?;
    Ok(ExitCode::SUCCESS)
}
