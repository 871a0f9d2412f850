//! Placement of keys on shards, and the mesh of rings between them.
//!
//! [`Placement`] answers *whose is this key*, the same on every node; [`lay_buckets`] says which node
//! has which part of all keys; [`Port`] carries a message to the shard that was named. They know
//! nothing of each other, nor of what the keys and the messages mean: the mesh is generic over the
//! message, and this crate depends on no other of the workspace.
//!
//! Absent here: clocks, threads, sockets, randomness. Whoever runs the shards brings the threads and
//! the means to wake one; see [`Port::flush`]. `unsafe` stands in `ring` alone, the queue under the
//! mesh; that and the mesh's sleep and wake are checked in every interleaving (`loom_tests`).

#![deny(unsafe_code)]

mod bits;
mod inbox;
#[cfg(all(test, loom))]
mod loom_tests;
mod mesh;
mod placement;
mod rendezvous;
#[expect(unsafe_code, reason = "a slot is used by both sides, one after the other")]
mod ring;
mod sync;

pub use mesh::{Counters, MESSAGE_BYTES, OVERFLOW_BOUND, PORTS_MAX, Port, RING_SLOTS, Sleep, mesh};
pub use placement::{BUCKETS, KeyHash, KeyId, Lodging, Placement, ShardId};
pub use rendezvous::{Weighted, lay_buckets};
