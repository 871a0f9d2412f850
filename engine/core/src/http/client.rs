//! The client's side of the upgrade.

use thiserror::Error;

use super::response::write_header;
use super::{HEADERS_MAX, HeaderValue, Subprotocol, list};
use crate::ws::accept_key;

/// A wish for a WebSocket, to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradeRequest<'a> {
    /// The server's name, with its port where that is not the usual one.
    pub host: HeaderValue<'a>,
    /// The path, and the query if any. It begins with a slash and has no spaces.
    pub target: HeaderValue<'a>,
    /// 16 random bytes.
    pub nonce: [u8; 16],
    /// `Origin`, for those who speak for a page.
    pub origin: Option<HeaderValue<'a>>,
    /// What to offer.
    pub protocol: Option<Subprotocol>,
}

/// Why a connection has not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotUpgraded {
    /// The answer is not HTTP/1.1.
    #[error("the answer is not HTTP/1.1")]
    Malformed,
    /// The server answered otherwise.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The answer is 101, but not to our wish: a header is missing, or its value wrong.
    #[error("the server's {0} is missing or wrong")]
    Header(&'static str),
}

impl UpgradeRequest<'_> {
    /// Appends the request to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(self.target.as_str().as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        write_header(out, "Host", self.host.as_str());
        write_header(out, "Upgrade", "websocket");
        write_header(out, "Connection", "Upgrade");
        write_header(out, "Sec-WebSocket-Key", &key(self.nonce));
        write_header(out, "Sec-WebSocket-Version", "13");
        if let Some(origin) = self.origin {
            write_header(out, "Origin", origin.as_str());
        }
        if let Some(protocol) = self.protocol {
            write_header(out, "Sec-WebSocket-Protocol", protocol.name());
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Reads the head of the answer, as [`HeadReader`](super::HeadReader) delivers it. With Ok,
    /// what follows it is frames.
    ///
    /// # Errors
    /// [`NotUpgraded`] where the server did not agree, or not to this request.
    pub fn check_answer(&self, head: &[u8]) -> Result<(), NotUpgraded> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut raw = httparse::Response::new(&mut headers);
        match (raw.parse(head), raw.version, raw.code) {
            (Ok(httparse::Status::Complete(_)), Some(1), Some(101)) => {}
            (Ok(httparse::Status::Complete(_)), _, Some(code)) => {
                return Err(NotUpgraded::Status(code));
            }
            _ => return Err(NotUpgraded::Malformed),
        }
        let accept = accept_key(key(self.nonce).as_bytes());
        let value = |name: &'static str| {
            let header = raw.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            header.map(|header| header.value)
        };
        let names = |name, token: &str| {
            let value = value(name).and_then(|value| str::from_utf8(value).ok());
            value.is_some_and(|value| list(value).any(|item| item.eq_ignore_ascii_case(token)))
        };
        if !names("Upgrade", "websocket") {
            return Err(NotUpgraded::Header("Upgrade"));
        }
        if !names("Connection", "upgrade") {
            return Err(NotUpgraded::Header("Connection"));
        }
        if value("Sec-WebSocket-Accept") != Some(&accept) {
            return Err(NotUpgraded::Header("Sec-WebSocket-Accept"));
        }
        if value("Sec-WebSocket-Extensions").is_some() {
            return Err(NotUpgraded::Header("Sec-WebSocket-Extensions"));
        }
        let chosen = value("Sec-WebSocket-Protocol");
        if chosen.is_some() && chosen != self.protocol.map(|protocol| protocol.name().as_bytes()) {
            return Err(NotUpgraded::Header("Sec-WebSocket-Protocol"));
        }
        Ok(())
    }
}

/// The `Sec-WebSocket-Key` of a nonce.
fn key(nonce: [u8; 16]) -> String {
    data_encoding::BASE64.encode(&nonce)
}
