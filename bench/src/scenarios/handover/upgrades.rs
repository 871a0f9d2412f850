//! The hand that has the server hand over: a command, run again and again beside the load.

use std::io;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli;
use crate::report::Report;

/// The thread that runs the command.
pub(super) struct Operating {
    upgrades: Upgrades,
    thread: JoinHandle<()>,
}

/// What reactors see of it.
#[derive(Clone)]
pub(super) struct Upgrades {
    shared: Arc<Shared>,
    begin: Sender<()>,
}

struct Shared {
    times: usize,
    begun: AtomicUsize,
    /// All have ended, and some time has passed since.
    is_over: AtomicBool,
    done: Mutex<Done>,
}

struct Done {
    /// How long each took, or why it failed.
    ended: Vec<Result<Duration, String>>,
    /// What they told of themselves: a name, and a number each.
    told: Vec<(String, Vec<f64>)>,
}

impl Operating {
    /// A thread that waits for [`Upgrades::begin`].
    ///
    /// # Errors
    /// Where there can be no thread.
    pub(super) fn start(args: &cli::Handover) -> io::Result<Self> {
        let (begin, begun) = mpsc::channel();
        let told = args.numbers.iter().map(|key| (key.clone(), Vec::new()));
        let shared = Arc::new(Shared {
            times: args.times,
            begun: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            done: Mutex::new(Done { ended: Vec::new(), told: told.collect() }),
        });
        let upgrades = Upgrades { shared: Arc::clone(&shared), begin };
        let (command, every) = (args.run.clone(), args.every);
        let run = move || shared.run(&command, every, &begun);
        let thread = thread::Builder::new().name("operator".to_owned()).spawn(run)?;
        Ok(Self { upgrades, thread })
    }

    /// What reactors see of it.
    pub(super) fn upgrades(&self) -> Upgrades {
        self.upgrades.clone()
    }

    /// Ends, after the command under way, and adds what the commands told to the report.
    pub(super) fn end(self, report: &mut Report) {
        let Self { upgrades: Upgrades { shared, begin }, thread } = self;
        drop(begin);
        // A thread that panicked has ended as well.
        let _ = thread.join();
        let done = shared.done();
        for (key, numbers) in done.told.iter().filter(|(_, numbers)| !numbers.is_empty()) {
            let mut numbers = numbers.clone();
            numbers.sort_unstable_by(f64::total_cmp);
            let places = [("min", 0), ("median", numbers.len() / 2), ("max", numbers.len() - 1)];
            for (name, place) in places {
                report.figure(format!("handover_{key}_{name}"), numbers[place], "");
            }
        }
        let failed = done.ended.iter().filter_map(|ended| ended.as_ref().err());
        if let Some(why) = failed.clone().next() {
            let failed = failed.count();
            report.fault_if(true, || format!("{failed} handovers failed, the first: {why}"));
        }
        let missing = shared.times - done.ended.len();
        report.fault_if(missing > 0, || format!("{missing} handovers never were"));
    }
}

impl Upgrades {
    /// Has the first begin.
    pub(super) fn begin(&self) {
        // Where the thread is gone, the report tells of it.
        let _ = self.begin.send(());
    }

    /// How many have begun.
    pub(super) fn begun(&self) -> usize {
        self.shared.begun.load(Ordering::Acquire)
    }

    /// How long each of those took that have come to a good end since the first so many of all
    /// had ended, and how many have ended.
    pub(super) fn ended_since(&self, known: usize) -> (Vec<Duration>, usize) {
        let done = self.shared.done();
        let new = done.ended.iter().skip(known);
        (new.filter_map(|ended| ended.as_ref().ok().copied()).collect(), done.ended.len())
    }

    /// Whether all have ended, and what came of the last has shown.
    pub(super) fn are_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Acquire)
    }
}

impl Shared {
    fn run(&self, command: &str, every: Duration, begin: &Receiver<()>) {
        if begin.recv().is_err() {
            return;
        }
        // The end of the run is the end of all who could have us begin.
        let is_end = || begin.recv_timeout(every) == Err(RecvTimeoutError::Disconnected);
        for _ in 0..self.times {
            if is_end() {
                return;
            }
            self.begun.fetch_add(1, Ordering::Release);
            let began = Instant::now();
            let output = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
            let took = began.elapsed();
            let mut done = self.done();
            done.hear(&output);
            done.ended.push(judge(output).map(|()| took));
        }
        self.is_over.store(!is_end(), Ordering::Release);
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Done {
    /// Keeps the numbers that a command told, as one line of JSON.
    fn hear(&mut self, output: &io::Result<Output>) {
        let Ok(output) = output else { return };
        let told = output.stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let told = told.and_then(|line| serde_json::from_slice::<Value>(line).ok());
        let told = told.unwrap_or_default();
        for (key, numbers) in &mut self.told {
            numbers.extend(told[key.as_str()].as_f64());
        }
    }
}

/// Whether a command came to a good end.
fn judge(output: io::Result<Output>) -> Result<(), String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next_back().unwrap_or("it said nothing");
    Err(format!("{}: {said}", output.status))
}
