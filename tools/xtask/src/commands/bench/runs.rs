//! One run: a server, the generator, and what came of it; kept, so that it need not be done again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::contestants::Contestant;
use super::host::Host;
use super::works::Work;
use crate::Result;
use crate::checkout::Checkout;
use crate::process::{Ready, Task};

/// Seconds after which a generator that is still at it is ended.
const PATIENCE_S: &str = "90";

/// What the generator said of a run, or why it said nothing.
#[derive(Clone, Debug)]
pub(crate) struct Run(Value);

/// How long each run takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    /// Seconds measured.
    pub(crate) secs: &'static str,
    /// Seconds before that.
    pub(crate) warm_up: &'static str,
}

impl Run {
    /// Does it.
    pub(crate) fn of(
        checkout: &Checkout,
        host: &Host,
        contestant: Contestant,
        work: &Work,
        length: Length,
    ) -> Self {
        Self::kept(measure(checkout, host, contestant, work, length))
    }

    /// What came of one.
    pub(crate) fn kept(done: Result<Value>) -> Self {
        Self(done.unwrap_or_else(|error| json!({ "faults": [error.to_string()] })))
    }

    /// A figure, where the run was good enough to have it.
    pub(crate) fn figure(&self, pointer: &str) -> Option<f64> {
        if self.faults().next().is_some() {
            return None;
        }
        self.0.pointer(pointer)?.as_f64()
    }

