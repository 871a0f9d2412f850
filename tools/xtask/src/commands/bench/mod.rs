//! `cargo xtask bench`: what the engine costs, beside what people would pick instead.

mod boxes;
mod contestants;
mod document;
pub(crate) mod guard;
mod host;
mod million;
mod peers;
mod reactors;
mod runs;
pub(crate) mod soak;
mod table;
mod works;

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;

#[derive(clap::Subcommand)]
pub(crate) enum Action {
    /// Measure the engine beside its rivals, and write bench/RESULTS.md.
    Peers(peers::Args),
    /// Have a million people come, meet in pairs and talk, all at once; write bench/RESULTS.md.
    Million(million::Args),
    /// Have people come, talk and go for half an hour, and look for what isn't given back; write
    /// bench/RESULTS.md.
    Soak(soak::Args),
    /// Have 3,000 people live on three boxes that act as one, while these are cut off, frozen and
    /// killed; write docs/cluster.md.
    Boxes(boxes::Args),
    /// Count the instructions of the hot paths, and hold them to bench/instructions.json.
    Guard(guard::Args),
}

pub(crate) fn run(checkout: &Checkout, action: &Action) -> Result<ExitCode> {
    match action {
        Action::Peers(args) => peers::run(checkout, args),
        Action::Million(args) => million::run(checkout, args),
        Action::Soak(args) => soak::run(checkout, args),
        Action::Boxes(args) => boxes::run(checkout, args),
        Action::Guard(args) => guard::run(checkout, args),
    }
}
