//! Several nodes, with which everything goes wrong that can.

use whisper_sim::sweep::live_cluster;

#[test]
fn whatever_happens_nodes_find_each_other_again() {
    for seed in 0..100 {
        live_cluster(seed, 300);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..5 {
        assert_eq!(live_cluster(seed, 500), live_cluster(seed, 500), "seed {seed}");
    }
}
