//! Many seeds: each a small world in full view of the auditor, and a town full of trouble.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use whisper_core::settings::Settings;
use whisper_core::time::Span;

use crate::scale::{self, Plan};
use crate::{Book, Dice, Workload, World};

/// Steps of a world, unless there is a reason for another number.
pub const STEPS: usize = 250;

/// Of so many seeds one is a town too.
const TOWN_EVERY: u64 = 8;

/// Of so many seeds one is also a world of processes that follow one another.
const FOLLOWED_EVERY: u64 = 4;

/// Of so many seeds one is also a world of several nodes, with which everything goes wrong.
const CLUSTERED_EVERY: u64 = 16;

/// What held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Worlds lived.
    pub worlds: u64,
    /// Worlds lived in which processes followed one another.
    pub followed: u64,
    /// Worlds lived of several nodes.
    pub clustered: u64,
    /// Rooms in those that two people of different nodes were in.
    pub rooms_across: u64,
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
    life: Life,
}

/// What broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    World,
    Followed,
    Clustered,
    Town,
}

impl Broken {
    /// Lives what broke once more, of so many steps, and returns its event log. None where there were
    /// several processes: a log is of one.
    pub fn log(&self, steps: usize) -> Option<Vec<u8>> {
        let book = Book::default();
        let again = || match self.life {
            Life::Town => drop(scale::live_logged(Plan::troubled(self.seed), &book)),
            Life::World | Life::Followed | Life::Clustered => {
                live_world_logged(self.seed, steps, &book);
            }
        };
        if matches!(self.life, Life::Followed | Life::Clustered) {
            return None;
        }
        // It breaks again, and says so again.
        drop(catch_unwind(AssertUnwindSafe(again)));
        Some(book.bytes())
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
                followed: sum.followed + it.followed,
                clustered: sum.clustered + it.clustered,
                rooms_across: sum.rooms_across + it.rooms_across,
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
    live_in(seed, steps, |shards| World::new(seed, shards), |workload| workload)
}

/// The same, of processes that follow one another at any moment, with as many shards or others.
///
/// # Panics
/// Where an invariant doesn't hold.
pub fn live_followed_world(seed: u64, steps: usize) -> u64 {
    let followed = |workload: Workload| workload.with_followers(seed);
    live_in(seed, steps, |shards| World::new(seed, shards), followed)
}

/// How a world of several nodes lived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clustered {
    /// A hash of all effects.
    pub hash: u64,
    /// Rooms that two people of different nodes have been in.
    pub rooms_across: u64,
}

/// Lives a random world of 2 to 4 nodes, with which everything goes wrong that can.
///
/// # Panics
/// Where an invariant doesn't hold.
pub fn live_cluster(seed: u64, steps: usize) -> Clustered {
    live_cluster_as(seed, steps, |world| world)
}

/// The same, of a world that something is done to first.
///
/// # Panics
/// Where an invariant doesn't hold.
pub fn live_cluster_as(seed: u64, steps: usize, change: impl FnOnce(World) -> World) -> Clustered {
    let mut dice = Dice::new(seed ^ 0xC1);
    let (nodes, shards) = (2 + dice.below(3) as u16, 1 + dice.below(3) as u16);
    // The sooner others are asked, the more meet across nodes.
    let cluster_after = dice.pick(&[Span(0), Span::millis(100), Span::millis(500)]);
    let settings = Settings { cluster_after, ..Settings::default() };
    let mut world = change(World::of_nodes(seed, nodes, shards, settings));
    let mut workload = Workload::new(seed, 4 + dice.below(37)).with_trouble(seed);
    if dice.chance(80) {
        // Otherwise the nodes don't know of each other yet.
        world.recover();
    }
    for _ in 0..steps {
        workload.step(&mut world);
    }
    let rooms_across = world.rooms_across();
    Clustered { hash: world.drain(), rooms_across }
}

/// The same as [`live_world`], and writes its event log into a book.
///
/// # Panics
/// Where an invariant doesn't hold; the book has it all then, up to there.
pub fn live_world_logged(seed: u64, steps: usize, book: &Book) -> u64 {
    live_in(seed, steps, |shards| World::logged(seed, shards, book), |workload| workload)
}

fn live_in(
    seed: u64,
    steps: usize,
    world: impl FnOnce(u16) -> World,
    people: impl FnOnce(Workload) -> Workload,
) -> u64 {
    let mut dice = Dice::new(seed);
    let shards = 1 + dice.below(5) as u16;
    let people_max = 4 + dice.below(37);
    let mut world = world(shards);
    let mut workload = people(Workload::new(seed, people_max));
    for _ in 0..steps {
        workload.step(&mut world);
    }
    world.drain()
}

fn live(seed: u64, steps: usize, swept: &mut Swept) -> Result<(), Broken> {
    let caught = catch_unwind(AssertUnwindSafe(|| live_world(seed, steps)));
    let panicked =
        |life| move |_| Broken { seed, what: "a world panicked, see above".into(), life };
    swept.hash = swept.hash.wrapping_add(caught.map_err(panicked(Life::World))?);
    swept.worlds += 1;
    if seed.is_multiple_of(FOLLOWED_EVERY) {
        let caught = catch_unwind(AssertUnwindSafe(|| live_followed_world(seed, steps)));
        swept.hash = swept.hash.wrapping_add(caught.map_err(panicked(Life::Followed))?);
        swept.followed += 1;
    }
    if seed.is_multiple_of(CLUSTERED_EVERY) {
        let caught = catch_unwind(AssertUnwindSafe(|| live_cluster(seed, steps)));
        let lived = caught.map_err(panicked(Life::Clustered))?;
        swept.hash = swept.hash.wrapping_add(lived.hash);
        swept.rooms_across += lived.rooms_across;
        swept.clustered += 1;
    }
    if seed.is_multiple_of(TOWN_EVERY) {
        let broken = |what| Broken { seed, what, life: Life::Town };
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
        let Self { worlds, followed, clustered, rooms_across, towns, hash } = self;
        write!(f, "{worlds} worlds, {followed} of processes that followed one another, ")?;
        write!(f, "{clustered} of several nodes in trouble with {rooms_across} rooms across, ")?;
        write!(f, "and {towns} troubled towns (hash {hash:016x})")
    }
}
