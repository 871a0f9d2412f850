//! Who asks for a handover, and how, and what is told of it.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Engine, Http, chat, until};
use crate::talk;

#[test]
fn a_signal_asks_for_it() {
    let mut engine = Engine::start(1);
    let (mut ann, mut bob) = (engine.client(), engine.client());
    chat(&mut ann, &mut bob);
    engine.signal(Signal::SIGUSR2);
    engine.await_heir();
    talk(&mut ann, &mut bob, "after");
}

#[test]
fn a_reload_is_a_handover_where_another_program_is_installed() {
    let dir = TempDir::new().expect("a directory");
    let program = dir.path().join("whisper");
    let install = || {
        let new = dir.path().join("new");
        fs::copy(env!("CARGO_BIN_EXE_whisper"), &new).expect("a copy");
        fs::rename(new, &program).expect("it is installed");
    };
    install();
    let mut engine = Engine::of_program(&program, 1);
    let (mut ann, mut bob) = (engine.client(), engine.client());
    chat(&mut ann, &mut bob);
    engine.signal(Signal::SIGHUP);
    engine.await_log("configuration read");
    let pid = engine.look("upgrade").1["pid"].clone();
    assert_eq!(pid, engine.ready["pid"], "it is the same program");
    install();
    engine.signal(Signal::SIGHUP);
    engine.await_heir();
    talk(&mut ann, &mut bob, "after");
    // Likewise from there on.
    install();
    engine.signal(Signal::SIGHUP);
    engine.await_heir();
    talk(&mut ann, &mut bob, "again");
}

#[test]
fn there_is_one_at_a_time_and_none_at_the_end() {
    let engine = Engine::failing(1, "new:hello:hang");
    let _person = engine.client();
    assert_eq!(engine.order("upgrade", &json!({})).0, 200);
    let (status, refusal) = engine.order("upgrade", &json!({}));
    assert_eq!(status, 503, "{refusal}");
    let drain = json!({ "overMs": 60_000 });
    assert_eq!(engine.order("drain", &drain).0, 503, "another process may be about to serve");
    // Who stops the engine has the one that hangs go as well.
    engine.signal(Signal::SIGTERM);
    engine.await_log("it was called off");
    let mut engine = engine;
    assert!(engine.wait().success());
    let engine = Engine::configured(1, "drain_secs = 60\n");
    let _person = engine.client();
    assert_eq!(engine.order("drain", &drain).0, 200);
    assert_eq!(engine.order("upgrade", &json!({})).0, 503);
}

#[test]
fn bans_and_switches_are_those_of_before() {
    let mut engine = Engine::start(2);
    let close = json!({ "close": ["adult/voice/moderated"] });
    assert_eq!(engine.order("lanes", &close).0, 200);
    let (_, lanes) = engine.look("lanes");
    let ban = json!({ "subject": "127.0.0.9", "reason": "spam" });
    let (status, answer) = engine.order("bans", &ban);
    assert_eq!(status, 200, "{answer}");
    engine.hand_over();
    assert_eq!(engine.look("lanes").1, lanes);
    assert!(Http::connect_from("127.0.0.9", engine.address).upgrade_silently().is_turned_away());
    engine.client().ping();
}

#[test]
fn what_came_of_it_is_told_in_numbers() {
    let mut engine = Engine::failing(1, "new:all:once");
    let _people = [engine.client(), engine.client()];
    engine.hand_over();
    let metrics = Http::connect(engine.admin).get("/metrics").text().to_owned();
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|it| it.strip_prefix(&format!("{name} ")));
        line.and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(value("whisper_handover_generation"), 1.0);
    assert_eq!(value("whisper_handover_failures_total"), 0.0);
    assert!(value("whisper_handover_sockets") >= 2.0);
    let pause = value("whisper_handover_pause_seconds");
    assert!(pause > 0.0 && pause < 5.0, "{pause}");
    // People are counted as before.
    until(|| {
        let online = engine.look("stats").1["people_online"].clone();
        if online == 2 { Ok(()) } else { Err(online.to_string()) }
    });
}
