//! The operators' doors: who may come through, and what is switched behind them.

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use harness::{ADULT_TEXT, Engine, Http, Words, chat, join, say, strict, topic, whisper};
use serde_json::{Value, json};
use tempfile::TempDir;
use whisper_proto::ErrorCode;

#[test]
fn lanes_are_closed_and_opened_for_everybody() {
    let engine = Engine::start(3);
    let mut waiting: Vec<_> = (0..3).map(|reactor| engine.client_on(reactor)).collect();
    for person in &mut waiting {
        join(person, strict(ADULT_TEXT, &[&topic()]));
    }
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    chat(&mut ann, &mut bob);

    let lane = "adult/text/moderated";
    let (status, state) = engine.order("lanes", &json!({ "close": [lane], "why": "a test" }));
    assert_eq!(status, 200, "{state}");
    assert!(!is_open(&state, lane));
    for person in &mut waiting {
        person.refused(ErrorCode::LaneClosed);
    }
    // Chats go on; newcomers are told what is open.
    ann.say(&say("still here"));
    bob.expect::<Words>();
    let (_, state) = engine.look("lanes");
    assert!(!is_open(&state, lane) && is_open(&state, "adult/video/moderated"));
    engine.await_log("a test");

    engine.order("lanes", &json!({ "open": [lane] }));
    join(&mut waiting[0], strict(ADULT_TEXT, &[&topic()]));
}

#[test]
fn what_cannot_be_ordered_is_refused_and_changes_nothing() {
    let engine = Engine::start(1);
    let before = engine.look("lanes");
    for (what, wish, why) in [
        ("lanes", json!({ "close": ["adult/text/moderated", "adult/smell/moderated"] }), "no lane"),
        ("lanes", json!({ "open": ["teen/text/unmoderated"] }), "always moderated"),
        ("lanes", json!({ "shut": [] }), "unknown field"),
        ("lanes", json!({ "open": [], "why": "two\nlines" }), "one line"),
        ("challenge", json!({ "mode": "sometimes" }), "unknown variant"),
        ("log-level", json!({ "level": "loud" }), "none of"),
        ("log-level", json!({ "level": "off" }), "none of"),
    ] {
        let (status, answer) = engine.order(what, &wish);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && error.contains(why), "{wish}: {status} {answer}");
    }
    assert_eq!(engine.look("lanes"), before);
}

#[test]
fn challenges_and_the_log_are_switched() {
    // Nobody is exempt: whoever is, is never asked.
    let engine = Engine::configured(1, "exempt = []\n");
    assert_eq!(engine.look("challenge").1, json!({ "mode": "auto", "effort": 0 }));
    let (_, state) = engine.order("challenge", &json!({ "mode": "on" }));
    assert_eq!(state, json!({ "mode": "on", "effort": 16 }));
    let mut asked = engine.client();
    asked.say(&whisper_proto::ClientMessage::Join(strict(ADULT_TEXT, &[&topic()])));
    asked.refused(ErrorCode::ChallengeRequired);
    engine.order("challenge", &json!({ "mode": "off" }));
    join(&mut engine.client(), strict(ADULT_TEXT, &[&topic()]));

    assert_eq!(engine.look("log-level").1, json!({ "level": "info" }));
    let quiet = json!({ "level": "error", "why": "unheard of" });
    assert_eq!(engine.order("log-level", &quiet).1, json!({ "level": "error" }));
    engine.order("lanes", &json!({ "open": ["adult/text/moderated"], "why": "unheard of, too" }));
    engine.order("log-level", &json!({ "level": "debug", "why": "heard of" }));
    let log = engine.await_log("heard of");
    assert!(!log.contains("unheard of"), "{log}");
}