    /// What was lost or wrong.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &str> {
        self.0["faults"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Why its speeds and times are the generator's, and not the server's.
    pub(crate) fn doubts(&self) -> impl Iterator<Item = &str> {
        self.0["invalid"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

#[cfg(test)]
impl Run {
    /// A good one.
    pub(super) fn with_figure(name: &str, value: f64) -> Self {
        Self(json!({ "faults": [], "figures": { name: value } }))
    }
}

fn measure(
    checkout: &Checkout,
    host: &Host,
    contestant: Contestant,
    work: &Work,
    length: Length,
) -> Result<Value> {
    let server = contestant.start(checkout, host)?;
    let [_, core] = host.cores;
    let timeout = host.pinned(checkout, &[core], "timeout").args([PATIENCE_S]);
    let mut generator = generator(timeout, checkout, host, &server, work.args);
    if work.timed {
        generator = generator.args(["--secs", length.secs, "--warm-up", length.warm_up]);
    }
    if contestant.is_engine() {
        generator = generator.args(work.engine_args);
    }
    if !contestant.is_engine() {
        generator = generator.args(["--peer"]);
    }
    let (out, complaint) = generator.said()?;
    result(&out, &complaint)
}

/// The generator doing that against a server.
fn generator(
    before: Task,
    checkout: &Checkout,
    host: &Host,
    server: &Ready,
    args: &[&str],
) -> Task {
    let (pid, core) = (server.process.pid().to_string(), host.cores[1].to_string());
    before
        .args([checkout.target("release/whisper-bench")])
        .args(args)
        .args(["--target", &server.address, "--pid", &pid, "--cores", &core])
        .args(["--json", "--quiet"])
}

fn result(out: &str, complaint: &str) -> Result<Value> {
    match serde_json::from_str(out) {
        Ok(result) => Ok(result),
        Err(_) => Err(complaint.lines().next().unwrap_or("nothing was said").into()),
    }
}

/// A run in which perf counts the server's system calls and, where the machine does so, its
/// instructions. There is no warm-up, so that nearly all of what is counted belongs to messages that
/// are; the connecting of all is in it.
///
/// # Errors
/// Where there is no perf, or the generator says nothing.
pub(crate) fn counted(
    checkout: &Checkout,
    host: &Host,
    server: &Ready,
    args: &[&str],
    length: Length,
) -> Result<Value> {
    let [_, core] = host.cores;
    let pid = server.process.pid().to_string();
    let perf = host
        .pinned(checkout, &[core], "perf")
        .args(["stat", "--field-separator", ";", "--event", SYSCALLS, "--event", INSTRUCTIONS])
        .args(["--pid", &pid, "--", "timeout", PATIENCE_S]);
    let generator = generator(perf, checkout, host, server, args);
    let (out, said) = generator.args(["--secs", length.secs, "--warm-up", "0"]).said()?;
    let mut result = result(&out, &said)?;
    let messages = result["figures"]["messages"].as_f64().unwrap_or_default();
    for (event, name) in [(SYSCALLS, "syscalls"), (INSTRUCTIONS, "instructions")] {
        if let Some(count) = count_of(&said, event) {
            result["figures"][format!("server_{name}_per_message")] = (count / messages).into();
        }
    }
    Ok(result)
}

/// What perf calls them.
const SYSCALLS: &str = "raw_syscalls:sys_enter";
const INSTRUCTIONS: &str = "instructions";

/// The count in a line `count;unit;event;…` of perf's; none where it isn't counted here.
fn count_of(said: &str, event: &str) -> Option<f64> {
    let mut lines = said.lines().map(|line| line.split(';').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(2).is_some_and(|name| name.starts_with(event)))?;
    line.first()?.parse().ok()
}

/// The results of this commit, one file a run.
pub(crate) struct Shelf(PathBuf);

impl Shelf {
    /// Its folder, emptied unless what is there is to be used again.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn open(folder: PathBuf, resume: bool) -> Result<Self> {
        if !resume && folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// The run of this name, done unless it is here.
    ///
    /// # Errors
    /// Where it can't be kept.
    pub(crate) fn run(&self, name: &str, run: impl FnOnce() -> Run) -> Result<Run> {
        let path = self.0.join(format!("{name}.json"));
        if let Some(kept) = read(&path) {
            return Ok(kept);
        }
        let run = run();
        // One that failed is tried again by the next who resumes.
        if run.faults().next().is_none() {
            fs::write(&path, run.0.to_string())?;
        }
        Ok(run)
    }
}

fn read(path: &Path) -> Option<Run> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok().map(Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_faults_has_no_figures() {
        let good = Run(json!({ "faults": [], "figures": { "a": 2.5 } }));
        assert_eq!(good.figure("/figures/a"), Some(2.5));
        assert_eq!(good.figure("/figures/b"), None);
        let bad = Run(json!({ "faults": ["1 messages lost"], "figures": { "a": 2.5 } }));
        assert_eq!(bad.figure("/figures/a"), None);
    }

    #[test]
    fn perf_is_understood() {
        let said = "12345;;raw_syscalls:sys_enter;1002003;100.00;;\n\
                    <not supported>;;instructions;0;100.00;;\n";
        assert_eq!(count_of(said, SYSCALLS), Some(12_345.0));
        assert_eq!(count_of(said, INSTRUCTIONS), None);
    }

    #[test]
    fn a_good_run_is_done_once() {
        let folder = std::env::temp_dir().join(format!("xtask-shelf-{}", std::process::id()));
        let run = |value: Value| move || Run(value);
        let shelf = Shelf::open(folder.clone(), false).unwrap();
        shelf.run("bad", run(json!({ "faults": ["lost"] }))).unwrap();
        shelf.run("good", run(json!({ "faults": [], "a": 1 }))).unwrap();
        let shelf = Shelf::open(folder.clone(), true).unwrap();
        let again = |name| shelf.run(name, run(json!({ "faults": [], "a": 2 }))).unwrap();
        assert_eq!(again("good").figure("/a"), Some(1.0));
        assert_eq!(again("bad").figure("/a"), Some(2.0));
        let shelf = Shelf::open(folder.clone(), false).unwrap();
        let anew = shelf.run("good", run(json!({ "faults": [], "a": 3 }))).unwrap();
        assert_eq!(anew.figure("/a"), Some(3.0));
        fs::remove_dir_all(folder).unwrap();
    }
}
