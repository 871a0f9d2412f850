//! Two ways to let a reactor return from its wait: from another reactor, and from a plain thread.
//!
//! Neither carries data. Both are meant for a sleeping reactor; one that is awake loses nothing by
//! them but a turn. By the former, connections are also passed from one reactor to another.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// What another reactor needs to wake this one, see [`crate::Io::wake`], or to pass it a connection,
/// see [`crate::Io::pass`]. Once the reactor is gone it wakes nobody, and takes none.
#[derive(Clone, Debug)]
pub struct WakeHandle(Arc<Reach>);

#[derive(Debug)]
struct Reach {
    ring: AtomicI32,
    /// Connections on their way here.
    arriving: AtomicU32,
    arrivals_max: u32,
}

const GONE: RawFd = -1;

impl WakeHandle {
    pub(crate) fn new(ring: RawFd, arrivals_max: u32) -> WakeHandle {
        let (ring, arriving) = (AtomicI32::new(ring), AtomicU32::new(0));
        WakeHandle(Arc::new(Reach { ring, arriving, arrivals_max }))
    }

    pub(crate) fn ring(&self) -> Option<RawFd> {
        Some(self.0.ring.load(Ordering::Acquire)).filter(|fd| *fd != GONE)
    }

    pub(crate) fn retire(&self) {
        self.0.ring.store(GONE, Ordering::Release);
    }

    /// Counts a connection on its way; false where there are as many as may be.
    pub(crate) fn expect_arrival(&self) -> bool {
        let one_more = |count: u32| (count < self.0.arrivals_max).then_some(count + 1);
        self.0.arriving.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// One of them is there, or has turned back.
    pub(crate) fn arrived(&self) {
        self.0.arriving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Wakes a reactor from a thread that has no ring.
#[derive(Clone, Debug)]
pub struct Notifier(Arc<File>);

impl Notifier {
    pub(crate) fn new() -> io::Result<Notifier> {
        // SAFETY: takes no memory; the result is checked.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else owns.
        Ok(Notifier(Arc::new(unsafe { File::from_raw_fd(fd) })))
    }

    /// Lets the reactor return from its present wait, or from the next one.
    pub fn notify(&self) {
        // It fails only when 2^64 - 2 notifications are pending, and then one is pending.
        let _ = (&*self.0).write(&1_u64.to_ne_bytes());
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
