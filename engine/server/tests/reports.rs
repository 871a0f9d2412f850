//! Reports: what is kept of them, what comes of them, and that nothing else of a chat is anywhere.

mod harness;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use harness::{Client, Engine, Http, Match, PATIENCE, Words, chat, say};
use serde_json::{Value, json};
use whisper_proto::{
    ClientMessage, CloseCode, Evidence, Report, ReportReason, ServerMessage, Skip,
};

/// Somebody from an address of this machine, on a reactor that the kernel chooses.
fn from(engine: &Engine, last: u8) -> Client {
    Http::connect_from(&format!("127.0.0.{last}"), engine.address).upgrade()
}

fn report(person: &mut Client, reason: ReportReason, room: Option<&str>, words: &[Words]) {
    let evidence = words.iter().map(|it| Evidence {
        seq: it.seq,
        content: &it.content,
        timestamp: it.timestamp,
        tag: it.tag,
    });
    let (id, comment) = (Some("r"), Some("he said so"));
    let evidence = evidence.collect();
    person.say(&ClientMessage::Report(Report {
        reason,
        comment,
        id,
        evidence,
        block: false,
        room,
    }));
    person.hears(&ServerMessage::ReportReceived { id: "r" });
}

/// Waits until the operators' list is as wanted.
#[track_caller]
fn await_list(engine: &Engine, query: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let (status, answer) = engine.look(&format!("reports?{query}"));
        assert_eq!(status, 200, "{answer}");
        let list = answer["reports"].as_array().expect("a list").clone();
        if wanted(&list) {
            return list;
        }
        assert!(start.elapsed() < PATIENCE, "never as wanted: {answer}");
        thread::yield_now();
    }
}

#[test]
fn what_proves_true_is_kept_and_can_lead_to_a_ban() {
    let engine = Engine::start(2);
    let (mut ann, mut bob) = (from(&engine, 11), from(&engine, 12));
    let (of_ann, _) = chat(&mut ann, &mut bob);
    for words in ["something vile", "and more of it"] {
        bob.say(&say(words));
    }
    let said = [ann.expect::<Words>(), ann.expect::<Words>()];
    let forged = Words { content: "never said".into(), ..said[1].clone() };
    report(&mut ann, ReportReason::Spam, None, &[said[0].clone(), forged]);
    let list = await_list(&engine, "", |list| list.len() == 1);
    assert_eq!(list[0]["verified"], 1, "{list:?}");

    // Bob is gone, and can be reported all the same: it is one report, and a graver one.
    bob.close();
    ann.hears(&ServerMessage::PartnerDisconnected);
    report(&mut ann, ReportReason::Threat, Some(&of_ann.room), &said);
    let list = await_list(&engine, "verified=true", |list| list[0]["verified"] == 2);
    assert_eq!(
        (list.len(), &list[0]["reason"], &list[0]["urgent"]),
        (1, &json!("threat"), &json!(true))
    );
    let id = list[0]["id"].as_str().expect("an id").to_owned();
    let (_, whole) = engine.look(&format!("reports/{id}"));
    let contents: Vec<_> = whole["evidence"].as_array().expect("a list").iter().collect();
    assert_eq!(contents[0]["content"], "something vile");
    assert_eq!(contents[1]["content"], "and more of it");
    assert_eq!(whole["comment"], "he said so");

    // His address is banned, and nobody else's; he is told what to quote.
    let sentence = json!({ "seconds": 3_600, "reason": "Threats", "why": "read it" });
    let (status, answer) = engine.order(&format!("reports/{id}/ban"), &sentence);
    assert_eq!(status, 200, "{answer}");
    let mut again = Http::connect_from("127.0.0.12", engine.address).upgrade_silently();
    assert!(again.is_turned_away());
    ann.ping();
    let (_, whole) = engine.look(&format!("reports/{id}"));
    assert_eq!(whole["status"], "banned");
    assert_eq!(whole["ban"], answer["ban"]);

    // It is all written down, with who and why.
    let (_, audit) = engine.look(&format!("audit?subject={id}"));
    let rows = audit["audit"].as_array().expect("rows");
    assert_eq!((&rows[0]["what"], &rows[0]["why"]), (&json!("report banned"), &json!("read it")));
    assert!(rows[0]["who"].as_str().is_some_and(|who| who.starts_with("operator:uid ")));
}

