//! Which nodes act as one, as one of them sees it.
//!
//! Every node tells the others once in a while that it is there ([`Beat`]), proven by the cluster's
//! secret ([`ClusterKey`]). Each hears of the others, forgets who has gone silent, and lays the
//! buckets of all keys over who is left ([`Membership`], [`View`]). Nobody is in charge and nobody is
//! asked: who has heard the same has the same map. An [`Epoch`] names a map, so that two nodes notice
//! when theirs differ.
//!
//! What people's homes have to say to each other goes from node to node by [`Links`]: a [`Link`] to
//! each member, in order and whole until it is lost, which both sides learn.
//!
//! Absent here: clocks, sockets, threads, randomness, logging. The time is handed in, as a
//! [`std::time::Duration`] since the Unix epoch that never goes backwards; bytes come and go by
//! whatever carries them, which may lose them, delay them, and be in somebody else's hands.

mod batch;
mod beat;
mod link;
mod links;
mod membership;
mod view;

pub use batch::{BATCH_BYTES, Batch, ITEM_BYTES, NoBatch};
pub use beat::{BEAT_BYTES, Beat, ClusterKey, KeyId, Load, Run, Standing, VERSION};
pub use link::{
    KEPT_MAX, LINK_SILENCE, Link, LinkCounters, News, PACKET_OVERHEAD, PacketError, Process,
    PushError, SAY_EVERY, UNACKED_BYTES_MAX, UNACKED_MAX,
};
pub use links::{LinkStatus, Links, NodeNews};
pub use membership::{
    BEAT_EVERY, LISTEN, Membership, NODES_MAX, Place, Refusal, SILENCE, SKEW_MAX,
};
pub use view::{Epoch, Member, View};
