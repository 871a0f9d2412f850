//! Responses, written to a caller's buffer. What goes into a header is a [`HeaderValue`], a number
//! or a constant, so that nothing from outside can add a header.

use std::io::Write;

use super::{HeaderValue, Method, Subprotocol};
use crate::ws::accept_key;

/// The statuses that we answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the RFCs', by their names")]
pub enum Status {
    Ok = 200,
    NotModified = 304,
    PermanentRedirect = 308,
    BadRequest = 400,
    Forbidden = 403,
    NotFound = 404,
    MethodNotAllowed = 405,
    RequestTimeout = 408,
    UpgradeRequired = 426,
    TooManyRequests = 429,
    HeadTooLong = 431,
    Internal = 500,
    Unavailable = 503,
}

impl Status {
    /// The three digits.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The phrase beside them.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NotModified => "Not Modified",
            Self::PermanentRedirect => "Permanent Redirect",
            Self::BadRequest => "Bad Request",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::RequestTimeout => "Request Timeout",
            Self::UpgradeRequired => "Upgrade Required",
            Self::TooManyRequests => "Too Many Requests",
            Self::HeadTooLong => "Request Header Fields Too Large",
            Self::Internal => "Internal Server Error",
            Self::Unavailable => "Service Unavailable",
        }
    }
}

/// What a page may ask its person for: what a call needs, and nothing of what would tell more.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(), geolocation=(), \
                           payment=(), usb=(), browsing-topics=()";

/// How long a response may be kept by whoever receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Not at all.
    Never,
    /// Kept, but asked about each time (by its etag).
    Revalidate,
    /// For ever: its name changes with its contents.
    Immutable,
}

/// How the contents are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
}

/// The head of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The status.
    pub status: Status,
    /// `Content-Type`
    pub content_type: Option<HeaderValue<'a>>,
    /// `Content-Length`: the bytes of the body, as a GET would send it. None: there is no body
    /// (304).
    pub length: Option<u64>,
    /// `ETag`, quotes included.
    pub etag: Option<HeaderValue<'a>>,
    /// `Content-Encoding`
    pub encoding: Option<Encoding>,
    /// `Cache-Control`
    pub cache: Cache,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// `Location`
    pub location: Option<HeaderValue<'a>>,
    /// `Content-Security-Policy`: the response is a page, and this is all it may do.
    pub policy: Option<HeaderValue<'a>>,
    /// `Strict-Transport-Security`: for so many seconds browsers shall come by TLS only. 0 says
    /// nothing about it.
    pub hsts_secs: u32,
    /// Whether the connection lives on; false says `Connection: close`, and the caller closes it.
    pub keep_alive: bool,
}

