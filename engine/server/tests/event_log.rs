//! The event log of a whole process, replayed.

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::{
    ADULT_TEXT, Client, Engine, Match, Spoken, Words, chat, join, lane, meet, say, say_as, strict,
    topic, whisper, wish,
};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use whisper_core::event_log::{End, Ended, Replayed, replay};
use whisper_proto::{
    AgeCategory, ClientMessage, ErrorCode, Evidence, Hello, Mode, QueueType, Report, ReportReason,
    Searching, ServerMessage, Signal as Signalling, SignalKind, Skip,
};

/// What nobody but people may know.
const CANARY: &str = "canary";

/// An engine that keeps an event log, with two shards.
fn logging() -> Engine {
    logging_with("")
}

fn logging_with(toml: &str) -> Engine {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("events");
    Engine::in_dir(dir, 2, &format!("event_log = {file:?}\n{toml}"))
}

fn log_in(dir: &TempDir) -> Vec<u8> {
    fs::read(dir.path().join("events")).expect("a log")
}

fn replayed(log: &[u8]) -> Replayed {
    replay(log).unwrap_or_else(|failure| panic!("{failure}"))
}

fn events(replayed: &Replayed) -> u64 {
    replayed.shards.iter().map(|shard| shard.events).sum()
}

/// Everything that people do, on both shards and between them.
fn live(engine: &Engine) {
    for (ann, bob, spoken) in [(0, 1, Spoken::Json), (1, 0, Spoken::Msgpack), (1, 1, Spoken::Json)]
    {
        let (mut ann, mut bob) = (engine.client_on(ann), engine.client_speaking(spoken, bob));
        introduce(&mut ann);
        let topic = format!("{CANARY} {}", topic());
        meet(&mut ann, &mut bob, &topic);
        converse(&mut ann, &mut bob);
        skip_and_return(&mut ann, &mut bob);
        call(engine, &mut ann);
        bob.say(&ClientMessage::Leave);
        bob.refused(ErrorCode::NotInQueue);
        let mut dan = engine.client();
        chat(&mut ann, &mut dan);
        dan.vanish();
        ann.hears(&ServerMessage::PartnerDisconnected);
    }
}

fn introduce(person: &mut Client) {
    person.say(&ClientMessage::Hello(Hello {
        fingerprint: Some(CANARY),
        language: Some("de-AT"),
        ..Hello::default()
    }));
    let bad = "far longer than the two and thirty characters of a canary";
    person.say(&ClientMessage::Join(strict(ADULT_TEXT, &[bad])));
    person.refused(ErrorCode::BadInterests);
    person.send_raw(b"\x82\x80\0\0\0\0");
    person.refused(ErrorCode::BadMessage);
}

fn converse(ann: &mut Client, bob: &mut Client) {
    ann.say(&say(CANARY));
    let heard: Words = bob.expect();
    let id = "an id of canaries";
    bob.say(&say_as(id, "they are yellow"));
    bob.hears(&ServerMessage::MessageAck { id, seq: 1 });
    ann.expect::<Words>();
    for is_typing in [true, false] {
        ann.say(&ClientMessage::Typing { is_typing, room: None });
        bob.hears(&ServerMessage::PartnerTyping { is_typing });
    }
    bob.say(&ClientMessage::Read { seq: 1, room: Some("a canary\'s room") });
    bob.say(&ClientMessage::Read { seq: 1, room: None });
    ann.hears(&ServerMessage::PartnerRead { seq: 1 });
    let (seq, timestamp, tag) = (heard.seq, heard.timestamp, heard.tag);
    bob.say(&ClientMessage::Report(Report {
        reason: ReportReason::Other,
        comment: Some(CANARY),
        id: Some(CANARY),
        evidence: vec![Evidence { seq, content: CANARY, timestamp, tag }],
        block: true,
        room: None,
    }));
    bob.hears(&ServerMessage::ReportReceived { id: CANARY });
}

fn skip_and_return(ann: &mut Client, bob: &mut Client) {
    ann.say(&ClientMessage::Skip(Skip { reason: Some(CANARY), room: None }));
    ann.expect::<Searching>();
    bob.hears(&ServerMessage::PartnerSkipped);
    // Her wish is replaced, and taken back.
    join(ann, strict(ADULT_TEXT, &["something else of canaries"]));
    ann.say(&ClientMessage::Leave);
    ann.ping();
}

