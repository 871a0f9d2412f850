//! One connection, from bytes to messages: HTTP first, a WebSocket once it asked for one.
//!
//! A session finds what a peer says; it writes nothing by itself. Its driver answers requests, pings
//! and closes with the writers of [`crate::http`] and [`crate::ws`], and messages with
//! [`write_message`] and [`write_payload`].

use whisper_proto::{ClientMessage, CloseCode, DecodeError, ServerMessage, json, limits};

use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::http::{HeadReader, Reject, Request, Subprotocol};
use crate::ws::{self, Decoder, Item, Opcode, Role};

/// What a client's messages may make us hold.
const LIMITS: ws::Limits = ws::Limits { message: limits::MESSAGE_BYTES, fragments: 16 };

/// Pings that may stay unanswered.
const PINGS_UNANSWERED_MAX: u8 = 2;

/// The reading side of one connection: 24 bytes, and a box while something is half read.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    /// Something came since the last look by [`Session::keep_alive`].
    heard: bool,
    unanswered: u8,
}

const _: () = assert!(size_of::<Session>() <= 24);

#[derive(Debug)]
enum Phase {
    Http(HeadReader),
    /// A WebSocket with msgpack in binary frames.
    Msgpack(Decoder),
    /// A WebSocket with JSON in text frames.
    Json(Box<Json>),
    /// The peer has no more to say that we would hear.
    Over,
}

#[derive(Debug)]
struct Json {
    decoder: Decoder,
    /// What was said last, in msgpack; empty once it was heard.
    frame: Vec<u8>,
}

