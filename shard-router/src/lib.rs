//! Placement of keys on shards, and the mesh of rings between them.
//!
//! [`Placement`] answers *whose is this key*, the same on every node; [`Port`] carries a message to
//! the shard that it named. The two know nothing of each other, nor of what the keys and the
//! messages mean: the mesh is generic over the message, and this crate depends on no other of the
//! workspace.
//!
//! Absent here: clocks, threads, sockets, randomness, `unsafe`. Whoever runs the shards brings the
//! threads and the means to wake one; see [`Port::flush`].

#![forbid(unsafe_code)]

mod bits;
mod inbox;
mod mesh;
mod placement;

pub use mesh::{Counters, MESSAGE_BYTES, OVERFLOW_BOUND, PORTS_MAX, Port, RING_SLOTS, Sleep, mesh};
pub use placement::{BUCKETS, KeyHash, KeyId, Placement, ShardId};
