//! Which node owns a bucket: rendezvous hashing (Thaler and Ravishankar, 1998), with weights
//! (Schindelhauer and Schomaker, 2005).
//!
//! Every node has a score for every bucket, drawn from a hash of the two alone, and the highest
//! owns it. So nobody need remember where a bucket was: a node that comes takes buckets for itself
//! only, one that goes leaves its own to the others, and a weight that changes moves buckets from or
//! to that node only. The score is −w / ln(u), with u even between 0 and 1: by that a node wins its
//! share of the weights.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::placement::BUCKETS;

/// A node, and how much of the buckets it is to own in proportion to the others. One without weight
/// owns nothing as long as another has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The node.
    pub node: u16,
    /// Its weight: cores, for instance.
    pub weight: u32,
}

/// The node of each bucket, the same wherever it is computed and in whatever order the nodes come.
///
/// # Panics
/// Where there is no node.
pub fn lay_buckets(nodes: &[Weighted]) -> Box<[u16; BUCKETS]> {
    assert!(!nodes.is_empty(), "a cluster has at least one node");
    let nobody_has_weight = nodes.iter().all(|it| it.weight == 0);
    let weight = |it: &Weighted| if nobody_has_weight { 1 } else { it.weight };
    let mut owners = Box::new([0; BUCKETS]);
    for (bucket, owner) in owners.iter_mut().enumerate() {
        let scored = nodes.iter().map(|it| (score(bucket, it.node, weight(it)), it.node));
        // Of two with one score, the lower node.
        let best = scored.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
        *owner = best.map_or(0, |(_, node)| node);
    }
    owners
}

/// The shard of a node that has one of its buckets: of equals, that with the highest hash.
pub(crate) fn shard_of_bucket(bucket: usize, node: u16, shards: u16) -> u16 {
    let hash = |shard: &u16| {
        let mut hasher = SipHasher24::new();
        hasher.write(&(bucket as u16).to_be_bytes());
        hasher.write(&node.to_be_bytes());
        hasher.write(&shard.to_be_bytes());
        hasher.finish()
    };
    (0..shards).max_by_key(hash).unwrap_or(0)
}

fn score(bucket: usize, node: u16, weight: u32) -> f64 {
    // Not keyed: keys come to their bucket by a keyed hash already.
    let mut hasher = SipHasher24::new();
    hasher.write(&(bucket as u16).to_be_bytes());
    hasher.write(&node.to_be_bytes());
    // 53 bits fill a double; the half keeps it off 0 and 1.
    let even = ((hasher.finish() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    // Not the system's: it must be the same everywhere.
    -f64::from(weight) / libm::log(even)
}
