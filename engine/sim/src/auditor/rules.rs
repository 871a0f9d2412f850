//! The rules of matching and of talking, worked out a second time.

use std::collections::BTreeSet;

use whisper_core::limits::PARTNERS_REMEMBERED;
use whisper_core::time::Micros;
use whisper_proto::{
    ClientMessage, Join, Lane, LanguageWish, Relax, ServerMessage, SignalKind, Tier,
};

use crate::person::Who;

/// What somebody joined for. Worlds speak of interests in their normal forms only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) lane: Lane,
    pub(super) likes: BTreeSet<String>,
    relax: Relax,
    same_language: bool,
    language: Option<String>,
}

impl Wish {
    pub(super) fn new(join: &Join<'_>, language: Option<&str>) -> Self {
        let likes = join.interests.iter().filter(|name| !name.is_empty());
        Self {
            lane: join.lane,
            likes: likes.map(|&name| name.to_owned()).collect(),
            relax: join.relax,
            same_language: join.language == LanguageWish::Same,
            language: language.map(str::to_owned),
        }
    }

    /// Whether the two may meet at all, as far as lanes and languages go.
    pub(super) fn admits(&self, other: &Self) -> bool {
        let insisting = self.same_language || other.same_language;
        self.lane == other.lane && (!insisting || self.language == other.language)
    }

    pub(super) fn shared_with(&self, theirs: &BTreeSet<String>) -> BTreeSet<String> {
        self.likes.intersection(theirs).cloned().collect()
    }

    /// The best tier that the two could meet in.
    pub(super) fn tier_with(&self, theirs: &BTreeSet<String>) -> Tier {
        match self.likes.intersection(theirs).count() {
            0 => Tier::Any,
            _ if self.likes == *theirs => Tier::Exact,
            1 => Tier::Single,
            _ => Tier::Overlap,
        }
    }

    /// The tier that must be open after this wait at the latest, by the configured times.
    pub(super) fn due(&self, single: bool, any: bool) -> Tier {
        let at_once = self.relax == Relax::Anyone || self.likes.is_empty();
        let strict = self.relax == Relax::Strict;
        match () {
            () if at_once || (any && !strict) => Tier::Any,
            () if single => Tier::Single,
            () => Tier::Overlap,
        }
    }

    /// The widest tier that may ever open.
    pub(super) fn widest(&self) -> Tier {
        self.due(true, true)
    }

    /// Whether they would rather meet somebody again than nobody, in the end.
    pub(super) fn forgives(&self) -> bool {
        self.relax == Relax::Anyone
    }
}

/// The partners somebody remembers, the latest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    met: Vec<Who>,
    blocked: BTreeSet<Who>,
}

impl Memory {
    pub(crate) fn meet(&mut self, who: Who) {
        self.met.retain(|&it| it != who);
        self.met.push(who);
        if self.met.len() > PARTNERS_REMEMBERED {
            let oldest = self.met.iter().position(|it| !self.blocked.contains(it)).unwrap_or(0);
            self.met.remove(oldest);
        }
    }

    pub(super) fn block(&mut self, who: Who) {
        if !self.met.contains(&who) {
            self.meet(who);
        }
        self.blocked.insert(who);
    }

    pub(crate) fn refuses(&self, who: Who, forgive: bool) -> bool {
        self.met.contains(&who) && (!forgive || self.blocked.contains(&who))
    }
}

/// Something on its way from one side of a room to the other.
#[derive(Clone, Debug)]
pub(super) enum Passed {
    Line {
        content: String,
        seq: u64,
        timestamp: u64,
        /// The client's, or none where the engine makes one.
        id: Option<String>,
        /// Who it is from, as heard.
        sender_id: Option<String>,
    },
    Typing(bool),
    Video(bool),
    Audio(bool),
    Read(u64),
    Signal(SignalKind, Vec<u8>),
}

impl Passed {
    /// What a partner is to hear of it, and the room that is meant.
    pub(super) fn said<'a>(
        message: &ClientMessage<'a>,
        now: Micros,
        seq: u64,
    ) -> Option<(Option<&'a str>, Self)> {
        Some(match *message {
            ClientMessage::Message(say) => {
                let (content, id) = (say.content.into(), say.id.map(str::to_owned));
                let timestamp = now.unix_millis();
                (say.room, Self::Line { content, seq, timestamp, id, sender_id: None })
            }
            ClientMessage::Typing { is_typing, room } => (room, Self::Typing(is_typing)),
            ClientMessage::VideoToggle { enabled, room } => (room, Self::Video(enabled)),
            ClientMessage::AudioToggle { enabled, room } => (room, Self::Audio(enabled)),
            ClientMessage::Read { seq, room } => (room, Self::Read(seq)),
            ClientMessage::Signal(signal) => {
                (signal.room, Self::Signal(signal.kind, signal.body.into()))
            }
            _ => return None,
        })
    }

    /// What came from the partner, if this did.
    pub(super) fn heard(message: &ServerMessage<'_>) -> Option<Self> {
        Some(match *message {
            ServerMessage::Message(said) => Self::Line {
                content: said.content.into(),
                seq: said.seq,
                timestamp: said.timestamp,
                id: Some(said.id.into()),
                sender_id: Some(said.sender_id.into()),
            },
            ServerMessage::PartnerTyping { is_typing } => Self::Typing(is_typing),
            ServerMessage::PartnerVideoToggle { enabled } => Self::Video(enabled),
            ServerMessage::PartnerAudioToggle { enabled } => Self::Audio(enabled),
            ServerMessage::PartnerRead { seq } => Self::Read(seq),
            ServerMessage::Signal(signal) => Self::Signal(signal.kind, signal.body.into()),
            _ => return None,
        })
    }

    pub(super) fn is_line(&self) -> bool {
        matches!(self, Self::Line { .. })
    }

    /// Whether it may be dropped on its way to somebody without a connection.
    pub(super) fn is_fleeting(&self) -> bool {
        matches!(self, Self::Typing(_) | Self::Read(_))
    }

    pub(super) fn is_signal(&self) -> bool {
        matches!(self, Self::Signal(..))
    }
}

impl PartialEq for Passed {
    /// Whether what was said on one side is what was heard on the other.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Line { content, seq, timestamp, id, .. },
                Self::Line { content: heard, seq: number, timestamp: time, id: name, .. },
            ) => {
                let named = id.is_none() || name.is_none() || id == name;
                (content, seq, timestamp) == (heard, number, time) && named
            }
            (Self::Typing(one), Self::Typing(other))
            | (Self::Video(one), Self::Video(other))
            | (Self::Audio(one), Self::Audio(other)) => one == other,
            (Self::Read(one), Self::Read(other)) => one == other,
            (Self::Signal(kind, body), Self::Signal(other, heard)) => {
                (kind, body) == (other, heard)
            }
            _ => false,
        }
    }
}
