//! What a client knows: what it was sent.

use whisper_core::ids::SessionId;
use whisper_proto::{CloseCode, Matched, Said, ServerMessage};

use crate::words::kind;

/// A person of a world, by number. Also the number of their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(pub usize);

/// One client's view.
pub struct Person {
    /// The shard they are connected to.
    pub(crate) shard: u16,
    /// Who the engine says they are; nobody once they have gone.
    pub(crate) session: Option<SessionId>,
    pub(crate) frames: Vec<Box<[u8]>>,
    pub(crate) closed: Option<CloseCode>,
    read: usize,
}

impl Person {
    pub(crate) fn new(shard: u16) -> Self {
        Self { shard, session: None, frames: Vec::new(), closed: None, read: 0 }
    }

    /// Whether the connection is open.
    pub fn is_here(&self) -> bool {
        self.session.is_some()
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
