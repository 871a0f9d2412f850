//! A request's head, read.

use arrayvec::ArrayVec;
use data_encoding::BASE64;
use thiserror::Error;

use super::{HEADERS_MAX, Offer, Status, Subprotocol, list};

/// A request without a body, as far as we care for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is asked.
    pub method: Method,
    /// The target: visible ASCII that begins with a slash, nothing decoded.
    pub target: &'a str,
    /// The target up to its query.
    pub path: &'a str,
    /// `Host`. It is always there in HTTP/1.1.
    pub host: Option<&'a str>,
    /// `Origin`, which browsers send with an upgrade.
    pub origin: Option<&'a str>,
    /// `Cookie`, as it came; see [`Request::cookie`].
    pub cookies: Option<&'a str>,
    /// Whether the connection may be used again after the answer.
    pub keep_alive: bool,
    /// There where a WebSocket is asked for, and rightly so.
    pub upgrade: Option<Upgrade<'a>>,
    /// `If-None-Match`, as it came; see [`Request::has_current`].
    pub if_none_match: Option<&'a str>,
    /// The encodings that we have and the client takes.
    pub accepts: Encodings,
    /// The head itself, for headers that are rarely asked for; see [`Request::values`].
    pub head: &'a [u8],
}

/// What is asked of a path. There are no others; see [`Reject::Method`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Its contents.
    Get,
    /// What the head of a GET's answer would be.
    Head,
}

/// A well-formed wish for a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade<'a> {
    /// `Sec-WebSocket-Key`: 16 bytes in base64.
    pub key: &'a str,
    /// The sub-protocols offered.
    pub offer: Offer,
}

/// Which encodings a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encodings {
    /// `br`
    pub brotli: bool,
    /// `gzip`
    pub gzip: bool,
}

/// Why a request is not answered as it would like. The connection is closed after
/// [`Reject::status`] is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reject {
    /// Not HTTP/1.0 or HTTP/1.1, or in a way that we refuse.
    #[error("bad request")]
    BadRequest,
    /// A head of more than [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX) bytes, or more than 64
    /// headers.
    #[error("request head too long")]
    HeadTooLong,
    /// A method other than GET and HEAD: there is nothing here that knows any.
    #[error("no such method here")]
    Method,
    /// A WebSocket of another version than 13.
    #[error("unknown WebSocket version")]
    WebSocketVersion,
}

impl Reject {
    /// The status to answer with.
    pub fn status(self) -> Status {
        match self {
            Self::BadRequest => Status::BadRequest,
            Self::HeadTooLong => Status::HeadTooLong,
            Self::Method => Status::MethodNotAllowed,
            Self::WebSocketVersion => Status::UpgradeRequired,
        }
    }
}

impl<'a> Request<'a> {
    /// Reads a head, as [`HeadReader`](super::HeadReader) delivers it.
    ///
    /// # Errors
    /// [`Reject`], by which the connection must be closed once it is answered.
    pub fn parse(head: &'a [u8]) -> Result<Self, Reject> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut raw = httparse::Request::new(&mut headers);
        match raw.parse(head) {
            Ok(httparse::Status::Complete(len)) if len == head.len() => {}
            Err(httparse::Error::TooManyHeaders) => return Err(Reject::HeadTooLong),
            _ => return Err(Reject::BadRequest),
        }
        let (Some(method), Some(target), Some(minor)) = (raw.method, raw.path, raw.version) else {
            return Err(Reject::BadRequest);
        };
        let fields = Fields::collect(raw.headers)?;
        let modern = minor == 1;
        if modern && fields.host.is_none() {
            return Err(Reject::BadRequest);
        }
        let method = match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => return Err(Reject::Method),
        };
        Ok(Self {
            method,
            target,
            path: path(target)?,
            upgrade: if modern { fields.upgrade(method)? } else { None },
            keep_alive: !fields.close && (modern || fields.keep_alive),
            host: fields.host,
            origin: fields.origin,
            cookies: fields.cookies,
            if_none_match: fields.if_none_match,
            accepts: fields.accepts,
            head,
        })
    }

    /// The values of the headers called `name`, in their order; those that aren't text are empty.
    /// The head is read once more for it.
    pub fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> + use<'a> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut raw = httparse::Request::new(&mut headers);
        // It was read before, and nothing was wrong with it.
        let _ = raw.parse(self.head);
        let named = raw.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let values: ArrayVec<_, HEADERS_MAX> =
            named.map(|header| text(header.value).unwrap_or_default()).collect();
        values.into_iter()
    }

    /// The value of the cookie `name`, the first where there are several.
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.cookies?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether the client says that it has the representation with this `etag` (quotes included)
    /// already, so that 304 will do.
    pub fn has_current(&self, etag: &str) -> bool {
        let opaque = |tag: &'a str| tag.strip_prefix("W/").unwrap_or(tag);
        self.if_none_match
            .is_some_and(|known| list(known).any(|tag| tag == "*" || opaque(tag) == etag))
    }
}

