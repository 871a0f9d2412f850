//! User memory of a process, and what the kernel holds beside.

use std::ops::Add;

use super::{MeasureError, parsed};

/// What of a process's memory is in RAM, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Not backed by a file: heap, stacks, buffers. What connections cost is here.
    pub(crate) anonymous: u64,
    /// All of it, the program's own text included.
    pub(crate) resident: u64,
}

impl Memory {
    /// That of a process, summed up page by page and so exact, where `VmRSS` lags behind.
    ///
    /// # Errors
    /// Where there is no such process, or it isn't ours to look at.
    pub(crate) fn of_process(pid: u32) -> Result<Self, MeasureError> {
        parsed(format!("/proc/{pid}/smaps_rollup"), "Rss and Anonymous", Self::parse)
    }

    fn parse(rollup: &str) -> Option<Self> {
        Some(Self { anonymous: bytes(rollup, "Anonymous:")?, resident: bytes(rollup, "Rss:")? })
    }
}

impl Add for Memory {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            anonymous: self.anonymous + other.anonymous,
            resident: self.resident + other.resident,
        }
    }
}

/// What the kernel holds in slabs and can't give back, of the whole system: sockets, the requests of
/// rings, and what belongs to them. In bytes.
///
/// # Errors
/// Where it isn't told.
pub(crate) fn kernel_memory() -> Result<u64, MeasureError> {
    parsed("/proc/meminfo", "SUnreclaim", |text| bytes(text, "SUnreclaim:"))
}

/// The field of a line like `Rss:   1234 kB`.
fn bytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_bytes() {
        let rollup = "55e0-7ffc ---p 00000000 00:00 0    [rollup]\n\
                      Rss:                1596 kB\n\
                      Pss:                 300 kB\n\
                      Pss_Anon:             90 kB\n\
                      Anonymous:            92 kB\n";
        let memory = Memory { anonymous: 92 * 1024, resident: 1596 * 1024 };
        assert_eq!(Memory::parse(rollup), Some(memory));
        assert_eq!(Memory::parse("Rss: 1 kB\n"), None);
    }
}
