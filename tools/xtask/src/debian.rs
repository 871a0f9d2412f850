//! Programs that come from Debian's packages, installed when a command needs them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Result;
use crate::checkout::Checkout;
use crate::process::{self, Task};

/// A program and the package that has it.
pub(crate) struct Program {
    /// What must be there, so that nothing is installed twice.
    present: fn() -> bool,
    package: &'static str,
}

// One line for each program.
pub(crate) const CHROMIUM: Program = Program::at("chromium", || is_file("/usr/bin/chromium"));
pub(crate) const COTURN: Program = Program::at("coturn", || process::is_on_path("turnserver"));
pub(crate) const CPLUSPLUS: Program = Program::at("g++", || process::is_on_path("c++"));
pub(crate) const DPKG_DEV: Program =
    Program::at("dpkg-dev", || process::is_on_path("dpkg-shlibdeps"));
pub(crate) const HAPROXY: Program = Program::at("haproxy", || is_file("/usr/sbin/haproxy"));
pub(crate) const IPROUTE2: Program = Program::at("iproute2", || process::is_on_path("ip"));
pub(crate) const NATS: Program = Program::at("nats-server", || is_file("/usr/sbin/nats-server"));
pub(crate) const REDIS: Program =
    Program::at("redis-server", || process::is_on_path("redis-server"));
pub(crate) const PROMETHEUS: Program =
    Program::at("prometheus", || process::is_on_path("promtool"));
pub(crate) const SYSTEMD: Program =
    Program::at("systemd", || process::is_on_path("systemd-analyze"));
pub(crate) const VALGRIND: Program = Program::at("valgrind", || process::is_on_path("valgrind"));
pub(crate) const POSTGRESQL: Program = Program::at("postgresql", || postgresql_bin().is_some());

impl Program {
    const fn at(package: &'static str, present: fn() -> bool) -> Self {
        Self { present, package }
    }
}

/// Installs those that are missing, after saying so. Needs root, or `sudo`.
pub(crate) fn need(checkout: &Checkout, programs: &[Program]) -> Result {
    let missing: Vec<_> =
        programs.iter().filter(|program| !(program.present)()).map(|it| it.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    println!("Missing here: {packages}. Installing from Debian's packages with apt-get.");
    let install = ["install", "--yes", "--no-install-recommends"];
    apt_get(checkout)
        .args(["update"])
        .run()
        .and_then(|()| apt_get(checkout).args(install).args(missing).run())
        .map_err(|error| format!("{error}; install by hand, then try again: {packages}").into())
}

fn apt_get(checkout: &Checkout) -> Task {
    let (name, value) = ("DEBIAN_FRONTEND", "noninteractive");
    if is_root() {
        checkout.task("apt-get").env(name, value)
    } else {
        checkout.task("sudo").args([&format!("{name}={value}"), "apt-get"])
    }
}

/// Where PostgreSQL's own programs stand: the newest version of those installed.
pub(crate) fn postgresql_bin() -> Option<std::path::PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let bins = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let bin = entry.path().join("bin");
        bin.join("initdb").is_file().then_some((version, bin))
    });
    bins.max().map(|(_, bin)| bin)
}

/// Whether we run as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn is_file(path: &str) -> bool {
    Path::new(path).is_file()
}
