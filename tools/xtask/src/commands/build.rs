//! `cargo xtask build`: client and engine, as they are shipped.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::client;

pub(crate) fn run(checkout: &Checkout) -> Result<ExitCode> {
    client::build_if_stale(checkout)?;
    let engine = engine(checkout)?;
    println!("client: {}", client::web_root(checkout).display());
    println!("engine: {}", engine.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds the engine, optimised; returns where it stands.
pub(crate) fn engine(checkout: &Checkout) -> Result<PathBuf> {
    checkout
        .cargo(&["build", "--release", "--package", "whisper-engine", "--bin", "whisper"])
        .run()?;
    Ok(checkout.target("release/whisper"))
}
