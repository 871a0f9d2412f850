//! Which shard owns a key: key → hash → bucket → shard.
//!
//! A key is any string of bytes (an interest, a lane, an address). Its hash is SipHash-2-4 under
//! the cluster's key: every node of a cluster computes the same one, and nobody outside can, so a
//! flood cannot be aimed at one shard. The top 12 bits of the hash name one of [`BUCKETS`] buckets,
//! and a table maps buckets to shards. Only the table changes when shards come and go; it carries
//! an epoch, so that two nodes notice when theirs differ.
//!
//! A node has two tables: its own, over its shards only, in which nothing ever moves; and in a
//! cluster the one that lays the same buckets [over all nodes](Placement::over).

use std::fmt;
use std::sync::Arc;

use siphasher::sip::SipHasher24;

use crate::rendezvous::{Weighted, lay_buckets, shard_of_bucket};

/// How many buckets the space of keys is cut into. Fixed for the life of a cluster.
pub const BUCKETS: usize = 1 << BUCKET_BITS;

const BUCKET_BITS: u32 = 12;

/// The epoch of a placement that has never been rearranged.
const FIRST_EPOCH: u64 = 1;

/// One shard of one node: where a key is owned, or a person at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId {
    /// The node (one process on one box) within the cluster.
    pub node: u16,
    /// The shard (one reactor thread) within the node, from 0.
    pub shard: u16,
}

/// The keyed hash of a key: what travels between shards instead of the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

/// A node that keys are placed on, and its shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lodging {
    /// The node.
    pub node: u16,
    /// Its weight among the others, see [`Weighted`].
    pub weight: u32,
    /// Its shards; one without any is taken to have one.
    pub shards: u16,
}

/// What is shown of the cluster key, in logs and to other nodes: enough to tell two keys apart,
/// nothing to find one.
///
/// It is printed as eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId(u32);

/// The map from keys to shards. Cloning shares the table.
#[derive(Clone)]
pub struct Placement {
    hasher: SipHasher24,
    epoch: u64,
    owners: Arc<[ShardId; BUCKETS]>,
    nodes: Arc<[Lodging]>,
}

impl Placement {
    /// Spreads all buckets over the shards of one node.
    ///
    /// The buckets of any two shards differ in number by at most one. (With more shards than
    /// [`BUCKETS`] some own none.) Keys spread over the buckets as evenly as a random function
    /// would: a popular key is still one key, and weighs on its one owner.
    ///
    /// # Panics
    /// Where `shards` is 0.
    pub fn single_node(key: [u8; 16], node: u16, shards: u16) -> Self {
        assert!(shards > 0, "a node has at least one shard");
        let mut owners = [ShardId { node, shard: 0 }; BUCKETS];
        for (owner, shard) in owners.iter_mut().zip((0..shards).cycle()) {
            owner.shard = shard;
        }
        Self {
            hasher: SipHasher24::new_with_key(&key),
            epoch: FIRST_EPOCH,
            owners: Arc::new(owners),
            nodes: Arc::new([Lodging { node, weight: 1, shards }]),
        }
    }

    /// The map of this name over the shards of several nodes, under the same key: the same wherever
    /// it is made, and in whatever order the nodes come. A bucket's node is that of
    /// [`lay_buckets`]; its shard there is found by a second rendezvous, so that neither depends on
    /// what other nodes have.
    ///
    /// # Panics
    /// Where there is no node.
    pub fn over(&self, epoch: u64, nodes: &[Lodging]) -> Self {
        let weighted: Vec<_> =
            nodes.iter().map(|&Lodging { node, weight, .. }| Weighted { node, weight }).collect();
        let mut owners = Box::new([ShardId { node: 0, shard: 0 }; BUCKETS]);
        let laid = lay_buckets(&weighted);
        for (bucket, (owner, &node)) in owners.iter_mut().zip(laid.iter()).enumerate() {
            let shards = nodes.iter().find(|it| it.node == node).map_or(1, |it| it.shards);
            *owner = ShardId { node, shard: shard_of_bucket(bucket, node, shards) };
        }
        Self { hasher: self.hasher, epoch, owners: owners.into(), nodes: nodes.into() }
    }

    /// The nodes it places keys on.
    pub fn nodes(&self) -> &[Lodging] {
        &self.nodes
    }

    /// The keyed hash of `bytes`. Keys of different kinds must differ in their bytes, for instance
    /// by a first byte that tells the kind.
    pub fn hash(&self, bytes: &[u8]) -> KeyHash {
        KeyHash(self.hasher.hash(bytes))
    }

    /// The bucket of a key, below [`BUCKETS`]: the top bits of its hash, which leaves the low ones
    /// to hash tables.
    pub fn bucket(&self, key: KeyHash) -> u16 {
        (key.0 >> (u64::BITS - BUCKET_BITS)) as u16
    }

    /// The shard that owns a key.
    pub fn owner(&self, key: KeyHash) -> ShardId {
        self.owners[usize::from(self.bucket(key))]
    }

    /// The version of the table. Two placements of one cluster with the same epoch agree on every
    /// owner.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What may be shown of the cluster key.
    pub fn key_id(&self) -> KeyId {
        // No key of ours hashes these bytes, and a PRF's outputs say nothing of its key.
        KeyId((self.hasher.hash(b"\0whisper key id") >> 32) as u32)
    }
}

impl PartialEq for Placement {
    fn eq(&self, other: &Self) -> bool {
        let alike = |it: &Self| (it.epoch, it.key_id());
        alike(self) == alike(other) && self.owners == other.owners
    }
}

impl Eq for Placement {}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement")
            .field("key_id", &self.key_id())
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
