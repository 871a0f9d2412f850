//! The ring, and the mesh's sleep and wake, in every interleaving that the model checker knows of.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p whisper-shard-router --lib loom_tests
//! ```
//!
//! The flag makes another build of everything: give it a `CARGO_TARGET_DIR` of its own.
//! `LOOM_MAX_PREEMPTIONS=n` puts another bound on all models. Where a model has a bound here, it is
//! what takes seconds; `a_sleeper_hears_of_each_message` has also been run without one (1.4 million
//! executions).
//!
//! # What the checker can't see
//! - It runs one thread at a time and gives loads old values: no load sees a store of its future.
//!   Nothing here depends on a load that a later store of another thread could feed.
//! - A sequentially consistent *fence* it knows, but as one that also hands over all that came
//!   before, where the language only promises that loads see it. A race between plain accesses that
//!   two such fences happen to order goes unseen. So there are models in which a receiver meets a
//!   message without having passed its fence; they catch the relaxed bit below.
//! - Sequentially consistent loads and stores it takes for weaker than they are. We use none.
//! - It remembers the last seven values of an atomic, and a `park` takes over what its `unpark` saw.
//! - A store may slip into another thread's swap; see `sync::AtomicBool` for the way around.
//!
//! # Faults that it was shown
//! Each was put in by hand, alone, and was found; beside it, the first test that did.
//!
//! | fault | found by |
//! |---|---|
//! | ring: `tail` stored relaxed, or loaded relaxed | `items_come_in_order_…` |
//! | ring: `head` stored relaxed, or loaded relaxed | `items_come_in_order_…` |
//! | ring: `tail` stored before the slot is written | `items_come_in_order_…` |
//! | ring: `head` stored before the item is out | `items_come_in_order_…` |
//! | ring: one item too many | `items_come_in_order_…` |
//! | ring: the other's counter not looked at again | `a_full_ring_…`, `items_come_in_order_…` |
//! | ring: what is left is not dropped | `what_is_left_…` |
//! | inbox: bit set relaxed, or bits taken relaxed | `a_sleeper_hears_of_a_message` |
//! | inbox: bits taken in two steps, or set in two | `what_overflows_…`, `…_two_senders` |
//! | sender: no fence, or one of acquire and release | `a_sleeper_hears_of_a_message` |
//! | receiver: no fence, or one of acquire and release | `a_sleeper_hears_of_a_message` |
//! | receiver: no second look, or one before `sleeping` is set | `a_sleeper_hears_of_a_message` |
//! | sender: `sleeping` read before the bit is set | `a_sleeper_hears_of_a_message` |
//! | sender: `sleeping` read but not taken | `what_overflows_…` |
//! | sender: `sleeping` taken in two steps | `a_sleeper_hears_of_two_senders` |
//! | sender: only the last target woken | `two_sleepers_hear_of_one_sender` |
//! | overflow: overtaken by what is sent later | `what_overflows_…` |
//! | overflow: moved into the ring unannounced, or never | `what_overflows_…` |

use std::sync::Arc as Handle;
use std::sync::atomic::{AtomicUsize as Tally, Ordering::SeqCst};

use loom::model::Builder;
use loom::thread::{self, Thread};

use crate::ring::ring;
use crate::{Port, Sleep, mesh};

// The ring.

#[test]
fn items_come_in_order_and_none_is_missing() {
    for capacity in 1..=3 {
        check(None, move || {
            let (mut tx, mut rx) = ring(capacity);
            let producer = thread::spawn(move || (0..4).filter(|n| tx.push(*n).is_ok()).collect());
            let mut popped: Vec<_> = (0..3).filter_map(|_| rx.pop()).collect();
            let pushed: Vec<u32> = producer.join().unwrap();
            popped.extend(std::iter::from_fn(|| rx.pop()));
            assert_eq!(popped, pushed);
        });
    }
}

#[test]
fn a_full_ring_has_room_again() {
    for capacity in 1..=2 {
        check(None, move || {
            let (mut tx, mut rx) = ring(capacity);
            thread::spawn(move || {
                for n in 0..3 {
                    while tx.push(n).is_err() {
                        thread::yield_now();
                    }
                }
            });
            for n in 0..3 {
                while rx.is_empty() {
                    thread::yield_now();
                }
                assert_eq!(rx.pop(), Some(n));
            }
        });
    }
}

#[test]
fn room_once_seen_stays() {
    check(None, || {
        let (mut tx, mut rx) = ring(2);
        thread::spawn(move || {
            for n in 0..3 {
                let room = tx.free();
                assert!(room <= 2);
                (0..room).for_each(|_| assert_eq!(tx.push(n), Ok(())));
            }
        });
        for _ in 0..3 {
            if !rx.is_empty() {
                assert!(rx.pop().is_some());
            }
        }
    });
}

#[test]
fn what_is_left_is_dropped_once_whoever_goes_last() {
    check(None, || {
        let item = Handle::new(());
        let (mut tx, mut rx) = ring(2);
        let producer = thread::spawn({
            let item = Handle::clone(&item);
            move || (0..3).filter(|_| tx.push(Handle::clone(&item)).is_ok()).count()
        });
        let consumer = thread::spawn(move || drop(rx.pop()));
        assert!(producer.join().unwrap() >= 2);
        consumer.join().unwrap();
        assert_eq!(Handle::strong_count(&item), 1);
    });
}

// The mesh. Port 0 is the main thread's, and the one that sleeps.

