//! A person's client.

use std::fmt::Debug;
use std::io::{self, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::SockRef;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode as Code;
use tungstenite::{Bytes, Error, Message, WebSocket};
use whisper_proto::{
    ClientMessage, CloseCode, Connected, ErrorCode, ErrorMessage, Lanes, Matched, Mode, Said,
    Searching, ServerMessage, SessionLimits, Stats, Tag, Tier, json,
};

use super::PATIENCE;
use super::patient::Patient;

/// What a client writes its messages in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Msgpack,
    Json,
}

/// An upgraded connection. What comes by itself (numbers, tiers that open) is passed over unless it
/// is waited for; anything else that isn't is a failure.
pub(crate) struct Client {
    socket: WebSocket<Patient>,
    spoken: Spoken,
    /// In a chat, where nothing comes by itself.
    chatting: bool,
}

/// A message that can be waited for, in a form that can be kept.
pub(crate) trait Wanted: Sized {
    /// What it is called when it doesn't come.
    const NAME: &'static str;

    /// Takes it, if it is this.
    fn take(message: &ServerMessage<'_>) -> Option<Self>;
}

/// `connected`, kept.
#[derive(Clone, Debug)]
pub(crate) struct Welcome {
    pub(crate) user: String,
    pub(crate) resume: Vec<u8>,
    pub(crate) server_time: u64,
    pub(crate) limits: SessionLimits,
    pub(crate) lanes: Lanes,
}

/// `matched`, kept.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) room: String,
    pub(crate) partner: String,
    pub(crate) mode: Mode,
    pub(crate) is_initiator: bool,
    pub(crate) interests: Vec<String>,
    pub(crate) shared: Vec<String>,
    pub(crate) tier: Tier,
    pub(crate) waited_ms: u32,
}

/// `message`, kept.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) id: String,
    pub(crate) sender: String,
    pub(crate) content: String,
    pub(crate) timestamp: u64,
    pub(crate) seq: u64,
    pub(crate) tag: Tag,
}

/// `error`, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) id: Option<String>,
}

impl Client {
    pub(super) fn new(socket: WebSocket<Patient>, spoken: Spoken) -> Self {
        Self { socket, spoken, chatting: false }
    }

    /// Reads what every client is told first.
    #[track_caller]
    pub(crate) fn greet(&mut self) -> (Welcome, Stats) {
        (self.expect(), self.expect())
    }

    /// Says something.
    #[track_caller]
    pub(crate) fn say(&mut self, message: &ClientMessage<'_>) {
        if matches!(message, ClientMessage::Skip(_) | ClientMessage::Leave) {
            self.chatting = false;
        }
        let mut payload = Vec::new();
        message.encode(&mut payload);
        self.send(match self.spoken {
            Spoken::Msgpack => Message::binary(payload),
            Spoken::Json => {
                let mut text = Vec::new();
                json::from_msgpack(&payload, &mut text).expect("it can be said in JSON");
                Message::text(String::from_utf8(text).expect("JSON is UTF-8"))
            }
        });
    }

    /// Says it so often, all in one write.
    #[track_caller]
    pub(crate) fn say_at_once(&mut self, message: &ClientMessage<'_>, times: usize) {
        let mut payload = Vec::new();
        message.encode(&mut payload);
        for _ in 0..times {
            let frame = Message::binary(payload.clone());
            self.socket.write(frame).expect("the connection has room for a frame");
        }
        self.socket.flush().expect("the connection takes frames");
    }

    /// Sends a frame of tungstenite's making.
    #[track_caller]
    pub(crate) fn send(&mut self, message: Message) {
        self.socket.send(message).expect("the connection takes a frame");
    }

