//! A model check of how two people are brought together: every order of everything.
//!
//! A [`Scene`] is a handful of people on three shards, and what each of them may do. [`explore`]
//! walks through every world that can come of it: whatever people do next, whichever ring delivers
//! next. Shards are the engine's own [`MatchQueue`](whisper_core::match_queue::MatchQueue)s; what
//! surrounds them here is as small as it can be, the people and their rooms. Time stands still
//! (tickets are numbered all the same) and tiers open whenever they like.
//!
//! Whatever happens in a world happens at one shard, and depends on that shard alone. So each state
//! of a shard, each message and each content of a ring is kept once and known by its number; the
//! real code runs once for each state of a shard and each thing that can happen to it; and a world
//! is a dozen numbers. That makes the walk quick and exact: worlds are compared whole, not by
//! fingerprint. A general checker can't know this about its model, which is why there is none here.
//!
//! What must hold is told by [`Property`]. A check that finds nothing may be blind, so each rule
//! that the protocol stands on can be [`Broken`], and [`scenes::where_it_shows`] says where that
//! shows.

mod explorer;
mod interned;
mod rules;
mod scene;
pub mod scenes;
mod shard;
mod story;

pub use explorer::{Caught, Explored, explore};
pub use rules::{Property, Violation};
pub use scene::{Acts, Broken, Desire, Role, SHARDS, Scene};
