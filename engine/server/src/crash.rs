//! What is left of a process that ends by a bug: one line, and no core.
//!
//! A message that was made from values could hold what somebody said, so it isn't shown: only what
//! stands in the sources is. A core has all of it, so none is written unless that is asked for.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::{process, thread};

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

use crate::event_log;

/// Said in the place of a message that was made from values.
const UNSHOWN: &str = "(made from values, and so not shown)";

/// Has a panic of any thread end the process, as its last line on stderr says: which thread, where,
/// and of which build. An event log gets what it lacks before.
pub(crate) fn end_at_panic() {
    panic::set_hook(Box::new(|info| {
        // Where nobody reads there is nobody to tell.
        let _ = writeln!(io::stderr(), "{}", last_line(info));
        event_log::last_words();
        process::abort();
    }));
}

/// Has the system write no core of this process, nor let others of this user look into it.
///
/// # Errors
/// The system's.
pub(crate) fn leave_no_core() -> io::Result<()> {
    // The limit alone doesn't stop a kernel that pipes cores to a program.
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    Ok(prctl::set_dumpable(false)?)
}

/// As other lines of the log are.
fn last_line(info: &PanicHookInfo<'_>) -> String {
    let thread = thread::current();
    let place = info.location().map(ToString::to_string);
    serde_json::json!({
        "level": "ERROR",
        "fields": {
            "message": "a bug: the process ends",
            "thread": thread.name().unwrap_or("unnamed"),
            "at": place,
            "panic": info.payload().downcast_ref::<&'static str>().unwrap_or(&UNSHOWN),
            "version": env!("CARGO_PKG_VERSION"),
            "pid": process::id(),
        },
        "target": "whisper::crash",
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Output};

    use super::*;

    /// What the process that is to panic finds in its environment.
    const HOW: &str = "WHISPER_TEST_PANIC";

    /// Runs this test again, as a process of its own that comes to grief.
    fn panicking(how: &str) -> Output {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args(["--exact", "crash::tests::a_panic_ends_the_process", "--nocapture"]);
        command.env(HOW, how).output().expect("it runs")
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

    #[test]
    fn a_panic_ends_the_process() {
        if let Ok(how) = env::var(HOW) {
            return grieve(&how);
        }
        for (how, panic) in
            [("literal", "an invariant, in words of ours"), ("a secret of somebody's", UNSHOWN)]
        {
            let output = panicking(how);
            assert_eq!(output.status.signal(), Some(nix::libc::SIGABRT), "{:?}", output.status);
            assert!(!output.status.core_dumped());
            let said = String::from_utf8(output.stderr).expect("text");
            let line = said.lines().last().expect("a last line");
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let fields = &line["fields"];
            assert_eq!((&fields["thread"], &fields["panic"]), (&"reactor-7".into(), &panic.into()));
            assert!(fields["at"].as_str().is_some_and(|at| at.contains("crash.rs:")), "{line}");
            assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"));
            assert!(!said.contains("secret"), "{said}");
            assert!(!said.contains("it goes on"), "{said}");
        }
    }
}