fn call(engine: &Engine, ann: &mut Client) {
    let video = lane(AgeCategory::Adult, Mode::Video, QueueType::Unmoderated);
    let topic = topic();
    let mut cat = engine.client();
    for person in [&mut *ann, &mut cat] {
        person.say(&ClientMessage::Join(wish(video, &[&topic])));
    }
    ann.expect::<Match>();
    cat.expect::<Match>();
    let body: &[u8] = b"\x81\xa3sdp\xa6canary";
    let offer = Signalling { kind: SignalKind::Offer, room: None, body };
    ann.say(&ClientMessage::Signal(offer));
    cat.hears(&ServerMessage::Signal(offer));
    cat.say(&ClientMessage::VideoToggle { enabled: false, room: None });
    ann.hears(&ServerMessage::PartnerVideoToggle { enabled: false });
    ann.say(&ClientMessage::Leave);
    cat.hears(&ServerMessage::PartnerSkipped);
    cat.close();
}

#[test]
fn shards_decide_again_as_they_did() {
    let engine = logging();
    live(&engine);
    let dir = engine.stop();
    let replayed = replayed(&log_in(&dir));
    assert_eq!(replayed.shards.iter().map(|it| it.shard).collect::<Vec<_>>(), [0, 1]);
    for shard in &replayed.shards {
        assert_eq!(shard.ended, Ended::Said(End::Stopped));
        assert!(shard.events > 20 && shard.effects > shard.events, "{shard:?}");
    }
    assert!(!replayed.torn && replayed.unfinished.is_empty());
}

#[test]
fn nothing_that_people_say_or_are_is_written() {
    let engine = logging();
    live(&engine);
    let dir = engine.stop();
    let log = log_in(&dir);
    let secret = fs::read_to_string(dir.path().join("data/cluster.key")).expect("a key");
    let bytes = data_encoding::HEXLOWER.decode(secret.trim().as_bytes()).expect("digits");
    let nowhere = [CANARY.as_bytes(), b"topic", b"yellow", b"127.0.0.1", &[127, 0, 0, 1], &bytes];
    for what in nowhere {
        let found = log.windows(what.len()).position(|bytes| bytes == what);
        assert_eq!(found, None, "{}", String::from_utf8_lossy(what));
    }
    let mode = fs::metadata(dir.path().join("events")).expect("a log").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may read it");
}

#[test]
fn what_shards_never_hear_of_is_none_of_their_doing() {
    let engine = logging_with("exempt = []\n[limits]\nothers = { per_minute = 60, burst = 3 }\n");
    let mut ann = engine.client();
    (0..3).for_each(|_| ann.ping());
    ann.say(&ClientMessage::Ping);
    ann.refused(ErrorCode::RateLimited);
    let dir = engine.stop();
    let replayed = replayed(&log_in(&dir));
    assert!(replayed.shards.iter().all(|shard| shard.ended == Ended::Said(End::Stopped)));
}

#[test]
fn a_process_that_is_killed_leaves_what_it_had_written() {
    let mut engine = logging();
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);
    // What they did is in the file before long, while nothing ends.
    let events = loop {
        let replayed = replayed(&fs::read(engine.dir().join("events")).expect("a log"));
        if replayed.shards.len() == 2 && events(&replayed) >= 4 {
            break events(&replayed);
        }
        ann.ping();
    };
    engine.signal(Signal::SIGKILL);
    engine.wait();
    let replayed = replayed(&fs::read(engine.dir().join("events")).expect("a log"));
    assert!(self::events(&replayed) >= events);
    assert!(replayed.shards.iter().all(|shard| shard.ended == Ended::Cut));
}

#[test]
fn an_event_log_is_kept_where_it_is_asked_for_and_nowhere_else() {
    let engine = Engine::start(1);
    let dir = engine.stop();
    assert!(!dir.path().join("events").exists());

    let nowhere = dir.path().join("no such directory/events");
    let mut refused = whisper();
    refused.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.path());
    let output = refused.arg("--event-log").arg(&nowhere).output().expect("the binary runs");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("the event log") && said.contains("no such directory"), "{said}");
}
