//! The mesh: one ring for each ordered pair of shards, one [`Port`] for each shard.
//!
//! A shard sends during a turn of its loop and calls [`Port::flush`] at the end of it; until then
//! what was sent may go unseen. That makes one atomic write per target and turn, and one fence per
//! turn, of what would be one of each per message. Order is kept within a pair of shards; between
//! pairs there is none.
//!
//! Nothing is ever dropped and nobody ever waits for room: what does not fit into a ring stays in
//! order with the sender, and goes out with a later flush. A sender sees by [`Port::congested`]
//! that a target lags, and then stops reading the sockets that feed it; so the bound on memory is
//! the caller's to keep.
//!
//! Memory: `ports² × slots × 64 B`, that is 16 MiB for 64 ports of 64 slots; a number of slots that
//! is no power of two takes the room of the next one. Why nothing is lost between threads stands in
//! the modules that have the atomics: in `ring` for the items, in `inbox` for sleep and wake.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::bits::Bits;
use crate::inbox::Inbox;
use crate::ring::{Consumer, Producer, ring};
use crate::sync::{Ordering, fence};

/// The greatest size of a message: one cache line. Larger ones do not compile; box what is large
/// and rare.
pub const MESSAGE_BYTES: usize = 64;

/// Slots of a ring, unless there is a reason for another number.
pub const RING_SLOTS: usize = 64;

/// The greatest number of ports in a mesh.
pub const PORTS_MAX: usize = Bits::CAPACITY;

/// A target with this many messages waiting at the sender is [congested](Port::congested).
pub const OVERFLOW_BOUND: usize = 4096;

/// Makes the ports of a mesh of `shards` shards, in order, with `slots` slots in each ring.
///
/// ```compile_fail
/// struct Large([u8; 65]);
/// whisper_shard_router::mesh::<Large>(2, 64); // a message is at most 64 B
/// ```
///
/// # Panics
/// Where `shards` is 0 or above [`PORTS_MAX`], or `slots` is 0.
pub fn mesh<T: Send>(shards: usize, slots: usize) -> Vec<Port<T>> {
    const { assert!(size_of::<T>() <= MESSAGE_BYTES, "a message of the mesh is at most 64 B") };
    assert!((1..=PORTS_MAX).contains(&shards), "a mesh has 1 to {PORTS_MAX} ports, not {shards}");
    assert!(slots > 0, "a ring has at least one slot");

    let inboxes: Arc<[Inbox]> = (0..shards).map(|_| Inbox::default()).collect();
    let mut ports: Vec<Port<T>> = (0..shards).map(|me| Port::new(me, &inboxes)).collect();
    for from in 0..shards {
        for to in 0..shards {
            // The ring from a port to itself is never used: its messages go through `local`. It
            // exists, with one slot, so that a peer's number is its index.
            let (tx, rx) = ring(if from == to { 1 } else { slots });
            ports[from].out.push(Outgoing { ring: tx, overflow: VecDeque::new() });
            ports[to].rings.push(rx);
        }
    }
    ports
}

/// One shard's end of the mesh. It moves to the shard's thread and stays there.
///
/// It is `Send`, but neither `Sync` nor `Clone`: each ring has one producer and one consumer.
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<whisper_shard_router::Port<u64>>();
/// ```
/// ```compile_fail
/// fn copied<T: Clone>() {}
/// copied::<whisper_shard_router::Port<u64>>();
/// ```
pub struct Port<T> {
    me: usize,
    inboxes: Arc<[Inbox]>,
    /// By target.
    out: Vec<Outgoing<T>>,
    /// Targets that were pushed to and not told yet.
    unannounced: Bits,
    /// Targets whose overflow is not empty.
    overflowing: Bits,
    /// By sender.
    rings: Vec<Consumer<T>>,
    /// What we sent to ourselves.
    local: VecDeque<T>,
    /// Sources with something to receive, as far as we know; a ring is taken out when it was found
    /// empty.
    ready: Bits,
    /// Where the rotation over the sources goes on.
    next_source: usize,
    counters: Counters,
}

/// The way to one target: a ring, and a queue for what did not fit.
struct Outgoing<T> {
    ring: Producer<T>,
    overflow: VecDeque<T>,
}

/// Whether a shard may sleep now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// It may, until woken.
    Now,
    /// It may not: there is something to receive or to flush.
    No,
    /// It may, but must come back soon (within a millisecond, say) and [flush](Port::flush) again:
    /// messages wait for room in a ring, and nobody tells when there is some.
    Briefly,
}

/// What a port has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages sent, those to itself included.
    pub sent: u64,
    /// Messages received, those from itself included.
    pub received: u64,
    /// Messages that found their ring full and had to wait at the sender.
    pub overflowed: u64,
    /// Sleeping targets woken.
    pub wakes: u64,
}

impl<T> Port<T> {
    fn new(me: usize, inboxes: &Arc<[Inbox]>) -> Self {
        Self {
            me,
            inboxes: Arc::clone(inboxes),
            out: Vec::with_capacity(inboxes.len()),
            unannounced: Bits::default(),
            overflowing: Bits::default(),
            rings: Vec::with_capacity(inboxes.len()),
            local: VecDeque::new(),
            ready: Bits::default(),
            next_source: 0,
            counters: Counters::default(),
        }
    }

