//! `whisperctl` as it is typed: what it prints, and what it ends with.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};

/// The program, deaf to settings of the environment.
fn whisperctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whisperctl"));
    for name in ["WHISPER_ADMIN", "WHISPER_ADMIN_SOCKET", "WHISPER_ADMIN_TOKEN"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    whisperctl().args(args).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// An engine's door that gives these answers, one a connection; the requests that it got.
fn door(path: &Path, answers: Vec<String>) -> thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(path).expect("it is free");
    thread::spawn(move || {
        let answer = |body: String| {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
            let (mut request, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("text");
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                request += &line;
                if line == "\r\n" {
                    break;
                }
            }
            let mut body_of_it = vec![0; length];
            reader.read_exact(&mut body_of_it).expect("a body");
            request += &text(&body_of_it);
            // A reader that has gone is what some tests are about.
            let _ = write!(stream, "HTTP/1.0 200 OK\r\n\r\n{body}");
            request
        };
        answers.into_iter().map(answer).collect()
    })
}

/// How a drain goes, as the engine says it.
fn drain(draining: bool, people: u64) -> String {
    json!({
        "draining": draining, "people": people, "chatting": 2, "perSecond": 1,
        "chatsInMs": 1_000, "endsInMs": 2_000,
    })
    .to_string()
}

#[test]
fn an_upgrade_is_watched_until_somebody_else_answers() {
    let state = |pid: u32, state: &str, why: Option<&str>| {
        let (version, sockets, paused_ms) = ("1.2.3", 42, 20.0);
        json!({
            "pid": pid, "version": version, "generation": 1, "state": state, "why": why,
            "sockets": sockets, "pausedMs": paused_ms,
        })
        .to_string()
    };
    let under_way = || state(7, "underWay", None);
    for (last, code, told) in [
        (state(8, "idle", None), 0, "process 8 serves, version 1.2.3: 42 connections, 20 ms\n"),
        (state(7, "failed", Some("no")), 1, "process 7 goes on, version 1.2.3: no\n"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("s");
        let engine = door(&path, vec![under_way(), under_way(), last]);
        let socket = path.to_str().expect("a path");
        let output = run(&["--socket", socket, "upgrade", "--why", "it is new"]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), told);
        let requests = engine.join().expect("an engine");
        assert!(requests[0].starts_with("POST /admin/upgrade "), "{}", requests[0]);
        assert!(requests[0].contains("it is new"), "{}", requests[0]);
        assert!(requests[1].starts_with("GET /admin/upgrade "), "{}", requests[1]);
    }
}

