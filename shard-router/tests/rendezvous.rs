//! Buckets over nodes: in proportion, and moved as little as can be.

use proptest::prelude::*;
use whisper_shard_router::{BUCKETS, Weighted, lay_buckets};

fn nodes(all: &[(u16, u32)]) -> Vec<Weighted> {
    all.iter().map(|&(node, weight)| Weighted { node, weight }).collect()
}

fn share(owners: &[u16], node: u16) -> usize {
    owners.iter().filter(|owner| **owner == node).count()
}

/// Up to 16 nodes of up to 128 cores.
fn any_nodes() -> impl Strategy<Value = Vec<Weighted>> {
    let map = prop::collection::btree_map(any::<u16>(), 1..=128_u32, 1..=16);
    map.prop_map(|all| all.into_iter().map(|(node, weight)| Weighted { node, weight }).collect())
}

/// Every node of a cluster must agree on these, for ever.
#[test]
fn buckets_lie_where_they_always_lay() {
    let owners = lay_buckets(&nodes(&[(1, 8), (2, 8), (3, 16)]));
    assert_eq!(owners[..16], [3, 2, 3, 1, 2, 3, 2, 3, 3, 2, 3, 2, 2, 3, 3, 2]);
}

#[test]
fn who_has_no_weight_owns_nothing_unless_nobody_has_any() {
    let owners = lay_buckets(&nodes(&[(1, 0), (2, 4), (3, 0)]));
    assert_eq!(share(&owners[..], 2), BUCKETS);
    let owners = lay_buckets(&nodes(&[(1, 0), (2, 0)]));
    assert!((1_800..2_300).contains(&share(&owners[..], 1)));
}

proptest! {
    // Each lays thousands of buckets over many nodes.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shares_are_as_the_weights(all in any_nodes()) {
        let owners = lay_buckets(&all);
        let sum: u32 = all.iter().map(|it| it.weight).sum();
        for it in &all {
            let part = f64::from(it.weight) / f64::from(sum);
            let (mean, owned) = (part * BUCKETS as f64, share(&owners[..], it.node) as f64);
            // Five standard deviations of so many draws.
            let spread = 5.0 * (mean * (1.0 - part)).sqrt() + 1.0;
            prop_assert!((owned - mean).abs() <= spread, "{it:?}: {owned} and not {mean:.0}");
        }
    }

    #[test]
    fn the_order_in_which_nodes_are_named_means_nothing(all in any_nodes(), by in any::<usize>()) {
        let mut turned = all.clone();
        turned.rotate_left(by % all.len());
        prop_assert_eq!(lay_buckets(&all), lay_buckets(&turned));
    }

    #[test]
    fn a_node_that_comes_takes_for_itself_only(all in any_nodes(), node: u16, weight in 1..=128_u32) {
        prop_assume!(all.iter().all(|it| it.node != node));
        let before = lay_buckets(&all);
        let after = lay_buckets(&[&all[..], &[Weighted { node, weight }]].concat());
        for (before, after) in before.iter().zip(&after[..]) {
            prop_assert!(after == before || *after == node);
        }
    }

    #[test]
    fn a_weight_that_changes_moves_what_is_that_nodes_only(
        all in any_nodes(),
        which in any::<prop::sample::Index>(),
        weight in 1..=128_u32,
    ) {
        let mut changed = all.clone();
        let it = which.get(&all);
        changed.iter_mut().filter(|other| other.node == it.node).for_each(|it| it.weight = weight);
        let (before, after) = (lay_buckets(&all), lay_buckets(&changed));
        for (before, after) in before.iter().zip(&after[..]) {
            let gained = *after == it.node && weight > it.weight;
            let lost = *before == it.node && weight < it.weight;
            prop_assert!(after == before || gained || lost);
        }
    }
}
