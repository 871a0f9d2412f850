//! One connection, from bytes to messages: HTTP first, a WebSocket once it asked for one.
//!
//! A session finds what a peer says; it writes nothing by itself. Its driver answers requests, pings
//! and closes with the writers of [`crate::http`] and [`crate::ws`], and messages with
//! [`write_message`].

use whisper_proto::{ClientMessage, CloseCode, DecodeError, ServerMessage, limits};

use crate::http::{HeadReader, Reject, Request};
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
    WebSocket(Decoder),
    /// The peer has no more to say that we would hear.
    Over,
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
            Phase::WebSocket(decoder) => match decoder.next(input, &LIMITS) {
                Ok(item) => Some(match item? {
                    Item::Binary(frame) => match ClientMessage::decode(frame) {
                        Ok(message) => Input::Message(message),
                        Err(error) => Input::Malformed(error),
                    },
                    Item::Ping(payload) => Input::Ping(payload),
                    Item::Pong(_) => Input::Pong,
                    Item::Text(_) => Input::Over(CloseCode::WrongFrameType as u16),
                    Item::Close(close) => Input::Over(answer(close)),
                }),
                Err(violation) => Some(Input::Over(violation.close_code())),
            },
        }
    }

    /// The request just read was granted a WebSocket: what follows are frames.
    pub fn upgraded(&mut self) {
        self.phase = Phase::WebSocket(Decoder::new(Role::Server));
    }

    /// Whether the peer speaks WebSocket by now.
    pub fn is_websocket(&self) -> bool {
        matches!(self.phase, Phase::WebSocket(_))
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
            Phase::WebSocket(_) if self.unanswered < PINGS_UNANSWERED_MAX => {
                self.unanswered += 1;
                KeepAlive::Ping
            }
            // Plain HTTP has nothing to ping with, and little to wait for.
            _ => KeepAlive::Dead,
        }
    }
}

/// Appends a message as a binary frame.
pub fn write_message(out: &mut Vec<u8>, message: &ServerMessage<'_>) {
    let mark = ws::begin_frame(out);
    message.encode(out);
    ws::end_frame(out, mark, Opcode::Binary);
}

/// The code to answer a close frame with: its own where it has one.
fn answer(close: Option<(u16, &str)>) -> u16 {
    const NORMAL: u16 = 1000;
    close.map_or(NORMAL, |(code, _)| code)
}
