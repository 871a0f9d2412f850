//! The pool of receive buffers: the kernel picks one when data is there, so an idle connection
//! holds none.
//!
//! The pool is address space at first and becomes memory as it is used. A few buffers are offered
//! to the kernel at the start and more each time it ran out, up to the configured bound. Those that
//! were of no use for a second lose their memory, and are withdrawn as they come back. So the memory
//! in use follows the largest burst of late, also where nothing follows it.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;

use crate::ring::Ring;

/// Buffers offered at the start.
const AT_START: u16 = 64;

/// A pool may have so many times the buffers that it had use for lately.
const SPARE: u16 = 8;

/// What `madvise` goes by.
const PAGE_BYTES: usize = 4096;

/// The ring of free buffers that is shared with the kernel, and the buffers.
#[derive(Debug)]
pub(crate) struct Buffers {
    entries: Mapping,
    memory: Mapping,
    capacity: u16,
    buffer_bytes: u32,
    /// Buffers that take part: numbers from here on are not on offer.
    grown: u16,
    /// Numbers from here on are withdrawn when they come back.
    kept: u16,
    /// Those that did.
    withdrawn: Vec<u16>,
    /// Buffers that were filled and not yet recycled.
    lent: u16,
    /// The most that were at the end of any turn, lately.
    lent_peak: u16,
    /// The same since the latest look by [`Buffers::relax`].
    busy: u16,
    tail: u16,
}

impl Buffers {
    /// Reserves address space for `capacity` buffers, a power of two up to 32768.
    pub(crate) fn new(capacity: u16, buffer_bytes: u32) -> io::Result<Buffers> {
        let capacity = capacity.clamp(1, 1 << 15).next_power_of_two();
        let entries = Mapping::new(usize::from(capacity) * size_of::<BufRingEntry>())?;
        let memory = Mapping::new(usize::from(capacity) * buffer_bytes as usize)?;
        Ok(Buffers {
            entries,
            memory,
            capacity,
            buffer_bytes,
            grown: 0,
            kept: 0,
            withdrawn: Vec::new(),
            lent: 0,
            lent_peak: 0,
            busy: 0,
            tail: 0,
        })
    }

    /// Makes the pool known to the ring and offers the first buffers.
    ///
    /// # Safety
    /// The pool must outlive every receive of the ring.
    pub(crate) unsafe fn register(&mut self, ring: &Ring) -> io::Result<()> {
        // SAFETY: the entries are page-aligned, of the announced length, and outlive the ring's
        // use of them by this function's own contract.
        unsafe { ring.register_buffers(self.entries.start.as_ptr() as u64, self.capacity)? };
        self.grow_to(AT_START);
        self.commit();
        Ok(())
    }

    /// Notes that the kernel filled a buffer.
    pub(crate) fn lend(&mut self) {
        self.lent += 1;
    }

    /// The first `len` bytes of a buffer that was filled and not yet recycled.
    pub(crate) fn filled(&mut self, id: u16, len: u32) -> &mut [u8] {
        assert!(id < self.grown && len <= self.buffer_bytes);
        // SAFETY: the buffer lies within the mapping as asserted; it belongs to us alone from its
        // completion until it is recycled; the borrow of `self` keeps it from being recycled, or
        // borrowed twice, meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.address(id), len as usize) }
    }

    /// Gives a filled buffer back; the kernel may use it after the next [`Buffers::commit`].
    pub(crate) fn recycle(&mut self, id: u16) {
        self.lent -= 1;
        if id < self.kept {
            self.offer(id);
        } else {
            self.withdraw(id);
        }
    }

