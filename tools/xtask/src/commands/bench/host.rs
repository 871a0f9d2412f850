//! The machine that it runs on: its cores, its priorities, and how to name it.

use std::ffi::OsStr;
use std::fs;

use crate::Result;
use crate::checkout::Checkout;
use crate::process::Task;

/// The real-time priority of servers and generator, where that is allowed: what else the machine
/// does then waits.
const PRIORITY: &str = "10";

/// How programs are run here.
pub(crate) struct Host {
    /// A server's core and the generator's.
    pub(crate) cores: [usize; 2],
    /// Whether they run before all others.
    pub(crate) first: bool,
}

impl Host {
    /// This machine.
    ///
    /// # Errors
    /// Where there is but one core.
    pub(crate) fn this(checkout: &Checkout) -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let cores = value(&status, "Cpus_allowed_list").map(cores).unwrap_or_default();
        let [server, .., generator] = cores[..] else {
            return Err("two cores are needed: one for a server, one for the generator".into());
        };
        let first = checkout.task("chrt").args(["-f", PRIORITY, "true"]).succeeds();
        Ok(Self { cores: [server, generator], first })
    }

    /// A program that stays on these cores.
    pub(crate) fn pinned(
        &self,
        checkout: &Checkout,
        cores: &[usize],
        program: impl AsRef<OsStr>,
    ) -> Task {
        let cores: Vec<_> = cores.iter().map(ToString::to_string).collect();
        let cores = cores.join(",");
        let program = program.as_ref();
        let taskset = ["taskset", "--cpu-list", &cores].map(OsStr::new);
        let task = if self.first {
            checkout.task("chrt").args(["-f", PRIORITY]).args(taskset)
        } else {
            checkout.task(taskset[0]).args(&taskset[1..])
        };
        task.args([program])
    }

    /// What a reader must know of it to trust a figure.
    pub(crate) fn description(&self, checkout: &Checkout) -> String {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let line = |program: &str, args: &[&str]| {
            let said = checkout.task(program).args(args).output().unwrap_or_default();
            said.lines().next().unwrap_or_default().to_owned()
        };
        let kernel = file("/proc/sys/kernel/osrelease");
        let cpuinfo = file("/proc/cpuinfo");
        let cpu = value(&cpuinfo, "model name").unwrap_or("an unnamed processor").to_owned();
        let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
        let gib = Memory::now().total as f64 / f64::from(1 << 30);
        let load = file("/proc/loadavg");
        let load = load.split(' ').next().unwrap_or("?").to_owned();
        let order = if self.first { "before all others (SCHED_FIFO)" } else { "among others" };
        format!(
            "{date}, commit {commit}, Linux {kernel} ({arch}, {congestion}), {cpu}, {cores} cores, \
             {gib:.0} GiB; both ends on it, over loopback, {order}; load {load} when it began.",
            date = line("date", &["--utc", "+%Y-%m-%d %H:%M UTC"]),
            commit = commit(checkout),
            kernel = kernel.trim(),
            arch = std::env::consts::ARCH,
            congestion = file("/proc/sys/net/ipv4/tcp_congestion_control").trim(),
        )
    }
}

/// What is checked out, and whether it was changed since.
pub(crate) fn commit(checkout: &Checkout) -> String {
    let git = |args: &[&str]| checkout.task("git").args(args).output();
    let Ok(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let results = format!(":!{}", super::document::PATH);
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ".", &results]);
    let clean = changed.is_ok_and(|changed| changed.is_empty());
    format!("{}{}", commit.trim(), if clean { "" } else { " (changed)" })
}

/// RAM, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    /// What programs may still have.
    pub(crate) available: u64,
    /// What the kernel's own objects take.
    pub(crate) slab: u64,
}

impl Memory {
    pub(crate) fn now() -> Self {
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let bytes = |name| {
            let kib = value(&meminfo, name).and_then(|it| it.strip_suffix(" kB")?.parse().ok());
            kib.unwrap_or(0_u64) * 1024
        };
        let [total, available, slab] = ["MemTotal", "MemAvailable", "Slab"].map(bytes);
        Self { total, available, slab }
    }
}

/// What a process has in RAM; nothing once it is gone.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kib = value(&rollup, "Rss").and_then(|it| it.strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(0_u64) * 1024
}

/// The value of the first line `name : value`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(key, _)| key.trim() == name);
    named.next().map(|(_, value)| value.trim())
}

/// The numbers of a list like `0-2,5`.
fn cores(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_counted_from_a_list() {
        assert_eq!(cores("0-2,5"), [0, 1, 2, 5]);
        assert_eq!(cores("3"), [3]);
        assert_eq!(cores(""), [0_usize; 0]);
    }

    #[test]
    fn there_is_memory() {
        let Memory { total, available, .. } = Memory::now();
        assert!(total > 1 << 20 && available <= total);
        assert!(resident_bytes(std::process::id()) > 0);
    }
}
