//! What is only looked at.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::{Admin, Answer, json};
use crate::control::metrics::Format;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// In OpenMetrics for who asks for it, as Prometheus does.
pub(super) async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (format, kind) = match accepted.into_iter().any(|it| it.contains("openmetrics-text")) {
        true => (Format::OpenMetrics, OPENMETRICS),
        false => (Format::Plain, PLAIN),
    };
    match admin.board.render(format) {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Every shard turned lately.
pub(super) async fn health(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if admin.is_healthy() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "a shard is stuck\n")
    }
}

/// People are accepted.
pub(super) async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if admin.board.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or draining\n")
    }
}

/// The engine in numbers.
pub(super) async fn stats(State(admin): State<Admin>) -> Answer {
    let mut stats = admin.board.sums();
    stats.insert("healthy".into(), admin.is_healthy().into());
    stats.insert("ready".into(), admin.board.is_ready().into());
    json(&stats)
}

/// The other nodes, as this one hears them.
pub(super) async fn cluster(State(admin): State<Admin>) -> Answer {
    json(&admin.cluster.status())
}

impl Admin {
    fn is_healthy(&self) -> bool {
        self.pulse.is_steady(self.clock.now())
    }
}
