//! What may be said, and what comes of saying more.

mod harness;

use std::fs;
use std::path::Path;

use harness::{
    ADULT_TEXT, Client, Engine, Http, Shared, Spoken, Words, chat, everywhere, lane, say, say_as,
    strict, topic, upgrade_request, wish,
};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use whisper_core::event_log::replay;
use whisper_proto::{
    AgeCategory, Banned, ClientMessage, CloseCode, ErrorCode, Hello, Lane, Mode, ModerationWarning,
    QueueType, ServerMessage, Severity, Skip,
};

/// A fault of medium severity.
const MEDIUM: &str = "you stupid whore";
/// A fault of high severity.
const HIGH: &str = "i will kill you";
/// What is never tolerated.
const ZERO: &str = "any girls under 14";

static ONE: Shared = Shared::new(1);

/// `moderation_warning`, kept.
#[derive(Debug, PartialEq, Eq)]
struct Warning {
    severity: Severity,
    warnings: u32,
    blocked: bool,
}

fn warned(person: &mut Client) -> Warning {
    person.hear("moderation_warning", |message| {
        let ServerMessage::ModerationWarning(it) = message else { return None };
        let ModerationWarning { message, severity, code, warnings, blocked } = *it;
        assert!(!message.is_empty() && !code.is_empty());
        Some(Warning { severity, warnings, blocked })
    })
}

/// Waits until they are told that they are banned, and closed; until when they are.
fn banned(person: &mut Client) -> u64 {
    let mut until = None;
    let code = person.closed_after(|message| {
        let ServerMessage::Banned(Banned { reason, code, until: Some(it) }) = message else {
            panic!("wanted a ban, but got {message:?}");
        };
        assert!(!reason.is_empty() && !code.is_empty());
        until = Some(*it);
    });
    assert_eq!(code, CloseCode::Banned.as_u16());
    until.expect("told before closed")
}

/// What they say arrives.
fn delivered(from: &mut Client, to: &mut Client, content: &str) {
    from.say(&say(content));
    assert_eq!(to.expect::<Words>().content, content);
}

fn meet_in(lane: Lane, ann: &mut Client, bob: &mut Client) {
    let topic = topic();
    for person in [&mut *ann, &mut *bob] {
        person.say(&ClientMessage::Join(strict(lane, &[&topic])));
    }
    ann.hear("matched", |it| matches!(it, ServerMessage::Matched(_)).then_some(()));
    bob.hear("matched", |it| matches!(it, ServerMessage::Matched(_)).then_some(()));
}

#[test]
fn warnings_lead_to_a_block_and_a_ban() {
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        for warnings in 1..=3 {
            delivered(&mut ann, &mut bob, MEDIUM);
            let warning = Warning { severity: Severity::Medium, warnings, blocked: false };
            assert_eq!(warned(&mut ann), warning);
        }
        ann.say(&say_as("the fourth", MEDIUM));
        let warning = Warning { severity: Severity::Medium, warnings: 4, blocked: true };
        assert_eq!(warned(&mut ann), warning);
        let refusal = ann.refused(ErrorCode::Blocked);
        assert_eq!(refusal.id.as_deref(), Some("the fourth"));
        // It was neither delivered nor numbered.
        ann.say(&say_as("the fifth", "hello again"));
        ann.hears(&ServerMessage::MessageAck { id: "the fifth", seq: 4 });
        let words: Words = bob.expect();
        assert_eq!((&*words.id, words.seq), ("the fifth", 4));
        ann.say(&say_as("the last", MEDIUM));
        banned(&mut ann);
        bob.hears(&ServerMessage::PartnerDisconnected);
    });
}

#[test]
fn skipping_resets_nothing() {
    let engine = ONE.get();
    let mut ann = engine.client();
    for said in 1..=4 {
        let mut next = engine.client();
        chat(&mut ann, &mut next);
        ann.say(&say(MEDIUM));
        if said < 4 {
            assert_eq!(next.expect::<Words>().content, MEDIUM);
        }
        assert_eq!(warned(&mut ann).warnings, said);
        if said == 4 {
            ann.refused(ErrorCode::Blocked);
        }
        ann.say(&ClientMessage::Skip(Skip::default()));
        next.hears(&ServerMessage::PartnerSkipped);
        ann.say(&ClientMessage::Leave);
        ann.ping();
    }
}

