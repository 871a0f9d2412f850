//! The map that a node goes by: who is there, who owns which bucket, and the map's name.

use std::fmt;
use std::sync::Arc;

use whisper_shard_router::{BUCKETS, Weighted, lay_buckets};

use crate::beat::{Load, Run, first};

/// The name of a map. Two maps of one name are the same map; of two that follow each other on one
/// node, the later is higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// How many maps there have been, as far as those of the cluster know.
    pub number: u32,
    /// A hash of who is there: it tells apart what two sides of a cut have counted alike.
    pub digest: u32,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.number, self.digest)
    }
}

/// Who owns buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub node: u16,
    /// Its process. A node that has started again has lost what it knew, and is another member.
    pub run: Run,
    /// Its weight.
    pub capacity: u32,
    /// Its shards.
    pub shards: u16,
}

impl Member {
    pub(crate) fn of(node: u16, run: Run, load: Load) -> Self {
        Self { node, run, capacity: load.capacity, shards: load.shards }
    }
}

/// A map of the cluster. Cloning shares it.
#[derive(Clone)]
pub struct View {
    epoch: Epoch,
    members: Arc<[Member]>,
    owners: Arc<[u16; BUCKETS]>,
}

impl View {
    /// The map over these members, which come in the order of their nodes; at least one.
    pub(crate) fn new(number: u32, members: Vec<Member>) -> Self {
        let weights: Vec<_> =
            members.iter().map(|it| Weighted { node: it.node, weight: it.capacity }).collect();
        Self {
            epoch: Epoch { number, digest: digest(&members) },
            owners: Arc::from(lay_buckets(&weights)),
            members: members.into(),
        }
    }

    /// The same map under the number that others have for it.
    pub(crate) fn renumbered(&self, number: u32) -> Self {
        Self { epoch: Epoch { number, ..self.epoch }, ..self.clone() }
    }

    /// Its name.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Who owns buckets, in the order of their nodes.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The node that owns a bucket, of those below [`BUCKETS`].
    pub fn owner(&self, bucket: u16) -> u16 {
        self.owners[usize::from(bucket) % BUCKETS]
    }

    /// How many buckets a node owns.
    pub fn buckets_of(&self, node: u16) -> usize {
        self.owners.iter().filter(|owner| **owner == node).count()
    }
}

/// What tells two sets of members apart.
fn digest(members: &[Member]) -> u32 {
    let mut hasher = blake3::Hasher::new();
    for Member { node, run, capacity, shards } in members {
        hasher.update(&node.to_be_bytes());
        hasher.update(&run.started_us.to_be_bytes());
        hasher.update(&run.nonce.to_be_bytes());
        hasher.update(&capacity.to_be_bytes());
        hasher.update(&shards.to_be_bytes());
    }
    u32::from_be_bytes(first(hasher.finalize().as_bytes()))
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("View");
        it.field("epoch", &self.epoch).field("members", &self.members).finish_non_exhaustive()
    }
}
