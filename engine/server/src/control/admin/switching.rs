//! Lanes, challenges and the log: what is switched while the engine runs.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use whisper_core::settings::{OpenLanes, every_lane};

use super::{Admin, Answer, Asker, Refusal, json, parse, reason};
use crate::config::{ChallengeMode, lane_name, parse_log_level, switch_lane};

/// `POST /admin/lanes`: lanes by name, as `adult/text/moderated`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanesWish {
    #[serde(default)]
    open: Vec<String>,
    #[serde(default)]
    close: Vec<String>,
    #[serde(default)]
    why: String,
}

/// Of a lane, whether people may join it.
#[derive(Serialize)]
struct LaneState {
    lane: String,
    open: bool,
}

pub(super) async fn lanes(State(admin): State<Admin>) -> Answer {
    json(&all_lanes(admin.switches.lanes()))
}

pub(super) async fn set_lanes(
    State(admin): State<Admin>,
    Extension(asker): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let LanesWish { open, close, why } = parse(&body)?;
    let why = reason(why)?;
    let mut lanes = admin.switches.lanes();
    for name in &open {
        switch_lane(&mut lanes, name, true).map_err(Refusal::bad)?;
    }
    for name in &close {
        switch_lane(&mut lanes, name, false).map_err(Refusal::bad)?;
    }
    let told = admin.switches.set_lanes(lanes);
    let names = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!("{what} {}", names.join(" ")),
    };
    let subject = [names("open", &open), names("close", &close)].join(" ");
    admin.note(&asker, "lanes", subject.trim(), &why).await;
    told.map_err(|error| Refusal::unavailable(&error))?;
    json(&all_lanes(lanes))
}

fn all_lanes(open: OpenLanes) -> serde_json::Value {
    let lanes = every_lane()
        .map(|lane| LaneState { lane: lane_name(lane), open: open.contains(lane) })
        // Teens are always moderated: the others don't exist.
        .filter(|it| it.open || !it.lane.starts_with("teen/") || it.lane.ends_with("/moderated"));
    serde_json::json!({ "lanes": lanes.collect::<Vec<_>>() })
}

/// `POST /admin/challenge`: `off`, `auto` or `on`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeWish {
    mode: ChallengeMode,
    #[serde(default)]
    why: String,
}

pub(super) async fn challenge(State(admin): State<Admin>) -> Answer {
    let (mode, effort) = admin.switches.challenge();
    json(&serde_json::json!({ "mode": mode, "effort": effort }))
}

pub(super) async fn set_challenge(
    admin: State<Admin>,
    Extension(asker): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let ChallengeWish { mode, why } = parse(&body)?;
    let why = reason(why)?;
    admin.switches.set_challenge(mode, admin.board.upgrades());
    admin.note(&asker, "challenge", mode.as_str(), &why).await;
    challenge(admin).await
}

/// `POST /admin/log-level`: `error`, `warn`, `info`, `debug` or `trace`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogWish {
    level: String,
    #[serde(default)]
    why: String,
}

pub(super) async fn log_level(State(admin): State<Admin>) -> Answer {
    json(&serde_json::json!({ "level": admin.switches.log_level().to_string() }))
}

pub(super) async fn set_log_level(
    admin: State<Admin>,
    Extension(asker): Extension<Asker>,
    body: Bytes,
) -> Answer {
    let LogWish { level, why } = parse(&body)?;
    let why = reason(why)?;
    let wanted = parse_log_level(&level).map_err(Refusal::bad)?;
    admin.switches.set_log_level(wanted);
    admin.note(&asker, "log-level", &wanted.to_string(), &why).await;
    log_level(admin).await
}
