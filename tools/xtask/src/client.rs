//! The browser client: its packages and its build.

use std::path::PathBuf;

use crate::Result;
use crate::checkout::Checkout;
use crate::freshness::is_stale;
use crate::process::Task;

/// The folder of the client's sources.
pub(crate) const FOLDER: &str = "frontend";

/// What the engine serves.
pub(crate) fn web_root(checkout: &Checkout) -> PathBuf {
    checkout.path("frontend/build")
}

/// An npm script of the client, its packages installed first.
pub(crate) fn script(checkout: &Checkout, name: &str) -> Result<Task> {
    install(checkout)?;
    Ok(npm(checkout).args(["run", name]))
}

/// Installs the client's packages, unless that has been done.
pub(crate) fn install(checkout: &Checkout) -> Result {
    install_in(checkout, FOLDER)
}

/// Installs exactly what the lock file in a folder names, unless that has been done.
pub(crate) fn install_in(checkout: &Checkout, folder: &str) -> Result {
    let folder = checkout.path(folder);
    // npm writes this one last.
    let installed = folder.join("node_modules/.package-lock.json");
    if is_stale(&installed, &[folder.join("package-lock.json")])? {
        let npm = checkout.task("npm").folder(folder);
        npm.args(["ci", "--no-audit", "--no-fund"]).run()?;
    }
    Ok(())
}

/// Builds the client, unless no source changed since it was built.
pub(crate) fn build_if_stale(checkout: &Checkout) -> Result {
    install(checkout)?;
    if is_stale(&web_root(checkout).join("200.html"), &sources(checkout)?)? {
        npm(checkout).args(["run", "build"]).run()?;
    }
    Ok(())
}

/// All that the build reads: the files of the folder itself, and the folders of sources.
fn sources(checkout: &Checkout) -> Result<Vec<PathBuf>> {
    let mut sources: Vec<_> = ["src", "static", "packages/sdk/src"]
        .iter()
        .map(|folder| checkout.path(FOLDER).join(folder))
        .collect();
    for folder in ["frontend", "frontend/packages/sdk"] {
        for entry in checkout.path(folder).read_dir()? {
            let path = entry?.path();
            if path.is_file() {
                sources.push(path);
            }
        }
    }
    Ok(sources)
}

fn npm(checkout: &Checkout) -> Task {
    checkout.task("npm").folder(checkout.path(FOLDER))
}
