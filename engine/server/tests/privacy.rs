//! Nothing that people say is anywhere but where its receiver brought it: not in the files of the
//! engine, of Redis or of PostgreSQL, in no log and no metric; and the engine's memory keeps none of
//! it, though buffers have what they held last until they are used for something else.

mod harness;
#[path = "../../store/tests/postgres/mod.rs"]
#[allow(dead_code, reason = "what these tests need of it is little")]
mod postgres;

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use harness::{Client, Engine, Http, Redis, Words, chat, say, topic, until};
use postgres::Postgres;
use serde_json::json;
use tempfile::TempDir;
use whisper_proto::{
    ClientMessage, ErrorCode, Evidence, Hello, Report, ReportReason, ServerMessage, Skip,
};

/// Stands in every line that nobody reports, in interests, names and reasons.
const SECRET: &str = "kanarie-in-the-mine";
/// In what the client says of its device.
const DEVICE: &str = "canvas-of-the-canary";
/// In the one line that is reported.
const SHOWN: &str = "evidence-of-the-crime";

/// The address of who is reported.
const BOB: &str = "127.0.3.12";

/// Lines that are said with it.
const LINES: usize = 82;

fn has(bytes: &[u8], canary: &str) -> bool {
    bytes.windows(canary.len()).any(|it| it == canary.as_bytes())
}

/// How often something stands in what a process can write to.
fn in_memory(pid: u64, canary: &str) -> usize {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("it is ours");
    let mut count = 0;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, access) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let Some((from, to)) = range.split_once('-') else { continue };
        let parse = |text| u64::from_str_radix(text, 16).expect("an address");
        let (mut at, to) = (parse(from), parse(to));
        if !access.starts_with("rw") {
            continue;
        }
        let mut part = vec![0; 1 << 20];
        while at < to {
            let wanted = part.len().min((to - at) as usize);
            match memory.read_at(&mut part[..wanted], at) {
                Ok(0) | Err(_) => break,
                Ok(got) => {
                    let found = part[..got].windows(canary.len());
                    count += found.filter(|it| *it == canary.as_bytes()).count();
                    at += got as u64;
                }
            }
        }
    }
    count
}

fn each_file(dir: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, look);
        } else if let Ok(bytes) = fs::read(&path) {
            look(&path, &bytes);
        }
    }
}

fn report(person: &mut Client, words: &[Words]) {
    let evidence = words.iter().map(|it| Evidence {
        seq: it.seq,
        content: &it.content,
        timestamp: it.timestamp,
        tag: it.tag,
    });
    let evidence = evidence.collect();
    let (reason, comment, id) = (ReportReason::Explicit, None, Some("r"));
    let report = Report { reason, comment, id, evidence, block: true, room: None };
    person.say(&ClientMessage::Report(report));
    person.hears(&ServerMessage::ReportReceived { id: "r" });
}

/// A chat with all that people do in one, every word of which is a canary.
fn a_chat_full_of_canaries(engine: &Engine) {
    let come = |from: &str| Http::connect_from(from, engine.address).upgrade();
    let (mut ann, mut bob) = (come("127.0.3.11"), come(BOB));
    let hello = Hello { fingerprint: Some(DEVICE), ..Hello::default() };
    ann.say(&ClientMessage::Hello(hello));
    harness::meet(&mut ann, &mut bob, &format!("{SECRET} {}", topic()));
    for number in 0..40 {
        ann.say(&ClientMessage::Typing { is_typing: true, room: None });
        bob.hears(&ServerMessage::PartnerTyping { is_typing: true });
        ann.say(&say(&format!("{number} {SECRET}")));
        bob.expect::<Words>();
        bob.say(&say(&format!("{SECRET} {number} back")));
        ann.expect::<Words>();
    }
    // What is blocked, and what is warned about.
    ann.say(&say(&format!("i will kill you {SECRET}")));
    ann.hear("moderation_warning", |it| {
        matches!(it, ServerMessage::ModerationWarning(_)).then_some(())
    });
    ann.refused(ErrorCode::Blocked);
    bob.say(&say(SHOWN));
    let words = ann.expect::<Words>();
    let never = Words { content: format!("{SECRET} forged"), ..words.clone() };
    report(&mut ann, &[words, never]);
    ann.say(&ClientMessage::Skip(Skip { reason: Some(SECRET), room: None }));
    bob.hears(&ServerMessage::PartnerSkipped);
    bob.say(&say(SECRET));
    bob.refused(ErrorCode::NotInChat);
}