#[test]
fn a_sleeper_hears_of_a_message() {
    check(None, || {
        let [mut rx, tx] = ports(2);
        let sleeper = Sleeper::this_thread();
        spawn_sender(tx, [0], &sleeper);
        assert_eq!(sleeper.receive(&mut rx), (1, 0));
    });
}

#[test]
fn a_sleeper_hears_of_each_message() {
    check(Some(6), || {
        let [mut rx, tx] = ports(2);
        let sleeper = Sleeper::this_thread();
        spawn_sender(tx, [0, 1], &sleeper);
        assert_eq!(sleeper.receive(&mut rx), (1, 0));
        assert_eq!(sleeper.receive(&mut rx), (1, 1));
    });
}

#[test]
fn a_sleeper_hears_of_two_senders() {
    check(Some(4), || {
        let [mut rx, one, two] = ports(2);
        let sleeper = Sleeper::this_thread();
        spawn_sender(one, [0], &sleeper);
        spawn_sender(two, [0], &sleeper);
        let mut from = [0; 2].map(|_| sleeper.receive(&mut rx));
        from.sort_unstable();
        assert_eq!(from, [(1, 0), (2, 0)]);
    });
}

/// One fence of the sender's serves both.
#[test]
fn two_sleepers_hear_of_one_sender() {
    check(Some(4), || {
        let [mut rx, mut other, mut tx] = ports(2);
        let here = Sleeper::this_thread();
        let there = Sleeper::spawn(move |there| assert_eq!(there.receive(&mut other), (2, 1)));
        let sleepers = [here.clone(), there];
        thread::spawn(move || {
            tx.send(0, 0);
            tx.send(1, 1);
            tx.flush(|to| sleepers[to].wake());
        });
        assert_eq!(here.receive(&mut rx), (2, 0));
    });
}

/// A timer ends the first sleep, whether or not a wake is on its way.
#[test]
fn a_sleep_may_end_by_itself() {
    check(None, || {
        let [mut rx, tx] = ports(2);
        let sleeper = Sleeper::this_thread();
        spawn_sender(tx, [0], &sleeper);
        sleeper.prepare(&mut rx);
        rx.awake();
        assert_eq!(sleeper.receive(&mut rx), (1, 0));
    });
}

#[test]
fn two_that_sleep_answer_each_other() {
    check(Some(4), || {
        let [mut asking, mut answering] = ports(1);
        let here = Sleeper::this_thread();
        let there = Sleeper::spawn({
            let here = here.clone();
            move |there| {
                for n in 0..2 {
                    assert_eq!(there.receive(&mut answering), (0, n));
                    answering.send(0, n);
                    answering.flush(|_| here.wake());
                }
            }
        });
        for n in 0..2 {
            asking.send(1, n);
            asking.flush(|_| there.wake());
            assert_eq!(here.receive(&mut asking), (1, n));
        }
    });
}

#[test]
fn what_overflows_follows_in_order() {
    check(Some(4), || {
        let [mut rx, mut tx] = ports(1);
        let sleeper = Sleeper::this_thread();
        let wake = sleeper.clone();
        thread::spawn(move || {
            tx.send(0, 0);
            tx.send(0, 1);
            tx.flush(|_| wake.wake());
            tx.send(0, 2); // there may be room by now, but an older one waits
            while tx.waiting() > 0 {
                thread::yield_now();
                tx.flush(|_| wake.wake());
            }
        });
        for n in 0..3 {
            assert_eq!(sleeper.receive(&mut rx), (1, n));
        }
    });
}

/// Runs `model` in every interleaving, or in those with at most `preemptions`.
fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.check(model);
}

/// The ports of a mesh of `N`.
fn ports<const N: usize>(slots: usize) -> [Port<u32>; N] {
    mesh(N, slots).try_into().unwrap_or_else(|_| unreachable!("a mesh has as many ports as asked"))
}

/// A thread that sleeps, and how to wake it.
#[derive(Clone)]
struct Sleeper {
    thread: Thread,
    tally: Handle<[Tally; 2]>,
}

impl Sleeper {
    fn this_thread() -> Self {
        Self { thread: thread::current(), tally: Handle::default() }
    }

    /// A new thread, which is given its own `Sleeper`.
    fn spawn(body: impl FnOnce(Sleeper) + 'static) -> Self {
        let tally = Handle::default();
        let thread = thread::spawn({
            let tally = Handle::clone(&tally);
            move || body(Sleeper { thread: thread::current(), tally })
        });
        Self { thread: thread.thread().clone(), tally }
    }

    /// Receives a message, and sleeps until there is one.
    fn receive(&self, port: &mut Port<u32>) -> (usize, u32) {
        loop {
            if let Some(received) = port.recv() {
                return received;
            }
            if self.prepare(port) == Sleep::Now {
                thread::park();
            }
            port.awake();
        }
    }

    fn prepare(&self, port: &mut Port<u32>) -> Sleep {
        self.tally[0].fetch_add(1, SeqCst);
        port.prepare_sleep()
    }

    /// Ends a sleep.
    fn wake(&self) {
        let [sleeps, wakes] = &*self.tally;
        assert!(wakes.fetch_add(1, SeqCst) < sleeps.load(SeqCst), "two wakes for one sleep");
        self.thread.unpark();
    }
}

/// Sends `messages` to port 0, each in a turn of its own.
fn spawn_sender<const N: usize>(mut port: Port<u32>, messages: [u32; N], sleeper: &Sleeper) {
    let sleeper = sleeper.clone();
    thread::spawn(move || {
        for message in messages {
            port.send(0, message);
            port.flush(|_| sleeper.wake());
        }
    });
}
