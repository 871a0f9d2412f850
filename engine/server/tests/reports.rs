//! Reports: what is kept of them, where they wait, and what comes of them.

mod harness;
#[path = "../../store/tests/postgres/mod.rs"]
#[allow(dead_code, reason = "what these tests need of it is little")]
mod postgres;

use harness::{Client, Engine, Http, Words, chat, say, until};
use postgres::Postgres;
use serde_json::{Value, json};
use whisper_proto::{ClientMessage, CloseCode, Evidence, Report, ReportReason, ServerMessage};

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

/// Waits until metrics that have no reactor are as wanted.
#[track_caller]
fn await_metrics(engine: &Engine, wanted: &[(&str, u64)]) {
    // Counted every 5 s, and a database that was silent once is left alone for as long.
    until(|| {
        let text = Http::connect(engine.admin).get("/metrics").text().to_owned();
        let is_there = |(name, value): &(&str, u64)| {
            let sample = format!("whisper_{name} {value}");
            text.lines().any(|line| line == sample)
        };
        if wanted.iter().all(is_there) {
            Ok(())
        } else {
            Err(format!("{text}\nand not {wanted:?}"))
        }
    });
}

/// Waits until the operators' list is as wanted.
#[track_caller]
fn await_list(engine: &Engine, query: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    until(|| {
        let (status, answer) = engine.look(&format!("reports?{query}"));
        assert_eq!(status, 200, "{answer}");
        let list = answer["reports"].as_array().expect("a list").clone();
        if wanted(&list) { Ok(list) } else { Err(answer.to_string()) }
    })
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
    let told = again.hear("banned", |message| match message {
        ServerMessage::Banned(told) => Some((told.reason.to_string(), told.code.to_string())),
        _ => None,
    });
    let quoted = answer["ban"].as_str().expect("what to quote");
    assert_eq!(told, ("Threats".to_owned(), format!("operator-{quoted}")));
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
    for (round, hours) in [(0, 1), (1, 2), (2, 4)] {
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
                // A kind that clients have words for.
                assert!(banned.code.starts_with("reported-"), "{}", banned.code);
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
fn reports_are_counted_where_they_are_and_where_they_wait() {
    let mut postgres = Postgres::start();
    let engine = Engine::configured(1, &format!("[reports]\nurl = {:?}\n", postgres.url()));
    let (mut ann, mut bob) = (from(&engine, 11), from(&engine, 12));
    chat(&mut ann, &mut bob);
    report(&mut ann, ReportReason::Spam, None, &[]);
    let id = await_list(&engine, "", |list| list.len() == 1)[0]["id"].clone();
    await_metrics(&engine, &[("reports_open", 1), ("reports_kept", 1), ("reports_waiting", 0)]);
    let deed = format!("reports/{}/resolve", id.as_str().expect("an id"));
    assert_eq!(engine.order(&deed, &json!({ "decision": "dismissed" })).0, 200);
    await_metrics(&engine, &[("reports_open", 0), ("reports_kept", 1), ("database_up", 1)]);

    // Nothing is asked of it but to count, and so it is known to be away.
    postgres.kill();
    await_metrics(&engine, &[("database_up", 0), ("reports_waiting", 0)]);
    report(&mut bob, ReportReason::Spam, None, &[]);
    await_metrics(&engine, &[("reports_waiting", 1), ("reports_kept", 1)]);
    postgres.run();
    await_metrics(
        &engine,
        &[("database_up", 1), ("reports_waiting", 0), ("reports_open", 1), ("reports_kept", 2)],
    );
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_millis() as u64
}
