//! Bans: who is refused, who is closed, and for how long.

#[path = "../harness/mod.rs"]
mod harness;

mod alone;
mod redis;

use std::time::{SystemTime, UNIX_EPOCH};

use harness::{Client, Engine, Http, Spoken, until_true, upgrade_request};
use serde_json::Value;
use whisper_proto::{CloseCode, ServerMessage};

/// What somebody is told who is banned.
#[derive(Debug, PartialEq)]
struct Told {
    reason: String,
    code: String,
    until: Option<u64>,
}

/// A WebSocket from an address, with a cookie or without; and the cookie that was set.
fn come(engine: &Engine, from: &str, cookie: Option<&str>) -> (Client, String) {
    let mut http = Http::connect_from(from, engine.address);
    let header = cookie.map(|it| format!("Cookie: a=b; {it}\r\n")).unwrap_or_default();
    http.send(upgrade_request().replace("\r\n\r\n", &format!("\r\n{header}\r\n")));
    let answer = http.answer_head();
    assert_eq!(answer.status, 101, "{answer:?}");
    let set = answer.header("Set-Cookie").expect("a device is given a name").to_owned();
    (http.into_client(Spoken::Msgpack), set)
}

/// Somebody who is let in, greeted.
#[track_caller]
fn enter(engine: &Engine, from: &str) -> (Client, String, String) {
    let (mut client, set) = come(engine, from, None);
    let (welcome, _) = client.greet();
    (client, welcome.user, set.split(';').next().expect("a pair").to_owned())
}

#[track_caller]
fn banned(client: &mut Client) -> Told {
    let told = client.hear("banned", |message| match message {
        ServerMessage::Banned(it) => {
            Some(Told { reason: it.reason.into(), code: it.code.into(), until: it.until })
        }
        _ => None,
    });
    assert_eq!(client.closed(), CloseCode::Banned.as_u16());
    told
}

#[track_caller]
fn refused(engine: &Engine, from: &str, cookie: Option<&str>) -> Told {
    banned(&mut come(engine, from, cookie).0)
}

/// The same, once bans that were just heard of have reached every worker.
#[track_caller]
fn refused_soon(engine: &Engine, from: &str, cookie: Option<&str>) -> Told {
    until_true("refused", || come(engine, from, cookie).0.is_turned_away());
    refused(engine, from, cookie)
}

#[track_caller]
fn ban(engine: &Engine, wish: &Value) -> String {
    let (status, answer) = engine.order("bans", wish);
    assert_eq!(status, 200, "{answer}");
    answer["appeal"].as_str().expect("an appeal id").to_owned()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis().try_into().expect("a time")
}

/// Comes from an address until it is let in.
#[track_caller]
fn let_in_soon(engine: &Engine, from: &str) {
    until_true("let in", || !come(engine, from, None).0.is_turned_away());
}
