//! `cargo xtask test`: everything.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::commands::bench::{guard, soak};
use crate::commands::{fuzz, lint, types};
use crate::steps::{self, Group, Outcome, Step};
use crate::{client, debian};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the steps of this group; repeatable.
    #[arg(long, value_name = "GROUP")]
    only: Vec<Group>,
    /// Stop at the first step that fails.
    #[arg(long)]
    fail_fast: bool,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let mut steps = all();
    steps.retain(|step| args.only.is_empty() || args.only.contains(&step.group));
    Ok(steps::run_all(checkout, &steps, args.fail_fast))
}

fn all() -> Vec<Step> {
    use Group::{Browser, Frontend, Rust};
    let mut steps = lint::steps();
    steps.extend([
        Step { group: Rust, name: "rust tests", action: rust_tests },
        Step { group: Rust, name: "rust doc tests", action: rust_doc_tests },
        Step {
            group: Rust,
            name: "types of the client",
            action: |checkout| Outcome::of_tests(types::check(checkout)),
        },
        Step { group: Rust, name: "loom models", action: loom_models },
        Step { group: Rust, name: "instruction counts", action: guard::check },
        Step { group: Group::Soak, name: "soak, in short", action: soak::short },
        Step { group: Group::Fuzz, name: "fuzz targets", action: fuzz::smoke },
        lint::FRONTEND,
        Step {
            group: Frontend,
            name: "frontend types",
            action: |checkout| client::script(checkout, "check").and_then(|task| task.run()).into(),
        },
        Step { group: Frontend, name: "frontend tests", action: frontend_tests },
        Step {
            group: Frontend,
            name: "frontend build",
            action: |checkout| client::script(checkout, "build").and_then(|task| task.run()).into(),
        },
        Step {
            group: Frontend,
            name: "frontend size",
            action: |checkout| client::script(checkout, "size").and_then(|task| task.run()).into(),
        },
        Step { group: Browser, name: "browser tests", action: browser_tests },
    ]);
    steps
}

/// Libraries, programs, examples, benchmarks (small) and the simulator's worlds; and what
/// tests start beside them.
fn rust_tests(checkout: &Checkout) -> Outcome {
    let programs = [
        debian::HAPROXY,
        debian::IPROUTE2,
        debian::NATS,
        debian::POSTGRESQL,
        debian::PROMETHEUS,
        debian::REDIS,
        debian::SYSTEMD,
    ];
    if let Err(error) = debian::need(checkout, &programs) {
        return Err(error).into();
    }
    let args = ["test", "--workspace", "--all-targets", "--no-fail-fast"];
    Outcome::of_tests(checkout.cargo(&args))
}

fn rust_doc_tests(checkout: &Checkout) -> Outcome {
    Outcome::of_tests(checkout.cargo(&["test", "--workspace", "--doc", "--no-fail-fast"]))
}

/// The ring between cores and its sleep, in every interleaving. Built apart, for the flag is everybody's.
fn loom_models(checkout: &Checkout) -> Outcome {
    let args = ["test", "--package", "whisper-shard-router", "--lib", "loom_tests"];
    let apart = checkout.target("loom");
    let task = checkout.cargo(&args).env("RUSTFLAGS", "--cfg loom");
    Outcome::of_tests(task.env("CARGO_TARGET_DIR", apart))
}

fn frontend_tests(checkout: &Checkout) -> Outcome {
    match client::script(checkout, "test") {
        Ok(task) => Outcome::of_tests(task),
        Err(error) => Err(error).into(),
    }
}

/// Chromium, a relay, the client as built, and the engine as the Rust tests have it: a build less.
fn browser_tests(checkout: &Checkout) -> Outcome {
    let prepared = debian::need(checkout, &[debian::CHROMIUM, debian::COTURN])
        .and_then(|()| client::build_if_stale(checkout))
        .and_then(|()| checkout.cargo(&["build", "--workspace", "--bin", "whisper"]).run())
        .and_then(|()| client::script(checkout, "test:e2e"));
    match prepared {
        Ok(task) => Outcome::of_tests(task.env("WHISPER_BIN", checkout.target("debug/whisper"))),
        Err(error) => Err(error).into(),
    }
}
