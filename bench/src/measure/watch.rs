//! The server's memory and files in the course of a run, so that what leaks shows as a slope.

use std::time::{Duration, Instant};

use super::{Endpoint, MeasureError, Memory, Metrics, kernel_memory, open_files};

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a server has to let go of what it held for those who left.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// How often to look whether it has.
const SETTLE_LOOK: Duration = Duration::from_millis(100);

/// How old the numbers may be that a server tells.
const TOLD_LATE: Duration = Duration::from_millis(1100);

/// Whom to look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// The server's processes, where they are known.
    pub(crate) pids: Vec<u32>,
    /// Where it tells its numbers, if anywhere.
    pub(crate) metrics: Option<Endpoint>,
}

/// Looks at it as long as the load is measured.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Watched,
    /// How long the load is measured.
    length: Duration,
    /// When to look next, counted from the end of the warm-up; None when all was seen.
    next: Option<Duration>,
    pub(crate) samples: Vec<Sample>,
    /// Before anybody came.
    pub(crate) begin: Standing,
    /// After all have gone.
    pub(crate) end: Standing,
    counted: [Option<Metrics>; 2],
}

/// What was seen at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// When, counted from the end of the warm-up.
    pub(crate) at: Duration,
    /// The server's own memory.
    pub(crate) memory: Memory,
    /// The system's: what the kernel holds in slabs and can't give back. Both ends are in it.
    pub(crate) kernel: u64,
    /// The server's open files.
    pub(crate) files: usize,
}

/// What a server holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    /// Open files, where its process is known.
    pub(crate) files: Option<usize>,
    /// Sockets in its tables, as it tells itself.
    pub(crate) sockets: Option<f64>,
}

impl Watch {
    /// Looks at it before anybody comes, for a load that is measured for so long.
    ///
    /// # Errors
    /// Where it doesn't let itself be looked at.
    pub(crate) fn new(watched: Watched, length: Duration) -> Result<Self, MeasureError> {
        let begin = watched.standing_still()?;
        let next = (!length.is_zero()).then_some(Duration::ZERO);
        let samples = Vec::new();
        Ok(Self { watched, length, next, samples, begin, end: begin, counted: [None, None] })
    }

    /// Looks where it is time, and tells what was seen. That a server can't be looked at any more
    /// shows elsewhere.
    pub(crate) fn look(&mut self, now: Instant, measured_from: Instant) -> Option<Sample> {
        let at = now.checked_duration_since(measured_from)?;
        let due = self.next.filter(|due| at >= *due)?;
        let last = due >= self.length;
        self.next = (!last).then(|| (at + INTERVAL).min(self.length));
        if last || due.is_zero() {
            let metrics = self.watched.metrics.as_ref();
            self.counted[usize::from(last)] = metrics.and_then(|it| Metrics::fetch(it).ok());
        }
        let pids = Some(&self.watched.pids).filter(|pids| !pids.is_empty())?;
        let sample = Sample::of(pids, at).ok()?;
        self.samples.push(sample);
        Some(sample)
    }

    /// Waits until the server has let go of what it held for those who left, for a while.
    ///
    /// # Errors
    /// Where it doesn't let itself be looked at any more.
    pub(crate) fn settle(&mut self) -> Result<(), MeasureError> {
        if let (Some(_), Some(metrics)) = (self.next.take(), &self.watched.metrics) {
            // The load was over before its time.
            self.counted[1] = Metrics::fetch(metrics).ok();
        }
        let until = Instant::now() + SETTLE_MAX;
        loop {
            self.end = self.watched.standing()?;
            let settled =
                self.end.files <= self.begin.files && self.end.sockets <= self.begin.sockets;
            if settled || Instant::now() >= until {
                return Ok(());
            }
            std::thread::sleep(SETTLE_LOOK);
        }
    }

    /// What the server counted itself while the load was measured. Its numbers may be a second old.
    pub(crate) fn counted(&self) -> Vec<(&str, f64)> {
        match &self.counted {
            [Some(first), Some(last)] => last.grown_since(first).collect(),
            _ => Vec::new(),
        }
    }

