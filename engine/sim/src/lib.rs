//! Deterministic worlds of shards, for tests.
//!
//! A [`World`] is a handful of the engine's own [`Shard`](whisper_core::shard::Shard)s with a
//! network between them, a clock and people, all in one thread and all from one seed: the same
//! seed gives the same run, byte for byte. Nothing of the engine is imitated here but what lies
//! around the core, which are the wires and the time.
//!
//! - [`World`]: shards, network and time. The only door to a shard is an event from a person's
//!   connection, the clock, or a message that the network delivers.
//! - [`Person`]: what a client knows, which is what it was sent.
//! - The auditor, after every step: keeps the truth by itself, from what people do and are told,
//!   and compares.
//! - [`Schedule`]: what happens next where several things could; by a seed, or
//!   [every order in turn](in_every_order).
//! - [`Workload`]: invents people who join, talk, skip and vanish.
//! - [`scale`]: towns of many people, rings with delays and bounds, and an oracle beside them.
//! - [`sweep`]: many seeds over all cores.
//! - [`Book`]: the event log of any of these, to be replayed.
//!
//! A broken invariant panics, and says the seed, the step and the last events.

mod auditor;
mod book;
mod dice;
#[cfg(feature = "faults")]
pub mod model;
mod network;
mod person;
mod places;
pub mod scale;
mod schedule;
pub mod sweep;
mod trace;
mod trouble;
mod wires;
mod words;
mod workload;
mod world;

pub use book::Book;
pub use dice::Dice;
pub use person::{Person, Who};
pub use schedule::{Schedule, in_every_order};
pub use wires::Weather;
pub use words::kind;
pub use workload::Workload;
#[cfg(feature = "faults")]
pub use world::Slip;
pub use world::{Act, World};
