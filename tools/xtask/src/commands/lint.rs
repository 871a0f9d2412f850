//! `cargo xtask lint`: what can be said of the sources without running them.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::{Checkout, WORKSPACES};
use crate::steps::{self, Group, Outcome, Step};
use crate::{client, policy, walls};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Stop at the first step that fails.
    #[arg(long)]
    fail_fast: bool,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let mut steps = steps();
    steps.push(FRONTEND);
    Ok(steps::run_all(checkout, &steps, args.fail_fast))
}

/// The steps for Rust, the quick ones first.
pub(crate) fn steps() -> Vec<Step> {
    use Group::{Lint, Walls};
    vec![
        Step { group: Walls, name: "walls", action: walls::check },
        Step { group: Lint, name: "rustfmt", action: rustfmt },
        Step { group: Lint, name: "licences and bans", action: policy::check },
        Step { group: Lint, name: "advisories", action: policy::check_advisories },
        Step { group: Lint, name: "clippy", action: clippy },
        Step { group: Lint, name: "documentation", action: documentation },
        Step { group: Walls, name: "wasm32 build", action: wasm },
    ]
}

/// The frontend's linter and formatter.
pub(crate) const FRONTEND: Step = Step {
    group: Group::Frontend,
    name: "frontend lint",
    action: |checkout| client::script(checkout, "lint").and_then(|task| task.run()).into(),
};

fn rustfmt(checkout: &Checkout) -> Outcome {
    let check = |workspace: &&str| {
        checkout.cargo(&["fmt", "--all", "--check"]).folder(checkout.path(workspace)).run()
    };
    WORKSPACES.iter().try_for_each(check).into()
}

fn clippy(checkout: &Checkout) -> Outcome {
    let args = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    checkout.cargo(&args).run().into()
}

fn documentation(checkout: &Checkout) -> Outcome {
    let args = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    checkout.cargo(&args).env("RUSTDOCFLAGS", "--deny warnings").run().into()
}

/// The pure crates on a target that has no clock, no socket and no environment.
fn wasm(checkout: &Checkout) -> Outcome {
    const TARGET: &str = "wasm32-unknown-unknown";
    let library = checkout.task("rustc").args(["--print", "target-libdir", "--target", TARGET]);
    let installed = library.output().is_ok_and(|path| std::path::Path::new(path.trim()).is_dir());
    if !installed {
        println!("Missing here: Rust's target {TARGET}. Adding it with rustup.");
        if !checkout.task("rustup").args(["target", "add", TARGET]).succeeds() {
            return Outcome::skipped(format!("{TARGET} cannot be had; «walls» reads the sources"));
        }
    }
    let packages = walls::PURE.iter().flat_map(|package| ["--package", package]);
    // Nobody runs it: not optimised, it is built in a quarter of the time.
    let quickly = ["profile.dev.opt-level=0", "profile.dev.package.'*'.opt-level=0"];
    let config = quickly.iter().flat_map(|setting| ["--config", setting]);
    checkout.cargo(&["build", "--target", TARGET]).args(config).args(packages).run().into()
}
