//! The operators' queue of reports.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use whisper_store::reports::{Evidence, Filter, Status, Summary};

use super::{Admin, Answer, Asker, Refusal, json as answer, parse, reason};
use crate::control::bans::{BY_OPERATOR, Terms};
use crate::control::reports::DocketError;

/// `GET /admin/reports?…`: which are wanted; all where nothing is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    status: Option<String>,
    reason: Option<String>,
    accused: Option<String>,
    since_ms: Option<u64>,
    until_ms: Option<u64>,
    #[serde(default)]
    held: bool,
    #[serde(default)]
    verified: bool,
    limit: Option<u32>,
}

pub(super) async fn list(State(admin): State<Admin>, Query(wanted): Query<Wanted>) -> Answer {
    let all = Filter::default();
    let status = |name: String| {
        let names = Status::ALL.map(Status::as_str).join(", ");
        Status::parse(&name).ok_or_else(|| Refusal::bad(format!("{name:?} is none of {names}")))
    };
    let filter = Filter {
        status: wanted.status.map(status).transpose()?,
        reason: wanted.reason,
        accused: wanted.accused,
        since_ms: wanted.since_ms.unwrap_or(all.since_ms),
        until_ms: wanted.until_ms.unwrap_or(all.until_ms),
        held: wanted.held,
        verified: wanted.verified,
        limit: wanted.limit.unwrap_or(all.limit),
    };
    let reports = admin.docket.list(&filter).await?;
    answer(&json!({ "reports": reports.iter().map(summary).collect::<Vec<_>>() }))
}

pub(super) async fn show(State(admin): State<Admin>, Path(id): Path<String>) -> Answer {
    let (report, evidence) = admin.docket.show(&id).await?;
    let mut whole = summary(&report);
    let said = |it: &Evidence| json!({ "seq": it.seq, "at_ms": it.at_ms, "content": it.content });
    whole["evidence"] = evidence.iter().map(said).collect();
    answer(&whole)
}

fn summary(it: &Summary) -> Value {
    json!({
        "id": it.id,
        "at_ms": it.at_ms,
        "reason": it.reason,
        "urgent": it.urgent,
        "status": it.status,
        "held": it.held,
        "ban": it.ban,
        "accused": it.accused,
        "verified": it.evidence,
        "comment": it.comment,
    })
}

/// `POST /admin/reports/{id}/resolve`: `upheld` or `dismissed`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolution {
    decision: String,
    #[serde(default)]
    why: String,
}

pub(super) async fn resolve(
    State(admin): State<Admin>,
    Extension(Asker(who)): Extension<Asker>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let Resolution { decision, why } = parse(&body)?;
    let why = reason(why)?;
    let status = match decision.as_str() {
        "upheld" => Status::Upheld,
        "dismissed" => Status::Dismissed,
        other => return Err(Refusal::bad(format!("{other:?} is neither upheld nor dismissed"))),
    };
    admin.docket.resolve(&id, status, (&who, &why)).await?;
    answer(&json!({ "id": id, "status": decision }))
}

/// `POST /admin/reports/{id}/ban`: for so many seconds, or for good.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    seconds: Option<u64>,
    /// What the person is told.
    reason: String,
    #[serde(default)]
    why: String,
}

pub(super) async fn ban(
    State(admin): State<Admin>,
    Extension(Asker(who)): Extension<Asker>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let Sentence { seconds, reason: told, why } = parse(&body)?;
    let (told, why) = (reason(told)?, reason(why)?);
    let now = admin.clock.now().unix_millis();
    let until = seconds.map(|seconds| now.saturating_add(seconds.saturating_mul(1_000)));
    // No kind of its own: a client has words for those, and would not show what the operator wrote.
    let code = BY_OPERATOR.into();
    let terms = Terms { reason: told, code, until, why: format!("report {id}") };
    let ban = admin.docket.ban(&id, terms, (&who, &why)).await?;
    answer(&json!({ "id": id, "status": "banned", "ban": ban }))
}

/// `POST /admin/reports/{id}/hold`: past its time, or no longer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    held: bool,
    #[serde(default)]
    why: String,
}

pub(super) async fn hold(
    State(admin): State<Admin>,
    Extension(Asker(who)): Extension<Asker>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let Hold { held, why } = parse(&body)?;
    admin.docket.hold(&id, held, (&who, &reason(why)?)).await?;
    answer(&json!({ "id": id, "held": held }))
}

impl From<DocketError> for Refusal {
    fn from(error: DocketError) -> Self {
        match error {
            DocketError::Unknown(_) => Self(StatusCode::NOT_FOUND, error.to_string()),
            DocketError::Decided(_) | DocketError::Nobody(_) => {
                Self(StatusCode::CONFLICT, error.to_string())
            }
            DocketError::Database(_) | DocketError::Audit(_) | DocketError::Ending(_) => {
                Self::unavailable(&error)
            }
        }
    }
}
