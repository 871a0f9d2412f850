//! What a client knows: what it was sent.

use whisper_core::ids::SessionId;
use whisper_proto::{ClientMessage, CloseCode, Matched, Said, Say, ServerMessage};

use crate::words::kind;

/// A person of a world, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(pub usize);

/// One client's view.
pub struct Person {
    /// The shard they are connected to.
    pub(crate) shard: u16,
    /// Who the engine says they are; nobody once they have gone, or their connection is lost.
    pub(crate) session: Option<SessionId>,
    /// How many connections they had before the present one.
    pub(crate) connection: u32,
    /// Nothing reaches them any more, and the engine doesn't know.
    pub(crate) deaf: bool,
    /// Their connection is lost, and they may come back as this.
    pub(crate) lost: Option<SessionId>,
    /// A connection by which they are coming back.
    pub(crate) landing: Option<Landing>,
    /// What they said with an id in their latest room, and no answer to which has come.
    pub(crate) unanswered: Vec<(String, String)>,
    pub(crate) frames: Vec<Box<[u8]>>,
    pub(crate) closed: Option<CloseCode>,
    read: usize,
}

/// A connection of somebody who had another before.
#[derive(Default)]
pub(crate) struct Landing {
    /// Whom the engine took them for.
    pub(crate) fresh: Option<SessionId>,
}

impl Person {
    pub(crate) fn new(shard: u16) -> Self {
        Self {
            shard,
            session: None,
            connection: 0,
            deaf: false,
            lost: None,
            landing: None,
            unanswered: Vec::new(),
            frames: Vec::new(),
            closed: None,
            read: 0,
        }
    }

    /// Whether the connection is open, and carries both ways.
    pub fn is_here(&self) -> bool {
        self.session.is_some() && !self.deaf
    }

    /// Whether they could come back to what they were in.
    pub fn is_lost(&self) -> bool {
        self.deaf || self.lost.is_some()
    }

    /// The token that they were given last.
    pub(crate) fn token(&self) -> Option<Vec<u8>> {
        self.heard().find_map(|message| match message {
            ServerMessage::Connected(connected) => Some(connected.resume.to_vec()),
            _ => None,
        })
    }

    /// The number of what they heard last from the latest partner they know of.
    pub(crate) fn last_seq(&self) -> u64 {
        for message in self.heard() {
            match message {
                ServerMessage::Message(said) => return said.seq,
                ServerMessage::Matched(_) => return 0,
                _ => {}
            }
        }
        0
    }

    /// Takes note of what they say.
    pub(crate) fn says(&mut self, message: &ClientMessage<'_>) {
        if let ClientMessage::Message(Say { content, id: Some(id), .. }) = *message
            && !self.unanswered.iter().any(|(it, _)| it == id)
        {
            self.unanswered.push((id.to_owned(), content.to_owned()));
        }
    }

    /// Takes what has come.
    pub(crate) fn hears(&mut self, frame: Box<[u8]>) {
        match ServerMessage::decode(&frame) {
            Ok(ServerMessage::MessageAck { id, .. }) => {
                self.unanswered.retain(|(it, _)| it != id);
            }
            Ok(ServerMessage::Error(error)) => {
                self.unanswered.retain(|(it, _)| Some(it.as_str()) != error.id);
            }
            Ok(
                ServerMessage::Matched(_)
                | ServerMessage::PartnerSkipped
                | ServerMessage::PartnerDisconnected,
            ) => self.unanswered.clear(),
            _ => {}
        }
        self.frames.push(frame);
    }

    /// Why the engine closed the connection, if it did.
    pub fn closed(&self) -> Option<CloseCode> {
        self.closed
    }

    /// Everything they were ever sent, the latest first.
    pub fn heard(&self) -> impl Iterator<Item = ServerMessage<'_>> {
        self.frames.iter().rev().map(|frame| {
            ServerMessage::decode(frame).expect("the world has decoded this frame before")
        })
    }

    /// The kinds of what has come since the last call, in order, without the numbers that come by
    /// themselves.
    pub fn news(&mut self) -> Vec<&'static str> {
        let since = std::mem::replace(&mut self.read, self.frames.len());
        let fresh = self.frames[since..].iter().map(|frame| {
            kind(&ServerMessage::decode(frame).expect("the world has decoded this frame before"))
        });
        fresh.filter(|&kind| kind != "stats").collect()
    }

    /// The latest partner they were given, gone or not: how that chat began.
    pub fn latest_match(&self) -> Option<Matched<'_>> {
        self.heard().find_map(|message| match message {
            ServerMessage::Matched(matched) => Some(matched),
            _ => None,
        })
    }

    /// What their partners have said to them, the latest first.
    pub fn lines(&self) -> impl Iterator<Item = Said<'_>> {
        self.heard().filter_map(|message| match message {
            ServerMessage::Message(said) => Some(said),
            _ => None,
        })
    }
}
