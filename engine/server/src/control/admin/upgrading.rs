//! Having a newer engine take over, and how that goes.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;

use super::{Admin, Answer, Asker, Refusal, json, parse, reason};

/// `POST /admin/upgrade`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpgradeWish {
    #[serde(default)]
    why: String,
}

pub(super) async fn progress(State(admin): State<Admin>) -> Answer {
    json(&admin.upgrades.progress())
}

pub(super) async fn begin(
    State(admin): State<Admin>,
    Extension(asker): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let UpgradeWish { why } = parse(&body)?;
    let why = reason(why)?;
    let begun = admin.upgrades.begin(admin.drains.has_begun());
    begun.map_err(|error| Refusal::unavailable(&error))?;
    admin.note(&asker, "upgrade", "this engine", &why).await;
    json(&admin.upgrades.progress())
}
