//! Random worlds: whatever people do, in whatever order messages arrive, the invariants hold, and
//! everything drains.
//!
//! `WHISPER_SIM_SEED=n` replays one seed, `WHISPER_SIM_SEEDS=n` sets how many short ones are run.

use whisper_sim::{Dice, Workload, World};

#[test]
fn short_worlds_keep_every_invariant() {
    for seed in seeds(number("WHISPER_SIM_SEEDS").unwrap_or(300)) {
        live(seed, 500);
    }
}

#[test]
fn long_worlds_keep_every_invariant() {
    for seed in seeds(3) {
        live(seed ^ 0x1006, 12_000);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in seeds(10) {
        assert_eq!(live(seed, 1_000), live(seed, 1_000), "seed {seed}");
    }
    assert_ne!(live(1, 500), live(2, 500));
}

/// Lives a world of this seed to its end; returns the hash of all its effects.
fn live(seed: u64, steps: usize) -> u64 {
    let mut dice = Dice::new(seed);
    let shards = 1 + dice.below(5) as u16;
    let people = 4 + dice.below(37);
    let mut world = World::new(seed, shards);
    let mut workload = Workload::new(seed, people);
    for _ in 0..steps {
        workload.step(&mut world);
    }
    world.drain()
}

/// The one seed that is asked for, or else the first `count`.
fn seeds(count: u64) -> std::ops::Range<u64> {
    number("WHISPER_SIM_SEED").map_or(0..count, |seed| seed..seed + 1)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a seed is a number"))
}