/// A person with a cookie or without, from an address; and the cookie they have from now on.
fn come(engine: &Engine, from: &str, cookie: Option<&str>) -> (Client, String) {
    let mut http = Http::connect_from(from, engine.address);
    let header = cookie.map(|it| format!("Cookie: {it}\r\n")).unwrap_or_default();
    http.send(upgrade_request().replace("\r\n\r\n", &format!("\r\n{header}\r\n")));
    let answer = http.answer_head();
    let set = answer.header("Set-Cookie").expect("a device is given a name");
    let cookie = set.split(';').next().expect("a pair").to_owned();
    let mut client = http.into_client(Spoken::Msgpack);
    client.greet();
    (client, cookie)
}

/// Ann is at fault once on each of these connections, and meets somebody new each time; whether
/// that was blocked.
fn errs_on(engine: &Engine, connections: impl IntoIterator<Item = Client>) -> Vec<bool> {
    let mut blocked = Vec::new();
    let mut everywhere = [0, 1].map(|reactor| engine.client_on(reactor));
    for (before, mut ann) in (0..).zip(connections) {
        let mut partner = engine.client();
        chat(&mut ann, &mut partner);
        ann.say(&say(MEDIUM));
        let warning = warned(&mut ann);
        assert_eq!(warning.warnings, before + 1);
        if warning.blocked {
            ann.refused(ErrorCode::Blocked);
        }
        blocked.push(warning.blocked);
        // What her shard tells others is told before it answers, and heard before they do.
        ann.ping();
        everywhere.iter_mut().for_each(Client::ping);
    }
    blocked
}

#[test]
fn coming_again_resets_nothing() {
    let dir = TempDir::new().expect("a directory");
    let log = dir.path().join("events");
    let toml = format!("exempt = [\"127.0.0.1/32\"]\nevent_log = {log:?}");
    let engine = Engine::in_dir(dir, 2, &toml);
    // By her address, whatever she forgets.
    let connections = (0..6).map(|_| come(&engine, "127.0.7.1", None).0);
    assert_eq!(errs_on(&engine, connections), [false, false, false, true, true, true]);
    // By her device, wherever she goes; and in the end that is enough.
    let (first, cookie) = come(&engine, "127.0.8.1", None);
    let others = (2..5).map(|host| come(&engine, &format!("127.0.8.{host}"), Some(&cookie)).0);
    assert_eq!(errs_on(&engine, std::iter::once(first).chain(others)), [false, false, false, true]);
    let (mut last, _) = come(&engine, "127.0.8.9", Some(&cookie));
    let mut partner = engine.client();
    chat(&mut last, &mut partner);
    last.say(&say(MEDIUM));
    banned(&mut last);
    // By what her client says, nearby. From this address, free of limits, come many.
    let hello = |client: &mut Client| {
        let hello = Hello { fingerprint: Some("canvas:9"), ..Hello::default() };
        client.say(&ClientMessage::Hello(hello));
        client.ping();
    };
    let nearby = (1..5).map(|host| {
        let (mut client, _) = come(&engine, &format!("127.0.9.{host}"), None);
        hello(&mut client);
        client
    });
    assert_eq!(errs_on(&engine, nearby), [false, false, false, true]);
    let (mut other, mut partner) = (engine.client(), engine.client());
    chat(&mut other, &mut partner);
    other.say(&say(MEDIUM));
    assert_eq!(warned(&mut other).warnings, 1);
    drop((other, partner));
    let dir = engine.stop();
    let events = fs::read(dir.path().join("events")).expect("a log");
    let replayed = replay(&*events).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(replayed.shards.len(), 2);
}

#[test]
fn what_is_high_is_never_delivered_and_what_is_low_always_is() {
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        ann.say(&say(HIGH));
        let warning = Warning { severity: Severity::High, warnings: 1, blocked: true };
        assert_eq!(warned(&mut ann), warning);
        assert_eq!(ann.refused(ErrorCode::Blocked).id, None);
        for warnings in 2..10 {
            delivered(&mut ann, &mut bob, "what the fuck");
            let warning = Warning { severity: Severity::Low, warnings, blocked: false };
            assert_eq!(warned(&mut ann), warning);
        }
        // The first words that bob ever got are the low ones, so nothing was before them.
        bob.ping();
    });
}

