//! A bounded queue between two threads, one of which pushes and one of which pops. Neither ever
//! waits for the other.
//!
//! Two counters say everything: `tail`, how many items were pushed, written by the [`Producer`]
//! alone; and `head`, how many were popped, written by the [`Consumer`] alone. Items `head..tail`
//! are in the ring, item `n` in slot `n` modulo the number of slots. The counters wrap; as there
//! are `2^k` slots, the slots go on in order across the wrap.
//!
//! # Why nobody touches a slot that the other one uses
//! *Pushed items.* The producer writes the slot and then stores `tail` (release). The consumer
//! loads `tail` (acquire) and reads slots below it only: what it reads was written before.
//!
//! *Freed slots.* The consumer moves the item out and then stores `head` (release). The producer
//! loads `head` (acquire) and writes item `n` only where `n - head` is below the capacity: the item
//! that had the slot before was moved out before.
//!
//! *Old news.* Each side remembers what it last read of the other's counter and looks again only
//! where that says full, or empty. Counters only grow: an old `head` hides room, an old `tail`
//! hides items, and neither shows any that isn't there.
//!
//! *The end.* The last of the two handles drops the ring, and with it the items `head..tail`. `Arc`
//! makes all that the other one did come before that.

use std::mem::MaybeUninit;

use crate::sync::{Arc, AtomicUsize, Ordering, UnsafeCell};

/// Where both counters start: shortly before they wrap, so that it happens in every test instead of
/// after centuries.
const FIRST: usize = usize::MAX - 1;

/// Makes a ring that holds up to `capacity` items.
///
/// # Panics
/// Where `capacity` is 0.
pub(crate) fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    assert!(capacity > 0, "a ring has at least one slot");
    let slots = capacity.next_power_of_two();
    let ring = Arc::new(Ring {
        tail: OwnLines(AtomicUsize::new(FIRST)),
        head: OwnLines(AtomicUsize::new(FIRST)),
        slots: (0..slots).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
    });
    let producer = Producer { ring: Arc::clone(&ring), capacity, tail: FIRST, head_seen: FIRST };
    (producer, Consumer { ring, head: FIRST, tail_seen: FIRST })
}

/// The end that pushes.
pub(crate) struct Producer<T> {
    ring: Arc<Ring<T>>,
    capacity: usize,
    /// What the shared `tail` says too.
    tail: usize,
    /// The shared `head` when we last looked.
    head_seen: usize,
}

/// The end that pops.
pub(crate) struct Consumer<T> {
    ring: Arc<Ring<T>>,
    /// What the shared `head` says too.
    head: usize,
    /// The shared `tail` when we last looked.
    tail_seen: usize,
}

struct Ring<T> {
    tail: OwnLines<AtomicUsize>,
    head: OwnLines<AtomicUsize>,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

/// Keeps a counter on cache lines of its own (they are fetched in pairs): what one side writes all
/// the time must not slow down the other's reading of something else.
#[repr(align(128))]
struct OwnLines<T>(T);

// SAFETY: a producer shares with its consumer the counters, which are atomic, and the slots, of
// which no two threads use one at a time (see above). Items change threads, so they must be `Send`.
// Neither end is `Sync` or `Clone`, and only `ring` makes them: there is one of each.
unsafe impl<T: Send> Send for Producer<T> {}

// SAFETY: as for the producer.
unsafe impl<T: Send> Send for Consumer<T> {}

impl<T> Producer<T> {
    /// Puts `item` behind all others, or gives it back where the ring is full.
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        if self.free_as_seen() == 0 && self.free() == 0 {
            return Err(item);
        }
        self.ring.slot(self.tail).with_mut(|slot| {
            // SAFETY: the slot has no item, and the consumer will not look at it before `tail` says
            // that it has.
            unsafe { slot.write(MaybeUninit::new(item)) }
        });
        self.tail = self.tail.wrapping_add(1);
        self.ring.tail.0.store(self.tail, Ordering::Release);
        Ok(())
    }

    /// For how many items there is room; only more of it can come.
    pub(crate) fn free(&mut self) -> usize {
        self.head_seen = self.ring.head.0.load(Ordering::Acquire);
        self.free_as_seen()
    }

    /// How many items it holds; only less of it can come.
    pub(crate) fn used(&mut self) -> usize {
        self.capacity - self.free()
    }

    fn free_as_seen(&self) -> usize {
        self.capacity - self.tail.wrapping_sub(self.head_seen)
    }
}

impl<T> Consumer<T> {
    /// Takes the oldest item.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let item = self.ring.slot(self.head).with(|slot| {
            // SAFETY: the slot has an item, which `tail` has shown us; it is ours to take, once, as
            // `head` moves past it before anybody looks again.
            unsafe { slot.read().assume_init() }
        });
        self.head = self.head.wrapping_add(1);
        self.ring.head.0.store(self.head, Ordering::Release);
        Some(item)
    }

    /// Whether there is nothing to pop.
    pub(crate) fn is_empty(&mut self) -> bool {
        if self.head == self.tail_seen {
            self.tail_seen = self.ring.tail.0.load(Ordering::Acquire);
        }
        self.head == self.tail_seen
    }
}

impl<T> Ring<T> {
    /// Where item `n` goes.
    fn slot(&self, n: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[n & (self.slots.len() - 1)]
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let tail = self.tail.0.load(Ordering::Relaxed);
        let mut head = self.head.0.load(Ordering::Relaxed);
        while head != tail {
            self.slot(head).with_mut(|slot| {
                // SAFETY: the slots from `head` to `tail` have items, and both ends are gone.
                unsafe { slot.cast::<T>().drop_in_place() }
            });
            head = head.wrapping_add(1);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn it_holds_as_many_as_it_says_and_keeps_their_order() {
        for capacity in 1..=9 {
            let (mut tx, mut rx) = ring(capacity);
            let mut pushed = 0..;
            let mut popped = 0..;
            for round in 0..20 {
                let room = tx.free();
                for n in pushed.by_ref().take(room) {
                    tx.push(n).unwrap();
                }
                assert_eq!((tx.free(), tx.push(usize::MAX)), (0, Err(usize::MAX)));
                for n in popped.by_ref().take(1 + round % capacity) {
                    assert!(!rx.is_empty());
                    assert_eq!(rx.pop(), Some(n));
                }
                assert_eq!(tx.free(), 1 + round % capacity);
            }
            for n in popped.take(capacity - 1 - 19 % capacity) {
                assert_eq!(rx.pop(), Some(n));
            }
            assert!(rx.is_empty());
            assert_eq!((rx.pop(), tx.free()), (None, capacity));
        }
    }

    #[test]
    fn what_is_left_is_dropped_once() {
        let item = Rc::new(());
        for left in 0..=4 {
            let (mut tx, mut rx) = ring(4);
            for _ in 0..3 {
                tx.push(Rc::clone(&item)).unwrap();
            }
            for _ in 0..3 {
                rx.pop().unwrap();
            }
            for _ in 0..left {
                tx.push(Rc::clone(&item)).unwrap();
            }
            assert_eq!(Rc::strong_count(&item), 1 + left);
            drop(rx);
            assert_eq!(Rc::strong_count(&item), 1 + left, "the producer is still there");
            drop(tx);
            assert_eq!(Rc::strong_count(&item), 1);
        }
    }

    #[test]
    #[should_panic = "at least one slot"]
    fn it_has_a_slot() {
        ring::<()>(0);
    }
}
