//! Somebody, and what they do.

use std::hash::Hasher as _;
use std::time::Instant;

use siphasher::sip::SipHasher13;
use whisper_proto::{ClientMessage, Say};

use crate::channel::{Arrival, Channel};
use crate::payload::Stamp;
use crate::scenarios::catalogue::Likes;

/// The bit of a text's number that makes it the last word of its chat.
const LAST_WORD: u32 = 1 << 31;

/// One person.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) doing: Doing,
    pub(super) likes: Likes,
    pub(super) says_hello: bool,
    /// The alarm that counts.
    pub(super) alarm: u32,
}

/// What somebody does.
#[derive(Clone, Debug, Default)]
pub(super) enum Doing {
    /// Is not connected.
    Away,
    /// Connects, which was due then.
    Coming(Instant),
    /// Is there, in no queue and no chat.
    #[default]
    Resting,
    /// Looks for somebody since then; again, after a skip, and perhaps in doubt whether that counted.
    Waiting { since: Instant, again: bool, doubts: bool },
    /// Talks.
    Chatting(Box<Chat>),
    /// Has left queue or chat, and waits for the engine to have heard of it: what comes until then
    /// was on its way.
    Quitting,
}

/// A chat as one of the two has it.
#[derive(Clone, Debug)]
pub(super) struct Chat {
    pub(super) room: Box<str>,
    /// When this one ends it.
    pub(super) until: Instant,
    /// Whether the partner was told that something is being typed.
    pub(super) types: bool,
    /// The number of the next text.
    next: u32,
    /// Who is heard, as all reactors together number people.
    partner: Option<u32>,
    channel: Channel,
    said_last: bool,
}

/// What a text is to who hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Good,
    /// It came after later ones.
    Late,
    /// It came before.
    Again,
    /// It is somebody else's.
    Foreign,
}

impl Chat {
    /// One that begins, and that this one ends then.
    pub(super) fn new(room: &str, until: Instant) -> Box<Self> {
        Box::new(Self {
            room: room.into(),
            until,
            types: false,
            next: 0,
            partner: None,
            channel: Channel::default(),
            said_last: false,
        })
    }

    /// What texts are sealed with to be good in this chat only.
    pub(super) fn key(&self) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write(self.room.as_bytes());
        hasher.finish()
    }

    /// The number of the next text, which may be the last word.
    pub(super) fn next_seq(&mut self, last: bool) -> u32 {
        let seq = self.next;
        self.next += 1;
        if last { seq | LAST_WORD } else { seq }
    }

    /// A text as it is sent.
    pub(super) fn message<'a>(&'a self, text: &'a [u8]) -> ClientMessage<'a> {
        let content = str::from_utf8(text).expect("texts are ASCII");
        ClientMessage::Message(Say { content, id: None, room: Some(&self.room) })
    }

    /// A text arrived.
    pub(super) fn hear(&mut self, stamp: Stamp, own_name: u32) -> Heard {
        if stamp.channel == own_name || *self.partner.get_or_insert(stamp.channel) != stamp.channel
        {
            return Heard::Foreign;
        }
        self.said_last |= stamp.seq & LAST_WORD != 0;
        match self.channel.arrive(stamp.seq & !LAST_WORD) {
            Arrival::Good => Heard::Good,
            Arrival::Late => Heard::Late,
            Arrival::Doubled => Heard::Again,
        }
    }

    /// Texts between those that arrived that did not.
    pub(super) fn missing(&self) -> u64 {
        self.channel.missing().into()
    }

    /// Whether the partner said something, and never the last word.
    pub(super) fn lacks_last_word(&self) -> bool {
        self.partner.is_some() && !self.said_last
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stamp(channel: u32, seq: u32) -> Stamp {
        Stamp { channel, seq, due: Duration::ZERO }
    }

    #[test]
    fn what_is_missing_in_a_chat_shows() {
        let mut chat = Chat::new("room", Instant::now());
        assert!(!chat.lacks_last_word(), "who said nothing may leave so");
        assert_eq!(chat.hear(stamp(7, 0), 1), Heard::Good);
        assert!(chat.lacks_last_word());
        assert_eq!(chat.hear(stamp(7, 2), 1), Heard::Good);
        assert_eq!(chat.missing(), 1);
        assert_eq!(chat.hear(stamp(7, 1), 1), Heard::Late);
        assert_eq!(chat.missing(), 0);
        assert_eq!(chat.hear(stamp(7, 1), 1), Heard::Again);
        assert_eq!(chat.hear(stamp(8, 3), 1), Heard::Foreign, "another partner");
        assert_eq!(chat.hear(stamp(1, 3), 1), Heard::Foreign, "oneself");
        assert_eq!(chat.hear(stamp(7, 3 | LAST_WORD), 1), Heard::Good);
        assert!(!chat.lacks_last_word());
    }

    #[test]
    fn texts_are_numbered_and_the_last_is_marked() {
        let mut chat = Chat::new("room", Instant::now());
        let seqs = [chat.next_seq(false), chat.next_seq(false), chat.next_seq(true)];
        assert_eq!(seqs, [0, 1, 2 | LAST_WORD]);
        assert_ne!(chat.key(), Chat::new("other", Instant::now()).key());
    }
}