#[test]
fn what_is_never_tolerated_bans_at_once_in_every_lane() {
    let engine = ONE.get();
    let lanes = [
        (AgeCategory::Adult, QueueType::Moderated),
        (AgeCategory::Adult, QueueType::Unmoderated),
        (AgeCategory::Teen, QueueType::Moderated),
    ];
    for (age, queue) in lanes {
        let (mut ann, mut bob) = (engine.client(), engine.client());
        meet_in(lane(age, Mode::Text, queue), &mut ann, &mut bob);
        ann.say(&say(ZERO));
        banned(&mut ann);
        // Nothing was delivered before.
        bob.hears(&ServerMessage::PartnerDisconnected);
    }
    let metrics = engine.await_metric("whisper_people_sentenced_total", |count| count >= 3.0);
    let counted = "whisper_verdicts_total{reactor=\"0\",offence=\"message\",severity=\"zero\",\
                   action=\"ban\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(counted)).expect("a count");
    assert!(count.parse::<f64>().expect("a number") >= 3.0, "{count}");
}

#[test]
fn nothing_else_is_looked_for_where_nothing_is_moderated() {
    let engine = ONE.get();
    let (mut ann, mut bob) = (engine.client(), engine.client());
    let unmoderated = lane(AgeCategory::Adult, Mode::Text, QueueType::Unmoderated);
    meet_in(unmoderated, &mut ann, &mut bob);
    for content in [MEDIUM, HIGH, "what the fuck"] {
        delivered(&mut ann, &mut bob, content);
    }
    ann.ping();
}

#[test]
fn adults_may_say_how_old_they_are() {
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        for content in ["i'm 25 yo", "m 34 here, you?", "i'm 19 and study law", "i am 14 km away"] {
            delivered(&mut ann, &mut bob, content);
        }
        ann.ping();
    });
}

#[test]
fn what_is_split_over_messages_is_found_where_it_is_whole() {
    everywhere(|_, mut ann, mut bob| {
        chat(&mut ann, &mut bob);
        delivered(&mut ann, &mut bob, "kill");
        delivered(&mut ann, &mut bob, "your");
        ann.say(&say("self"));
        assert!(warned(&mut ann).blocked);
        ann.refused(ErrorCode::Blocked);
        // What stood before a new chat is of no importance in it.
        ann.say(&say("kill"));
        bob.expect::<Words>();
        ann.say(&ClientMessage::Skip(Skip::default()));
        bob.hears(&ServerMessage::PartnerSkipped);
    });
}

#[test]
fn one_line_for_everybody_is_not_delivered_to_the_next_teen() {
    const LINE: &str = "come and see my lovely garden of roses";
    let engine = ONE.get();
    let mut ann = engine.client();
    let teens = lane(AgeCategory::Teen, Mode::Text, QueueType::Moderated);
    for time in 1..=6 {
        let mut next = engine.client();
        meet_in(teens, &mut ann, &mut next);
        if time < 5 {
            delivered(&mut ann, &mut next, &format!("{LINE}, {time}"));
        } else {
            ann.say(&say(&format!("{LINE}!!! {time}")));
            assert_eq!(warned(&mut ann).severity, Severity::High);
            ann.refused(ErrorCode::Blocked);
        }
        ann.say(&ClientMessage::Leave);
        next.hears(&ServerMessage::PartnerSkipped);
    }
    // Spelt out in pieces, what nobody may tell here is found with the last of them.
    let mut next = engine.client();
    meet_in(teens, &mut ann, &mut next);
    for piece in ["0170", "123"] {
        delivered(&mut ann, &mut next, piece);
    }
    ann.say(&say("4567"));
    assert_eq!(warned(&mut ann).warnings, 3);
}

#[test]
fn interests_are_held_to_the_rules_of_their_lane() {
    let engine = ONE.get();
    let mut ann = engine.client();
    ann.say(&ClientMessage::Join(wish(ADULT_TEXT, &["music", "kill yourself"])));
    let refusal = ann.refused(ErrorCode::BadInterests);
    assert!(!refusal.message.contains("kill"), "{refusal:?}");
    // She is in no queue.
    ann.say(&ClientMessage::Leave);
    ann.refused(ErrorCode::NotInQueue);
    let unmoderated = lane(AgeCategory::Adult, Mode::Text, QueueType::Unmoderated);
    harness::join(&mut ann, strict(unmoderated, &["kill yourself"]));
    ann.say(&ClientMessage::Join(strict(unmoderated, &["child porn"])));
    banned(&mut ann);
}

#[test]
fn a_ban_lasts_as_long_as_the_rules_say() {
    const DAY_MS: u64 = 86_400_000;
    let dir = TempDir::new().expect("a directory");
    let rules = dir.path().join("rules.toml");
    fs::write(&rules, "[ladder]\nwarnings = 0\nblocks = 0\nban_hours = 48\n").expect("a file");
    let engine = Engine::in_dir(dir, 1, &format!("rules = {rules:?}"));
    for (content, days) in [(MEDIUM, 2), (ZERO, 30)] {
        let (mut ann, mut bob) = (engine.client_speaking(Spoken::Json, 0), engine.client());
        chat(&mut ann, &mut bob);
        bob.say(&say("hello"));
        let before = ann.expect::<Words>().timestamp;
        ann.say(&say(content));
        let until = banned(&mut ann);
        let lasts = until - before;
        assert!((days * DAY_MS..days * DAY_MS + 60_000).contains(&lasts), "{lasts}");
    }
}

