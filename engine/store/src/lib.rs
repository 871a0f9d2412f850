//! What Whisper keeps: who is banned, what was reported, and who decided what. Nothing else of
//! anybody is kept, and no message but those that its receiver brings as evidence.
//!
//! [`sqlite::Sqlite`] is the one file that is always there; [`audit::Audit`], the
//! [`bans::Book`] and [`reports::Reports`] lie in it. What this
//! crate doesn't know: sockets of people, shards, the command line, metrics. Only the control thread
//! asks it, and whatever it waits for, it waits without the data path.

pub mod audit;
pub mod bans;
pub mod reports;
pub mod shared;
pub mod sqlite;
pub mod stats;
