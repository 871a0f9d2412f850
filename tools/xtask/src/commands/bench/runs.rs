//! One run: a server, the generator, and what came of it; kept, so that it need not be done again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::contestants::Contestant;
use super::host::Host;
use super::works::Work;
use crate::Result;
use crate::checkout::Checkout;

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
        let done = measure(checkout, host, contestant, work, length);
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
    let pid = server.process.pid().to_string();
    let [_, core] = host.cores;
    let mut generator = host
        .pinned(checkout, &[core], "timeout")
        .args([PATIENCE_S])
        .args([checkout.target("release/whisper-bench")])
        .args(work.args)
        .args(["--target", &server.address, "--pid", &pid, "--cores", &core.to_string()])
        .args(["--json", "--quiet"]);
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
    match serde_json::from_str(&out) {
        Ok(result) => Ok(result),
        Err(_) => Err(complaint.lines().next().unwrap_or("nothing was said").into()),
    }
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
