//! Many seeds: each a small world in full view of the auditor, and a town full of trouble.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::scale::{self, Plan};
use crate::{Book, Dice, Workload, World};

/// Steps of a world, unless there is a reason for another number.
pub const STEPS: usize = 250;

/// Of so many seeds one is a town too.
const TOWN_EVERY: u64 = 8;

/// What held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Worlds lived.
    pub worlds: u64,
    /// Towns lived.
    pub towns: u64,
    /// A hash of all their hashes, whatever order they were lived in.
    pub hash: u64,
}

/// A seed at which a rule broke.
#[derive(Clone, Debug, thiserror::Error)]
#[error("seed {seed}: {what}")]
pub struct Broken {
    /// Which.
    pub seed: u64,
    /// What the world or the town said.
    pub what: String,
    town: bool,
}

impl Broken {
    /// Lives what broke once more, of so many steps, and returns its event log.
    pub fn log(&self, steps: usize) -> Vec<u8> {
        let book = Book::default();
        let again = || {
            if self.town {
                drop(scale::live_logged(Plan::troubled(self.seed), &book));
            } else {
                live_world_logged(self.seed, steps, &book);
            }
        };
        // It breaks again, and says so again.
        drop(catch_unwind(AssertUnwindSafe(again)));
        book.bytes()
    }
}

/// Lives the worlds of all seeds on every core there is; stops at the first that breaks.
///
/// # Errors
/// [`Broken`], for one that broke. A rule that breaks in a world panics, which is caught where the
/// build unwinds.
pub fn sweep(seeds: Range<u64>, steps: usize) -> Result<Swept, Broken> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut swept = Swept::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return Ok(swept);
            }
            if let Err(broken) = live(seed, steps, &mut swept) {
                next.store(seeds.end, Ordering::Relaxed);
                return Err(broken);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_fold(Swept::default(), |sum, worker| {
            let it = worker.join().expect("a sweep catches what breaks")?;
            Ok(Swept {
                worlds: sum.worlds + it.worlds,
                towns: sum.towns + it.towns,
                hash: sum.hash.wrapping_add(it.hash),
            })
        })
    })
}

/// Lives a small random world of this seed to its end; returns the hash of all its effects.
///
/// # Panics
/// Where an invariant doesn't hold.
pub fn live_world(seed: u64, steps: usize) -> u64 {
    live_in(seed, steps, |shards| World::new(seed, shards))
}

/// The same, and writes its event log into a book.
///
/// # Panics
/// Where an invariant doesn't hold; the book has it all then, up to there.
pub fn live_world_logged(seed: u64, steps: usize, book: &Book) -> u64 {
    live_in(seed, steps, |shards| World::logged(seed, shards, book))
}

fn live_in(seed: u64, steps: usize, world: impl FnOnce(u16) -> World) -> u64 {
    let mut dice = Dice::new(seed);
    let shards = 1 + dice.below(5) as u16;
    let people = 4 + dice.below(37);
    let mut world = world(shards);
    let mut workload = Workload::new(seed, people);
    for _ in 0..steps {
        workload.step(&mut world);
    }
    world.drain()
}

fn live(seed: u64, steps: usize, swept: &mut Swept) -> Result<(), Broken> {
    let caught = catch_unwind(AssertUnwindSafe(|| live_world(seed, steps)));
    let what = || "a world panicked, see above".into();
    let hash = caught.map_err(|_| Broken { seed, what: what(), town: false })?;
    swept.worlds += 1;
    swept.hash = swept.hash.wrapping_add(hash);
    if seed.is_multiple_of(TOWN_EVERY) {
        let broken = |what| Broken { seed, what, town: true };
        let caught = catch_unwind(AssertUnwindSafe(|| scale::live(Plan::troubled(seed))));
        let lived = caught.map_err(|_| broken("a town panicked, see above".into()))?;
        let report = lived.map_err(|failure| broken(failure.to_string()))?;
        swept.towns += 1;
        swept.hash = swept.hash.wrapping_add(report.hash);
    }
    Ok(())
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worlds, towns, hash } = self;
        write!(f, "{worlds} worlds and {towns} troubled towns (hash {hash:016x})")
    }
}
