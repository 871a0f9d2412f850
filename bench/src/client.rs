//! One connection's protocol: perhaps a question over HTTP, then the upgrade, then frames.

use thiserror::Error;
use whisper_core::http::{HeadReader, HeaderValue, NotUpgraded, Reject, UpgradeRequest};
use whisper_core::ws::{self, Decoder, Item, Role, Violation};
use whisper_proto::{DecodeError, ServerMessage, limits};

use crate::plan::Dialect;

/// What a server's messages may make us hold: floors send frames of up to 64 KiB.
const LIMITS: ws::Limits = ws::Limits { message: 64 * 1024, fragments: 16 };

/// The longest answer to a question.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

const _: () = assert!(limits::MESSAGE_BYTES <= LIMITS.message);

/// The reading side of one connection: 24 bytes when it is a WebSocket.
#[derive(Debug, Default)]
pub(crate) struct Client(State);

const _: () = assert!(size_of::<Client>() <= 24);

#[derive(Debug, Default)]
enum State {
    /// Nothing more is heard.
    #[default]
    Over,
    Asking(Box<Asking>),
    Upgrading(Box<Upgrading>),
    Open(Decoder, Dialect),
}

#[derive(Debug, Default)]
struct Asking {
    head: HeadReader,
    /// How long the body is, once its head was read.
    length: Option<usize>,
    body: Vec<u8>,
}

#[derive(Debug)]
struct Upgrading {
    head: HeadReader,
    nonce: [u8; 16],
    dialect: Dialect,
}

