//! What the sources of a room may name, and where `unsafe` may stand.

use crate::walls::File;
use crate::walls::paths::{self, Named};
use crate::walls::text::Text;

/// Folders whose sources leave some names unsaid.
struct Silence {
    folders: &'static [&'static str],
    /// The names, and what to do instead.
    names: &'static [(&'static str, &'static str)],
}

const SILENCES: &[Silence] = &[
    // The pure crates know no operating system.
    Silence {
        folders: &["proto/src/", "shard-router/src/", "engine/cluster/src/", "engine/core/src/"],
        names: &[
            ("std::time::Instant", "take the time as an argument"),
            ("std::time::SystemTime", "take the time as an argument"),
            ("std::net", "sockets belong to the reactor; addresses as data are in core::net"),
            ("std::thread", "threads belong to the server"),
            ("std::process", "leave that to the server"),
            ("std::env", "take the value as an argument"),
            ("std::fs", "files belong to the server's control thread"),
            ("std::os", "leave that to the reactor"),
            ("println", "return an effect; the server logs"),
            ("eprintln", "return an effect; the server logs"),
        ],
    },
    // The control thread hears of the shards by mailbox.
    Silence {
        folders: &["engine/server/src/control/"],
        names: &[
            ("whisper_core::shard", "a shard belongs to its worker; send that a command"),
            ("whisper_core::match_queue", "a queue belongs to its worker; send that a command"),
            ("whisper_core::rooms", "the rooms belong to their worker; send that a command"),
        ],
    },
];

/// Where the modules of the core lie that only `shard` joins.
const CORE: &str = "engine/core/src/";
const STRANGERS: &[&str] = &["match_queue", "rooms", "moderation", "limits"];

/// Names that a stranger may say of another after all: who, which, why.
const INTRODUCED: &[(&str, &str, &str)] = &[(
    "limits",
    "crate::match_queue::KEYS_MAX",
    "the limits are held against each other when they are compiled, in the one place they share",
)];

/// Where `unsafe` may stand: beside the kernel, and in the ring between two cores.
const UNSAFE: &[&str] = &["engine/reactor/", "bench/peers/", "shard-router/src/ring.rs"];

/// Checks every Rust file.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some(text) = &file.rust else { continue };
        let named = paths::named(&text.code);
        findings.extend(named.iter().filter_map(|named| check_silence(file, named)));
        findings.extend(named.iter().filter_map(|named| check_stranger(file, named)));
        findings.extend(check_unsafe(file, text));
    }
    findings
}

fn check_silence(file: &File, Named { line, path }: &Named) -> Option<String> {
    let here = |silence: &&Silence| silence.folders.iter().any(|it| file.path.starts_with(it));
    let mut names = SILENCES.iter().filter(here).flat_map(|silence| silence.names);
    let (_, instead) = names.find(|(name, _)| is_within(path, name))?;
    Some(format!("{}:{line}: names `{path}`, which it must not; {instead}", file.path))
}

fn check_stranger(file: &File, Named { line, path }: &Named) -> Option<String> {
    let inside = file.path.strip_prefix(CORE)?;
    let room = inside.split(['/', '.']).next()?;
    if !STRANGERS.contains(&room) {
        return None;
    }
    let other = STRANGERS
        .iter()
        .find(|other| **other != room && is_within(path, &format!("crate::{other}")))?;
    if INTRODUCED.iter().any(|(who, which, _)| *who == room && which == path) {
        return None;
    }
    Some(format!(
        "{}:{line}: names `{path}`, but `{room}` and `{other}` don't know one another; join them \
         in shard/",
        file.path
    ))
}

