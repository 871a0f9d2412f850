//! Whether there is room for more people: looked at by the control thread, asked by every worker.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What must stay free, in bytes, however little is configured: the kernel needs some for the
/// sockets there are.
const RESERVE_MIN: u64 = 64 << 20;

/// Whether newcomers are let in. Who is here stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Arc<State>);

#[derive(Debug, Default)]
struct State {
    full: AtomicBool,
    closed: AtomicBool,
    free: AtomicU64,
}

impl Room {
    /// Whether there is none.
    pub(crate) fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Lets nobody in from here on, however much room there is: those who are here are going.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    /// Whether nobody is let in any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Relaxed)
    }

    /// Memory that was free at the last look, in bytes.
    pub(crate) fn free(&self) -> u64 {
        self.0.free.load(Ordering::Relaxed)
    }

    /// What is kept where so much is configured, in bytes.
    pub(crate) fn reserve(configured: u64) -> u64 {
        configured.max(RESERVE_MIN)
    }

    /// Looks how much memory is free, of the machine and of the control group, and answers whether
    /// that has changed the mind. `reserve` bytes are kept; room is there again when a quarter more
    /// is free.
    pub(crate) fn look(&self, reserve: u64) -> bool {
        let Some(free) = free_bytes() else { return false };
        let reserve = Self::reserve(reserve);
        self.0.free.store(free, Ordering::Relaxed);
        let was_full = self.is_full();
        let is_full = free < if was_full { reserve + reserve / 4 } else { reserve };
        self.0.full.store(is_full, Ordering::Relaxed);
        is_full != was_full
    }
}

/// The least that any limit leaves; None where the system doesn't say.
fn free_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    let group = || {
        let number = |name: &str| {
            let text = fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
            text.trim().parse::<u64>().ok()
        };
        number("memory.max")?.checked_sub(number("memory.current")?)
    };
    machine.into_iter().chain(group()).min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_from_where_the_kernel_tells_it() {
        let text = "MemTotal:       24000000 kB\nMemFree: 1 kB\nMemAvailable:   12345 kB\n";
        assert_eq!(available(text), Some(12345 << 10));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_box_fills_and_empties() {
        let room = Room::default();
        assert!(room.look(u64::MAX / 2) && room.is_full());
        assert!(!room.look(u64::MAX / 2));
        assert!(room.look(0) && !room.is_full(), "tests run with some memory to spare");
    }
}
