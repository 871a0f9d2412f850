//! The operators' doors, in HTTP: a Unix socket for the engine's own user and root, who may do
//! everything; and TCP on loopback, where one may look at `/metrics`, `/health` and `/ready`, and
//! needs a token for the rest. Under `/admin`, what is asked and answered is JSON; `/ops` is a page
//! that asks.

mod asker;
mod audit;
mod draining;
mod interests;
mod looks;
mod page;
mod reports;
mod switching;
mod upgrading;

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use whisper_store::audit::Entry;

pub(super) use self::asker::Asker;
pub(crate) use self::asker::Token;
use self::asker::{Peer, by_socket, by_token};
pub(super) use self::interests::Interests;
use super::bans::{Bans, routes};
use super::cluster::Cluster;
use super::drain::Drains;
use super::metrics::Board;
use super::reports::Docket;
use super::switches::Switches;
use super::upgrade::Upgrades;
use crate::clock::Clock;
use crate::pulse::Pulse;

/// Most bytes of a request's body.
const BODY_MAX: usize = 64 << 10;

/// Most bytes of a reason.
const WHY_MAX: usize = 1_000;

/// Where operators are heard.
pub(crate) struct Operators {
    /// On loopback, if at all.
    pub(crate) tcp: Option<TcpListener>,
    /// What they show there to do more than look.
    pub(crate) token: Option<Token>,
    /// In the file system.
    pub(crate) socket: UnixListener,
}

impl Operators {
    /// Those that another process had: the socket in the file system, and the one on loopback.
    /// None where there isn't even the former.
    pub(crate) fn inherited(descriptors: Vec<OwnedFd>, token: Option<Token>) -> Option<Self> {
        let mut descriptors = descriptors.into_iter();
        let socket = descriptors.next()?.into();
        Some(Self { tcp: descriptors.next().map(Into::into), token, socket })
    }

    /// The sockets once more, for another process.
    ///
    /// # Errors
    /// Where there are no descriptors for them.
    pub(crate) fn copies(&self) -> io::Result<Vec<OwnedFd>> {
        let mut copies = vec![self.socket.as_fd().try_clone_to_owned()?];
        if let Some(tcp) = &self.tcp {
            copies.push(tcp.as_fd().try_clone_to_owned()?);
        }
        Ok(copies)
    }
}

/// What operators can ask.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) board: Board,
    pub(super) drains: Drains,
    pub(super) upgrades: Upgrades,
    pub(super) pulse: Pulse,
    pub(super) clock: Clock,
    pub(super) switches: Switches,
    pub(super) bans: Bans,
    pub(super) docket: Docket,
    pub(super) interests: Interests,
    pub(super) cluster: Cluster,
}

impl Admin {
    /// Opens the doors.
    pub(super) fn serve(self, operators: Operators) -> io::Result<()> {
        let Operators { tcp, token, socket } = operators;
        // The socket was made by this process: it is its owner's.
        let owner = nix::unistd::geteuid().as_raw();
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UnixListener::from_std(socket)?;
        let guard = middleware::from_fn_with_state(owner, by_socket);
        let routes = self.clone().looks().merge(self.clone().deeds()).layer(guard);
        let routes = routes.into_make_service_with_connect_info::<Peer>();
        tokio::spawn(serve("the operators' socket", axum::serve(socket, routes).into_future()));
        if let Some(tcp) = tcp {
            tcp.set_nonblocking(true)?;
            let tcp = tokio::net::TcpListener::from_std(tcp)?;
            let guard = middleware::from_fn_with_state(token, by_token);
            let routes = self.clone().looks().merge(self.deeds().route_layer(guard));
            tokio::spawn(serve("the operators' listener", axum::serve(tcp, routes).into_future()));
        }
        Ok(())
    }
}

async fn serve(what: &str, door: impl Future<Output = io::Result<()>>) {
    if let Err(error) = door.await {
        tracing::error!(%error, "{what} ended");
    }
}

impl Admin {
    /// What anybody on this machine may see: nothing of anybody.
    fn looks(self) -> Router {
        Router::new()
            .route("/metrics", get(looks::metrics))
            .route("/health", get(looks::health))
            .route("/ready", get(looks::ready))
            .route(page::PAGE, get(page::page))
            .route(page::PARTS, get(page::part))
            .with_state(self)
    }

    /// What shows people, or changes something.
    fn deeds(self) -> Router {
        Router::new()
            .route("/admin/stats", get(looks::stats))
            .route("/admin/cluster", get(looks::cluster))
            .route("/admin/interests", get(interests::top))
            .route("/admin/lanes", get(switching::lanes).post(switching::set_lanes))
            .route("/admin/challenge", get(switching::challenge).post(switching::set_challenge))
            .route("/admin/log-level", get(switching::log_level).post(switching::set_log_level))
            .route("/admin/drain", get(draining::progress).post(draining::begin))
            .route("/admin/upgrade", get(upgrading::progress).post(upgrading::begin))
            .route("/admin/reports", get(reports::list))
            .route("/admin/reports/{id}", get(reports::show))
            .route("/admin/reports/{id}/resolve", post(reports::resolve))
            .route("/admin/reports/{id}/ban", post(reports::ban))
            .route("/admin/reports/{id}/hold", post(reports::hold))
            .route("/admin/audit", get(audit::latest))
            .with_state(self.clone())
            .merge(routes(self.bans))
            .layer(DefaultBodyLimit::max(BODY_MAX))
    }

    /// Writes down that an operator has changed something. It is changed by then: an audit that
    /// can't be written is an alarm, and no answer.
    async fn note(&self, Asker(who): &Asker, what: &str, subject: &str, why: &str) {
        tracing::info!(who, what, subject, why, "an operator has decided");
        let entry = Entry {
            at_ms: self.clock.now().unix_millis(),
            who: who.clone(),
            what: what.to_owned(),
            subject: subject.to_owned(),
            why: why.to_owned(),
        };
        if let Err(error) = self.docket.audit.write(entry).await {
            tracing::error!(%error, "the audit misses what an operator has decided");
        }
    }
}

/// What was asked can't be done.
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

/// What can be asked, and what comes of it.
pub(super) type Answer = Result<Response, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, error) = self;
        let body = serde_json::json!({ "error": error }).to_string();
        (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
    }
}

const JSON: &str = "application/json";

pub(super) fn json(value: &impl Serialize) -> Answer {
    let body = serde_json::to_string(value)
        .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, JSON)], body).into_response())
}

/// Reads what was asked, whatever type it says it is of.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))
}

/// A reason that can be kept.
pub(super) fn reason(why: String) -> Result<String, Refusal> {
    match why.len() <= WHY_MAX && !why.contains(char::is_control) {
        true => Ok(why),
        false => Err(Refusal::bad(format!("why: one line of at most {WHY_MAX} bytes"))),
    }
}

impl Refusal {
    pub(super) fn unavailable(error: &dyn Display) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }

    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, why.into())
    }
}
