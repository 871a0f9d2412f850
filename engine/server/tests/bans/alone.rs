//! Kept by the engine itself, under its data dir.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use whisper_proto::{ClientMessage, CloseCode, Hello, ServerMessage};
use whisper_store::bans::{Ban, Book, Standing, Subject, Written};
use whisper_store::sqlite::Sqlite;
use whisper_store::{audit, bans, reports};

use crate::harness::{Engine, Http, Spoken, chat, say, upgrade_request};
use crate::{ban, banned, come, enter, let_in_soon, now_ms, refused, refused_soon};

#[test]
fn a_ban_closes_who_is_there_and_refuses_who_comes_and_survives_a_kill() {
    let engine = Engine::start(2);
    // The harness exempts these addresses from limits; that frees nobody of a ban.
    let (mut ann, _, _) = enter(&engine, "127.0.0.2");
    let (mut bob, _, _) = enter(&engine, "127.0.0.3");
    chat(&mut ann, &mut bob);
    let wish = json!({ "subject": "127.0.0.2", "reason": "Spam", "code": "spam", "seconds": 60,
        "why": "three complaints" });
    let appeal = ban(&engine, &wish);
    let told = banned(&mut ann);
    assert_eq!((told.reason, told.code), ("Spam".to_owned(), format!("spam-{appeal}")));
    let until = told.until.expect("an end");
    assert!((now_ms() + 50_000..now_ms() + 60_001).contains(&until), "{until}");
    bob.hears(&ServerMessage::PartnerDisconnected);
    assert_eq!(refused_soon(&engine, "127.0.0.2", None).until, Some(until));

    engine.signal(Signal::SIGKILL);
    let engine = engine.start_again();
    assert_eq!(refused(&engine, "127.0.0.2", None).until, Some(until));
    let (_, bans) = engine.look("bans");
    assert_eq!(bans[0]["appeal"], appeal, "{bans}");
    let metrics = Http::connect(engine.admin).get("/metrics").text().to_owned();
    assert!(metrics.contains("whisper_bans{kind=\"ips\"} 1"), "{metrics}");

    let (_, answer) = engine.order("bans/lift", &json!({ "subject": appeal, "why": "appealed" }));
    assert_eq!(answer["lifted"], 1);
    let (_, audit) = engine.look(&format!("audit?subject={appeal}"));
    let whys: Vec<_> =
        audit["audit"].as_array().expect("rows").iter().map(|it| &it["why"]).collect();
    assert_eq!(whys, ["appealed", "three complaints"], "{audit}");
    // Workers take the new picture in a turn of theirs.
    let_in_soon(&engine, "127.0.0.2");
    let log = engine.log();
    assert!(!log.contains("127.0.0.2"), "an address is in no log: {log}");
}

#[test]
fn many_bans_hold_up_no_start() {
    const BANS: u32 = 100_000;
    let dir = TempDir::new().expect("a directory");
    let data = dir.path().join("data");
    fs::create_dir(&data).expect("a directory");
    let first = Ipv4Addr::new(127, 0, 0, 2).to_bits();
    let on = |number: u32| Subject::of_address(Ipv4Addr::from_bits(first + number).into());
    let ban = |number| Arc::new(Ban::new(on(number), "Spam", "spam", None));
    let all = (0..BANS).map(|number| (ban(number), Standing::Stored)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let areas = [audit::MIGRATIONS, bans::MIGRATIONS, reports::MIGRATIONS];
        let book = Book::new(Sqlite::open(&data, &areas).expect("a file"));
        book.write(Written { bans: all, ..Written::default() }).await.expect("written");
    });
    let start = Instant::now();
    let engine = Engine::in_dir(dir, 2, "");
    let (took, cpu) = (start.elapsed(), engine.cpu_time());
    // By the processor's time: other tests run beside this one.
    assert!(cpu < Duration::from_secs(2), "ready after {took:?}, {cpu:?} of them at work");
    eprintln!("ready with {BANS} bans after {took:?}, {cpu:?} of them at work");
    for number in [0, 1, BANS / 2, BANS - 1] {
        refused(&engine, &Ipv4Addr::from_bits(first + number).to_string(), None);
    }
}

#[test]
fn whom_rules_have_banned_does_not_come_back() {
    let engine = Engine::start(1);
    let (mut ann, _, cookie) = enter(&engine, "127.0.0.2");
    let (mut bob, _, _) = enter(&engine, "127.0.0.3");
    chat(&mut ann, &mut bob);
    ann.say(&say("any girls under 14"));
    let told = banned(&mut ann);
    bob.hears(&ServerMessage::PartnerDisconnected);
    refused_soon(&engine, "127.0.0.2", None);
    // What she was told at once is what she is told whenever she comes, by whichever key she is
    // known, and what she can quote.
    for again in
        [refused_soon(&engine, "127.0.0.4", Some(&cookie)), refused(&engine, "127.0.0.2", None)]
    {
        assert_eq!((&again.code, again.until), (&told.code, told.until));
    }
    bob.ping();
    let (kind, appeal) = told.code.split_once('-').expect("a kind and what to quote");
    assert_eq!(kind, "minors");
    let (_, audit) = engine.look(&format!("audit?subject={appeal}"));
    let [row] = &audit["audit"].as_array().expect("rows")[..] else { panic!("one row: {audit}") };
    assert_eq!((&row["what"], &row["who"]), (&json!("ban"), &json!("engine: rules")), "{audit}");
    assert_eq!(row["why"], "minors, of severity zero");
    let (_, answer) = engine.order("bans/lift", &json!({ "subject": appeal }));
    assert_eq!(answer["lifted"], 2, "the address and the device");
    let_in_soon(&engine, "127.0.0.2");
    assert!(!come(&engine, "127.0.0.4", Some(&cookie)).0.is_turned_away());
}