/// The path of a target in origin form. (An absolute one is for proxies, which we are not.)
fn path(target: &str) -> Result<&str, Reject> {
    let good = target.starts_with('/') && target.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if !good {
        return Err(Reject::BadRequest);
    }
    Ok(target.split_once('?').map_or(target, |(path, _)| path))
}

/// The headers that mean something to us.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a str>,
    origin: Option<&'a str>,
    cookies: Option<&'a str>,
    if_none_match: Option<&'a str>,
    /// `Connection: close`
    close: bool,
    /// `Connection: keep-alive`
    keep_alive: bool,
    /// `Connection: upgrade`
    upgrade_now: bool,
    /// `Upgrade`
    upgrade_to: Option<&'a str>,
    key: Option<&'a str>,
    version: Option<&'a str>,
    offer: Option<Offer>,
    accepts: Encodings,
}

impl<'a> Fields<'a> {
    fn collect(headers: &[httparse::Header<'a>]) -> Result<Self, Reject> {
        let mut fields = Self::default();
        for header in headers {
            fields.add(header)?;
        }
        Ok(fields)
    }

    fn add(&mut self, header: &httparse::Header<'a>) -> Result<(), Reject> {
        // The longest name below has 24 letters; a longer one is none of ours.
        let mut lower = [0; 24];
        let Some(lower) = lower.get_mut(..header.name.len()) else { return Ok(()) };
        lower.copy_from_slice(header.name.as_bytes());
        lower.make_ascii_lowercase();
        let value = header.value;
        match &*lower {
            b"transfer-encoding" => return Err(Reject::BadRequest),
            b"content-length" if value != b"0" => return Err(Reject::BadRequest),
            b"host" => once(&mut self.host, value)?,
            b"origin" => once(&mut self.origin, value)?,
            b"cookie" => once(&mut self.cookies, value)?,
            b"if-none-match" => once(&mut self.if_none_match, value)?,
            b"upgrade" => once(&mut self.upgrade_to, value)?,
            b"sec-websocket-key" => once(&mut self.key, value)?,
            b"sec-websocket-version" => once(&mut self.version, value)?,
            b"sec-websocket-protocol" => {
                for name in list(text(value)?) {
                    self.offer = match (self.offer, Subprotocol::from_name(name)) {
                        (Some(Offer::Ours(first)), _) => Some(Offer::Ours(first)),
                        (_, Some(known)) => Some(Offer::Ours(known)),
                        (_, None) => Some(Offer::Unknown),
                    };
                }
            }
            b"connection" => {
                for option in list(text(value)?) {
                    self.close |= option.eq_ignore_ascii_case("close");
                    self.keep_alive |= option.eq_ignore_ascii_case("keep-alive");
                    self.upgrade_now |= option.eq_ignore_ascii_case("upgrade");
                }
            }
            b"accept-encoding" => {
                for coding in list(text(value)?) {
                    self.accepts.brotli |= takes(coding, "br");
                    self.accepts.gzip |= takes(coding, "gzip");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The wish for a WebSocket, if there is one. (An upgrade to something else is ignored, as it
    /// may be.)
    fn upgrade(&self, method: Method) -> Result<Option<Upgrade<'a>>, Reject> {
        let to_websocket = self
            .upgrade_to
            .is_some_and(|to| list(to).any(|protocol| protocol.eq_ignore_ascii_case("websocket")));
        if !to_websocket || !self.upgrade_now {
            return Ok(None);
        }
        let key = match self.key {
            Some(key) if method == Method::Get && is_key(key) => key,
            _ => return Err(Reject::BadRequest),
        };
        if self.version != Some("13") {
            return Err(Reject::WebSocketVersion);
        }
        Ok(Some(Upgrade { key, offer: self.offer.unwrap_or(Offer::Nothing) }))
    }
}

/// Puts the value of a header that may stand there once.
fn once<'a>(field: &mut Option<&'a str>, value: &'a [u8]) -> Result<(), Reject> {
    match field.replace(text(value)?) {
        None => Ok(()),
        Some(_) => Err(Reject::BadRequest),
    }
}

/// A value of visible ASCII and spaces.
fn text(value: &[u8]) -> Result<&str, Reject> {
    match str::from_utf8(value) {
        Ok(text) if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(text),
        _ => Err(Reject::BadRequest),
    }
}

/// Whether an item of `Accept-Encoding` takes the `coding`: it names it, and not with a weight of
/// 0.
fn takes(item: &str, coding: &str) -> bool {
    let (name, weight) = item.split_once(';').unwrap_or((item, ""));
    let refused = weight
        .trim()
        .strip_prefix("q=")
        .is_some_and(|weight| weight.bytes().all(|byte| matches!(byte, b'0' | b'.')));
    name.trim().eq_ignore_ascii_case(coding) && !refused
}

/// Whether it is 16 bytes in base64.
fn is_key(key: &str) -> bool {
    let mut bytes = [0; 18];
    key.len() == 24 && BASE64.decode_mut(key.as_bytes(), &mut bytes).is_ok_and(|len| len == 16)
}