    /// Waits for a text frame with a message of this type, as JSON.
    #[track_caller]
    pub(crate) fn hears_text(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = match self.read(deadline) {
                Ok(Message::Text(text)) => text,
                other => panic!("wanted {kind}, but got {other:?}"),
            };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message["type"] == kind {
                return message;
            }
            let by_itself = ["stats", "searching"].iter().any(|kind| message["type"] == *kind);
            assert!(by_itself, "wanted {kind}, but got {message}");
        }
    }

    /// Sends bytes past tungstenite.
    #[track_caller]
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).expect("the connection takes bytes");
    }

    /// Waits for this message.
    #[track_caller]
    pub(crate) fn hears(&mut self, wanted: &ServerMessage<'_>) {
        self.hear(&format!("{wanted:?}"), |message| (message == wanted).then_some(()));
    }

    /// Waits for a message of this type.
    #[track_caller]
    pub(crate) fn expect<T: Wanted>(&mut self) -> T {
        self.hear(T::NAME, T::take)
    }

    /// Waits for an `error` of this code.
    #[track_caller]
    pub(crate) fn refused(&mut self, code: ErrorCode) -> Refusal {
        let refusal: Refusal = self.expect();
        assert_eq!(refusal.code, code, "{refusal:?}");
        refusal
    }

    /// Whether the first word is that they are banned, and not a welcome.
    #[track_caller]
    pub(crate) fn is_turned_away(&mut self) -> bool {
        self.hear("connected or banned", |message| match message {
            ServerMessage::Connected(_) => Some(false),
            ServerMessage::Banned(_) => Some(true),
            _ => None,
        })
    }

    /// Asks for a `pong`: all that was said before has had its effect on this person by then.
    #[track_caller]
    pub(crate) fn ping(&mut self) {
        self.say(&ClientMessage::Ping);
        self.hear("pong", |message| matches!(message, ServerMessage::Pong { .. }).then_some(()));
    }

    /// Waits for the first message that doesn't come by itself, and takes it.
    #[track_caller]
    pub(crate) fn hear<T>(
        &mut self,
        wanted: &str,
        mut take: impl FnMut(&ServerMessage<'_>) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let frame = match self.read(deadline).map(|it| self.frame_of(it)) {
                Ok(Ok(frame)) => frame,
                other => panic!("wanted {wanted}, but got {other:?}"),
            };
            let message = ServerMessage::decode(&frame).expect("the engine speaks the protocol");
            match message {
                ServerMessage::Matched(_) => self.chatting = true,
                ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected => {
                    self.chatting = false;
                }
                _ => {}
            }
            if let Some(taken) = take(&message) {
                return taken;
            }
            let by_itself =
                matches!(message, ServerMessage::Stats(_) | ServerMessage::Searching(_));
            assert!(by_itself && !self.chatting, "wanted {wanted}, but got {message:?}");
        }
    }

    /// Waits for the server to close, and for the end of the connection; returns the code.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> u16 {
        self.closed_after(|message| {
            let by_itself =
                matches!(message, ServerMessage::Stats(_) | ServerMessage::Searching(_));
            assert!(by_itself, "wanted a close, but got {message:?}");
        })
    }

    /// The same where messages may come before.
    #[track_caller]
    pub(crate) fn closed_after(&mut self, mut before: impl FnMut(&ServerMessage<'_>)) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            match self.read(deadline) {
                Ok(Message::Close(Some(CloseFrame { code, .. }))) => break code.into(),
                Ok(other) => {
                    let frame = self.frame_of(other).expect("a close, or a message");
                    before(&ServerMessage::decode(&frame).expect("the protocol"));
                }
                Err(error) => panic!("wanted a close, but got {error:?}"),
            }
        };
        match self.read(deadline) {
            Err(Error::ConnectionClosed) => code,
            other => panic!("after the close comes the end, not {other:?}"),
        }
    }

    /// Closes the WebSocket as one should, and waits for the end.
    #[track_caller]
    pub(crate) fn close(mut self) {
        let frame = CloseFrame { code: Code::Normal, reason: "".into() };
        self.socket.close(Some(frame)).expect("the connection takes a frame");
        assert_eq!(self.closed(), 1000, "a close is answered with its own code");
    }

    /// Vanishes: the connection ends without a word of WebSocket.
    pub(crate) fn vanish(self) {
        self.socket.get_ref().socket.shutdown(Shutdown::Both).expect("it was connected");
    }

    /// Vanishes with a reset.
    pub(crate) fn reset(self) {
        let socket = SockRef::from(&self.socket.get_ref().socket);
        socket.set_linger(Some(Duration::ZERO)).expect("an option");
    }

    /// The msgpack of a frame, if it is one of those that are agreed on.
    fn frame_of(&self, message: Message) -> Result<Vec<u8>, Message> {
        match (self.spoken, message) {
            (Spoken::Msgpack, Message::Binary(frame)) => Ok(frame.into()),
            (Spoken::Json, Message::Text(text)) => {
                let mut frame = Vec::new();
                json::to_msgpack(&text, &mut frame).expect("the engine speaks JSON");
                Ok(frame)
            }
            (_, other) => Err(other),
        }
    }

    fn read(&mut self, deadline: Instant) -> Result<Message, Error> {
        loop {
            // What comes by itself keeps no wait alive.
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Io(io::ErrorKind::TimedOut.into()));
            }
            self.socket.get_ref().socket.set_read_timeout(Some(left)).expect("an option");
            match self.socket.read() {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                // After a close frame, a reset ends the connection as well as FIN does.
                Err(Error::Io(error))
                    if error.kind() == io::ErrorKind::ConnectionReset
                        && !self.socket.can_read() =>
                {
                    return Err(Error::ConnectionClosed);
                }
                other => return other,
            }
        }
    }
}