/// Others talk of something else, at length, on every reactor.
fn others_talk(engine: &Engine) {
    for reactors in [[0, 1], [1, 0], [0, 0], [1, 1]] {
        let [mut cat, mut dan] = reactors.map(|reactor| engine.client_on(reactor));
        chat(&mut cat, &mut dan);
        let line = "of the weather, and of gardens. ".repeat(30);
        for _ in 0..300 {
            cat.say(&say(&line));
            dan.say(&say(&line));
            dan.expect::<Words>();
            cat.expect::<Words>();
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures that the documentation quotes")]
fn what_is_said_is_nowhere_but_in_the_report_of_its_receiver() {
    let (redis, postgres) = (Redis::start(), Postgres::start());
    let dir = TempDir::new().expect("a directory");
    let events = dir.path().join("events");
    let limits = "[limits.messages]\nper_minute = 60000\nburst = 60000\n";
    let toml = format!(
        "redis = [{:?}]\nevent_log = {events:?}\n{limits}[reports]\nurl = {:?}\n",
        redis.url(),
        postgres.url()
    );
    let engine = Engine::in_dir(dir, 2, &toml);
    engine.await_log("all bans were read from Redis");
    a_chat_full_of_canaries(&engine);
    await_the_report(&engine);
    let pid = engine.ready["pid"].as_u64().expect("a pid");
    let before = in_memory(pid, SECRET);
    others_talk(&engine);
    let after = in_memory(pid, SECRET);
    println!("in memory: {before} times right after {LINES} lines, {after} times a while later");
    assert!(before > 0, "what was just said stands in buffers, so this looks at the right places");
    // Memory that was given back is not wiped. Whatever kept lines would have all of them.
    assert!(after < LINES / 2, "{after} of {before} are still in memory");
    assert_metrics_are_silent(&engine);
    let dump = redis.dump();
    assert!(has(&dump, "stats:"), "it is of this Redis");
    assert!(!has(&dump, SECRET) && !has(&dump, DEVICE) && !has(&dump, SHOWN) && !has(&dump, BOB));
    let dir = engine.stop();
    drop(redis);
    assert_kept_in_reports_alone(&[dir.path(), &postgres.data()], |path| {
        path.starts_with(postgres.data()) || is_file_of_reports(path)
    });
}

#[test]
fn nor_is_it_where_the_engine_keeps_everything_itself() {
    let engine = Engine::start(2);
    engine.order("log-level", &json!({ "level": "trace" }));
    a_chat_full_of_canaries(&engine);
    await_the_report(&engine);
    assert_metrics_are_silent(&engine);
    let dir = engine.stop();
    assert_kept_in_reports_alone(&[dir.path()], is_file_of_reports);
}

fn await_the_report(engine: &Engine) {
    until(|| {
        let (_, answer) = engine.look("reports?verified=true");
        let is_there = answer["reports"].as_array().is_some_and(|list| list.len() == 1);
        if is_there { Ok(()) } else { Err(answer.to_string()) }
    });
}

fn assert_metrics_are_silent(engine: &Engine) {
    let metrics = Http::connect(engine.admin).get("/metrics").text().to_owned();
    for canary in [SECRET, DEVICE, SHOWN, BOB] {
        assert!(!has(metrics.as_bytes(), canary), "{canary} at /metrics");
    }
}

/// The one line that was reported is where reports are, and nothing else is anywhere.
fn assert_kept_in_reports_alone(places: &[&Path], is_of_reports: impl Fn(&Path) -> bool) {
    let (mut files, mut shown) = (0, false);
    for place in places {
        each_file(place, &mut |path, bytes| {
            files += 1;
            for canary in [SECRET, DEVICE, BOB] {
                assert!(!has(bytes, canary), "{canary} in {path:?}");
            }
            assert!(!has(bytes, SHOWN) || is_of_reports(path), "evidence in {path:?}");
            shown |= has(bytes, SHOWN);
        });
    }
    assert!(files >= 4 && shown, "the report is there, in {files} files");
}

fn is_file_of_reports(path: &Path) -> bool {
    path.to_string_lossy().contains("whisper.db")
}
