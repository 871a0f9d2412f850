//! `cargo xtask fmt`: every source as its formatter likes it.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::client;

pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    checkout.cargo(&["fmt", "--all"]).run()?;
    client::script(checkout, "format")?.run()?;
    Ok(ExitCode::SUCCESS)
}
