//! Where things stand in the checkout, and what cargo knows of it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Result;
use crate::process::{self, Task};

/// The checkout that this program was built from.
pub(crate) struct Checkout {
    root: PathBuf,
    target: PathBuf,
}

/// The folder of the rivals' workspace, which is apart from ours: see `bench/peers/README.md`.
pub(crate) const RIVALS: &str = "bench/peers/rivals";

/// Where there is a workspace: ours, and those that stand apart.
pub(crate) const WORKSPACES: [&str; 2] = ["", RIVALS];

impl Checkout {
    /// Asks cargo, so that `CARGO_TARGET_DIR` and every config file have their say.
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.ancestors().nth(2).ok_or("the checkout has moved; build xtask anew")?;
        let mut checkout = Self { root: root.to_path_buf(), target: PathBuf::new() };
        checkout.target = checkout.metadata()?.target_directory;
        Ok(checkout)
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.root.join(inside)
    }

    /// A path as people write it: relative to the root where it lies inside.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// A path inside the folder where cargo builds.
    pub(crate) fn target(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.target.join(inside)
    }

    /// A program to be run in the root.
    pub(crate) fn task(&self, program: impl AsRef<std::ffi::OsStr>) -> Task {
        Task::new(program, &self.root)
    }

    /// Cargo, in the root: the same one that runs us.
    pub(crate) fn cargo(&self, args: &[&str]) -> Task {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.task(cargo).args(args)
    }

    /// A program that extends cargo: the one on PATH, or our own, installed on first use. Run it
    /// with its arguments alone, without the name that cargo would pass.
    pub(crate) fn cargo_extension(&self, name: &str, version: &str) -> Result<Task> {
        if process::is_on_path(name) {
            return Ok(self.task(name));
        }
        let root = self.target("tools");
        let program = root.join("bin").join(name);
        if !program.is_file() {
            println!("Missing here: {name}. Installing {version} in {}.", root.display());
            // Unoptimised: it is built once, in a minute or two, and runs for a second.
            self.cargo(&["install", "--quiet", "--locked", "--debug", "--version", version])
                .args([name, "--root"])
                .args([&root])
                .run()?;
        }
        Ok(self.task(program))
    }

    /// What cargo says of the workspace.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        let json = self.cargo(&["metadata", "--format-version", "1", "--no-deps"]).output()?;
        Ok(serde_json::from_str(&json)?)
    }
}

/// The part of `cargo metadata` that is of use here.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    /// The crates of the workspace.
    pub(crate) packages: Vec<Package>,
    target_directory: PathBuf,
}

impl Metadata {
    /// The version of a crate of the workspace.
    pub(crate) fn version_of(&self, name: &str) -> Result<String> {
        let package = self.packages.iter().find(|package| package.name == name);
        Ok(package.ok_or("no such crate")?.version.clone())
    }
}

/// A crate of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A line of some `[dependencies]`.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for a normal one.
    pub(crate) kind: Option<String>,
    /// Where it stands, if in the checkout.
    pub(crate) path: Option<PathBuf>,
}
