//! HTTP/1.1 heads (RFC 9110, RFC 9112), from bytes in any pieces, and the WebSocket upgrade (RFC
//! 6455, section 4).
//!
//! As a server: [`HeadReader`] finds the end of a request's head, [`Request::parse`] reads it,
//! [`Head`], [`write_error`] and [`write_switching`] answer. As a client, only the upgrade:
//! [`UpgradeRequest`] asks for it and checks the answer.
//!
//! It is strict where leniency has hurt others. No request has a body: one that announces any is
//! refused, and so nothing can be smuggled behind it. Lines end in CRLF, never in a bare LF; there
//! is one `Host`; targets begin with a slash. Whatever is refused closes the connection. Paths are
//! passed on as they came, nothing decoded and nothing normalised: they are names for the site to
//! look up, or not.
//!
//! Responses carry no `Date`, as befits an origin server without a clock (RFC 9110, section 6.6.1).

mod client;
mod head;
mod request;
mod response;
mod value;

pub use client::{NotUpgraded, UpgradeRequest};
pub use head::{HEAD_BYTES_MAX, HeadReader};
pub use request::{Encodings, Method, Reject, Request, Upgrade};
pub use response::{Cache, Encoding, Head, Status, write_error, write_switching};
pub use value::HeaderValue;

use crate::codec::fields;

/// The most headers in one head.
pub(crate) const HEADERS_MAX: usize = 64;

/// What the messages within the WebSocket are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// Binary frames of msgpack; also what is spoken where a client offers nothing.
    Msgpack,
    /// Text frames of JSON.
    Json,
}

fields! { enum Subprotocol { 0 Msgpack; 1 Json; } }

impl Subprotocol {
    /// Its name in `Sec-WebSocket-Protocol`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Msgpack => "whisper.v1.msgpack",
            Self::Json => "whisper.v1.json",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Msgpack, Self::Json].into_iter().find(|protocol| protocol.name() == name)
    }
}

/// What a client offered to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing: it gets the default, and no `Sec-WebSocket-Protocol` in the answer.
    Nothing,
    /// The first of ours among the names that it offered, in its own order.
    Ours(Subprotocol),
    /// Only names that we don't know.
    Unknown,
}

/// The items of a header that is a comma-separated list, trimmed, empty ones left out.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}