#[test]
fn operators_decide_hold_and_are_told_what_cannot_be() {
    let engine = Engine::start(1);
    let (mut ann, mut bob) = (from(&engine, 11), from(&engine, 12));
    chat(&mut ann, &mut bob);
    report(&mut ann, ReportReason::Minor, None, &[]);
    let list = await_list(&engine, "status=open&reason=minor", |list| list.len() == 1);
    let id = list[0]["id"].as_str().expect("an id");
    let order = |deed: &str, wish: Value| engine.order(&format!("reports/{id}/{deed}"), &wish).0;
    assert_eq!(order("hold", json!({ "held": true, "why": "a court" })), 200);
    assert_eq!(order("resolve", json!({ "decision": "perhaps" })), 400);
    assert_eq!(order("resolve", json!({ "decision": "dismissed" })), 200);
    assert_eq!(order("resolve", json!({ "decision": "upheld" })), 409, "it is decided");
    assert_eq!(engine.order("reports/nobodys/hold", &json!({ "held": true })).0, 404);
    assert_eq!(engine.look("reports/nobodys").0, 404);
    assert_eq!(engine.look("reports?status=odd").0, 400);
    let list = await_list(&engine, "held=true", |list| list.len() == 1);
    assert_eq!(list[0]["status"], "dismissed");
}

#[test]
fn several_people_who_report_somebody_make_a_ban_and_the_next_is_longer() {
    let engine = Engine::start(2);
    let bans = || engine.look("bans").1.as_array().expect("a list").clone();
    for (round, hours) in [(0, 1), (1, 2)] {
        let mut mallory = from(&engine, 66);
        // Two people, one of them again and again from wherever she gets a connection.
        for last in [10, 11, 11, 11] {
            let mut person = from(&engine, last + round * 20);
            chat(&mut person, &mut mallory);
            report(&mut person, ReportReason::Harassment, None, &[]);
            person.close();
            mallory.hears(&ServerMessage::PartnerDisconnected);
        }
        await_list(&engine, "status=open", |list| list.len() == 4);
        mallory.ping();
        let mut third = from(&engine, 12 + round * 20);
        chat(&mut third, &mut mallory);
        report(&mut third, ReportReason::Harassment, None, &[]);
        let mut until = None;
        let code = mallory.closed_after(|heard| {
            if let ServerMessage::Banned(banned) = heard {
                until = banned.until;
            }
        });
        assert_eq!(code, CloseCode::Banned.as_u16());
        let left = until.expect("told until when") - now_ms();
        let (least, most) = (hours * 3_600_000 - 60_000, hours * 3_600_000);
        assert!((least..=most).contains(&left), "{left} of {hours} h");
        await_list(&engine, "status=open", <[Value]>::is_empty);
        // Lifted, so that he may come again.
        for ban in bans() {
            engine.order("bans/lift", &json!({ "subject": ban["key"], "why": "a test" }));
        }
        assert!(bans().is_empty());
    }
}

#[test]
fn nothing_that_is_said_is_kept_but_evidence() {
    const SECRET: &str = "kanarie-in-the-mine";
    const SHOWN: &str = "evidence-of-the-crime";
    let engine = Engine::configured(2, "");
    let (mut ann, mut bob) = (from(&engine, 11), from(&engine, 12));
    let interest = format!("{SECRET} interests");
    let (_, _): (Match, Match) = harness::meet(&mut ann, &mut bob, &interest);
    for number in 0..50 {
        ann.say(&say(&format!("{SECRET} {number}")));
        bob.expect::<Words>();
        bob.say(&say(&format!("{SECRET} back {number}")));
        ann.expect::<Words>();
    }
    bob.say(&say(SHOWN));
    let words = ann.expect::<Words>();
    let never = Words { content: format!("{SECRET} forged"), ..words.clone() };
    report(&mut ann, ReportReason::Explicit, None, &[words, never]);
    await_list(&engine, "", |list| list.len() == 1);
    ann.say(&ClientMessage::Skip(Skip { reason: Some(SECRET), room: None }));
    bob.hears(&ServerMessage::PartnerSkipped);
    bob.say(&say(SECRET));
    bob.refused(whisper_proto::ErrorCode::NotInChat);
    engine.order("log-level", &json!({ "level": "trace" }));
    ann.ping();

    let metrics = Http::connect(engine.admin).get("/metrics").text().to_owned();
    assert!(!metrics.contains(SECRET) && !metrics.contains(SHOWN));
    let dir = engine.stop();
    let (mut files, mut shown) = (0, false);
    each_file(dir.path(), &mut |path, bytes| {
        let has = |canary: &str| bytes.windows(canary.len()).any(|it| it == canary.as_bytes());
        files += 1;
        assert!(!has(SECRET), "{path:?}");
        assert!(!has("127.0.0.12"), "{path:?} has an address");
        let is_database = path.to_string_lossy().contains("whisper.db");
        assert!(!has(SHOWN) || is_database, "{path:?}");
        shown |= has(SHOWN);
    });
    assert!(files >= 4 && shown, "the report is there, in {files} files");
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

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_millis() as u64
}
