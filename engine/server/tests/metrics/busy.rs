//! An engine that has seen some of everything, and what it tells then.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use whisper_proto::{ClientMessage, Report, ReportReason};

use crate::harness::{
    ADULT_TEXT, Engine, Http, Papers, Redis, Words, chat, join, say, strict, topic, until,
};

/// What was told, in both formats.
pub(crate) struct Told {
    pub(crate) plain: String,
    pub(crate) openmetrics: String,
}

/// What an engine tells that has seen traffic; asked once for all tests.
pub(crate) fn told() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(|| settled(&Busy::start().engine))
}

/// An engine with everything there is to have, which has seen traffic.
pub(crate) struct Busy {
    pub(crate) engine: Engine,
    _redis: Redis,
}

impl Busy {
    pub(crate) fn start() -> Self {
        let redis = Redis::start();
        let dir = TempDir::new().expect("a directory");
        let [certificate, key] = Papers::new(&["chat.example"]).write(dir.path(), "chat");
        let log = dir.path().join("events");
        let toml = format!(
            "redis = [{:?}]\nevent_log = {log:?}\n\
             [tls]\nlisten = [\"127.0.0.1:0\"]\ncert = [{certificate:?}]\nkey = [{key:?}]\n",
            redis.url()
        );
        let engine = Engine::in_dir(dir, 2, &toml);
        traffic(&engine);
        Self { engine, _redis: redis }
    }
}

/// Two chats, one of them between reactors; a bad word, a frame that is no message, a report; and
/// somebody who searches.
fn traffic(engine: &Engine) {
    for (one, other) in [(0, 0), (0, 1)] {
        let (mut ann, mut bob) = (engine.client_on(one), engine.client_on(other));
        chat(&mut ann, &mut bob);
        for _ in 0..3 {
            ann.say(&say("hello"));
            bob.expect::<Words>();
        }
        bob.say(&ClientMessage::Report(Report {
            reason: ReportReason::Spam,
            comment: None,
            id: None,
            evidence: Vec::new(),
            block: false,
            room: None,
        }));
        ann.say(&ClientMessage::Leave);
    }
}

/// Waits until the latest reports of the workers have it all; both formats then.
fn settled(engine: &Engine) -> Told {
    let mut waiting = engine.client();
    join(&mut waiting, strict(ADULT_TEXT, &[&topic()]));
    until(|| {
        let ask = |accept: &str| {
            Http::connect(engine.admin).get_with("/metrics", accept).text().to_owned()
        };
        let plain = ask("");
        let has = |line: &str| plain.lines().any(|it| it == line);
        if has("whisper_match_wait_seconds_count{tier=\"exact\"} 4")
            && has("whisper_relays_total{reactor=\"0\",path=\"mesh\"} 3")
            && has("whisper_reports_open 2")
            && has("whisper_redis_up 1")
            && plain.contains("whisper_connections{reactor=\"0\",state=\"searching\"}")
            && plain.lines().any(|it| it.starts_with("whisper_redis_silence_seconds"))
        {
            let openmetrics = ask("Accept: application/openmetrics-text;version=1.0.0\r\n");
            return Ok(Told { plain, openmetrics });
        }
        Err(plain)
    })
}

/// The names of all samples.
pub(crate) fn names(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

/// Has promtool look at what it is given; what it says about it.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> Result<String, String> {
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed, of Debian's package prometheus");
    let mut stdin = promtool.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}
