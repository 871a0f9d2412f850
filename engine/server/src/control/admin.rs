//! The operators' listener: loopback only, plain HTTP.

use std::io;
use std::net::TcpListener;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::metrics::Board;
use crate::clock::Clock;
use crate::pulse::Pulse;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What operators can ask.
#[derive(Clone)]
pub(super) struct Admin {
    board: Board,
    pulse: Pulse,
    clock: Clock,
}

impl Admin {
    pub(super) fn new(board: Board, pulse: Pulse, clock: Clock) -> Self {
        Self { board, pulse, clock }
    }

    pub(super) fn serve(self, listener: TcpListener) -> io::Result<impl Future<Output = ()>> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route("/health", get(health))
            .route("/ready", get(ready))
            .with_state(self);
        Ok(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the operators' listener ended");
            }
        })
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match admin.board.render() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Every shard turned lately.
async fn health(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if admin.pulse.is_steady(admin.clock.now()) {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "a shard is stuck\n")
    }
}

/// People are accepted.
async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    if admin.board.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or draining\n")
    }
}
