//! Whichever process fails, and wherever: everybody is served by the other.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Client, Engine, chat};
use crate::talk;

/// Two people in a chat, of different reactors.
fn pair(engine: &Engine) -> (Client, Client) {
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);
    (ann, bob)
}

/// Asks for a handover, which fails; how it stands then.
#[track_caller]
fn fails(engine: &Engine) -> String {
    let (status, state) = engine.order("upgrade", &json!({}));
    assert_eq!(status, 200, "{state}");
    let failed = engine.await_upgrade(|state| state["state"] == "failed");
    assert_eq!(failed["pid"], engine.ready["pid"]);
    failed["why"].as_str().expect("it says why").to_owned()
}

#[test]
fn nobody_notices_a_new_process_that_fails() {
    for fault in [
        "new:start:die",
        "new:hello:die",
        "new:ready:die",
        "new:state:die",
        "new:sockets:die",
        "new:all:die",
        "new:taken:die",
        "new:yours:die",
        "new:yours:hang",
    ] {
        let engine = Engine::failing(2, fault);
        let (mut ann, mut bob) = pair(&engine);
        fails(&engine);
        talk(&mut ann, &mut bob, fault);
        // So do newcomers, and those who leave.
        let (mut cid, mut dan) = pair(&engine);
        talk(&mut cid, &mut dan, fault);
        cid.close();
        talk(&mut ann, &mut bob, "still");
    }
}

#[test]
fn nobody_notices_an_old_process_that_dies_when_all_is_said() {
    for fault in ["old:all:die", "old:taken:die", "old:yours:die"] {
        let mut engine = Engine::failing(2, fault);
        let (mut ann, mut bob) = pair(&engine);
        assert_eq!(engine.order("upgrade", &json!({})).0, 200);
        engine.await_heir_of_the_dead();
        talk(&mut ann, &mut bob, fault);
        let (mut cid, mut dan) = pair(&engine);
        talk(&mut cid, &mut dan, fault);
        // It can be stopped like any other.
        engine.signal(Signal::SIGTERM);
        engine.wait();
    }
}

#[test]
fn a_new_process_doesnt_outlive_an_old_one_that_dies_before() {
    for fault in ["old:hello:die", "old:ready:die", "old:frozen:die", "old:sockets:die"] {
        let mut engine = Engine::failing(2, fault);
        let _pair = pair(&engine);
        assert_eq!(engine.order("upgrade", &json!({})).0, 200);
        // Both have let go of their output.
        engine.wait();
    }
}

#[test]
fn a_version_that_doesnt_read_the_state_has_the_operator_drain() {
    let engine = Engine::failing(2, "new:formats:later");
    let (mut ann, mut bob) = pair(&engine);
    let why = fails(&engine);
    assert!(why.contains("formats 1001 to 1002") && why.contains("drain this one"), "{why}");
    talk(&mut ann, &mut bob, "still");
}

#[test]
fn settings_that_are_wrong_or_need_a_restart_keep_the_old_process() {
    let mut engine = Engine::configured(2, "drain_secs = 0\n");
    let (mut ann, mut bob) = pair(&engine);
    engine.settle("nonsense = 1\n");
    fails(&engine);
    engine.await_log("nonsense");
    talk(&mut ann, &mut bob, "still");
    engine.settle("drain_secs = 0\n[tls]\nself_signed = true\nlisten = [\"127.0.0.1:0\"]\n");
    let why = fails(&engine);
    assert!(why.contains("listened on") && why.contains("restart"), "{why}");
    talk(&mut ann, &mut bob, "still");
    engine.settle("drain_secs = 1\n");
    engine.hand_over();
    talk(&mut ann, &mut bob, "at last");
}
