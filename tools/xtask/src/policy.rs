//! Holding the dependency graph to `deny.toml`, with cargo-deny.

use crate::Result;
use crate::checkout::{Checkout, WORKSPACES};
use crate::process::Task;
use crate::steps::Outcome;

/// Installed where PATH has none. Pinned, so that a new release can't surprise a build.
const VERSION: &str = "0.20.2";

/// Licences, bans and sources of every dependency, of all workspaces.
pub(crate) fn check(checkout: &Checkout) -> Outcome {
    let rules = checkout.path("deny.toml");
    let check = |workspace: &str| {
        let deny = cargo_deny(checkout)?.folder(checkout.path(workspace));
        deny.args(["--config".as_ref(), rules.as_os_str()])
            .args(["check", "licenses", "bans", "sources"])
            .run()
    };
    WORKSPACES.into_iter().try_for_each(check).into()
}

/// Known vulnerabilities in what we ship. The database is a git repository: without a way to it nothing is said
/// either way.
pub(crate) fn check_advisories(checkout: &Checkout) -> Outcome {
    let fetched = match cargo_deny(checkout) {
        Ok(deny) => deny.args(["fetch", "db"]).succeeds(),
        Err(error) => return Err(error).into(),
    };
    if !fetched {
        return Outcome::skipped("the advisory database cannot be reached");
    }
    let check = ["check", "--disable-fetch", "advisories"];
    cargo_deny(checkout).and_then(|deny| deny.args(check).run()).into()
}

fn cargo_deny(checkout: &Checkout) -> Result<Task> {
    checkout.cargo_extension("cargo-deny", VERSION)
}
