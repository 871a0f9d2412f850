//! What a client says.

#[cfg(feature = "typescript")]
use crate::typescript::Bytes;
use crate::{DecodeError, Lane, LanguageWish, Names, Relax, ReportReason, Signal, Tag, envelope};

mod codec;

/// A message from client to engine.
///
/// Those about a chat carry `roomId` as `room`: where it is there and isn't the current room, the
/// engine drops the message silently, so that a late one never reaches the next partner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(tag = "type", content = "data", rename_all = "snake_case"))]
#[cfg_attr(feature = "typescript", ts(rename_all_fields = "camelCase", optional_fields))]
pub enum ClientMessage<'a> {
    /// `hello`: what the client knows of itself. Optional; if sent, first.
    Hello(Hello<'a>),
    /// `join`: enter the queue. While queued it replaces the ticket; in a chat it is an error.
    Join(Join<'a>),
    /// `leave`: leave the queue, or end the chat without looking for the next.
    Leave,
    /// `message`: say something to the partner.
    Message(Say<'a>),
    /// `skip`: end this chat and go straight back to the queue with the same wishes.
    Skip(Skip<'a>),
    /// `ack`: everything up to here arrived. Lets the engine forget what it keeps for a resume.
    Ack {
        /// The partner's highest message received without a gap.
        seq: u64,
    },
    /// `typing`: the person began or stopped to type.
    Typing {
        /// Began, or stopped.
        is_typing: bool,
        /// The chat that is meant.
        #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
        room: Option<&'a str>,
    },
    /// `video_toggle`: the camera went on or off.
    VideoToggle {
        /// On, or off.
        enabled: bool,
        /// The chat that is meant.
        #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
        room: Option<&'a str>,
    },
    /// `audio_toggle`: the microphone went on or off.
    AudioToggle {
        /// On, or off.
        enabled: bool,
        /// The chat that is meant.
        #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
        room: Option<&'a str>,
    },
    /// `offer`, `answer`, `ice_candidate`: WebRTC signalling, passed on verbatim.
    #[cfg_attr(feature = "typescript", ts(untagged))]
    Signal(Signal<'a>),
    /// `report`: report the present or the last partner.
    Report(Report<'a>),
    /// `read`: the person has seen the partner's messages.
    Read {
        /// The partner's highest message shown.
        seq: u64,
        /// The chat that is meant.
        #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
        room: Option<&'a str>,
    },
    /// `ping`: asks for a `pong`.
    Ping,
}

impl<'a> ClientMessage<'a> {
    /// Decodes a frame. What it holds is borrowed from the frame; only evidence is allocated for.
    ///
    /// # Errors
    /// Whatever keeps the bytes from being one message of the protocol, within its limits.
    pub fn decode(frame: &'a [u8]) -> Result<Self, DecodeError> {
        envelope::decode(frame, Self::read)
    }

    /// Appends the frame to `out`. Limits are not checked: what is over them, the other side will
    /// refuse.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

/// `hello`: what the client knows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Hello<'a> {
    /// What tells this device from others, at most
    /// [`FINGERPRINT_CHARS`](crate::limits::FINGERPRINT_CHARS) chars. The engine keeps only a keyed
    /// hash of it, for bans.
    pub fingerprint: Option<&'a str>,
    /// The person's language, a BCP 47 tag of at most
    /// [`LANGUAGE_CHARS`](crate::limits::LANGUAGE_CHARS) chars; needed for [`LanguageWish::Same`].
    pub language: Option<&'a str>,
    /// The token of a session to bring back.
    #[cfg_attr(feature = "typescript", ts(as = "Option<Bytes>"))]
    pub resume: Option<&'a [u8]>,
    /// The partner's highest message received in that session.
    pub last_seq: Option<u64>,
    /// The answer to `connected.challenge`.
    #[cfg_attr(feature = "typescript", ts(as = "Option<Bytes>"))]
    pub proof: Option<&'a [u8]>,
}

/// `join`: what kind of chat the person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Join<'a> {
    /// Wire: `ageCategory`, `mode`, `queueType`.
    #[cfg_attr(feature = "typescript", ts(flatten))]
    pub lane: Lane,
    /// As typed: the engine normalises them, and drops empty and double ones.
    #[cfg_attr(feature = "typescript", ts(as = "Vec<String>"))]
    pub interests: Names<'a>,
    /// How far to go from the interests while waiting.
    #[cfg_attr(feature = "typescript", ts(as = "Option<Relax>", optional))]
    pub relax: Relax,
    /// Which languages the partner may have.
    #[cfg_attr(feature = "typescript", ts(as = "Option<LanguageWish>", optional))]
    pub language: LanguageWish,
}

/// `message`: something said to the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Say<'a> {
    /// What is said: 1 to [`CONTENT_CHARS`](crate::limits::CONTENT_CHARS) chars. White space counts as content.
    pub content: &'a str,
    /// The client's name for it, at most [`ID_CHARS`](crate::limits::ID_CHARS) chars. Asks for a `message_ack`, and lets
    /// the engine recognise what is sent again after a resume.
    pub id: Option<&'a str>,
    /// The chat that is meant.
    #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
    pub room: Option<&'a str>,
}

/// `skip`: on to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Skip<'a> {
    /// Why, in at most [`REASON_CHARS`](crate::limits::REASON_CHARS) chars. The partner doesn't learn it.
    pub reason: Option<&'a str>,
    /// The chat that is meant.
    #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
    pub room: Option<&'a str>,
}

/// `report`: what the partner did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Report<'a> {
    /// What kind of offence.
    pub reason: ReportReason,
    /// In the person's own words, at most [`COMMENT_CHARS`](crate::limits::COMMENT_CHARS) chars.
    pub comment: Option<&'a str>,
    /// The client's name for the report, at most [`ID_CHARS`](crate::limits::ID_CHARS) chars. Further reports of the same
    /// id bring further evidence.
    pub id: Option<&'a str>,
    /// What the partner said, at most [`EVIDENCE`](crate::limits::EVIDENCE) messages; none where absent.
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<Evidence<'a>>>", optional))]
    pub evidence: Vec<Evidence<'a>>,
    /// Never meet this partner again; false where absent.
    #[cfg_attr(feature = "typescript", ts(as = "Option<bool>", optional))]
    pub block: bool,
    /// The chat that is meant.
    #[cfg_attr(feature = "typescript", ts(rename = "roomId"))]
    pub room: Option<&'a str>,
}

/// One message of the partner's, as it was delivered: the engine computes the tag again, and
/// believes what proves true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename_all = "camelCase"))]
pub struct Evidence<'a> {
    /// Its number.
    pub seq: u64,
    /// What was said, at most [`CONTENT_CHARS`](crate::limits::CONTENT_CHARS) chars.
    pub content: &'a str,
    /// When, in Unix milliseconds.
    pub timestamp: u64,
    /// The tag it came with.
    #[cfg_attr(feature = "typescript", ts(as = "Bytes"))]
    pub tag: Tag,
}