/// `unsafe` only where it may stand, and with its reason.
fn check_unsafe(file: &File, text: &Text) -> Vec<String> {
    let allowed = UNSAFE.iter().any(|room| file.path.starts_with(room));
    let code: Vec<_> = text.code.lines().collect();
    let comments: Vec<_> = text.comments.lines().collect();
    let mut findings = Vec::new();
    for (at, line) in code.iter().enumerate() {
        let Some(after) = after_word(line, "unsafe") else { continue };
        let place = format!("{}:{}", file.path, at + 1);
        if !allowed {
            findings
                .push(format!("{place}: `unsafe` here; it lives in {} only", UNSAFE.join(", ")));
        } else if !after.starts_with("fn")
            && !after.starts_with("extern")
            && !is_justified(at, &code, &comments)
        {
            findings.push(format!(
                "{place}: `unsafe` without a reason; say why it is sound in a \
                                   `// SAFETY:` comment right above"
            ));
        }
    }
    findings
}

/// Whether the comment above the statement that line `at` belongs to says `SAFETY:`.
fn is_justified(at: usize, code: &[&str], comments: &[&str]) -> bool {
    for above in (0..at).rev() {
        if comments[above].contains("SAFETY:") {
            return true;
        }
        let line = code[above].trim_end();
        let is_comment = line.is_empty() && !comments[above].trim().is_empty();
        if !is_comment && (line.is_empty() || line.ends_with([';', '{', '}'])) {
            return false;
        }
    }
    false
}

/// What follows a word in a line of code, where the line has it.
fn after_word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).find_map(|(at, _)| {
        let after = &line[at + word.len()..];
        let whole = !line[..at].ends_with(is_part) && !after.starts_with(is_part);
        whole.then(|| after.trim_start())
    })
}

/// Whether a path is another one, or lies in it.
fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, source: &str) -> Vec<String> {
        check(&[File::new(path.to_owned(), source.to_owned())])
    }

    #[test]
    fn a_pure_room_names_no_clock_whichever_way_it_is_written() {
        let path = "engine/core/src/shard/mod.rs";
        assert_eq!(findings(path, "use std::{fmt, time::{Duration, Instant}};").len(), 1);
        assert_eq!(findings(path, "fn f() { std::thread::yield_now(); println!(); }").len(), 2);
        assert!(findings(path, "// std::net\nuse std::time::Duration; struct Instant;").is_empty());
        assert!(findings("engine/server/src/main.rs", "use std::net::TcpStream;").is_empty());
    }

    #[test]
    fn the_control_thread_names_no_live_shard() {
        let source = "use whisper_core::shard::{Shard, Event};";
        assert_eq!(findings("engine/server/src/control/admin.rs", source).len(), 2);
        assert!(findings("engine/server/src/worker/mod.rs", source).is_empty());
    }

    #[test]
    fn only_the_shard_joins_the_rooms_of_the_core() {
        let source = "use crate::rooms::Rooms;";
        assert_eq!(findings("engine/core/src/match_queue/owner.rs", source).len(), 1);
        assert!(findings("engine/core/src/rooms.rs", source).is_empty());
        assert!(findings("engine/core/src/shard/mod.rs", source).is_empty());
        let introduced = "const _: () = assert!(crate::match_queue::KEYS_MAX == 10);";
        assert!(findings("engine/core/src/limits.rs", introduced).is_empty());
        assert_eq!(findings("engine/core/src/rooms.rs", introduced).len(), 1);
    }

    #[test]
    fn unsafe_has_its_places_and_its_reasons() {
        let reasoned = "fn f() {\n    // SAFETY: it is ours,\n    // and lives.\n    let a =\n        unsafe { g() };\n}";
        assert!(findings("engine/reactor/src/ring.rs", reasoned).is_empty());
        assert_eq!(findings("engine/server/src/main.rs", reasoned).len(), 1);
        let bare = "// SAFETY: of another\nlet a = unsafe { g() };\nlet b = unsafe { h() };";
        assert_eq!(findings("engine/reactor/src/ring.rs", bare).len(), 1);
        assert!(findings("proto/src/lib.rs", "#![forbid(unsafe_code)] // unsafe").is_empty());
    }
}
