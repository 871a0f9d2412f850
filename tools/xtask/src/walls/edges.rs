//! Which crate may depend on which.

use std::collections::BTreeSet;

use crate::Result;
use crate::checkout::{Checkout, Dependency, Metadata};

/// A crate of the workspace and all that it may know.
struct Room {
    package: &'static str,
    /// Crates of the workspace that it may depend on.
    knows: &'static [&'static str],
    /// More that its tests, examples and benchmarks may depend on.
    tests_know: &'static [&'static str],
    /// Crates that may stand nowhere beneath it.
    never: &'static [&'static str],
}

/// What would give a pure crate a clock, a socket, a thread, randomness or a log.
const IMPURE: &[&str] = &[
    "chrono",
    "crossbeam-channel",
    "fastrand",
    "getrandom",
    "io-uring",
    "libc",
    "log",
    "mio",
    "polling",
    "quanta",
    "rand",
    "rustix",
    "socket2",
    "time",
    "tokio",
    "tracing",
    "tracing-core",
    "web-time",
];

const ROOMS: &[Room] = &[
    Room { package: "whisper-proto", knows: &[], tests_know: &[], never: IMPURE },
    Room { package: "whisper-shard-router", knows: &[], tests_know: &[], never: IMPURE },
    Room {
        package: "whisper-core",
        knows: &["whisper-proto", "whisper-shard-router"],
        tests_know: &["whisper-sim"],
        never: IMPURE,
    },
    // Who is there, from what is heard: whoever carries it stands outside.
    Room {
        package: "whisper-cluster",
        knows: &["whisper-shard-router"],
        tests_know: &[],
        never: IMPURE,
    },
    // Tokens and bytes: no protocol, no product, no TLS.
    Room {
        package: "whisper-reactor",
        knows: &[],
        tests_know: &[],
        never: &["rustls", "tokio", "tungstenite"],
    },
    // Bytes of the wire ⇄ bytes that are said: no sockets, no product.
    Room {
        package: "whisper-tls",
        knows: &[],
        tests_know: &[],
        never: &["io-uring", "socket2", "tokio", "tracing"],
    },
    // What is kept: no shards, no people's sockets, no command line.
    Room {
        package: "whisper-store",
        knows: &[],
        tests_know: &[],
        never: &["axum", "clap", "io-uring"],
    },
    Room {
        package: "whisper-engine",
        knows: &[
            "whisper-cluster",
            "whisper-core",
            "whisper-proto",
            "whisper-manual",
            "whisper-reactor",
            "whisper-shard-router",
            "whisper-store",
            "whisper-tls",
        ],
        tests_know: &[],
        never: &["glommio", "whisper-sim"],
    },
    Room {
        package: "whisper-sim",
        knows: &["whisper-cluster", "whisper-core", "whisper-proto", "whisper-shard-router"],
        // Itself, with its feature.
        tests_know: &["whisper-sim"],
        never: &["whisper-engine", "whisper-reactor", "tokio"],
    },
    Room {
        package: "whisper-fuzz",
        knows: &[
            "whisper-cluster",
            "whisper-core",
            "whisper-proto",
            "whisper-shard-router",
            "whisper-sim",
            "whisper-tls",
        ],
        tests_know: &[],
        never: &["whisper-engine", "whisper-reactor", "tokio"],
    },
    // Command lines as they are: it knows of none.
    Room { package: "whisper-manual", knows: &[], tests_know: &[], never: &["tokio"] },
    // Rules are tried by the code that goes by them, and so are rings and the way to a database.
    Room {
        package: "whisper-ctl",
        knows: &[
            "whisper-core",
            "whisper-manual",
            "whisper-proto",
            "whisper-reactor",
            "whisper-store",
        ],
        tests_know: &[],
        never: SERVER,
    },
    Room { package: "xtask", knows: &[], tests_know: &[], never: SERVER },
    Room {
        package: "whisper-bench",
        knows: &[
            "whisper-core",
            "whisper-manual",
            "whisper-proto",
            "whisper-reactor",
            "whisper-shard-router",
        ],
        tests_know: &[],
        never: SERVER,
    },
    Room {
        package: "whisper-peers",
        knows: &["whisper-core", "whisper-proto"],
        tests_know: &[],
        never: SERVER,
    },
];

/// Tools and load generators are clients: they know the wire, not the server.
const SERVER: &[&str] = &["whisper-engine"];

/// Checks every crate of the workspace against its row.
pub(super) fn check(checkout: &Checkout) -> Result<Vec<String>> {
    let metadata = checkout.metadata()?;
    let mut findings = check_direct(&metadata);
    for room in ROOMS {
        let beneath = beneath(checkout, room.package)?;
        findings.extend(room.never.iter().filter(|name| beneath.contains(**name)).map(|name| {
            format!(
                "{0}: `{name}` stands beneath it; `cargo tree -p {0} -e normal -i {name}` shows \
                 by which way. Turn the feature off, or do that work outside",
                room.package
            )
        }));
    }
    Ok(findings)
}

/// The lines of every `[dependencies]` that name a crate of the workspace.
fn check_direct(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(room) = ROOMS.iter().find(|room| room.package == name) else {
            findings.push(format!(
                "{name}: a crate without a row in tools/xtask/src/walls/edges.rs; say there what \
                 it may know"
            ));
            continue;
        };
        // A crate may know itself: its tests then see it with other features.
        let inside = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some() && dependency.name != name);
        findings.extend(inside.filter(|dependency| !room.allows(dependency)).map(|dependency| {
            format!(
                "{name}: must not know {}; move what it needs to a crate that both may know, or \
                 join the two from above",
                dependency.name
            )
        }));
    }
    findings
}

impl Room {
    fn allows(&self, dependency: &Dependency) -> bool {
        let name = dependency.name.as_str();
        let in_tests = dependency.kind.as_deref() == Some("dev");
        self.knows.contains(&name) || in_tests && self.tests_know.contains(&name)
    }
}

/// The names of all crates that end up in a package's own build. Asked of `cargo tree`, because
/// it resolves features for this package alone, as `cargo metadata` does not. For one target, so
/// that every machine gives the same answer.
fn beneath(checkout: &Checkout, package: &str) -> Result<BTreeSet<String>> {
    let tree = checkout
        .cargo(&["tree", "--package", package, "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}", "--target", "x86_64-unknown-linux-gnu"])
        .output()?;
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depends(package: &str, on: &str, kind: Option<&str>) -> Vec<String> {
        let package = serde_json::json!({
            "name": package,
            "dependencies": [{ "name": on, "kind": kind, "path": "/somewhere" }],
        });
        let metadata = serde_json::json!({ "packages": [package], "target_directory": "" });
        check_direct(&serde_json::from_value(metadata).unwrap())
    }

    #[test]
    fn a_door_that_is_not_on_the_plan_is_found() {
        assert!(depends("whisper-core", "whisper-proto", None).is_empty());
        assert_eq!(depends("whisper-core", "whisper-reactor", None).len(), 1);
        assert_eq!(depends("whisper-proto", "whisper-core", Some("dev")).len(), 1);
        assert_eq!(depends("whisper-attic", "whisper-core", None).len(), 1);
    }

    #[test]
    fn tests_may_know_more() {
        assert!(depends("whisper-core", "whisper-sim", Some("dev")).is_empty());
        assert_eq!(depends("whisper-core", "whisper-sim", None).len(), 1);
    }
}