impl Head<'_> {
    /// A head that says no more than its status, is not to be kept, and closes the connection.
    pub const fn new(status: Status) -> Self {
        Self {
            status,
            content_type: None,
            length: None,
            etag: None,
            encoding: None,
            cache: Cache::Never,
            retry_after: None,
            location: None,
            policy: None,
            hsts_secs: 0,
            keep_alive: false,
        }
    }

    /// Appends the head to `out`. A body of [`Head::length`] bytes must follow, unless HEAD was
    /// asked.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_status_line(out, self.status.code(), self.status.reason());
        if let Some(content_type) = self.content_type {
            write_header(out, "Content-Type", content_type.as_str());
        }
        if let Some(length) = self.length {
            write_number(out, "Content-Length", length);
        }
        if let Some(etag) = self.etag {
            write_header(out, "ETag", etag.as_str());
        }
        match self.encoding {
            Some(Encoding::Brotli) => write_header(out, "Content-Encoding", "br"),
            Some(Encoding::Gzip) => write_header(out, "Content-Encoding", "gzip"),
            None => {}
        }
        let cache = match self.cache {
            Cache::Never => "no-store",
            Cache::Revalidate => "no-cache",
            Cache::Immutable => "public, max-age=31536000, immutable",
        };
        write_header(out, "Cache-Control", cache);
        if self.cache != Cache::Never {
            // The same path has other bytes for those who take other encodings.
            write_header(out, "Vary", "Accept-Encoding");
        }
        if let Some(seconds) = self.retry_after {
            write_number(out, "Retry-After", u64::from(seconds));
        }
        if let Some(location) = self.location {
            write_header(out, "Location", location.as_str());
        }
        if let Some(policy) = self.policy {
            write_header(out, "Content-Security-Policy", policy.as_str());
            write_header(out, "Permissions-Policy", PERMISSIONS);
            write_header(out, "Cross-Origin-Opener-Policy", "same-origin");
        }
        if self.hsts_secs > 0 {
            out.extend_from_slice(b"Strict-Transport-Security: max-age=");
            write_decimal(out, u64::from(self.hsts_secs));
            out.extend_from_slice(b"\r\n");
        }
        if self.status == Status::MethodNotAllowed {
            write_header(out, "Allow", "GET, HEAD");
        }
        if self.status == Status::UpgradeRequired {
            write_header(out, "Upgrade", "websocket");
            write_header(out, "Sec-WebSocket-Version", "13");
        }
        write_header(out, "Connection", if self.keep_alive { "keep-alive" } else { "close" });
        write_header(out, "X-Content-Type-Options", "nosniff");
        write_header(out, "X-Frame-Options", "DENY");
        write_header(out, "Referrer-Policy", "no-referrer");
        write_header(out, "Cross-Origin-Resource-Policy", "same-origin");
        out.extend_from_slice(b"\r\n");
    }

    /// Appends the whole response to a request of `method`: the head, with the length of `body` for
    /// its [`Head::length`], and the body if it was asked for.
    pub fn write_with_body(&self, out: &mut Vec<u8>, method: Method, body: &[u8]) {
        Head { length: Some(body.len() as u64), ..*self }.write(out);
        if method == Method::Get {
            out.extend_from_slice(body);
        }
    }
}

/// Appends a whole response that says no more than its status, in words too, and closes the
/// connection.
pub fn write_error(out: &mut Vec<u8>, status: Status, method: Method, retry_after: Option<u32>) {
    const TEXT: HeaderValue<'static> = HeaderValue::from_static("text/plain; charset=utf-8");
    let head = Head { content_type: Some(TEXT), retry_after, ..Head::new(status) };
    head.write_with_body(out, method, status.reason().as_bytes());
}

/// Appends the answer to a [good wish](super::Upgrade) for a WebSocket: from the byte after it on,
/// both sides speak in frames. `protocol` is one that the client offered, or None where it offered
/// none of ours.
pub fn write_switching(
    out: &mut Vec<u8>,
    key: &str,
    protocol: Option<Subprotocol>,
    set_cookie: Option<HeaderValue<'_>>,
) {
    write_status_line(out, 101, "Switching Protocols");
    write_header(out, "Upgrade", "websocket");
    write_header(out, "Connection", "Upgrade");
    out.extend_from_slice(b"Sec-WebSocket-Accept: ");
    out.extend_from_slice(&accept_key(key.as_bytes()));
    out.extend_from_slice(b"\r\n");
    if let Some(protocol) = protocol {
        write_header(out, "Sec-WebSocket-Protocol", protocol.name());
    }
    if let Some(cookie) = set_cookie {
        write_header(out, "Set-Cookie", cookie.as_str());
    }
    out.extend_from_slice(b"\r\n");
}

fn write_status_line(out: &mut Vec<u8>, code: u16, reason: &str) {
    out.extend_from_slice(b"HTTP/1.1 ");
    write_decimal(out, u64::from(code));
    out.push(b' ');
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(super) fn write_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_number(out: &mut Vec<u8>, name: &str, value: u64) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    write_decimal(out, value);
    out.extend_from_slice(b"\r\n");
}

fn write_decimal(out: &mut Vec<u8>, value: u64) {
    write!(out, "{value}").expect("a vector takes all that is written to it");
}