#[test]
fn blocks_end_by_themselves() {
    let engine = Engine::start(1);
    let (mut ann, _, _) = enter(&engine, "127.0.9.1");
    let start = Instant::now();
    ban(&engine, &json!({ "subject": "127.0.9.0/24", "reason": "Flood", "seconds": 2 }));
    banned(&mut ann);
    enter(&engine, "127.0.8.1");
    let_in_soon(&engine, "127.0.9.2");
    assert!(start.elapsed().as_millis() > 1_900, "it held for its time");
    for (wish, why) in [
        (json!({ "subject": "0.0.0.0/0", "reason": "all" }), "/8"),
        (json!({ "subject": "somebody", "reason": "x" }), "address"),
        (json!({ "subject": "127.0.0.2" }), "reason"),
    ] {
        let (status, answer) = engine.order("bans", &wish);
        assert!(status == 400 && answer.to_string().contains(why), "{status} {answer}");
    }
}

#[test]
fn a_banned_user_is_known_by_device_and_address_whatever_their_client_says() {
    let engine = Engine::start(2);
    let (mut ann, user, cookie) = enter(&engine, "127.0.0.2");
    let (mut bob, _, _) = enter(&engine, "127.0.0.3");
    let wish = json!({ "subject": format!("banned:users:{user}"), "reason": "Threats" });
    let appeal = ban(&engine, &wish);
    let told = banned(&mut ann);
    assert_eq!((told.until, &*told.code), (None, &*format!("operator-{appeal}")));
    bob.ping();
    // The same device elsewhere, and the same address without its cookie: it is the same ban.
    assert_eq!(refused_soon(&engine, "127.0.0.4", Some(&cookie)), told);
    assert_eq!(refused_soon(&engine, "127.0.0.2", None), told);
    // A cookie that we haven't signed is nobody's.
    let forged = format!("{}A", &cookie[..cookie.len() - 1]);
    assert!(!come(&engine, "127.0.0.4", Some(&forged)).0.is_turned_away());
    enter(&engine, "127.0.0.4");
    // Three keys, and one row of the audit for the ban, one for what it met, one for its end.
    let (_, answer) = engine.order("bans/lift", &json!({ "subject": appeal, "why": "appealed" }));
    assert_eq!(answer["lifted"], 3);
    let (_, audit) = engine.look(&format!("audit?subject={appeal}"));
    assert_eq!(audit["audit"].as_array().map(Vec::len), Some(3), "{audit}");
    let_in_soon(&engine, "127.0.0.2");
}

#[test]
fn a_fingerprint_alone_is_asked_for_a_proof_and_refused_beside_its_address() {
    let engine = Engine::start(1);
    let hello = |said| {
        let hello = Hello { fingerprint: Some(said), ..Hello::default() };
        ClientMessage::Hello(hello)
    };
    let (mut ann, user, _) = enter(&engine, "127.0.5.2");
    ann.say(&hello("canvas:1"));
    ann.ping();
    ban(&engine, &json!({ "subject": format!("banned:users:{user}"), "reason": "Threats" }));
    banned(&mut ann);
    // With her address, her fingerprint is banned.
    refused_soon(&engine, "127.0.5.2", None);
    // From far away: another phone may look the same.
    let (mut far, _, _) = enter(&engine, "127.0.6.2");
    far.say(&hello("canvas:1"));
    let asked = far.hear("connected", |message| match message {
        ServerMessage::Connected(it) => Some(it.challenge.is_some()),
        _ => None,
    });
    assert!(asked, "it is asked for a proof");
    let (mut other, _, _) = enter(&engine, "127.0.6.2");
    other.say(&hello("canvas:2"));
    other.ping();
    // Next door, it is no chance.
    let (mut near, _, _) = enter(&engine, "127.0.5.77");
    near.say(&hello("canvas:1"));
    banned(&mut near);
    let (mut neighbour, _, _) = enter(&engine, "127.0.5.78");
    neighbour.say(&hello("canvas:3"));
    neighbour.ping();
}

#[test]
fn devices_are_named_by_cookies_that_scripts_and_other_sites_have_no_use_of() {
    let engine = Engine::start(1);
    let (mut client, set) = come(&engine, "127.0.0.2", None);
    client.greet();
    for part in ["whisper_device=", "; HttpOnly", "; SameSite=Strict", "; Max-Age=2592000"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "there is no TLS here: {set}");
    let pair = set.split(';').next().expect("a pair");
    let (_, again) = come(&engine, "127.0.0.3", Some(pair));
    assert_eq!(again, set, "a device keeps its name");
    // Bans are spoken in the sub-protocol that was asked for.
    ban(&engine, &json!({ "subject": "127.0.0.2", "reason": "Spam" }));
    assert_eq!(client.closed_after(|_| {}), CloseCode::Banned.as_u16());
    let mut http = Http::connect_from("127.0.0.2", engine.address);
    http.send(
        upgrade_request()
            .replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: whisper.v1.json\r\n\r\n"),
    );
    assert_eq!(http.answer_head().status, 101);
    let mut client = http.into_client(Spoken::Json);
    let told = client.hears_text("banned");
    assert_eq!(told["data"]["reason"], "Spam");
}