/// What a server said.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "built on the stack, heard at once, never kept")]
pub(crate) enum Heard<'a> {
    /// The answer to the question: the shard that serves this connection.
    Shard(u16),
    /// The connection is a WebSocket.
    Upgraded,
    /// A message of the engine.
    Message(ServerMessage<'a>),
    /// A bare frame.
    Frame(&'a [u8]),
    /// A ping, to be answered with its payload.
    Ping(&'a [u8]),
    /// A pong, though nobody asked for one (RFC 6455, section 5.5.3, allows it).
    Pong,
    /// The server is done with us, for the reason of this code.
    Close(Option<u16>),
}

/// How a server can disappoint us.
#[derive(Debug, Error)]
pub(crate) enum Broken {
    /// No HTTP.
    #[error("its answer is not HTTP: {0:?}")]
    Http(Reject),
    /// The question was not answered.
    #[error("/stats doesn't tell a shard")]
    NoShard,
    /// The WebSocket was refused.
    #[error(transparent)]
    NotUpgraded(#[from] NotUpgraded),
    /// No WebSocket frames.
    #[error("a bad frame: {0}")]
    Frame(#[from] Violation),
    /// No message of the engine.
    #[error("a bad message: {0}")]
    Message(#[from] DecodeError),
    /// A text.
    #[error("a text frame, though none was agreed on")]
    Text,
}

impl Client {
    /// A connection that asks for the numbers first; appends the request to `out`.
    pub(crate) fn ask(host: &str, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"GET /stats HTTP/1.1\r\nHost: ");
        out.extend_from_slice(host.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        Self(State::Asking(Box::default()))
    }

    /// A connection that asks for a WebSocket; appends the request to `out`.
    pub(crate) fn upgrade(
        host: &str,
        nonce: [u8; 16],
        dialect: Dialect,
        out: &mut Vec<u8>,
    ) -> Self {
        request(host, nonce).write(out);
        Self(State::Upgrading(Box::new(Upgrading { head: HeadReader::new(), nonce, dialect })))
    }

    /// Takes the next thing the server said off the front of `input`; None when all of it is taken.
    ///
    /// # Errors
    /// What the server did wrong. Nothing more is heard of it then.
    pub(crate) fn next<'s, 'b: 's>(
        &'s mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<Heard<'s>>, Broken> {
        if let State::Asking(asking) = &mut self.0 {
            let shard = asking.next(input)?;
            if shard.is_some() {
                self.0 = State::Over;
            }
            return Ok(shard.map(Heard::Shard));
        }
        if let State::Upgrading(upgrading) = &mut self.0 {
            if !upgrading.next(input)? {
                return Ok(None);
            }
            self.0 = State::Open(Decoder::new(Role::Client), upgrading.dialect);
            return Ok(Some(Heard::Upgraded));
        }
        let State::Open(decoder, dialect) = &mut self.0 else { return Ok(None) };
        Ok(match decoder.next(input, &LIMITS)? {
            None => None,
            Some(Item::Binary(frame)) if *dialect == Dialect::Bare => Some(Heard::Frame(frame)),
            Some(Item::Binary(frame)) => Some(Heard::Message(ServerMessage::decode(frame)?)),
            Some(Item::Ping(payload)) => Some(Heard::Ping(payload)),
            Some(Item::Pong(_)) => Some(Heard::Pong),
            Some(Item::Close(close)) => Some(Heard::Close(close.map(|(code, _)| code))),
            Some(Item::Text(_)) => return Err(Broken::Text),
        })
    }
}

impl Asking {
    fn next(&mut self, input: &mut &mut [u8]) -> Result<Option<u16>, Broken> {
        let length = match self.length {
            Some(length) => length,
            None => match self.head.next(input).map_err(Broken::Http)? {
                None => return Ok(None),
                Some(head) => *self.length.insert(body_length(head).ok_or(Broken::NoShard)?),
            },
        };
        let taken = input.len().min(length - self.body.len());
        let (body, rest) = std::mem::take(input).split_at_mut(taken);
        self.body.extend_from_slice(body);
        *input = rest;
        if self.body.len() < length {
            return Ok(None);
        }
        let numbers: serde_json::Value =
            serde_json::from_slice(&self.body).map_err(|_| Broken::NoShard)?;
        let shard = numbers["shard"].as_u64().and_then(|shard| u16::try_from(shard).ok());
        shard.map(Some).ok_or(Broken::NoShard)
    }
}

impl Upgrading {
    fn next(&mut self, input: &mut &mut [u8]) -> Result<bool, Broken> {
        let Some(head) = self.head.next(input).map_err(Broken::Http)? else { return Ok(false) };
        // The answer depends on the nonce alone.
        request("", self.nonce).check_answer(head)?;
        Ok(true)
    }
}

fn request(host: &str, nonce: [u8; 16]) -> UpgradeRequest<'_> {
    const ROOT: HeaderValue<'static> = HeaderValue::from_static("/ws");
    // An address is visible ASCII.
    let host = HeaderValue::new(host).unwrap_or(ROOT);
    UpgradeRequest { host, target: ROOT, nonce, origin: None, protocol: None }
}

/// The `Content-Length` of a good answer.
fn body_length(head: &[u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(head).ok()?;
    if answer.code != Some(200) {
        return None;
    }
    let mut headers = answer.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"))?;
    let length = str::from_utf8(length.value).ok()?.trim().parse().ok()?;
    (length <= ANSWER_BYTES_MAX).then_some(length)
}

#[cfg(test)]
mod tests {
    use whisper_core::ws::{Opcode, accept_key, encode_frame};

    use super::*;

    const NONCE: [u8; 16] = [7; 16];

    /// Everything heard, in words, the bytes arriving `step` at a time.
    fn hear(client: &mut Client, bytes: &[u8], step: usize) -> Result<Vec<String>, Broken> {
        let mut heard = Vec::new();
        for chunk in bytes.chunks(step) {
            let mut chunk = chunk.to_vec();
            let mut input = chunk.as_mut_slice();
            while let Some(item) = client.next(&mut input)? {
                heard.push(format!("{item:?}"));
            }
        }
        Ok(heard)
    }

    fn switching() -> Vec<u8> {
        let mut request = Vec::new();
        Client::upgrade("h", NONCE, Dialect::Bare, &mut request);
        let request = String::from_utf8(request).unwrap();
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_key(key.unwrap().as_bytes());
        let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                           Connection: Upgrade\r\nSec-WebSocket-Accept: "
            .to_vec();
        answer.extend(accept);
        answer.extend(b"\r\n\r\n");
        answer
    }

    #[test]
    fn asks_in_any_pieces() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"nodes\": 1, \"shard\": 3}";
        for step in 1..=answer.len() {
            let mut client = Client::ask("h", &mut Vec::new());
            assert_eq!(hear(&mut client, answer, step).unwrap(), ["Shard(3)"], "{step}");
        }
        let mut client = Client::ask("h", &mut Vec::new());
        let refused = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        assert!(matches!(hear(&mut client, refused, 99), Err(Broken::NoShard)));
    }

    #[test]
    fn upgrades_and_hears_frames_in_any_pieces() {
        let mut bytes = switching();
        encode_frame(&mut bytes, Opcode::Binary, b"hi");
        encode_frame(&mut bytes, Opcode::Pong, b"");
        encode_frame(&mut bytes, Opcode::Ping, b"?");
        for step in 1..=bytes.len() {
            let mut client = Client::upgrade("h", NONCE, Dialect::Bare, &mut Vec::new());
            let heard = hear(&mut client, &bytes, step).unwrap();
            assert_eq!(heard, ["Upgraded", "Frame([104, 105])", "Pong", "Ping([63])"], "{step}");
        }
    }

    #[test]
    fn hears_messages_and_refuses_what_is_none() {
        let mut bytes = switching();
        let mut message = Vec::new();
        ServerMessage::Pong { timestamp: 5 }.encode(&mut message);
        encode_frame(&mut bytes, Opcode::Binary, &message);
        let mut client = Client::upgrade("h", NONCE, Dialect::Whisper, &mut Vec::new());
        let heard = hear(&mut client, &bytes, 10).unwrap();
        assert_eq!(heard[1], "Message(Pong { timestamp: 5 })");
        let mut garbage = Vec::new();
        encode_frame(&mut garbage, Opcode::Binary, b"hi");
        assert!(matches!(hear(&mut client, &garbage, 10), Err(Broken::Message(_))));
    }

    #[test]
    fn a_wrong_key_is_no_upgrade() {
        let mut client = Client::upgrade("h", [8; 16], Dialect::Bare, &mut Vec::new());
        assert!(matches!(hear(&mut client, &switching(), 99), Err(Broken::NotUpgraded(_))));
    }
}
