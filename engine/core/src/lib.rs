//! The pure heart of Whisper: events in, effects out.
//!
//! ```text
//! bytes → Session: http → ws → proto ─ Event → Shard::handle(now, event, &mut effects) ─ Effect → Session → bytes
//! ```
//!
//! A [`shard::Shard`] owns a slice of the people and a slice of the waiting lists. It decides; it
//! does nothing else. What is absent here, and stays absent: sockets, threads, clocks, files, an
//! environment, logging, and any randomness but a generator seeded from outside. Time is a number
//! handed in ([`time::Micros`]). Hash maps are seeded and never iterated, so the same seed and the
//! same events give the same effects, byte for byte, on every machine.
//!
//! So an [`event_log`] of what a shard was told is enough to run it again.
//!
//! [`match_queue`], [`rooms`], [`moderation`] and [`limits`] do not know one another; only [`shard`]
//! joins them.

pub mod codec;
pub mod digest;
pub mod event_log;
pub mod evidence;
pub mod histogram;
pub mod http;
pub mod ice;
pub mod ids;
pub mod interests;
pub mod limits;
pub mod match_queue;
pub mod moderation;
pub mod proxy;
pub mod random;
pub mod resume;
pub mod rooms;
pub mod session;
pub mod settings;
pub mod shard;
pub mod succession;
pub mod sweep;
pub mod time;
pub mod timers;
pub mod ws;

mod seeded_map;
mod slots;
