//! Programs that come from Debian's packages, installed when a command needs them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Result;
use crate::checkout::Checkout;
use crate::process;

/// A program and the package that has it.
pub(crate) struct Program {
    /// What must be there, so that nothing is installed twice.
    present: fn() -> bool,
    package: &'static str,
}

// One line for each program.
pub(crate) const CHROMIUM: Program = Program::at("chromium", || is_file("/usr/bin/chromium"));
pub(crate) const REDIS: Program =
    Program::at("redis-server", || process::is_on_path("redis-server"));
pub(crate) const POSTGRESQL: Program = Program::at("postgresql", || postgresql_bin().is_some());

impl Program {
    const fn at(package: &'static str, present: fn() -> bool) -> Self {
        Self { present, package }
    }
}

/// Installs those that are missing, after saying so. Needs root, or `sudo` without a password.
pub(crate) fn need(checkout: &Checkout, programs: &[Program]) -> Result {
    let missing: Vec<_> =
        programs.iter().filter(|program| !(program.present)()).map(|it| it.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    println!("Missing here: {packages}. Installing from Debian's packages with apt-get.");
    let apt = |args: &[&str]| {
        let task = if is_root() {
            checkout.task("apt-get").env("DEBIAN_FRONTEND", "noninteractive")
        } else {
            checkout
                .task("sudo")
                .args(["--non-interactive", "DEBIAN_FRONTEND=noninteractive"])
                .args(["apt-get"])
        };
        task.args(args).run()
    };
    apt(&["update"])
        .and_then(|()| {
            apt(&["install", "--yes", "--no-install-recommends"]
                .into_iter()
                .chain(missing.iter().copied())
                .collect::<Vec<_>>())
        })
        .map_err(|error| {
            format!("{error}\nInstall by hand, then try again: sudo apt-get install {packages}")
                .into()
        })
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
