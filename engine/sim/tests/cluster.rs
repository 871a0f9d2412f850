//! Several nodes, with which everything goes wrong that can; and rules broken on purpose, each of
//! which the auditor must notice within a few seeds.
//!
//! `WHISPER_SIM_SEED=n` replays one seed, `WHISPER_SIM_SEEDS=n` sets how many are run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use whisper_core::match_queue::Fault;
use whisper_core::time::Span;
use whisper_sim::scale::{self, Plan};
use whisper_sim::sweep::{live_cluster, live_cluster_as};
use whisper_sim::{Slip, World};

const STEPS: usize = 300;

/// Seeds within which a broken rule must show.
const SEEDS: u64 = 40;

#[test]
fn whatever_goes_wrong_every_rule_holds_and_all_is_well_in_the_end() {
    if let Some(seed) = number("WHISPER_SIM_SEED") {
        live_cluster(seed, STEPS);
        return;
    }
    let count = number("WHISPER_SIM_SEEDS").unwrap_or(100);
    let rooms: u64 = (0..count).map(|seed| live_cluster(seed, STEPS).rooms_across).sum();
    assert!(rooms >= count, "{rooms} rooms across nodes in {count} worlds");
}

#[test]
fn long_worlds_keep_every_invariant() {
    for seed in 0..3 {
        live_cluster(seed ^ 0x3008, 4_000);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..5 {
        assert_eq!(live_cluster(seed, 500), live_cluster(seed, 500), "seed {seed}");
    }
}

/// Where few come, most of them find nobody on their own node, and are matched as if it were one.
#[test]
fn a_town_of_several_nodes_is_matched_nearly_as_one() {
    let plan = Plan {
        nodes: 4,
        shards: 2,
        users: 400,
        rate: 20.0,
        lasts: Span::secs(120),
        ..Plan::default()
    };
    let (report, oracle) = scale::live_beside_oracle(plan).expect("every invariant holds");
    let (ours, across) = (&report.tally, report.counts.across as f64);
    let share = across / report.counts.matched as f64;
    assert!((0.3..0.9).contains(&share), "{share} of all matches are across nodes");
    assert!(ours.mean_shared() > 0.9 * oracle.mean_shared());
    assert!(ours.timeout_share() < oracle.timeout_share() + 0.01);
    assert!(ours.mean_wait_ms() < oracle.mean_wait_ms() + 1_000.0);
}

#[test]
fn what_a_node_slips_in_telling_its_shards_shows() {
    use Slip::*;
    for slip in [LosesSome, HearsTwice, Overtakes, LossUntold, MapUntold] {
        assert!(shows(|world| world.slipping(slip)), "{slip:?}");
    }
}

#[test]
fn what_a_home_slips_across_nodes_shows() {
    for rule in [Fault::LeaseNeverEnds, Fault::EnteredUnconfirmed] {
        assert!(shows(|world| world.breaking(rule)), "{rule:?}");
    }
}

/// Whether the auditor panics in one of some worlds.
fn shows(broken: impl Fn(World) -> World) -> bool {
    (0..SEEDS).any(|seed| {
        let life = || live_cluster_as(seed, 2 * STEPS, &broken);
        catch_unwind(AssertUnwindSafe(life)).is_err()
    })
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a seed is a number"))
}
