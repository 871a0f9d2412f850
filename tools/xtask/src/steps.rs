//! Running many steps, and saying at the end how each went.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::Result;
use crate::checkout::Checkout;
use crate::process::Task;
use crate::tally::Tally;

/// What a step is about; `--only` chooses by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Formatting, clippy, documentation, licences, bans, advisories.
    Lint,
    /// Who may know whom, house style, the cores without a system.
    Walls,
    /// Every Rust test, the simulator and the documentation's examples among them.
    Rust,
    /// Every fuzz target under libFuzzer, for a few seconds.
    Fuzz,
    /// People who come and go, for a minute.
    Soak,
    /// The client: linter, types, unit tests, build.
    Frontend,
    /// The client in Chromium, against the engine.
    Browser,
}

/// One thing to do.
pub(crate) struct Step {
    pub(crate) group: Group,
    pub(crate) name: &'static str,
    pub(crate) action: fn(&Checkout) -> Outcome,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    verdict: Verdict,
    tally: Tally,
    /// What a reader of the summary should know.
    note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Outcome {
    /// It went well; counts as one.
    pub(crate) fn passed(note: impl Into<String>) -> Self {
        let tally = Tally { passed: 1, failed: 0 };
        Self { verdict: Verdict::Passed, tally, note: note.into() }
    }

    /// It didn't; counts as one.
    pub(crate) fn failed(note: impl Into<String>) -> Self {
        let tally = Tally { passed: 0, failed: 1 };
        Self { verdict: Verdict::Failed, tally, note: note.into() }
    }

    /// It could not be done here, and that is no fault; counts as nothing.
    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, tally: Tally::default(), note: why.into() }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.verdict != Verdict::Failed
    }

    /// The outcome of a test runner, which counts its own tests.
    pub(crate) fn of_tests(task: Task) -> Self {
        let (tally, done) = task.run_counting();
        Self::counted(tally, done)
    }

    /// A runner that is content though it ran nothing, or is not though no test failed (it could
    /// not even build them, say), counts as one itself.
    fn counted(tally: Tally, done: Result) -> Self {
        match done {
            Ok(()) if tally.passed == 0 => Self::passed("no tests"),
            Ok(()) => Self { tally, ..Self::passed(format!("{} tests", tally.passed)) },
            Err(error) if tally.failed == 0 => {
                Self { tally: Tally { failed: 1, ..tally }, ..Self::failed(first_line(&error)) }
            }
            Err(_) => Self { tally, ..Self::failed(format!("{} failed tests", tally.failed)) },
        }
    }
}

impl From<Result> for Outcome {
    fn from(done: Result) -> Self {
        match done {
            Ok(()) => Self::passed(""),
            Err(error) => {
                eprintln!("error: {error}");
                Self::failed(first_line(&error))
            }
        }
    }
}

/// Runs the steps in order, all of them unless `fail_fast`, and prints the summary. The last line
/// on stdout is `N passed, N failed`.
pub(crate) fn run_all(checkout: &Checkout, steps: &[Step], fail_fast: bool) -> ExitCode {
    let mut done = Vec::new();
    for step in steps {
        println!("\n── {} ──", step.name);
        let begun = Instant::now();
        let outcome = (step.action)(checkout);
        let failed = outcome.verdict == Verdict::Failed;
        done.push((step.name, outcome, begun.elapsed()));
        if failed && fail_fast {
            break;
        }
    }
    let (summary, total) = summary(&done);
    println!("\n{summary}");
    ExitCode::from(u8::from(total.failed > 0))
}

fn summary(done: &[(&str, Outcome, Duration)]) -> (String, Tally) {
    let mut text = format!("{:24} {:8} {:>8}\n", "step", "outcome", "seconds");
    let mut total = Tally::default();
    for (name, outcome, took) in done {
        let verdict = match outcome.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        };
        let line = format!("{name:24} {verdict:8} {:8.1}  {}", took.as_secs_f64(), outcome.note);
        let _ = writeln!(text, "{}", line.trim_end());
        total += outcome.tally;
    }
    let _ = write!(text, "\n{} passed, {} failed", total.passed, total.failed);
    (text, total)
}

fn first_line(error: &crate::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: usize, failed: usize) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn a_runner_that_fails_without_a_failed_test_still_counts() {
        assert_eq!(Outcome::counted(tally(0, 0), Err("no build".into())).tally, tally(0, 1));
        assert_eq!(Outcome::counted(tally(9, 0), Err("no build".into())).tally, tally(9, 1));
        assert_eq!(Outcome::counted(tally(9, 2), Err("exit 101".into())).tally, tally(9, 2));
        assert_eq!(Outcome::counted(tally(9, 0), Ok(())).tally, tally(9, 0));
        assert_eq!(Outcome::counted(tally(0, 0), Ok(())).tally, tally(1, 0));
    }

    #[test]
    fn the_summary_ends_with_the_count_and_skips_count_nothing() {
        let done = [
            ("format", Outcome::passed(""), Duration::from_millis(1_250)),
            ("tests", Outcome::counted(tally(7, 2), Err("exit 101".into())), Duration::ZERO),
            ("advisories", Outcome::skipped("no network"), Duration::ZERO),
        ];
        let (text, total) = summary(&done);
        assert_eq!(total, tally(8, 2));
        assert_eq!(text.lines().last(), Some("8 passed, 2 failed"));
        assert!(text.contains("format                   passed        1.2\n"), "{text}");
        assert!(text.contains("skipped       0.0  no network"), "{text}");
    }
}
