//! How busy all nodes are together.

use std::ops::Add;

use serde::{Deserialize, Serialize};

/// What one node, or several, are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStats {
    /// People connected.
    pub online: u64,
    /// People in the queue.
    pub in_queue: u64,
    /// Chats going on.
    pub active_chats: u64,
    /// People matched lately.
    pub matched: u64,
    /// How long those waited together, in milliseconds.
    pub waited_ms: u64,
    /// Matches since the node's process began.
    pub total_matches: u64,
}

impl Add for NodeStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        // What a node says is another program's word: it must not stop this one.
        Self {
            online: self.online.saturating_add(other.online),
            in_queue: self.in_queue.saturating_add(other.in_queue),
            active_chats: self.active_chats.saturating_add(other.active_chats),
            matched: self.matched.saturating_add(other.matched),
            waited_ms: self.waited_ms.saturating_add(other.waited_ms),
            total_matches: self.total_matches.saturating_add(other.total_matches),
        }
    }
}

/// All other nodes, as last heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// What they do together.
    pub sum: NodeStats,
    /// How many there are.
    pub nodes: u32,
}
