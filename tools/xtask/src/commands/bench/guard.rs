//! `cargo xtask bench guard`: instructions on the hot paths, held to a baseline.
//!
//! Time on a busy machine says little; the number of instructions is the same on every run of one
//! binary. Callgrind counts them for two lengths of a walk; what the longer one adds, by the walks it
//! has more, is a walk's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;
use crate::checkout::Checkout;
use crate::debian;
use crate::steps::Outcome;

pub(super) const BASELINE: &str = "bench/instructions.json";

/// How far a count may be off, in either direction: less is to be blessed, too, or a part of it
/// could be lost again unnoticed.
const MARGIN: f64 = 0.04;

/// The same where another compiler built it.
const MARGIN_OF_COMPILERS: f64 = 0.25;

/// Walks of the short run, and of the long one.
const WALKS: [u32; 2] = [100, 600];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take what is counted as the baseline from now on.
    #[arg(long)]
    bless: bool,
}

/// What was counted, and of what.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Counts {
    /// The compiler that it was built by.
    compiler: String,
    architecture: String,
    /// Instructions a walk.
    instructions: BTreeMap<String, u64>,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    if !args.bless {
        return Ok(ExitCode::from(u8::from(!check(checkout).is_good())));
    }
    let counts = count(checkout)?;
    fs::write(checkout.path(BASELINE), serde_json::to_string_pretty(&counts)? + "\n")?;
    for (path, count) in &counts.instructions {
        println!("{path:16} {count:7}");
    }
    println!("Written to {BASELINE}.");
    Ok(ExitCode::SUCCESS)
}

/// Counts, and says how it compares.
pub(crate) fn check(checkout: &Checkout) -> Outcome {
    let compared = baseline(checkout).and_then(|baseline| {
        if baseline.architecture != std::env::consts::ARCH {
            return Ok(None);
        }
        Ok(Some(compare(&baseline, &count(checkout)?)))
    });
    match compared {
        Err(error) => Err(error).into(),
        Ok(None) => Outcome::skipped("there is no baseline for this architecture"),
        Ok(Some((lines, off))) => {
            lines.iter().for_each(|line| println!("{line}"));
            if off == 0 {
                return Outcome::passed(format!("{} paths", lines.len()));
            }
            println!("If that is as it should be: cargo xtask bench guard --bless");
            Outcome::failed(format!("{off} paths are off their baseline"))
        }
    }
}

fn baseline(checkout: &Checkout) -> Result<Counts> {
    Ok(serde_json::from_str(&fs::read_to_string(checkout.path(BASELINE))?)?)
}

/// A line for each path, and how many are off.
fn compare(baseline: &Counts, counts: &Counts) -> (Vec<String>, usize) {
    let same = baseline.compiler == counts.compiler;
    let margin = if same { MARGIN } else { MARGIN_OF_COMPILERS };
    let mut off = 0;
    let mut lines = Vec::new();
    let paths = baseline.instructions.keys().chain(counts.instructions.keys());
    for path in paths.collect::<std::collections::BTreeSet<_>>() {
        let number = |counts: &Counts| counts.instructions.get(path).copied();
        let (before, now) = (number(baseline), number(counts));
        let verdict = match (before, now) {
            (Some(before), Some(now)) => {
                let change = now as f64 / before as f64 - 1.0;
                let is_off = change.abs() > margin;
                let word = if is_off { "OFF" } else { "good" };
                off += usize::from(is_off);
                format!("{now:7} {:+6.1} %  {word}", 100.0 * change)
            }
            _ => {
                off += 1;
                "is on one side only  OFF".to_owned()
            }
        };
        lines.push(format!("{path:16} {verdict}"));
    }
    (lines, off)
}

fn count(checkout: &Checkout) -> Result<Counts> {
    debian::need(checkout, &[debian::VALGRIND])?;
    let program = build(checkout)?;
    let names = checkout.task(&program).args(["names"]).output()?;
    let mut instructions = BTreeMap::new();
    for name in names.lines() {
        let [short, long] = WALKS.map(|walks| total(checkout, &program, name, walks));
        let walks = u64::from(WALKS[1] - WALKS[0]);
        instructions.insert(name.to_owned(), (long?.saturating_sub(short?)) / walks);
    }
    let compiler = checkout.task("rustc").args(["--version"]).output()?.trim().to_owned();
    Ok(Counts { compiler, architecture: std::env::consts::ARCH.to_owned(), instructions })
}

/// Builds the walks as the engine is built; returns where they are.
fn build(checkout: &Checkout) -> Result<PathBuf> {
    let told = checkout
        .cargo(&["bench", "--package", "whisper-core", "--bench", "hot_paths", "--no-run"])
        .args(["--quiet", "--message-format", "json-render-diagnostics"])
        .output()?;
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|it| Some(it["executable"].as_str()?.to_owned()));
    Ok(programs.next_back().ok_or("cargo built no hot_paths")?.into())
}

/// All instructions of a run.
fn total(checkout: &Checkout, program: &PathBuf, name: &str, walks: u32) -> Result<u64> {
    let valgrind = checkout.task("valgrind");
    let valgrind = valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let (_, said) = valgrind.args([program]).args([name, &walks.to_string()]).said()?;
    collected(&said).ok_or_else(|| format!("callgrind counted nothing: {}", said.trim()).into())
}

/// The number in callgrind's line `Collected : 123`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(compiler: &str, relay: u64) -> Counts {
        Counts {
            compiler: compiler.to_owned(),
            architecture: "x86_64".to_owned(),
            instructions: [("relay".to_owned(), relay)].into(),
        }
    }

    #[test]
    fn more_and_less_than_the_margin_is_off() {
        let baseline = counts("1", 1000);
        for (now, off) in [(1000, 0), (1039, 0), (961, 0), (1041, 1), (959, 1)] {
            assert_eq!(compare(&baseline, &counts("1", now)).1, off, "{now}");
        }
        assert_eq!(compare(&baseline, &counts("2", 1200)).1, 0, "another compiler");
        assert_eq!(compare(&baseline, &counts("2", 1300)).1, 1, "more than compilers differ");
    }

    #[test]
    fn a_path_that_nobody_counted_is_off() {
        let mut more = counts("1", 1000);
        more.instructions.insert("upgrade".to_owned(), 1);
        assert_eq!(compare(&more, &counts("1", 1000)).1, 1);
        assert_eq!(compare(&counts("1", 1000), &more).1, 1);
    }

    #[test]
    fn callgrind_is_understood() {
        let said = "==7== Events    : Ir\n==7== Collected : 9169132\n==7==\n";
        assert_eq!(collected(said), Some(9_169_132));
        assert_eq!(collected("==7== killed"), None);
    }
}