    /// Publishes what was given back.
    pub(crate) fn commit(&mut self) {
        let entries = self.entries.start.as_ptr().cast::<BufRingEntry>();
        // SAFETY: the tail lies in the first entry's reserved field, within the mapping; the
        // kernel reads it at any time, hence the atomic, and never writes it.
        unsafe {
            let tail = BufRingEntry::tail(entries).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }

    /// Doubles the pool, unless it has its full size; or keeps what was being withdrawn.
    pub(crate) fn grow(&mut self) {
        if self.kept == self.grown {
            return self.grow_to(self.grown.saturating_mul(2));
        }
        self.kept = self.grown;
        for id in std::mem::take(&mut self.withdrawn) {
            self.offer(id);
        }
    }

    /// Begins to take buffers out of a pool that was mostly of no use since the latest look, down to
    /// what it had at the start. To be called every second or so.
    ///
    /// # Safety
    /// Every buffer that the kernel has filled is [lent](Buffers::lend), and it fills none meanwhile.
    pub(crate) unsafe fn relax(&mut self) {
        let peak = std::mem::replace(&mut self.busy, self.lent);
        let of_use = peak.saturating_mul(SPARE).max(AT_START);
        if self.kept == self.grown && of_use <= self.grown / 2 {
            self.kept = of_use;
            if self.lent == 0 {
                // Nothing is in any of them. Those that the kernel still has come back one by one,
                // or never, where nobody says anything.
                self.forget_withdrawn();
            }
        }
    }

    /// Buffers that the kernel can fill before any is recycled.
    pub(crate) fn free(&self) -> u16 {
        self.grown - self.lent - self.withdrawn.len() as u16
    }

    /// Whether most of the pool is in use and a bigger one is allowed.
    pub(crate) fn is_short(&self) -> bool {
        self.grown < self.capacity && self.free() < self.grown / 4
    }

    /// Notes how many are lent, once all that were filled have been heard of.
    pub(crate) fn note_peak(&mut self) {
        self.lent_peak = self.lent_peak.max(self.lent);
        self.busy = self.busy.max(self.lent);
    }

    /// The fewest that were free since this was last asked, of all that there may be.
    pub(crate) fn take_low_water(&mut self) -> u16 {
        self.capacity - std::mem::replace(&mut self.lent_peak, self.lent)
    }

    pub(crate) fn capacity(&self) -> u16 {
        self.capacity
    }

    pub(crate) fn grown(&self) -> u16 {
        self.grown
    }

    fn grow_to(&mut self, count: u16) {
        while self.grown < count.min(self.capacity) {
            self.grown += 1;
            self.offer(self.grown - 1);
        }
        self.kept = self.grown;
    }

    /// Keeps a buffer back; with the last of those that shall be, their memory goes.
    fn withdraw(&mut self, id: u16) {
        self.withdrawn.push(id);
        if self.withdrawn.len() == usize::from(self.grown - self.kept) {
            self.forget_withdrawn();
            self.grown = self.kept;
            self.withdrawn = Vec::new();
        }
    }

    /// Gives the memory back of buffers that are, or are to be, withdrawn.
    fn forget_withdrawn(&mut self) {
        let [from, to] =
            [self.kept, self.grown].map(|id| usize::from(id) * self.buffer_bytes as usize);
        self.memory.forget(from, to);
    }

    fn offer(&mut self, id: u16) {
        let index = usize::from(self.tail & (self.capacity - 1));
        let address = self.address(id) as u64;
        // SAFETY: the index is below the capacity, so within the mapping; the kernel doesn't look
        // at an entry before the tail has passed it.
        let entry = unsafe { &mut *self.entries.start.as_ptr().cast::<BufRingEntry>().add(index) };
        entry.set_addr(address);
        entry.set_len(self.buffer_bytes);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    fn address(&self, id: u16) -> *mut u8 {
        // SAFETY: ids are below the capacity, so the buffer lies within the mapping.
        unsafe { self.memory.start.as_ptr().add(usize::from(id) * self.buffer_bytes as usize) }
    }
}

/// Anonymous memory, zero and untouched at first.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

impl Mapping {
    fn new(len: usize) -> io::Result<Mapping> {
        // SAFETY: a new private mapping at an address of the kernel's choice touches nothing else.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { start, len })
    }

    /// Gives the whole pages between two offsets back; they are zero when they are next used.
    fn forget(&mut self, from: usize, to: usize) {
        let from = from.next_multiple_of(PAGE_BYTES);
        let to = to.min(self.len) / PAGE_BYTES * PAGE_BYTES;
        if from < to {
            // SAFETY: within the mapping, which nobody borrows from meanwhile. Where pages are
            // larger it fails and changes nothing.
            unsafe {
                let start = self.start.as_ptr().add(from).cast();
                libc::madvise(start, to - from, libc::MADV_DONTNEED);
            }
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and nobody borrows from a dropped pool.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a turn does in which so many buffers are filled, the oldest on offer first.
    fn turn(pool: &mut Buffers, offered: &mut std::collections::VecDeque<u16>, filled: usize) {
        let lent: Vec<_> = offered.drain(..filled).collect();
        for id in &lent {
            pool.lend();
            pool.filled(*id, 2048).fill(1);
        }
        pool.note_peak();
        for id in lent {
            let tail = pool.tail;
            pool.recycle(id);
            offered.extend((pool.tail != tail).then_some(id));
        }
    }

    fn relax(pool: &mut Buffers) {
        // SAFETY: no kernel knows of this pool.
        unsafe { pool.relax() };
    }

    #[test]
    fn a_pool_shrinks_after_a_burst_and_grows_again_with_the_next() {
        let mut pool = Buffers::new(1024, 2048).expect("address space");
        pool.grow_to(512);
        let mut offered = (0..512).collect();
        turn(&mut pool, &mut offered, 400);
        relax(&mut pool);
        assert_eq!(pool.kept, 512, "the burst was lately");
        for _ in 0..30 {
            turn(&mut pool, &mut offered, 10);
            relax(&mut pool);
        }
        assert_eq!((pool.kept, pool.grown()), (80, 512), "not all have come round");
        assert_eq!(usize::from(pool.free()), offered.len());
        for _ in 0..60 {
            turn(&mut pool, &mut offered, 7);
            relax(&mut pool);
        }
        let grown = pool.grown();
        assert_eq!((grown, pool.free()), (80, 80), "half of it would not be enough");

        pool.grow();
        offered.extend(grown..2 * grown);
        turn(&mut pool, &mut offered, usize::from(2 * grown));
        assert_eq!(pool.free(), 2 * grown, "and all of them are written to");
    }

    #[test]
    fn a_burst_that_nothing_follows_leaves_no_memory_behind() {
        let mut pool = Buffers::new(1024, 4096).expect("address space");
        pool.grow_to(512);
        let written =
            |pool: &mut Buffers| (0..512).filter(|id| pool.filled(*id, 1)[0] == 1).count();
        for id in 0..512 {
            pool.lend();
            pool.filled(id, 4096).fill(1);
        }
        pool.note_peak();
        relax(&mut pool);
        relax(&mut pool);
        assert_eq!(written(&mut pool), 512, "what is lent is being read");
        (0..512).for_each(|id| pool.recycle(id));
        relax(&mut pool);
        assert_eq!(written(&mut pool), 512, "the burst was lately");
        relax(&mut pool);
        assert_eq!(written(&mut pool), usize::from(AT_START));
    }

    #[test]
    fn what_is_being_withdrawn_is_back_where_it_is_needed() {
        let mut pool = Buffers::new(1024, 2048).expect("address space");
        pool.grow_to(256);
        let mut offered = (0..256).collect();
        turn(&mut pool, &mut offered, 1);
        relax(&mut pool);
        turn(&mut pool, &mut offered, 200);
        assert!(pool.free() < 256 && pool.kept == AT_START);
        pool.grow();
        assert_eq!((pool.free(), pool.grown(), pool.kept), (256, 256, 256));
        turn(&mut pool, &mut offered, 1);
        relax(&mut pool);
        assert_eq!(pool.kept, 256, "the burst was lately");
    }
}
