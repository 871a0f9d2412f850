//! Stories told through the core's door: what people do, and what becomes of it.

mod chats;
mod claims;
mod lanes;
mod lost;
mod numbers;
mod orders;
mod queue;
mod skips;
mod story;
mod successions;
mod tiers;
