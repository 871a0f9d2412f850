//! Placement: the same everywhere, even, and silent about its key.

use std::collections::HashSet;

use whisper_shard_router::{BUCKETS, KeyHash, Lodging, Placement, ShardId};

/// The key of the SipHash paper's test vectors: 00 01 … 0f.
const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Every node must agree on these, for ever: they are the SipHash-2-4 vectors of its authors, and
/// the top 12 bits.
#[test]
fn the_same_key_lands_in_the_same_bucket_everywhere() {
    let vectors: [(&[u8], u64, u16); 4] = [
        (&[], 0x726f_db47_dd0e_0e31, 0x726),
        (&[0], 0x74f8_39c5_93dc_67fd, 0x74f),
        (&[0, 1, 2, 3, 4, 5, 6, 7], 0x93f5_f579_9a93_2462, 0x93f),
        (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], 0xa129_ca61_49be_45e5, 0xa12),
    ];
    for (shards, node) in [(1, 0), (7, 3), (64, 9)] {
        let placement = Placement::single_node(KEY, node, shards);
        for (bytes, hash, bucket) in vectors {
            assert_eq!(placement.hash(bytes), KeyHash(hash), "{bytes:?}");
            assert_eq!(placement.bucket(KeyHash(hash)), bucket, "{bytes:?}");
            assert_eq!(placement.owner(KeyHash(hash)), ShardId { node, shard: bucket % shards });
        }
        assert_eq!(placement.epoch(), 1);
    }
}

#[test]
fn buckets_per_shard_differ_by_at_most_one() {
    for shards in [1, 2, 3, 5, 64, 100, 128, 4095, 4096, 5000] {
        let placement = Placement::single_node(KEY, 0, shards);
        let mut buckets = vec![0; usize::from(shards)];
        for bucket in 0..BUCKETS as u64 {
            let owner = placement.owner(KeyHash(bucket << 52));
            buckets[usize::from(owner.shard)] += 1;
        }
        let (least, most) = (buckets.iter().min().unwrap(), buckets.iter().max().unwrap());
        assert!(most - least <= 1, "{shards} shards own {least} to {most} buckets");
    }
}

/// 64,000 keys on 64 shards: 1,000 each, give or take five standard deviations.
#[test]
fn keys_spread_evenly() {
    let placement = Placement::single_node(KEY, 0, 64);
    let mut keys = [0; 64];
    for n in 0..64_000_u32 {
        let owner = placement.owner(placement.hash(format!("interest {n}").as_bytes()));
        keys[usize::from(owner.shard)] += 1;
    }
    assert!(keys.iter().all(|n| (840..=1160).contains(n)), "{keys:?}");
}

#[test]
fn another_key_places_otherwise_and_shows_another_id() {
    let ours = Placement::single_node(KEY, 0, 8);
    let theirs = Placement::single_node([7; 16], 0, 8);
    let same = ours.clone();
    let moved = (0..1000_u32)
        .filter(|n| {
            ours.bucket(ours.hash(&n.to_le_bytes())) != theirs.bucket(theirs.hash(&n.to_le_bytes()))
        })
        .count();
    assert!(moved > 990, "{moved}");
    assert_ne!(ours.key_id(), theirs.key_id());
    assert_eq!(ours.key_id(), same.key_id());
}

#[test]
fn debug_shows_the_key_id_and_not_the_key() {
    let placement = Placement::single_node([0xA5; 16], 0, 2);
    let shown = format!("{placement:?}");
    assert!(shown.contains(&placement.key_id().to_string()), "{shown}");
    assert!(!shown.contains("165") && !shown.to_lowercase().contains("a5a5"), "{shown}");
    assert_eq!(placement.key_id().to_string().len(), 8);
}

#[test]
fn shards_are_ordered_by_node_first() {
    let shards = [(0, 0), (0, 9), (1, 0)].map(|(node, shard)| ShardId { node, shard });
    assert!(shards.is_sorted());
    assert_eq!(HashSet::from(shards).len(), 3);
}

fn owners(placement: &Placement) -> Vec<ShardId> {
    (0..BUCKETS as u64).map(|bucket| placement.owner(KeyHash(bucket << 52))).collect()
}

#[test]
fn a_map_over_nodes_is_the_same_wherever_it_is_made() {
    let nodes = [(3, 2, 8), (1, 4, 16), (9, 1, 1)];
    let mut nodes = nodes.map(|(node, weight, shards)| Lodging { node, weight, shards });
    let here = Placement::single_node(KEY, 3, 8).over(7 << 32 | 5, &nodes);
    nodes.reverse();
    let there = Placement::single_node(KEY, 9, 1).over(7 << 32 | 5, &nodes);
    assert_eq!((&here, here.epoch()), (&there, 7 << 32 | 5));
    assert_eq!(here.hash(b"jazz"), Placement::single_node(KEY, 0, 1).hash(b"jazz"));
    for Lodging { node, weight, shards } in nodes {
        let mine: Vec<_> = owners(&here).into_iter().filter(|it| it.node == node).collect();
        let share = BUCKETS * weight as usize / 7;
        assert!(mine.len().abs_diff(share) < 150, "node {node} owns {} of {share}", mine.len());
        for shard in 0..shards {
            let its = mine.iter().filter(|it| it.shard == shard).count();
            let fair = mine.len() / usize::from(shards);
            assert!(its * 2 > fair && its < fair * 2, "{node}.{shard}: {its} of {fair}");
        }
    }
    assert_ne!(here, here.over(8, &nodes), "another name is another map");
}

#[test]
fn a_node_that_goes_or_grows_moves_only_its_own_buckets() {
    let base = Placement::single_node(KEY, 1, 4);
    let lodging = |node, shards| Lodging { node, weight: 4, shards };
    let before = owners(&base.over(1, &[lodging(1, 4), lodging(2, 4), lodging(3, 4)]));
    let gone = owners(&base.over(2, &[lodging(1, 4), lodging(2, 4)]));
    let grown = owners(&base.over(2, &[lodging(1, 4), lodging(2, 5), lodging(3, 4)]));
    for (was, (gone, grown)) in before.iter().zip(gone.iter().zip(&grown)) {
        assert!(was == gone || was.node == 3, "{was:?} became {gone:?}");
        assert!(was == grown || *grown == ShardId { node: 2, shard: 4 }, "{was:?}, {grown:?}");
    }
}
