//! What is written of settings, and what becomes of them when they are read again.

mod harness;

use std::fs;
use std::path::Path;

use harness::{ADULT_TEXT, Engine, join, strict, topic, until, until_true, whisper};
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use whisper_proto::{ClientMessage, ErrorCode};

/// What `whisper config …` prints.
fn printed(args: &[&str]) -> String {
    let output = whisper().arg("config").args(args).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_file_of_defaults_changes_nothing() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("whisper.toml");
    let defaults = printed(&["default"]);
    fs::write(&file, &defaults).expect("a file");
    let file = file.to_str().expect("a path");
    let with_it = printed(&["show", "--config", file]);
    assert_eq!(with_it, printed(&["show"]), "{defaults}");
    // Nothing is left out, and what isn't set is a comment.
    let settings = |text: &str| {
        let key =
            |line: &str| line.trim_start_matches("# ").split([' ', '=']).next().map(str::to_owned);
        let lines =
            text.lines().filter(|line| line.contains(" = ") || line.ends_with("is not set"));
        let mut keys: Vec<_> = lines.filter_map(key).collect();
        keys.sort_unstable();
        keys
    };
    let all = settings(&with_it);
    assert!(all.len() > 50, "{all:?}");
    let mentioned = settings(&defaults);
    assert!(all.iter().all(|key| mentioned.contains(key)), "{all:?}\n{mentioned:?}");
    let mut comments = defaults.lines().filter(|line| line.starts_with('#'));
    assert!(comments.all(|line| line.chars().count() <= 100), "{defaults}");
    assert!(!defaults.contains("\n\n\n\n") && !defaults.contains("# \n"), "{defaults}");
}

/// Written anew with `WHISPER_BLESS=1`.
#[test]
fn the_page_is_as_the_types_have_it() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let reference = printed(&["reference"]);
    if std::env::var_os("WHISPER_BLESS").is_some() {
        fs::write(&page, &reference).expect("written");
    }
    let written = fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(written, reference, "docs/configuration.md is old: `cargo xtask configuration`");
    // Every setting says what it is.
    let mut lines = reference.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("### ") {
            let about = lines.nth(3).unwrap_or_default();
            assert!(about.len() > 5, "{line}: {about}");
        }
    }
}

#[test]
fn what_has_changed_takes_effect_or_is_told_to_need_a_restart() {
    let dir = TempDir::new().expect("a directory");
    let text = |more: &str| format!("exempt = []\nlog_level = \"info\"\n{more}");
    // None but the one that is about to change.
    let limits = "[limits]\nplain_connections = 9999\n\
                  upgrades = { per_minute = 60000, burst = 60000 }\n\
                  requests = { per_minute = 60000, burst = 60000 }\n";
    // One reactor: it owns every address itself, and so lets nobody wait for an answer.
    let engine = Engine::in_dir(dir, 1, &text(&format!("{limits}sockets = 2000\n")));
    let file = engine.dir().join("whisper.toml");
    let rules = engine.dir().join("rules.toml");
    fs::write(&rules, "base = \"none\"\n").expect("a file");
    let mut ann = engine.client();
    let read = |text: &str| {
        fs::write(&file, text).expect("a file");
        engine.signal(Signal::SIGHUP);
    };

    let reads = || engine.log().matches("configuration read").count();
    let await_reads = |count| {
        until(|| if reads() >= count { Ok(()) } else { Err(engine.log()) });
    };
    // What is there already stays; one more would be too many.
    read(&text(&format!(
        "rules = {rules:?}\norigin = [\"https://chat.example\"]\nevent_log_max_mib = 5\n\
         {limits}sockets = 2\n[challenge]\nmode = \"on\"\n\
         [matching]\nlanes = [\"adult/voice/moderated\"]\n[people]\nidle_max_ms = 1\n",
    )));
    await_reads(1);
    let log = engine.log();
    let line = log.lines().find(|line| line.contains("configuration read")).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let said = |name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
    for key in ["rules", "origin", "limits.sockets", "challenge.mode", "matching.lanes"] {
        assert!(said("changed").split(", ").any(|it| it == key), "{key}: {line}");
    }
    assert_eq!(said("needs_restart"), "event_log_max_mib, people.idle_max_ms");
    assert_eq!(engine.look("challenge").1["mode"], json!("on"));
    ann.say(&ClientMessage::Join(strict(ADULT_TEXT, &[&topic()])));
    ann.refused(ErrorCode::LaneClosed);
    // Its pages may come in by now; when two are here, no more may be.
    let _bob = until(|| {
        let mut bob = engine.http();
        let answer = bob.knock("Origin: https://chat.example\r\n");
        if answer.status == 101 { Ok(bob) } else { Err(format!("{answer:?}")) }
    });
    until_true("too many", || engine.http().knock("").status == 429);
    engine.await_log("rules read");

    // A mistake anywhere, and nothing of it is taken.
    read(&text("[limits]\nsockets = 0\n[challenge]\nmode = \"off\"\n"));
    let log = engine.await_log("the old configuration stays");
    assert!(log.contains("limits.sockets"), "{log}");
    assert_eq!(engine.look("challenge").1["mode"], json!("on"));

    // Back to the beginning: what needed a restart has changed no more.
    read(&text(&format!("{limits}sockets = 2000\n")).replace("info", "error"));
    until_true("quiet", || engine.look("log-level").1["level"] == "error");
    assert_eq!(engine.look("challenge").1["mode"], json!("auto"));
    join(&mut ann, strict(ADULT_TEXT, &[&topic()]));
    engine.client().ping();
}

#[test]
fn with_a_mistake_in_the_rules_nothing_else_is_taken() {
    let dir = TempDir::new().expect("a directory");
    let [rules, other] = ["rules.toml", "other.toml"].map(|name| dir.path().join(name));
    fs::write(&rules, "base = \"none\"\n").expect("a file");
    let text = |rules: &Path, mode| format!("rules = {rules:?}\n[challenge]\nmode = {mode:?}\n");
    let engine = Engine::in_dir(dir, 1, &text(&rules, "auto"));
    let refusals = || engine.log().matches("the old configuration stays").count();
    let read = |rules: &Path, mode| {
        fs::write(engine.dir().join("whisper.toml"), text(rules, mode)).expect("a file");
        let before = refusals();
        engine.signal(Signal::SIGHUP);
        until_true("read, or refused", || {
            refusals() > before || engine.log().contains("configuration read")
        });
    };
    let mode = || engine.look("challenge").1["mode"].clone();

    fs::write(&rules, "[[rule]]\nid = \"word\"\nseverity = \"awful\"\n").expect("a file");
    read(&rules, "on");
    assert!(engine.log().contains("rules.toml:3:12"), "{}", engine.log());
    read(&other, "on");
    assert!(engine.log().contains("other.toml: No such file"), "{}", engine.log());
    assert_eq!(mode(), json!("auto"));
    // The old file is still the one that is watched; what it was refused with is not kept for it.
    fs::write(&rules, "base = \"none\"\n# mended\n").expect("a file");
    engine.await_log("rules read");
    assert_eq!(mode(), json!("auto"));

    fs::write(&other, "base = \"none\"\n").expect("a file");
    read(&other, "on");
    assert_eq!(mode(), json!("on"));
    assert_eq!(refusals(), 2, "{}", engine.log());
}
