//! `cargo xtask fmt`: every source as its formatter likes it.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::{Checkout, WORKSPACES};
use crate::client;

pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    for workspace in WORKSPACES {
        checkout.cargo(&["fmt", "--all"]).folder(checkout.path(workspace)).run()?;
    }
    client::script(checkout, "format")?.run()?;
    Ok(ExitCode::SUCCESS)
}