/// Rules that block one word.
fn blocking(word: &str) -> String {
    format!(
        "[code.word]\nmessage = \"Not here.\"\n\
         [[rule]]\nid = \"word\"\nseverity = \"high\"\ncode = \"word\"\nterms = [\"{word}\"]\n"
    )
}

/// Writes a file as one should: whole, and then in the place of the old.
fn replace(path: &Path, text: &str) {
    let next = path.with_extension("next");
    fs::write(&next, text).expect("a file");
    fs::rename(&next, path).expect("a file");
}

/// What the audit has of changes of rules: to which, and why; the first at the front.
fn changes_of_rules(engine: &Engine) -> Vec<(String, String)> {
    let (_, answer) = engine.look("audit");
    let rows = answer["audit"].as_array().expect("rows").iter().rev();
    let mine = format!("operator:uid {}", nix::unistd::geteuid());
    rows.filter(|row| row["what"] == "rules")
        .map(|row| {
            assert_eq!(row["who"], mine, "whose file it is");
            let text = |name: &str| row[name].as_str().expect("a text").to_owned();
            (text("subject"), text("why"))
        })
        .collect()
}

#[test]
fn other_rules_at_the_next_start_are_in_the_audit() {
    let dir = TempDir::new().expect("a directory");
    let rules = dir.path().join("rules.toml");
    replace(&rules, &blocking("cabbage"));
    let toml = format!("rules = {rules:?}");
    let again = |dir| Engine::in_dir(dir, 1, &toml).stop();
    let dir = again(again(dir));
    replace(&rules, &blocking("turnip"));
    let engine = Engine::in_dir(dir, 1, &toml);
    let changes = changes_of_rules(&engine);
    assert_eq!(changes.len(), 2, "the same rules are no change: {changes:?}");
    assert!(changes.iter().all(|(_, why)| why.ends_with(": at the start")), "{changes:?}");
}

#[test]
fn rules_change_while_people_talk() {
    let dir = TempDir::new().expect("a directory");
    let rules = dir.path().join("rules.toml");
    replace(&rules, &blocking("cabbage"));
    let log = dir.path().join("events");
    let engine = Engine::in_dir(dir, 2, &format!("rules = {rules:?}\nevent_log = {log:?}"));
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);
    let blocked = |person: &mut Client, content: &str| {
        person.say(&say(content));
        assert!(warned(person).blocked);
        person.refused(ErrorCode::Blocked);
    };
    blocked(&mut ann, "cabbage");
    delivered(&mut ann, &mut bob, "turnip");
    // By a signal, and by itself.
    replace(&rules, &blocking("turnip"));
    engine.signal(Signal::SIGHUP);
    engine.await_log("rules read");
    ann.ping();
    bob.ping();
    blocked(&mut bob, "turnip");
    delivered(&mut ann, &mut bob, "cabbage");
    // Those with a mistake are refused, and the old ones stay.
    replace(&rules, "\n[[rule]]\nid = \"word\"\nseverity = \"awful\"\n");
    engine.signal(Signal::SIGHUP);
    let log_lines = engine.await_log("the old configuration stays");
    assert!(log_lines.contains("rules.toml:4:12"), "{log_lines}");
    blocked(&mut ann, "turnip");
    for secret in ["cabbage", "turnip"] {
        assert!(!log_lines.contains(secret));
    }
    let changes = changes_of_rules(&engine);
    assert_eq!(changes.len(), 2, "at the start, and one since: {changes:?}");
    for (before, (digest, why)) in ["none", &changes[0].0].into_iter().zip(&changes) {
        assert!(why.starts_with(&format!("{before} → {digest}: ")), "{why}");
    }
    assert!(changes[1].1.ends_with(": SIGHUP"), "{changes:?}");
    let dir = engine.stop();
    let events = fs::read(dir.path().join("events")).expect("a log");
    let replayed = replay(&*events).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(replayed.shards.iter().all(|shard| shard.events > 5));
    for secret in ["cabbage", "turnip"] {
        assert!(!events.windows(secret.len()).any(|it| it == secret.as_bytes()));
    }
}
