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
mod nats;
mod operator;
mod patient;
mod people;
mod redis;
mod returning;
mod stopped;
mod tls;
mod waiting;

pub(crate) use client::{Client, Match, Refusal, Spoken, Wanted, Welcome, Words};
pub(crate) use engine::{Engine, Shared, whisper};
pub(crate) use frames::{FIN, close_frame, frame, header};
pub(crate) use http::{Answer, Http, upgrade_request};
pub(crate) use people::{
    ADULT_TEXT, chat, everywhere, everywhere_in, join, lane, meet, meet_the_next, say, say_as,
    strict, topic, wish,
};

pub(crate) use nats::Nats;
pub(crate) use redis::Redis;
pub(crate) use returning::{arrive, ask_in, hears_words, waits};
pub(crate) use stopped::Stopped;
pub(crate) use tls::Papers;
pub(crate) use waiting::{PATIENCE, until, until_true};
