//! `cargo xtask fuzz`: looks for bytes that break a promise, with libFuzzer by way of cargo-fuzz.
//!
//! What broke one is kept under `engine/fuzz/libfuzzer/artifacts/`, and said; `cargo run -p
//! whisper-fuzz -- try TARGET FILE` shows it again. It should become a test.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::debian;
use crate::process::Task;
use crate::steps::Outcome;

const VERSION: &str = "0.13.2";
const FOLDER: &str = "engine/fuzz/libfuzzer";

/// For each target, when everything is tested: enough to see that it works, and now and then more.
const SMOKE_SECONDS: u32 = 5;

/// What no input may take: a second to spare, and all that the largest ones need many times over.
const BOUNDS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=64"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these targets.
    targets: Vec<String>,
    /// For how long each.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Keep in the corpus what was found to reach more.
    #[arg(long)]
    keep: bool,
}

/// A fuzz target, and the longest input worth trying.
struct Target {
    name: String,
    bytes_max: String,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let mut targets = prepare(checkout)?;
    targets.retain(|it| args.targets.is_empty() || args.targets.contains(&it.name));
    if targets.is_empty() {
        return Err("there is no target of that name".into());
    }
    for target in &targets {
        fuzz(checkout, target, args.seconds)?;
        if args.keep {
            keep(checkout, target)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A few seconds of every target.
pub(crate) fn smoke(checkout: &Checkout) -> Outcome {
    let all = || -> Result<String> {
        let targets = prepare(checkout)?;
        let mut inputs = 0;
        for target in &targets {
            inputs += fuzz(checkout, target, SMOKE_SECONDS)?;
        }
        Ok(format!("{} targets, {inputs} inputs", targets.len()))
    };
    match all() {
        Ok(note) => Outcome::passed(note),
        Err(error) => Err(error).into(),
    }
}

/// Builds the programs; returns what there is to run.
fn prepare(checkout: &Checkout) -> Result<Vec<Target>> {
    debian::need(checkout, &[debian::CPLUSPLUS])?;
    // What is fuzzed is what is built: the versions are those of the workspace.
    fs::copy(checkout.path("Cargo.lock"), checkout.path(FOLDER).join("Cargo.lock"))?;
    cargo_fuzz(checkout, "build", &[])?.run()?;
    let list = corpus(checkout, &["list"]).output()?;
    let target = |line: &str| {
        let (name, bytes_max) = line.split_once(' ')?;
        Some(Target { name: name.into(), bytes_max: bytes_max.into() })
    };
    Ok(list.lines().filter_map(target).collect())
}

/// Runs a target; returns how many inputs it was given.
fn fuzz(checkout: &Checkout, target: &Target, seconds: u32) -> Result<u64> {
    let inputs = inputs(checkout, target, "inputs")?;
    corpus(checkout, &["unpack", &target.name]).args([&inputs]).output()?;
    let (_, said) = cargo_fuzz(checkout, "run", &[&target.name])?
        .args([inputs])
        .args(["--".into(), format!("-max_total_time={seconds}")])
        .args([format!("-max_len={}", target.bytes_max)])
        .args(BOUNDS)
        .args(["-verbosity=0", "-print_final_stats=1"])
        .outputs()?;
    let stat = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim_start_matches(':').trim().parse().ok()).unwrap_or(0)
    };
    let given = stat("stat::number_of_executed_units");
    let (memory, slowest) = (stat("stat::peak_rss_mb"), stat("stat::slowest_unit_time_sec"));
    println!("{:16} {given:10} inputs, {memory} MB, {slowest} s for the slowest", target.name);
    Ok(given)
}

/// Replaces the corpus by as few of all inputs as reach as much.
fn keep(checkout: &Checkout, target: &Target) -> Result {
    let (all, few) = (inputs(checkout, target, "inputs")?, inputs(checkout, target, "kept")?);
    fs::remove_dir_all(&few).and_then(|()| fs::create_dir(&few))?;
    cargo_fuzz(checkout, "run", &[&target.name])?
        .args([&few, &all])
        .args(["--", "-set_cover_merge=1", "-verbosity=0"])
        .output()?;
    corpus(checkout, &["pack", &target.name]).args([few]).run()
}

/// A folder for inputs of a target, beside what else is built.
fn inputs(checkout: &Checkout, target: &Target, name: &str) -> Result<PathBuf> {
    let folder = checkout.target("fuzz").join(name).join(&target.name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Our own program, which knows the corpus.
fn corpus(checkout: &Checkout, args: &[&str]) -> Task {
    checkout.cargo(&["run", "--quiet", "--package", "whisper-fuzz", "--"]).args(args)
}

/// No sanitizer: nothing under test is `unsafe`, and so stable Rust will do.
fn cargo_fuzz(checkout: &Checkout, action: &str, args: &[&str]) -> Result<Task> {
    let task = checkout.cargo_extension("cargo-fuzz", VERSION)?;
    let task = task.args([action, "--fuzz-dir", FOLDER, "--sanitizer", "none"]);
    Ok(task.args(["--target-dir".into(), checkout.target("fuzz")]).args(args))
}
