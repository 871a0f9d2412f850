//! Who decided what, when and why.

use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::json;

use super::{Admin, Answer, Refusal, json as answer};

/// `GET /admin/audit?…`: the latest, newest first; on one subject where it is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    subject: Option<String>,
    limit: Option<u32>,
}

/// Rows in an answer where no number is given.
const ROWS: u32 = 100;

pub(super) async fn latest(State(admin): State<Admin>, Query(wanted): Query<Wanted>) -> Answer {
    let rows = admin.docket.audit.latest(wanted.subject, wanted.limit.unwrap_or(ROWS)).await;
    let rows = rows.map_err(|error| Refusal::unavailable(&error))?;
    let rows = rows.iter().map(|it| {
        json!({
            "at_ms": it.at_ms,
            "who": it.who,
            "what": it.what,
            "subject": it.subject,
            "why": it.why,
        })
    });
    answer(&json!({ "audit": rows.collect::<Vec<_>>() }))
}