#[test]
fn numbers_are_summed() {
    let engine = Engine::start(2);
    let (_ann, _bob) = (engine.client_on(0), engine.client_on(1));
    for reactor in ["0", "1"] {
        let one = format!("whisper_people_online{{reactor=\"{reactor}\"}} 1");
        while !Http::connect(engine.admin).get("/metrics").text().contains(&one) {}
    }
    let (status, stats) = engine.look("stats");
    assert_eq!((status, &stats["people_online"]), (200, &json!(2)), "{stats}");
    assert_eq!(stats["healthy"], json!(true));
}

#[test]
fn tcp_is_for_looking_unless_a_token_is_shown() {
    let bare = Engine::start(1);
    for path in ["/admin/stats", "/admin/lanes"] {
        assert_eq!(Http::connect(bare.admin).get(path).status, 403);
    }
    assert_eq!(Http::connect(bare.admin).get("/health").status, 200);

    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("token");
    fs::write(&file, "correct-horse-battery\n").expect("a file");
    let toml = format!("admin_token = {file:?}\n");
    let engine = Engine::in_dir(dir, 1, &toml);
    let ask = |headers: &str| Http::connect(engine.admin).get_with("/admin/stats", headers).status;
    assert_eq!(ask(""), 401);
    assert_eq!(ask("Authorization: Bearer correct-horse-batterz\r\n"), 401);
    assert_eq!(ask("Authorization: Basic correct-horse-battery\r\n"), 401);
    assert_eq!(ask("Authorization: Bearer correct-horse-battery\r\n"), 200);
    assert_eq!(Http::connect(engine.admin).get("/metrics").status, 200);
    assert!(!engine.log().contains("horse"));
}

#[test]
fn what_few_like_is_not_named() {
    let engine = Engine::start(3);
    let (popular, rare) = (topic(), topic());
    let mut people: Vec<_> = (0..39).map(|nth| engine.client_on(nth % 3)).collect();
    for (nth, person) in people.iter_mut().enumerate() {
        let liked = if nth < 20 { [&*popular] } else { [&*rare] };
        join(person, strict(ADULT_TEXT, &liked));
    }
    let (status, told) = engine.look("interests");
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["least"], json!(20));
    assert_eq!(told["interests"], json!([{ "name": popular, "people": 20 }]));
    assert!(!engine.log().contains(&popular));
}

#[test]
fn the_live_page_is_for_operators_alone() {
    let engine = Engine::start(1);
    let page = Http::connect(engine.admin).get("/ops");
    assert_eq!(page.status, 200);
    let mut parts = 0;
    for part in page.text().split('"').filter(|it| it.starts_with("/ops/")) {
        assert_eq!(Http::connect(engine.admin).get(part).status, 200, "{part}");
        assert_eq!(Http::connect(engine.address).get(part).status, 404, "{part}");
        parts += 1;
    }
    assert!(parts >= 4, "the page has lost its parts");
    assert_eq!(Http::connect(engine.admin).get("/ops/../Cargo.toml").status, 404);
    assert_eq!(Http::connect(engine.address).get("/ops").status, 404);
}

#[test]
fn the_socket_is_its_owners_and_one_engines() {
    let engine = Engine::start(1);
    let path = engine.ready["adminSocket"].as_str().expect("a path");
    let mode = fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A second engine that would take it over is refused.
    let mut other = whisper();
    other.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(engine.dir().join("data"));
    let output = other.output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("admin.sock"), "{error}");
    assert_eq!(engine.look("lanes").0, 200);

    // What a killed engine leaves is replaced; what ends in good order leaves nothing.
    let dir = engine.stop();
    let socket = dir.path().join("data/admin.sock");
    assert!(!socket.exists());
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("it was free"));
    assert!(socket.exists());
    let engine = Engine::in_dir(dir, 1, "");
    assert_eq!(engine.look("lanes").0, 200);
}

fn is_open(state: &Value, lane: &str) -> bool {
    let lanes = state["lanes"].as_array().expect("lanes");
    let found = lanes.iter().find(|it| it["lane"] == lane).expect("the lane");
    found["open"] == json!(true)
}
