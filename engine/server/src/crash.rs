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
pub(crate) mod tests;
