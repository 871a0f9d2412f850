//! Three boxes that act as one, each on a network of its own, and all that can happen to them: every
//! trouble once, under people who talk, and every promise looked at.
//!
//! Needs nats-server, redis-server and ip, which `cargo xtask test` installs, and network namespaces:
//! where the system forbids all of these, it says so, and passes without having run. The same with
//! more people and more time is `cargo xtask bench boxes`.

mod programs;

use std::io::{self, Write as _};
use std::process::Command;

use serde_json::Value;

use programs::{BENCH, programs};

/// All that can go wrong with people and what they say.
const FAULTS: [&str; 13] = [
    "messages_lost",
    "messages_doubled",
    "messages_reordered",
    "messages_foreign",
    "unexpected_answers",
    "connections_failed",
    "connections_lost",
    "chats_broken",
    "people_in_two_rooms",
    "people_in_rooms_of_others",
    "people_alone_in_rooms",
    "people_stuck",
    "people_untold_of_lost_partner",
];

/// What is done, a phase each.
const ACTS: [&str; 10] = [
    "calm",
    "nats_cut_short",
    "nats_cut",
    "nats_restarted",
    "box_cut_short",
    "box_cut",
    "box_frozen_short",
    "box_frozen",
    "box_killed",
    "calm_again",
];

/// How the load generator ends where the system forbids what it needs.
const FORBIDDEN: i32 = 4;

#[test]
fn boxes_are_cut_frozen_and_killed_and_everybody_knows_whom_they_talk_to() {
    let (engine, _) = programs();
    let output = Command::new(BENCH)
        .args(["boxes", "--people", "300", "--quiet", "--json", "--engine"])
        .arg(engine)
        .args(["--warm-up", "1s", "--calm", "4s", "--short", "1200ms", "--long", "5500ms"])
        .args(["--settle", "1500ms", "--compare", "0"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(FORBIDDEN) {
        // Past the harness, which shows nothing of a test that passes.
        let _ = writeln!(io::stderr(), "boxes: not run: {}", said.trim());
        return;
    }
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let figures = &result["figures"];
    let figure =
        |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("{name} in {figures:#}"));
    for fault in FAULTS {
        assert_eq!(figure(fault), 0.0, "{fault} in {figures:#}");
    }
    // That a busy machine makes its times mean little is no fault.
    assert_eq!(result["faults"], serde_json::json!([]), "{figures:#}");
    let phases = result["phases"].as_array().expect("phases").iter();
    let names: Vec<_> = phases.filter_map(|phase| phase["name"].as_str()).collect();
    assert_eq!(names, ACTS);
    assert!(figure("messages") > 2_000.0 && figure("chats") > 200.0, "{figures:#}");
    assert!(figure("connections_lost_with_box") > 50.0, "{figures:#}");
    assert!(figure("chats_across_boxes") > 50.0 && figure("chats_parted") > 20.0, "{figures:#}");
}
