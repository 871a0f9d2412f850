//! CPU time. The scheduler's own count (`schedstat`) is exact to the nanosecond; how it divides
//! into user and system is only sampled at the timer's ticks (`stat`), and so only a share of it.

use std::ops::{Add, Sub};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::{MeasureError, parsed};

/// CPU time used, or the difference of two such counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    run_ns: u64,
    user_ticks: u64,
    system_ticks: u64,
}

impl CpuTime {
    /// None.
    pub(crate) const NONE: Self = Self { run_ns: 0, user_ticks: 0, system_ticks: 0 };

    /// What all threads of a process used so far.
    ///
    /// # Errors
    /// Where there is no such process, or the kernel doesn't count.
    pub(crate) fn of_process(pid: u32) -> Result<Self, MeasureError> {
        let threads = Self::of_threads(pid)?;
        Ok(threads.into_iter().fold(Self::NONE, |sum, (_, time)| sum + time))
    }

    /// What each thread of a process used so far, by its name.
    ///
    /// # Errors
    /// Where there is no such process, or the kernel doesn't count.
    pub(crate) fn of_threads(pid: u32) -> Result<Vec<(String, Self)>, MeasureError> {
        let threads = PathBuf::from(format!("/proc/{pid}/task"));
        let unreadable = |error| MeasureError::Unreadable { path: threads.clone(), error };
        let mut times = Vec::new();
        for thread in fs::read_dir(&threads).map_err(unreadable)? {
            let task = thread.map_err(unreadable)?.path();
            match Self::of_task(&task) {
                Ok(time) => {
                    let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
                    times.push((name.trim_end().to_owned(), time));
                }
                // It ended while we looked.
                Err(MeasureError::Unreadable { error, .. }) if is_gone(&error) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(times)
    }

    /// What the calling thread used so far.
    ///
    /// # Errors
    /// Where the kernel doesn't count.
    pub(crate) fn of_this_thread() -> Result<Self, MeasureError> {
        Self::of_task(Path::new("/proc/thread-self"))
    }

    fn of_task(task: &Path) -> Result<Self, MeasureError> {
        let run_ns = parsed(task.join("schedstat"), "the time on a core", run_ns)?;
        let (user_ticks, system_ticks) = parsed(task.join("stat"), "utime and stime", ticks)?;
        Ok(Self { run_ns, user_ticks, system_ticks })
    }

    /// All of it.
    pub(crate) fn total(self) -> Duration {
        Duration::from_nanos(self.run_ns)
    }

    /// The part spent in the program itself; none where no tick saw it.
    pub(crate) fn user(self) -> Duration {
        let ticks = self.user_ticks + self.system_ticks;
        self.total().mul_f64(self.user_ticks as f64 / ticks.max(1) as f64)
    }

    /// The part spent in the kernel.
    pub(crate) fn system(self) -> Duration {
        self.total() - self.user()
    }
}

impl Add for CpuTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            run_ns: self.run_ns + other.run_ns,
            user_ticks: self.user_ticks + other.user_ticks,
            system_ticks: self.system_ticks + other.system_ticks,
        }
    }
}

/// The time from `earlier` on. A thread that ended in between takes its count with it.
impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            run_ns: self.run_ns.saturating_sub(earlier.run_ns),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    const NO_SUCH_PROCESS: i32 = nix::errno::Errno::ESRCH as i32;
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(NO_SUCH_PROCESS)
}

/// The first number of `schedstat`.
fn run_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// `utime` and `stime` of `stat`. The second field is the name in parentheses, which may have
/// spaces and parentheses itself.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    const UTIME: usize = 14 - 3;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(UTIME);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_and_parentheses_confuse_nobody() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 12 0 0 0 31 62 0 0 20 0 3 0 99 0 0";
        assert_eq!(ticks(stat), Some((31, 62)));
        assert_eq!(ticks("7 (cut off) S 1 7"), None);
        assert_eq!(run_ns("123456 789 10\n"), Some(123_456));
    }

    #[test]
    fn ticks_only_divide_what_the_scheduler_counted() {
        let used = CpuTime { run_ns: 1_000, user_ticks: 1, system_ticks: 3 };
        assert_eq!(used.user(), Duration::from_nanos(250));
        assert_eq!(used.system(), Duration::from_nanos(750));
        let short = CpuTime { run_ns: 1_000, ..CpuTime::default() };
        assert_eq!(short.system(), short.total(), "too short for a tick");
    }

    #[test]
    fn our_own_time_passes() {
        let before = CpuTime::of_process(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while (CpuTime::of_process(std::process::id()).unwrap() - before).total().is_zero() {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(!CpuTime::of_this_thread().unwrap().total().is_zero());
    }
}
