//! Bans, as operators ask for them: `/admin/bans` on the operators' doors, in JSON.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use whisper_store::bans::{BadKey, Standing, Subject};

use super::{BY_OPERATOR, Bans, Decision, Listed, Terms, Whom, office};
use crate::control::admin::{Answer, Asker, Refusal, json, parse, reason};

/// Bans in one answer, unless fewer are asked for.
const LIST_MAX: usize = 1_000;

/// `POST /admin/bans`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// An address, a block, or a key as `banned:users:…`.
    subject: String,
    reason: String,
    #[serde(default = "operator")]
    code: String,
    /// For how long; for good where absent.
    seconds: Option<u64>,
    /// For the audit; what the person is told, where absent.
    why: Option<String>,
}

/// `POST /admin/bans/lift`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    /// As for a ban, or an appeal id.
    subject: String,
    #[serde(default)]
    why: String,
}

/// `POST /admin/bans/withheld`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    /// `restore` or `release`.
    decision: String,
}

/// A ban, as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    key: String,
    appeal: String,
    reason: String,
    code: String,
    until: Option<u64>,
    /// `stored`, `unwritten` or `withheld`: how it stands with Redis.
    standing: &'static str,
}

/// The routes of bans.
pub(in crate::control) fn routes(bans: Bans) -> Router {
    Router::new()
        .route("/admin/bans", get(list).post(impose))
        .route("/admin/bans/lift", post(lift))
        .route("/admin/bans/withheld", post(decide))
        .with_state(bans)
}

async fn list(State(bans): State<Bans>, RawQuery(query): RawQuery) -> Answer {
    let most = match query.as_deref().map(|query| query.strip_prefix("most=")) {
        None => LIST_MAX,
        Some(most) => most
            .and_then(|most| most.parse().ok())
            .ok_or_else(|| Refusal::bad("?most=, and how many bans at most"))?,
    };
    let listed = bans.list(most.min(LIST_MAX)).await.map_err(ending)?;
    json(&listed.into_iter().map(Shown::from).collect::<Vec<_>>())
}

async fn impose(
    State(bans): State<Bans>,
    Extension(Asker(by)): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let Wish { subject, reason: told, code, seconds, why } = parse(&body)?;
    let subject = subject_of(&subject).map_err(|error| Refusal::bad(error.to_string()))?;
    let until =
        seconds.map(|seconds| office::now_ms().saturating_add(seconds.saturating_mul(1_000)));
    let told = reason(told)?;
    let why = why.map_or_else(|| Ok(told.clone()), reason)?;
    let terms = Terms { reason: told, code, until, why };
    let appeal = bans.impose(Whom::Subject(subject), terms, &by).await.map_err(ending)?;
    json(&serde_json::json!({ "appeal": appeal.map(|it| it.to_string()) }))
}

async fn lift(
    State(bans): State<Bans>,
    Extension(Asker(by)): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let Lift { subject, why } = parse(&body)?;
    let name = subject_of(&subject).map_or(subject, |subject| subject.to_string());
    let lifted = bans.lift(&name, &by, &reason(why)?).await.map_err(ending)?;
    json(&serde_json::json!({ "lifted": lifted }))
}

async fn decide(
    State(bans): State<Bans>,
    Extension(Asker(by)): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let decision = match &*parse::<Decide>(&body)?.decision {
        "restore" => Decision::Restore,
        "release" => Decision::Release,
        _ => return Err(Refusal::bad("decision: restore or release")),
    };
    let decided = bans.decide(decision, &by).await.map_err(ending)?;
    json(&serde_json::json!({ "decided": decided }))
}

impl From<Listed> for Shown {
    fn from(Listed { ban, appeal, standing }: Listed) -> Self {
        let standing = match standing {
            Standing::Stored => "stored",
            Standing::Unwritten => "unwritten",
            Standing::Withheld => "withheld",
        };
        let (key, reason, code) = (ban.key.into(), ban.reason.into(), ban.code.into());
        let appeal = appeal.to_string();
        Self { key, appeal, reason, code, until: ban.until, standing }
    }
}

/// What an operator names: a key, or an address or block by itself.
fn subject_of(name: &str) -> Result<Subject, BadKey> {
    match name.starts_with("banned:") {
        true => Subject::from_key(name),
        false => Subject::from_key(&format!("banned:ips:{name}")),
    }
}

fn operator() -> String {
    BY_OPERATOR.into()
}

fn ending(error: super::Ending) -> Refusal {
    Refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}