impl Wanted for Welcome {
    const NAME: &'static str = "connected";

    fn take(message: &ServerMessage<'_>) -> Option<Self> {
        let ServerMessage::Connected(it) = message else { return None };
        let Connected { user_id, resume, server_time, limits, lanes, .. } = it.clone();
        Some(Self { user: user_id.into(), resume: resume.into(), server_time, limits, lanes })
    }
}

impl Wanted for Stats {
    const NAME: &'static str = "stats";

    fn take(message: &ServerMessage<'_>) -> Option<Self> {
        if let ServerMessage::Stats(it) = message { Some(*it) } else { None }
    }
}

impl Wanted for Searching {
    const NAME: &'static str = "searching";

    fn take(message: &ServerMessage<'_>) -> Option<Self> {
        if let ServerMessage::Searching(it) = message { Some(*it) } else { None }
    }
}

impl Wanted for Match {
    const NAME: &'static str = "matched";

    fn take(message: &ServerMessage<'_>) -> Option<Self> {
        let ServerMessage::Matched(it) = message else { return None };
        let Matched { room_id, partner_id, mode, is_initiator, tier, waited_ms, .. } = *it;
        let owned = |names: &[&str]| names.iter().copied().map(Into::into).collect();
        Some(Self {
            room: room_id.into(),
            partner: partner_id.into(),
            mode,
            is_initiator,
            interests: owned(&it.interests),
            shared: owned(&it.shared),
            tier,
            waited_ms,
        })
    }
}

impl Wanted for Words {
    const NAME: &'static str = "message";

    fn take(message: &ServerMessage<'_>) -> Option<Self> {
        let ServerMessage::Message(it) = message else { return None };
        let Said { id, sender_id, content, timestamp, seq, tag } = *it;
        Some(Self {
            id: id.into(),
            sender: sender_id.into(),
            content: content.into(),
            timestamp,
            seq,
            tag,
        })
    }
}

impl Wanted for Refusal {
    const NAME: &'static str = "error";

    fn take(message: &ServerMessage<'_>) -> Option<Self> {
        let ServerMessage::Error(it) = message else { return None };
        let ErrorMessage { code, message, id, .. } = *it;
        Some(Self { code, message: message.into(), id: id.map(Into::into) })
    }
}
