//! What was seen of a machine.

use std::collections::BTreeMap;

use whisper_store::reports::PostgresAbout;

/// A machine, as it was at one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// As `uname -r` has it.
    pub(super) kernel: String,
    /// Whether a reactor can be made, tried; or why not, and what to do.
    pub(super) reactor: Result<(), String>,
    /// Whether a filter of system calls is on this very process, so that what was tried may be
    /// otherwise for the engine.
    pub(super) is_filtered: bool,
    pub(super) limits: Limits,
    /// Those in [`SYSCTLS`] that there are.
    pub(super) sysctls: BTreeMap<&'static str, String>,
    /// Of the machine, in bytes; what is available is so beside an engine that runs.
    pub(super) memory: Memory,
    pub(super) cores: u64,
    pub(super) numa_nodes: u64,
    /// Unknown where nobody says.
    pub(super) is_clock_synchronized: Option<bool>,
    /// Unix seconds.
    pub(super) now: i64,
    pub(super) certificates: Vec<(String, Result<Certificate, String>)>,
    /// By their addresses without passwords.
    pub(super) redis: Vec<(String, Result<Redis, String>)>,
    pub(super) postgres: Option<Result<PostgresAbout, String>>,
    /// By their addresses without passwords.
    pub(super) nats: Vec<(String, Result<Nats, String>)>,
}

/// What is read of `/proc/sys`.
pub(super) const SYSCTLS: [&str; 7] = [
    "kernel.io_uring_disabled",
    "net.core.somaxconn",
    "net.core.netdev_max_backlog",
    "net.ipv4.tcp_mem",
    "net.netfilter.nf_conntrack_max",
    "fs.file-max",
    "fs.nr_open",
];

/// What the engine's process may have, at the most.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Whose these are: a running engine's, its unit's, or our own.
    pub(super) of: String,
    pub(super) files: u64,
    /// Bytes.
    pub(super) locked: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) total: u64,
    pub(super) available: u64,
}

/// When a certificate is good, in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate {
    pub(super) from: i64,
    pub(super) until: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Redis {
    pub(super) version: String,
    pub(super) is_master: bool,
    /// Where it may be asked.
    pub(super) maxmemory_policy: Option<String>,
}

/// A NATS server, by what it says of itself to whoever connects.
#[derive(Clone, Debug)]
pub(super) struct Nats {
    pub(super) version: String,
    /// It asks who one is, and the address doesn't say.
    pub(super) lacks_login: bool,
    /// Most bytes of a message.
    pub(super) payload_max: u64,
}

impl Snapshot {
    /// A number of the kernel's; of several, the one at this place.
    pub(super) fn sysctl(&self, name: &str, place: usize) -> Option<u64> {
        self.sysctls.get(name)?.split_whitespace().nth(place)?.parse().ok()
    }

    /// The kernel's version, as (6, 7).
    pub(super) fn kernel_version(&self) -> Option<(u32, u32)> {
        let mut parts = self.kernel.split(|c: char| !c.is_ascii_digit());
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}