    /// How fast something grows, as the straight line that fits all samples best has it: a second.
    pub(crate) fn slope(&self, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        let count = self.samples.len() as f64;
        let mean =
            |value: &dyn Fn(&Sample) -> f64| self.samples.iter().map(value).sum::<f64>() / count;
        let at = |sample: &Sample| sample.at.as_secs_f64();
        let (mean_at, mean_value) = (mean(&at), mean(&of));
        let spread = mean(&|it| (at(it) - mean_at).powi(2));
        let together = mean(&|it| (at(it) - mean_at) * (of(it) - mean_value));
        (self.samples.len() > 1 && spread > 0.0).then(|| together / spread)
    }
}

impl Sample {
    fn of(pids: &[u32], at: Duration) -> Result<Self, MeasureError> {
        let (mut memory, mut files) = (Memory::default(), 0);
        for pid in pids {
            memory = memory + Memory::of_process(*pid)?;
            files += open_files(*pid)?;
        }
        Ok(Self { at, memory, kernel: kernel_memory()?, files })
    }
}

impl Watched {
    /// What it holds when that doesn't change any more, because those of before are gone, or after
    /// a while.
    fn standing_still(&self) -> Result<Standing, MeasureError> {
        let until = Instant::now() + SETTLE_MAX;
        let mut standing = self.standing()?;
        while self.metrics.is_some() && Instant::now() < until {
            std::thread::sleep(TOLD_LATE);
            let before = std::mem::replace(&mut standing, self.standing()?);
            if standing == before {
                break;
            }
        }
        Ok(standing)
    }

    fn standing(&self) -> Result<Standing, MeasureError> {
        // Before the server is asked, which takes a file.
        let mut files = None;
        for pid in &self.pids {
            files = Some(files.unwrap_or(0) + open_files(*pid)?);
        }
        let metrics = self.metrics.as_ref().map(Metrics::fetch).transpose()?;
        Ok(Standing {
            files,
            sockets: metrics.and_then(|metrics| metrics.get("whisper_sockets_open")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(pid: Option<u32>, length: u64) -> Watch {
        let watched = Watched { pids: pid.into_iter().collect(), metrics: None };
        Watch::new(watched, Duration::from_secs(length)).unwrap()
    }

    #[test]
    fn it_looks_at_the_beginning_every_interval_and_at_the_end() {
        let mut watch = watch(Some(std::process::id()), 12);
        let from = Instant::now();
        let at = |ms: u64| from + Duration::from_millis(ms);
        let times = [0, 100, 4_900, 5_100, 5_200, 10_100, 11_900, 12_000, 12_100, 20_000];
        let seen: Vec<_> =
            times.into_iter().filter(|ms| watch.look(at(*ms), from).is_some()).collect();
        assert_eq!(seen, [0, 5_100, 10_100, 12_000]);
        let first = watch.samples[0];
        assert!(first.memory.resident > 0 && first.files > 2 && first.kernel > 0);
        watch.settle().unwrap();
        assert!(watch.end.files.unwrap() > 2);
    }

    #[test]
    fn without_a_process_there_is_nothing_to_see() {
        let mut watch = watch(None, 1);
        assert_eq!(watch.look(Instant::now(), Instant::now()), None);
        assert_eq!(watch.begin, Standing::default());
        assert_eq!(watch.slope(|_| 0.0), None);
    }

    #[test]
    fn a_slope_is_that_of_the_best_line() {
        let mut watch = watch(None, 1);
        for (secs, files) in [(0, 10), (10, 22), (20, 28), (30, 40)] {
            let memory = Memory { anonymous: 0, resident: 7 };
            let at = Duration::from_secs(secs);
            watch.samples.push(Sample { at, memory, kernel: 0, files });
        }
        let slope = watch.slope(|sample| sample.files as f64).unwrap();
        assert!((slope - 0.96).abs() < 1e-9, "{slope}");
        assert_eq!(watch.slope(|sample| sample.memory.resident as f64), Some(0.0));
    }
}