    /// The number of this port in its mesh.
    pub fn me(&self) -> usize {
        self.me
    }

    /// Sends `msg` to the port `to`, in order after all that was sent to it before. It is seen
    /// there after the next [`Port::flush`]. A message to oneself is not handled inline: it
    /// comes back from [`Port::recv`] in its turn.
    ///
    /// # Panics
    /// Where the mesh has no port `to`.
    pub fn send(&mut self, to: usize, msg: T) {
        self.counters.sent += 1;
        if to == self.me {
            self.local.push_back(msg);
            self.ready.insert(to);
            return;
        }
        let Outgoing { ring, overflow } = &mut self.out[to];
        let refused = if overflow.is_empty() { ring.push(msg).err() } else { Some(msg) };
        match refused {
            None => self.unannounced.insert(to),
            Some(msg) => {
                overflow.push_back(msg);
                self.overflowing.insert(to);
                self.counters.overflowed += 1;
            }
        }
    }

    /// Receives one message and tells whose it was.
    ///
    /// The sources that hold something take turns, one message each, oneself being one of them; a
    /// source that has something new to say waits for one round at most.
    pub fn recv(&mut self) -> Option<(usize, T)> {
        loop {
            let source = match self.ready.first_from(self.next_source) {
                Some(source) => source,
                None => {
                    self.inboxes[self.me].collect(&mut self.ready);
                    self.ready.first_from(0)?
                }
            };
            let msg =
                if source == self.me { self.local.pop_front() } else { self.rings[source].pop() };
            self.next_source = source + 1;
            match msg {
                Some(msg) => {
                    self.counters.received += 1;
                    return Some((source, msg));
                }
                None => self.ready.remove(source),
            }
        }
    }

    /// Receives one message from oneself, out of turn: for who must have settled with himself
    /// before he hears others. It never ends while each message makes another; bound it.
    pub fn recv_own(&mut self) -> Option<T> {
        let msg = self.local.pop_front()?;
        self.counters.received += 1;
        Some(msg)
    }

    /// Ends a turn: moves what waited into the rings as far as there is room, shows the targets
    /// what was sent, and calls `wake` for each that was asleep, once for each of its sleeps.
    ///
    /// A wake must not be lost if it comes before its target has truly gone to sleep.
    pub fn flush(&mut self, mut wake: impl FnMut(usize)) {
        for to in self.overflowing.iter() {
            self.refill(to);
        }
        if self.unannounced.is_empty() {
            return;
        }
        for to in self.unannounced.iter() {
            self.inboxes[to].announce(self.me);
        }
        fence(Ordering::SeqCst);
        for to in self.unannounced.iter() {
            if self.inboxes[to].take_sleeper() {
                self.counters.wakes += 1;
                wake(to);
            }
        }
        self.unannounced = Bits::default();
    }

    /// Says whether this shard may sleep, and if so shows it as sleeping: the next message to it
    /// comes with a wake. [`Port::awake`] must follow the sleep.
    pub fn prepare_sleep(&mut self) -> Sleep {
        self.forget_empty_sources();
        if !self.ready.is_empty() || !self.unannounced.is_empty() {
            return Sleep::No;
        }
        if !self.inboxes[self.me].try_sleep() {
            return Sleep::No;
        }
        if self.overflowing.is_empty() { Sleep::Now } else { Sleep::Briefly }
    }

    /// Shows this shard as awake, for whatever reason it woke: messages to it need no wake any
    /// more.
    pub fn awake(&mut self) {
        self.inboxes[self.me].wake_up();
    }

    /// Whether so many messages wait for room to `to` ([`OVERFLOW_BOUND`] or more) that the caller
    /// must stop taking in what makes more of them.
    pub fn congested(&self, to: usize) -> bool {
        let waiting = if to == self.me { &self.local } else { &self.out[to].overflow };
        waiting.len() >= OVERFLOW_BOUND
    }

    /// How many messages wait at this port for room in a ring.
    pub fn waiting(&self) -> usize {
        self.overflowing.iter().map(|to| self.out[to].overflow.len()).sum()
    }

    /// How many messages the fullest ring to another port holds.
    pub fn depth(&mut self) -> usize {
        self.out.iter_mut().map(|out| out.ring.used()).max().unwrap_or(0)
    }

    /// What this port has done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Moves what waits for `to` into its ring, as much as fits.
    fn refill(&mut self, to: usize) {
        let Outgoing { ring, overflow } = &mut self.out[to];
        let room = ring.free().min(overflow.len());
        for msg in overflow.drain(..room) {
            let pushed = ring.push(msg);
            debug_assert!(pushed.is_ok(), "only we fill this ring, and it had room");
        }
        if room > 0 {
            self.unannounced.insert(to);
        }
        if overflow.is_empty() {
            // Bursts are rare: give their memory back.
            *overflow = VecDeque::new();
            self.overflowing.remove(to);
        }
    }

    fn forget_empty_sources(&mut self) {
        for source in self.ready.iter() {
            let empty = if source == self.me {
                self.local.is_empty()
            } else {
                self.rings[source].is_empty()
            };
            if empty {
                self.ready.remove(source);
            }
        }
    }
}
