//! What the process takes of the machine, under the names that Prometheus's own clients use.

use std::fmt;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::sheet::Sheet;

/// This process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    /// When it began, in Unix seconds.
    started: f64,
}

impl Process {
    /// The process, which has just begun.
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: since.as_secs_f64() }
    }
}

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        let help = "When the process began";
        sheet.gauge("process_start_time_seconds", help, self.started.into())?;
        if let Some(seconds) = cpu_seconds() {
            sheet.counter("process_cpu_seconds", "CPU time used", seconds.into())?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (name, help, key) in [
            ("process_resident_memory_bytes", "Memory that is resident", "VmRSS:"),
            ("process_virtual_memory_bytes", "Address space", "VmSize:"),
        ] {
            if let Some(kib) = kib(&status, key) {
                sheet.gauge(name, help, (kib << 10).into())?;
            }
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // The one that reads them is open as well, but not for long.
            let open = files.count().saturating_sub(1) as u64;
            sheet.gauge("process_open_fds", "Descriptors that are open", open.into())?;
        }
        let (files_max, _) =
            nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
                .map_err(|_| fmt::Error)?;
        sheet.gauge("process_max_fds", "Descriptors that may be", files_max.into())
    }
}

/// CPU time of all threads, of the system on their behalf as well.
fn cpu_seconds() -> Option<f64> {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).ok()?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Some(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// A size of `/proc/self/status`.
fn kib(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
