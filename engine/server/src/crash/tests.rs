//! A process of its own for each end.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use std::{env, fs};

use clap::FromArgMatches as _;
use serde_json::Value;
use tempfile::TempDir;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};
use whisper_proto::ClientMessage;

use super::*;
use crate::cli::{self, Cli};

/// What the process that is to panic finds in its environment.
const HOW: &str = "WHISPER_TEST_PANIC";
/// Likewise: in which folder it is to serve.
const WHERE: &str = "WHISPER_TEST_SERVE";

/// How words begin that the engine of these tests can't stand.
const CHOKING: &str = "may you choke";
const SECRET: &str = "nobody else should know";

const PATIENCE: Duration = Duration::from_secs(20);

/// A bug that some words bring about: called where a reactor hears them, and in tests only, so
/// that no program which anybody runs has it.
pub(crate) fn choke_on(message: &ClientMessage<'_>) {
    if let ClientMessage::Message(say) = message
        && say.content.starts_with(CHOKING)
    {
        panic!("unexpected: {message:?}");
    }
}

#[test]
fn a_panic_ends_the_process() {
    if let Ok(how) = env::var(HOW) {
        return grieve(&how);
    }
    for (how, panic) in
        [("literal", "an invariant, in words of ours"), ("a secret of somebody's", UNSHOWN)]
    {
        let output = panicking(how);
        let said = String::from_utf8(output.stderr).expect("text");
        tells_of_a_bug(output.status, &said, ("reactor-7", panic));
        assert!(!said.contains("secret"), "{said}");
        assert!(!said.contains("it goes on"), "{said}");
    }
}

#[test]
fn a_bug_of_a_reactor_ends_the_engine() {
    if let Some(dir) = env::var_os(WHERE) {
        return serve(Path::new(&dir));
    }
    let dir = TempDir::new().expect("a directory");
    let log = dir.path().join("log");
    let mut process = this_test("a_bug_of_a_reactor_ends_the_engine")
        .env(WHERE, dir.path())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).expect("a log"))
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    // The test's own words may stand before it.
    let ready = |line: String| serde_json::from_str(&line[line.find('{')?..]).ok();
    let ready: Value = lines.map_while(Result::ok).find_map(ready).expect("a ready line");
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id()));
    let limits = limits.expect("it runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    assert_eq!(core.map(|line| line.split_whitespace().filter(|it| *it == "0").count()), Some(2));

    let address = ready["listen"][0].as_str().expect("an address");
    let [mut ann, mut bob] = [(); 2].map(|()| Person::connect(address));
    ann.join();
    bob.join();
    ann.hears("matched");
    bob.hears("matched");
    ann.says(SECRET);
    assert!(bob.hears("message").contains(SECRET));
    ann.says(&format!("{CHOKING}: {SECRET}"));
    while bob.0.read().is_ok() {}
    let status = process.wait().expect("its status");
    let said = fs::read_to_string(log).expect("text");
    tells_of_a_bug(status, &said, ("reactor-0", UNSHOWN));
    assert!(!said.contains(SECRET) && !said.contains(CHOKING), "{said}");
}

/// Holds the end of a process, and what it said, to what the module promises.
#[track_caller]
fn tells_of_a_bug(status: ExitStatus, said: &str, (thread, panic): (&str, &str)) {
    assert_eq!(status.signal(), Some(nix::libc::SIGABRT), "{status:?}: {said}");
    assert!(!status.core_dumped());
    let line = said.lines().last().expect("a last line");
    let line: Value = serde_json::from_str(line).expect("JSON");
    let fields = &line["fields"];
    assert_eq!((&fields["thread"], &fields["panic"]), (&thread.into(), &panic.into()));
    assert!(fields["at"].as_str().is_some_and(|at| at.contains("crash/tests.rs:")), "{line}");
    assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"));
}

/// This program again, for one of these tests: a process of its own that comes to grief.
fn this_test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", &format!("crash::tests::{name}"), "--nocapture"]);
    command
}

fn panicking(how: &str) -> Output {
    this_test("a_panic_ends_the_process").env(HOW, how).output().expect("it runs")
}

fn grieve(how: &str) {
    leave_no_core().expect("it may be given up");
    end_at_panic();
    let how = how.to_owned();
    let worker = move || match how.as_str() {
        "literal" => panic!("an invariant, in words of ours"),
        said => panic!("unexpected: {said}"),
    };
    let worker = thread::Builder::new().name("reactor-7".into()).spawn(worker);
    // Whoever waits for it waits no longer.
    let _ = worker.expect("a thread").join();
    eprintln!("it goes on");
}

/// `whisper serve`, but for [`choke_on`].
fn serve(dir: &Path) {
    let line = ["whisper", "serve", "--listen", "127.0.0.1:0", "--reactors", "1", "--data-dir"];
    let line = line.map(Into::into).into_iter().chain([dir.as_os_str().to_owned()]);
    let matches = cli::command().get_matches_from(line);
    let cli = Cli::from_arg_matches(&matches).expect("a good command line");
    crate::run(cli.command, crate::innermost(&matches)).expect("it serves");
}

/// Somebody who speaks JSON.
struct Person(WebSocket<TcpStream>);

impl Person {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        let mut request = format!("ws://{address}/").into_client_request().expect("a request");
        let json = "whisper.v1.json".parse().expect("a header");
        request.headers_mut().insert("Sec-WebSocket-Protocol", json);
        Self(tungstenite::client(request, stream).expect("a WebSocket").0)
    }

    fn join(&mut self) {
        self.sends(
            "join",
            serde_json::json!({ "ageCategory": "adult", "mode": "text",
                "queueType": "moderated", "interests": [] }),
        );
    }

    fn says(&mut self, content: &str) {
        self.sends("message", serde_json::json!({ "content": content }));
    }

    fn sends(&mut self, kind: &str, data: Value) {
        let text = serde_json::json!({ "type": kind, "data": data }).to_string();
        self.0.send(Message::text(text)).expect("it is there");
    }

    /// Waits for a message of this kind.
    fn hears(&mut self, kind: &str) -> String {
        let kind = format!("\"type\":\"{kind}\"");
        loop {
            let message = self.0.read().expect("it is there").into_text().expect("text");
            if message.contains(&kind) {
                return message.to_string();
            }
        }
    }
}
