//! The real binary over real sockets: nothing here knows the engine but by its wire.
//!
//! [`Engine`] is a process of its own, gone with its last user. [`Http`] is a plain connection to
//! it, [`Client`] a person's WebSocket, with tungstenite as the other side's WebSocket code.
//! Everything waits for what it wants with a deadline, and fails by saying what came instead.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

mod client;
mod engine;
mod frames;
mod http;
mod operator;
mod patient;
mod people;
mod redis;
mod tls;

use std::thread;
use std::time::{Duration, Instant};

pub(crate) use client::{Client, Match, Refusal, Spoken, Wanted, Welcome, Words};
pub(crate) use engine::{Engine, Shared, whisper};
pub(crate) use frames::{FIN, close_frame, frame, header};
pub(crate) use http::{Answer, Http, upgrade_request};
pub(crate) use people::{
    ADULT_TEXT, chat, everywhere, everywhere_in, join, lane, meet, meet_the_next, say, say_as,
    strict, topic, wish,
};

pub(crate) use redis::Redis;
pub(crate) use tls::Papers;

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until what is looked for is there; it fails with what was there instead.
#[track_caller]
pub(crate) fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    /// Looks mostly open a connection, and each of those holds its port for a while.
    const PAUSE: Duration = Duration::from_millis(2);
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(instead) => assert!(start.elapsed() < PATIENCE, "never as wanted: {instead}"),
        }
        thread::sleep(PAUSE);
    }
}

/// The same for a question of yes or no, about this.
#[track_caller]
pub(crate) fn until_true(what: &str, mut is_so: impl FnMut() -> bool) {
    until(|| if is_so() { Ok(()) } else { Err(what.to_owned()) });
}
