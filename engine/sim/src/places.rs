//! Where shards are: so many nodes, each of so many shards.

use whisper_shard_router::ShardId;

/// The number of the first node; not 0, so that a node forgotten somewhere shows.
pub(crate) const NODE: u16 = 7;

/// Numbers all shards of all nodes, those of a node next to each other: that number is the shard's
/// *place*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    nodes: u16,
    shards: u16,
}

impl Places {
    /// So many nodes of so many shards, at least one of each.
    pub(crate) fn new(nodes: u16, shards: u16) -> Self {
        assert!(nodes > 0 && shards > 0, "there is a node, and it has a shard");
        Self { nodes, shards }
    }

    /// Shards of all nodes together.
    pub(crate) fn len(self) -> u16 {
        self.nodes * self.shards
    }

    /// Shards of a node.
    pub(crate) fn shards(self) -> u16 {
        self.shards
    }

    pub(crate) fn nodes(self) -> u16 {
        self.nodes
    }

    /// The node that a place is of, counted from 0.
    pub(crate) fn node_of(self, place: u16) -> u16 {
        place / self.shards
    }

    /// Whether a shard is of the node of a place.
    pub(crate) fn are_of_one_node(self, place: u16, shard: ShardId) -> bool {
        NODE + self.node_of(place) == shard.node
    }

    /// The places of a node, counted from 0.
    pub(crate) fn of_node(self, node: u16) -> std::ops::Range<u16> {
        node * self.shards..(node + 1) * self.shards
    }

    /// The name of the shard at a place.
    pub(crate) fn id(self, place: u16) -> ShardId {
        ShardId { node: NODE + self.node_of(place), shard: place % self.shards }
    }

    /// Where a shard is.
    pub(crate) fn place(self, id: ShardId) -> u16 {
        assert!((NODE..NODE + self.nodes).contains(&id.node) && id.shard < self.shards, "{id:?}");
        (id.node - NODE) * self.shards + id.shard
    }
}
