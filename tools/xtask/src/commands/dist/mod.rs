//! `cargo xtask dist`: a tarball and a package for Debian, of the same files.
//!
//! The same commit, built by the same tools, gives the same bytes: names are sorted, times are the
//! commit's, owners are nobody's.

mod debian;
mod layout;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Result;
use crate::checkout::Checkout;
use crate::process;
use crate::{client, debian as packages};

/// The programs that people are given, and the crates that have them.
const PROGRAMS: [(&str, &str); 3] = [
    ("whisper", "whisper-engine"),
    ("whisperctl", "whisper-ctl"),
    ("whisper-bench", "whisper-bench"),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pack programs that aren't optimised: quick, to try the packages themselves.
    #[arg(long)]
    debug: bool,
}

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    packages::need(checkout, &[packages::DPKG_DEV])?;
    client::build_if_stale(checkout)?;
    let programs = programs(checkout, args.debug)?;
    let release = Release::of(checkout)?;
    let out = checkout.target("dist");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    // Named as the folder within the tarball.
    let root = out.join(release.folder());
    layout::install(checkout, &programs, (&root, &out.join("debug")))?;
    let products =
        [debian::package(checkout, &release, &root)?, tarball(checkout, &release, &root)?];
    let sums = checkout.task("sha256sum").folder(&out).args(&products).output()?;
    fs::write(out.join("SHA256SUMS"), &sums)?;
    print!("{sums}");
    println!("in {}", checkout.shown(&out));
    Ok(ExitCode::SUCCESS)
}

/// What is packed: of which version, for which machines, of when.
struct Release {
    version: String,
    /// As Debian calls it: `amd64`.
    architecture: String,
    /// Of the commit, in Unix seconds: `SOURCE_DATE_EPOCH` for all tools.
    epoch: u64,
}

impl Release {
    fn of(checkout: &Checkout) -> Result<Self> {
        let trimmed = |task: process::Task| task.output().map(|said| said.trim().to_owned());
        let dpkg = checkout.task("dpkg").args(["--print-architecture"]);
        let git = checkout.task("git").args(["log", "-1", "--format=%ct"]);
        Ok(Self {
            version: checkout.metadata()?.version_of("whisper-engine")?,
            architecture: trimmed(dpkg)?,
            epoch: trimmed(git)?.parse()?,
        })
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.epoch)
    }

    fn folder(&self) -> String {
        format!("whisper-{}-linux-{}", self.version, self.architecture)
    }
}

/// Builds the programs; where they stand.
fn programs(checkout: &Checkout, debug: bool) -> Result<Vec<PathBuf>> {
    let mut build = checkout.cargo(&["build", "--locked"]);
    if !debug {
        build = build.args(["--release"]);
    }
    for (program, package) in PROGRAMS {
        build = build.args(["--package", package, "--bin", program]);
    }
    build.run()?;
    let folder = checkout.target(if debug { "debug" } else { "release" });
    Ok(PROGRAMS.iter().map(|(program, _)| folder.join(program)).collect())
}

/// Packs the root for any other Linux; the file's name.
fn tarball(checkout: &Checkout, release: &Release, root: &Path) -> Result<String> {
    let name = format!("{}.tar.gz", release.folder());
    // Debian has the one, and wants the other said in its own way.
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(checkout.path(licence), root.join(licence))?;
    }
    layout::settle(root, release.time())?;
    let out = root.parent().ok_or("the root has a folder")?;
    checkout
        .task("tar")
        .folder(out)
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args([&format!("--mtime=@{}", release.epoch)])
        .args(["--use-compress-program=gzip -9n", "--create", "--file", &name])
        .args([release.folder()])
        .run()?;
    Ok(name)
}
