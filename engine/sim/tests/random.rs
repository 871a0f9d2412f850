//! Random worlds: whatever people do, in whatever order messages arrive, the invariants hold, and
//! everything drains.
//!
//! `WHISPER_SIM_SEED=n` replays one seed, `WHISPER_SIM_SEEDS=n` sets how many short ones are run.

use whisper_core::time::Span;
use whisper_sim::scale::{self, Plan};
use whisper_sim::sweep::{self, live_followed_world, live_world, sweep};

#[test]
fn short_worlds_and_troubled_towns_keep_every_invariant() {
    let seeds = seeds(number("WHISPER_SIM_SEEDS").unwrap_or(10_000));
    if let Err(broken) = sweep(seeds, sweep::STEPS) {
        panic!("{broken}");
    }
}

#[test]
fn long_worlds_keep_every_invariant() {
    for seed in seeds(3) {
        live_world(seed ^ 0x1006, 12_000);
    }
}

#[test]
fn long_worlds_go_on_over_many_processes() {
    for seed in seeds(3) {
        live_followed_world(seed ^ 0x2007, 6_000);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in seeds(5) {
        assert_eq!(live_world(seed, 1_000), live_world(seed, 1_000), "seed {seed}");
        let [one, other] = [0; 2].map(|_| live_followed_world(seed, 1_000));
        assert_eq!(one, other, "seed {seed}");
        let [one, other] = [0; 2].map(|_| scale::live(Plan::troubled(seed)).expect("it holds"));
        assert_eq!(one, other);
    }
    assert_ne!(live_world(1, 500), live_world(2, 500));
}

/// Of one town, whoever runs it: should it change with the code, put in what it is now.
#[test]
fn a_seed_is_the_same_run_on_every_machine() {
    assert_eq!(live_town().hash, 3_277_057_531_312_318_275);
}

#[test]
fn a_busy_town_is_matched_nearly_as_well_as_can_be() {
    let plan = Plan { users: 10_000, rate: 1_000.0, lasts: Span::secs(12), ..Plan::default() };
    let (report, oracle) = scale::live_beside_oracle(plan).expect("every invariant holds");
    let ours = report.tally;
    assert!(ours.samples.len() > 5_000 && oracle.samples.len() > 5_000);
    assert!(ours.mean_shared() > 0.95 * oracle.mean_shared());
    assert!(1.0 - ours.shares()[3] > 0.95 * (1.0 - oracle.shares()[3]));
    assert!(ours.timeout_share() < oracle.timeout_share() + 0.001);
    assert!(ours.mean_wait_ms() < 100.0);
}

fn live_town() -> scale::Report {
    let plan = Plan { shards: 4, users: 500, rate: 100.0, lasts: Span::secs(5), ..Plan::default() };
    scale::live(plan).expect("every invariant holds")
}

/// The one seed that is asked for, or else the first `count`.
fn seeds(count: u64) -> std::ops::Range<u64> {
    number("WHISPER_SIM_SEED").map_or(0..count, |seed| seed..seed + 1)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a seed is a number"))
}
