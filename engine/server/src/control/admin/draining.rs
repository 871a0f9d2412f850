//! Emptying the box, and how far that is.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use whisper_core::time::Span;

use super::{Admin, Answer, Asker, Refusal, json, parse, reason};

/// The longest that a drain may take, in milliseconds: a day.
const OVER_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// `POST /admin/drain`: within how many milliseconds everybody shall go, and the process end.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DrainWish {
    over_ms: u64,
    /// Only say how it would go.
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    why: String,
}

pub(super) async fn progress(State(admin): State<Admin>) -> Answer {
    json(&admin.drains.progress(Span::default()))
}

pub(super) async fn begin(
    State(admin): State<Admin>,
    Extension(asker): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let DrainWish { over_ms, dry_run, why } = parse(&body)?;
    let why = reason(why)?;
    if over_ms > OVER_MS_MAX {
        return Err(Refusal::bad(format!("overMs: at most {OVER_MS_MAX}, which is a day")));
    }
    let over = Span::millis(over_ms);
    if !dry_run {
        if admin.upgrades.is_under_way() {
            return Err(Refusal::unavailable(&"another process is about to take over: ask that"));
        }
        let told = admin.drains.begin(over);
        admin.note(&asker, "drain", &format!("within {} s", over_ms.div_ceil(1_000)), &why).await;
        told.map_err(|error| Refusal::unavailable(&error))?;
    }
    json(&admin.drains.progress(over))
}
