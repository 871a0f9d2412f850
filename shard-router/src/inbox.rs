//! What a receiver shows to its senders: which rings hold something, and whether it sleeps.
//!
//! # Why no message and no wake is lost
//! *Messages.* A sender pushes into its ring and then sets its bit (release). The receiver takes
//! the bits (acquire) and then reads those rings until they are empty. A push is followed by a set
//! of the bit, so either the receiver's take sees that bit, and with it the push; or the bit is
//! still there for the next take.
//!
//! *Wakes.* Sender and receiver each write one thing and then read the other's, with a sequentially
//! consistent fence between:
//!
//! ```text
//! sender:    set bit       fence   read `sleeping`    → true: wake
//! receiver:  set sleeping  fence   read the bits      → any: stay awake
//! ```
//!
//! The two fences have one order. If the sender's comes first, the receiver's read sees the bit and
//! it stays awake. If the receiver's comes first, the sender's read sees `sleeping` and wakes it.
//! Both may happen (a wake too many); it cannot be that neither does. The fence is needed: release
//! and acquire alone let both reads come before both writes.
//!
//! *One wake.* `sleeping` is taken with a swap, so of many senders that see it set, one wakes. A
//! wake that comes after the receiver has woken up by itself is harmless. A wake that comes before
//! the receiver has truly gone to sleep must be remembered by whatever carries it, as an eventfd, a
//! ring message and `Thread::unpark` do.

use crate::bits::{Bits, WORDS};
use crate::sync::{AtomicBool, AtomicU64, Ordering, fence};

/// One receiver's public face.
///
/// Aligned to two cache lines (they are fetched in pairs), so that no two receivers share one. The
/// bits and the flag do share: a sender that has just set a bit reads the flag next, from the line
/// that it already holds.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Inbox {
    filled: [AtomicU64; WORDS],
    sleeping: AtomicBool,
}

impl Inbox {
    /// Sender: says that the ring from `from` holds something. A fence must follow before
    /// [`Inbox::take_sleeper`]; one serves any number of inboxes.
    pub(crate) fn announce(&self, from: usize) {
        self.filled[from / 64].fetch_or(1 << (from % 64), Ordering::Release);
    }

    /// Sender: whether the receiver sleeps and it falls to us to wake it.
    pub(crate) fn take_sleeper(&self) -> bool {
        self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::Relaxed)
    }

    /// Receiver: moves the announced rings into `ready`.
    pub(crate) fn collect(&self, ready: &mut Bits) {
        for (word, filled) in self.filled.iter().enumerate() {
            // Reading first spares the cache line a write where there is nothing to take.
            if filled.load(Ordering::Relaxed) != 0 {
                ready.insert_word(word, filled.swap(0, Ordering::Acquire));
            }
        }
    }

    /// Receiver: lies down, unless something was announced meanwhile. Says whether it sleeps now.
    pub(crate) fn try_sleep(&self) -> bool {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let quiet = self.filled.iter().all(|filled| filled.load(Ordering::Relaxed) == 0);
        if !quiet {
            self.wake_up();
        }
        quiet
    }

    /// Receiver: is awake, whoever woke it.
    pub(crate) fn wake_up(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }
}