/// What a peer said.
#[derive(Debug)]
pub enum Input<'a> {
    /// An HTTP request. Call [`Session::upgraded`] where it is granted a WebSocket.
    Request(Request<'a>),
    /// A request that is refused; the connection must be closed after the answer.
    Rejected(Reject),
    /// A message.
    Message(ClientMessage<'a>),
    /// A frame that is no message.
    Malformed(DecodeError),
    /// A ping, to be answered with its payload.
    Ping(&'a [u8]),
    /// A pong. That it came was noted.
    Pong,
    /// The WebSocket is over: a close frame with this code must follow, and the connection be closed.
    Over(u16),
}

/// What is to be done about a connection that may be quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Nothing: it was heard.
    Fine,
    /// Ping it.
    Ping,
    /// Give it up.
    Dead,
}

fields! {
    struct Session { phase, heard, unanswered }
    enum Phase {
        0 Http(reader);
        1 Msgpack(decoder);
        2 Json(json);
        3 Over;
    }
}

/// What was said last has been heard.
impl Field for Json {
    fn put(&self, w: &mut Writer<'_>) {
        self.decoder.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(Self { decoder: Field::get(r)?, frame: Vec::new() })
    }
}

impl Default for Session {
    fn default() -> Self {
        Self { phase: Phase::Http(HeadReader::new()), heard: true, unanswered: 0 }
    }
}

impl Session {
    /// Takes the next thing the peer said off the front of `input`; None when all of it is taken.
    pub fn next<'s, 'b: 's>(&'s mut self, input: &mut &'b mut [u8]) -> Option<Input<'s>> {
        self.heard = true;
        self.unanswered = 0;
        match &mut self.phase {
            Phase::Over => None,
            Phase::Http(reader) => match reader.next(input) {
                Ok(head) => Some(match Request::parse(head?) {
                    Ok(request) => Input::Request(request),
                    Err(reject) => Input::Rejected(reject),
                }),
                Err(reject) => Some(Input::Rejected(reject)),
            },
            Phase::Msgpack(decoder) => hear(decoder, input, |item| match item {
                Item::Binary(frame) => Input::of(ClientMessage::decode(frame)),
                _ => Input::WRONG_FRAME_TYPE,
            }),
            Phase::Json(json) => {
                let Json { decoder, frame } = &mut **json;
                *frame = Vec::new();
                hear(decoder, input, |item| match item {
                    Item::Text(text) => {
                        let spelled = json::to_msgpack(text, frame);
                        Input::of(spelled.and_then(|()| ClientMessage::decode(frame)))
                    }
                    _ => Input::WRONG_FRAME_TYPE,
                })
            }
        }
    }

    /// The request just read was granted a WebSocket: what follows are frames, with messages
    /// written in this.
    pub fn upgraded(&mut self, protocol: Subprotocol) {
        let decoder = Decoder::new(Role::Server);
        self.phase = match protocol {
            Subprotocol::Msgpack => Phase::Msgpack(decoder),
            Subprotocol::Json => Phase::Json(Box::new(Json { decoder, frame: Vec::new() })),
        };
    }

    /// What messages are written in; msgpack until a WebSocket says otherwise.
    pub fn protocol(&self) -> Subprotocol {
        match self.phase {
            Phase::Json(_) => Subprotocol::Json,
            Phase::Http(_) | Phase::Msgpack(_) | Phase::Over => Subprotocol::Msgpack,
        }
    }

    /// Whether the peer speaks WebSocket by now.
    pub fn is_websocket(&self) -> bool {
        matches!(self.phase, Phase::Msgpack(_) | Phase::Json(_))
    }

    /// Whether a request's head has begun to come, and isn't whole.
    pub fn is_within_head(&self) -> bool {
        matches!(&self.phase, Phase::Http(reader) if reader.is_within_head())
    }

    /// Whether nothing more is heard.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The connection is being closed: nothing more is heard.
    pub fn over(&mut self) {
        self.phase = Phase::Over;
    }

    /// One look at the connection per keep-alive interval.
    pub fn keep_alive(&mut self) -> KeepAlive {
        if std::mem::take(&mut self.heard) {
            return KeepAlive::Fine;
        }
        match self.phase {
            Phase::Msgpack(_) | Phase::Json(_) if self.unanswered < PINGS_UNANSWERED_MAX => {
                self.unanswered += 1;
                KeepAlive::Ping
            }
            // Plain HTTP has nothing to ping with, and little to wait for.
            _ => KeepAlive::Dead,
        }
    }
}

impl<'a> Input<'a> {
    const WRONG_FRAME_TYPE: Self = Self::Over(CloseCode::WrongFrameType as u16);

    fn of(decoded: Result<ClientMessage<'a>, DecodeError>) -> Self {
        match decoded {
            Ok(message) => Self::Message(message),
            Err(error) => Self::Malformed(error),
        }
    }
}

/// Takes the next item off a WebSocket. `read` is for a text or binary one.
#[inline]
fn hear<'s, 'b: 's>(
    decoder: &'s mut Decoder,
    input: &mut &'b mut [u8],
    read: impl FnOnce(Item<'s>) -> Input<'s>,
) -> Option<Input<'s>> {
    Some(match decoder.next(input, &LIMITS) {
        Ok(item) => match item? {
            Item::Ping(payload) => Input::Ping(payload),
            Item::Pong(_) => Input::Pong,
            Item::Close(close) => Input::Over(answer(close)),
            message @ (Item::Text(_) | Item::Binary(_)) => read(message),
        },
        Err(violation) => Input::Over(violation.close_code()),
    })
}

/// Appends a message as a frame of the sub-protocol. Signalling that can't be said in JSON appends
/// nothing.
#[inline]
pub fn write_message(out: &mut Vec<u8>, message: &ServerMessage<'_>, protocol: Subprotocol) {
    match protocol {
        Subprotocol::Msgpack => {
            let mark = ws::begin_frame(out);
            message.encode(out);
            ws::end_frame(out, mark, Opcode::Binary);
        }
        Subprotocol::Json => {
            let mut payload = Vec::new();
            message.encode(&mut payload);
            write_text(out, &payload);
        }
    }
}

/// The same for a message that is encoded in msgpack already.
#[inline]
pub fn write_payload(out: &mut Vec<u8>, payload: &[u8], protocol: Subprotocol) {
    match protocol {
        Subprotocol::Msgpack => ws::encode_frame(out, Opcode::Binary, payload),
        Subprotocol::Json => write_text(out, payload),
    }
}

#[cold]
fn write_text(out: &mut Vec<u8>, payload: &[u8]) {
    let start = out.len();
    let mark = ws::begin_frame(out);
    match json::from_msgpack(payload, out) {
        Ok(()) => ws::end_frame(out, mark, Opcode::Text),
        Err(_) => out.truncate(start),
    }
}

/// The code to answer a close frame with: its own where it has one.
fn answer(close: Option<(u16, &str)>) -> u16 {
    const NORMAL: u16 = 1000;
    close.map_or(NORMAL, |(code, _)| code)
}