#[test]
fn a_drain_is_watched_to_its_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s");
    let socket = path.to_str().expect("a path");
    // The listener is gone after the last answer, as an engine that has ended.
    let engine = door(&path, vec![drain(false, 4), drain(true, 4), drain(true, 2)]);
    let args = ["drain", "--over", "2s", "--why", "new kernel", "--yes", "--json"];
    let output = run(&[&["--socket", socket], &args[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let people: Vec<_> = lines.iter().map(|line| line["people"].as_u64()).collect();
    assert_eq!(people, [Some(4), Some(2)]);
    let requests = engine.join().expect("it was asked");
    assert!(requests[0].contains("\"dryRun\":true"), "{requests:?}");
    assert!(requests[1].starts_with("POST /admin/drain ") && requests[1].contains("new kernel"));
    assert!(requests[1].contains("\"overMs\":2000") && requests[1].contains("\"dryRun\":false"));
    assert!(requests[2].starts_with("GET /admin/drain "));
}

#[test]
fn what_hurts_is_told_first_and_asked_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s");
    let socket = path.to_str().expect("a path");
    let engine = door(&path, vec![drain(false, 4), drain(false, 4)]);
    let output = run(&["--socket", socket, "drain", "--over", "2s", "--dry-run"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(told.starts_with("would send 4 people elsewhere within 2 s (1 a second)"), "{told}");
    // Nobody is at a terminal.
    let output = run(&["--socket", socket, "drain"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--yes"), "{}", text(&output.stderr));
    let requests = engine.join().expect("it was asked");
    assert!(requests.iter().all(|request| request.contains("\"dryRun\":true")), "{requests:?}");
}

#[test]
fn whatever_hurts_can_be_tried_dry_and_is_not_done_unasked() {
    // Nobody is asked: there is no engine.
    let socket = ["--socket", "/nowhere"];
    for deed in [
        &["ban", "192.0.2.7", "--for", "2h"][..],
        &["unban", "abc"],
        &["lanes", "close", "adult/video/moderated"],
        &["withheld", "release"],
        &["reports", "ban", "abc"],
    ] {
        let asked = [&socket, deed].concat();
        let dry = run(&[&asked[..], &["--dry-run"]].concat());
        assert_eq!(dry.status.code(), Some(0), "{deed:?}: {}", text(&dry.stderr));
        let told = text(&dry.stdout);
        let json = run(&[&asked[..], &["--dry-run", "--json"]].concat());
        let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
        assert_eq!(told, format!("would {}\n", json["would"].as_str().expect("words")));
        let unasked = run(&asked);
        assert_eq!(unasked.status.code(), Some(2), "{deed:?}");
        assert!(text(&unasked.stderr).contains("--yes"), "{}", text(&unasked.stderr));
        let meant = run(&[&asked[..], &["--yes"]].concat());
        assert!(text(&meant.stderr).contains("can't reach an engine"), "{deed:?}");
    }
}

#[test]
fn reactors_are_shown_once_in_rows_or_as_json() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s");
    let socket = path.to_str().expect("a path");
    let metrics = |messages: u64| {
        format!(
            "whisper_people_online{{reactor=\"0\"}} 3\n\
             whisper_messages_in_total{{reactor=\"0\"}} {messages}\n"
        )
    };
    let looks = || vec![metrics(0), metrics(1_000_000), "ready\n".to_owned()];
    let engine = door(&path, [looks(), looks()].concat());
    let output = run(&["--socket", socket, "top", "--once"]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(table.contains("reactor  online") && table.contains("\nall"), "{table}");
    assert!(!table.contains('\x1b'), "no terminal: {table:?}");
    let output = run(&["--socket", socket, "top", "--once", "--json"]);
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rate = value["reactors"][0]["in_per_second"].as_f64().expect("a number");
    assert!((100_000.0..=1_000_000.0).contains(&rate), "{value}");
    assert_eq!(value["ready"], json!(true));
    engine.join().expect("it was asked");
}

#[test]
fn a_reader_that_goes_away_has_read_enough() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s");
    let socket = path.to_str().expect("a path");
    let lane = json!({ "lane": "adult/text/moderated", "open": true });
    let many = json!({ "lanes": vec![lane; 20_000] }).to_string();
    let engine = door(&path, vec![many]);
    for args in [&["--socket", socket, "lanes", "show"][..], &["completions", "bash"], &["man"]] {
        let mut process =
            whisperctl().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(process.stdout.take());
        let mut said = String::new();
        process.stderr.take().unwrap().read_to_string(&mut said).expect("text");
        assert_eq!(process.wait().unwrap().code(), Some(0), "{args:?}: {said}");
        assert_eq!(said, "");
    }
    engine.join().expect("it was asked");
}

#[test]
fn the_end_says_what_became_of_it() {
    for (args, code, said) in [
        (&["--socket", "/nowhere", "stats"][..], 2, "can't reach an engine"),
        (&["--socket", "/nowhere", "drain", "--yes"], 2, "can't reach an engine"),
        (&["drain", "--over", "soon"], 2, "is no time"),
        (&["top", "--interval", "0"], 2, "0 is not in 1..=3600"),
        (&["surprise"], 2, "unrecognized subcommand"),
        (&["completions", "cmd.exe"], 2, "possible values"),
        (&["man", "--out", "/nowhere"], 2, "No such file"),
    ] {
        let output = run(args);
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(code) && error.contains(said), "{args:?}: {error}");
        assert!(!error.contains('\x1b'), "no colours where nobody sees them");
    }
}

#[test]
fn rules_are_tried_in_words_and_in_json() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rules.toml");
    let rules = "base = \"none\"\n[code.x]\nmessage = \"Not here.\"\n\
                 [[rule]]\nid = \"a\"\nseverity = \"high\"\ncode = \"x\"\nterms = [\"towering\"]\n";
    std::fs::write(&file, rules).expect("a file");
    let lines = dir.path().join("lines");
    std::fs::write(&lines, "hello\nhow towering\n").expect("a file");
    let (file, lines) = (file.to_str().expect("a path"), lines.to_str().expect("a path"));
    for (args, code, said, key, value) in [
        (&["check", file][..], 0, "good; 1 rules, 1 terms", "rules", json!(1)),
        (&["explain", "towering", "--rules", file], 1, "outcome    high", "toxicity", json!(0.0)),
        (&["dry-run", lines, "--rules", file], 1, "1 of 2 lines (50.00 %)", "atFault", json!(1)),
    ] {
        let args = [&["rules"], args].concat();
        let output = run(&args);
        let words = text(&output.stdout);
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(code) && words.contains(said), "{words}{error}");
        let output = run(&[&args[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code));
        let last = text(&output.stdout).lines().last().map(str::to_owned).expect("a line");
        let last: Value = serde_json::from_str(&last).expect("JSON");
        assert!(last.get(key).is_some(), "{key}: {last}");
        assert!(key == "toxicity" || last[key] == value, "{last}");
    }
}

#[test]
fn every_command_has_a_page_and_shells_know_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = run(&["man", "--out", dir.path().to_str().expect("a path")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for page in ["whisperctl", "whisperctl-drain", "whisperctl-lanes-close", "whisperctl-top"] {
        let page = std::fs::read_to_string(dir.path().join(format!("{page}.1"))).expect("a page");
        assert!(page.contains(".TH ") && page.contains(".SH"), "{page}");
    }
    let main = text(&run(&["man"]).stdout);
    assert!(main.contains("Exit status"), "{main}");
    for shell in ["bash", "zsh", "fish"] {
        let completions = text(&run(&["completions", shell]).stdout);
        assert!(completions.contains("drain") && completions.contains("dry-run"), "{shell}");
    }
}
