//! What the engine says.

use crate::{DecodeError, ErrorCode, Lanes, Mode, Names, Severity, Signal, Tag, Tier, envelope};
#[cfg(feature = "typescript")]
use crate::{
    IceServer, Lane,
    typescript::{AnyMap, Bytes, PartnerInfo},
};

mod codec;

/// A message from engine to client.
///
/// A client ignores keys and types it doesn't know; this decoder skips the former and names the
/// latter ([`DecodeError::UnknownType`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "built on the stack, encoded at once, never kept")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(tag = "type", content = "data", rename_all = "snake_case"))]
#[cfg_attr(feature = "typescript", ts(rename_all_fields = "camelCase", optional_fields))]
pub enum ServerMessage<'a> {
    /// `connected`: sent at once on connecting, and anew after a resume.
    Connected(Connected<'a>),
    /// `searching`: sent on joining the queue, and whenever a tier opens up.
    Searching(Searching),
    /// `matched`: a chat begins.
    Matched(Matched<'a>),
    /// `message`: the partner said something.
    Message(Said<'a>),
    /// `message_ack`: the client's message was delivered. Only where it had an id; one that
    /// moderation holds back gets `moderation_warning` and `error` instead.
    MessageAck {
        /// The client's name for the message.
        id: &'a str,
        /// The number it got.
        seq: u64,
    },
    /// `partner_typing`: the partner began or stopped to type.
    PartnerTyping {
        /// Began, or stopped.
        is_typing: bool,
    },
    /// `partner_video_toggle`: the partner's camera went on or off.
    PartnerVideoToggle {
        /// On, or off.
        enabled: bool,
    },
    /// `partner_audio_toggle`: the partner's microphone went on or off.
    PartnerAudioToggle {
        /// On, or off.
        enabled: bool,
    },
    /// `offer`, `answer`, `ice_candidate`: the partner's map, verbatim.
    #[cfg_attr(feature = "typescript", ts(untagged))]
    Signal(Signal<'a>),
    /// `partner_skipped`: the partner moved on. The receiver is idle; whether to `join` again is
    /// its own choice.
    PartnerSkipped,
    /// `partner_disconnected`: likewise, but the partner's connection is gone for good.
    PartnerDisconnected,
    /// `partner_reconnecting`: the partner's connection is lost, and the chat is kept for a while.
    PartnerReconnecting {
        /// How long it is kept.
        grace_ms: u32,
    },
    /// `partner_resumed`: the partner is back.
    PartnerResumed,
    /// `partner_read`: the partner has seen what was said.
    PartnerRead {
        /// The receiver's highest message shown to the partner.
        seq: u64,
    },
    /// `match_timeout`: nobody was found; out of the queue.
    MatchTimeout {
        /// How long the ticket waited.
        waited_ms: u32,
    },
    /// `moderation_warning`: something said was found wrong.
    ModerationWarning(ModerationWarning<'a>),
    /// `stats`: how busy it is. On connecting, and now and then while idle or searching.
    Stats(Stats),
    /// `report_received`: a report is kept.
    ReportReceived {
        /// The client's name for it, or one made by the engine.
        id: &'a str,
    },
    /// `banned`: then the connection is closed with [`CloseCode::Banned`](crate::CloseCode).
    Banned(Banned<'a>),
    /// `reconnect`: the engine is draining, or another node serves this ticket. Come back with the
    /// resume token.
    Reconnect(Reconnect<'a>),
    /// `error`: a message of the client had no effect.
    Error(ErrorMessage<'a>),
    /// `pong`: the answer to `ping`.
    Pong {
        /// The engine's time, in Unix milliseconds.
        timestamp: u64,
    },
}

impl<'a> ServerMessage<'a> {
    /// Decodes a frame. What it holds is borrowed from the frame; nothing is allocated.
    ///
    /// # Errors
    /// Whatever keeps the bytes from being one message of the protocol.
    pub fn decode(frame: &'a [u8]) -> Result<Self, DecodeError> {
        envelope::decode(frame, Self::read)
    }

    /// Appends the frame to `out`. Limits are not checked.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(out);
    }

    /// The word that stands for the message on the wire: its `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Connected(_) => "connected",
            Self::Searching(_) => "searching",
            Self::Matched(_) => "matched",
            Self::Message(_) => "message",
            Self::MessageAck { .. } => "message_ack",
            Self::PartnerTyping { .. } => "partner_typing",
            Self::PartnerVideoToggle { .. } => "partner_video_toggle",
            Self::PartnerAudioToggle { .. } => "partner_audio_toggle",
            Self::Signal(signal) => signal.kind.as_str(),
            Self::PartnerSkipped => "partner_skipped",
            Self::PartnerDisconnected => "partner_disconnected",
            Self::PartnerReconnecting { .. } => "partner_reconnecting",
            Self::PartnerResumed => "partner_resumed",
            Self::PartnerRead { .. } => "partner_read",
            Self::MatchTimeout { .. } => "match_timeout",
            Self::ModerationWarning(_) => "moderation_warning",
            Self::Stats(_) => "stats",
            Self::ReportReceived { .. } => "report_received",
            Self::Banned(_) => "banned",
            Self::Reconnect(_) => "reconnect",
            Self::Error(_) => "error",
            Self::Pong { .. } => "pong",
        }
    }
}

/// `connected`: the terms of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Connected<'a> {
    /// Random, and of this session only.
    pub user_id: &'a str,
    /// The token that brings the session back after a lost connection.
    #[cfg_attr(feature = "typescript", ts(as = "Bytes"))]
    pub resume: &'a [u8],
    /// The engine's time, in Unix milliseconds.
    pub server_time: u64,
    /// What the engine takes.
    pub limits: SessionLimits,
    /// STUN and TURN servers: one encoded msgpack array of `RTCIceServer` maps.
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<IceServer<'_>>>"))]
    pub ice_servers: Option<&'a [u8]>,
    /// Only relayed candidates are passed on; false where absent.
    #[cfg_attr(feature = "typescript", ts(as = "Option<bool>", optional))]
    pub relay_only: bool,
    /// The lanes that are open; absent where empty.
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<Lane>>", optional))]
    pub lanes: Lanes,
    /// Work to be proven in `hello` before joining: one encoded msgpack map.
    #[cfg_attr(feature = "typescript", ts(as = "Option<AnyMap>"))]
    pub challenge: Option<&'a [u8]>,
}

/// What the engine takes, as told in `connected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct SessionLimits {
    /// The longest message, in bytes.
    pub message_bytes: u32,
    /// The longest content, in chars.
    pub content_chars: u32,
    /// The most interests.
    pub interests: u32,
    /// The longest interest, in chars.
    pub interest_chars: u32,
}

/// `searching`: how the search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Searching {
    /// People ahead in the lane, estimated.
    pub position: u32,
    /// The median wait of the lane's last matches. Wire: `estimatedTime`.
    #[cfg_attr(feature = "typescript", ts(rename = "estimatedTime"))]
    pub estimated_ms: u32,
    /// The widest tier open.
    pub tier: Tier,
}

/// `matched`: a chat begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Matched<'a> {
    /// Random, and of this chat only.
    pub room_id: &'a str,
    /// Random, and of this chat only.
    pub partner_id: &'a str,
    /// What the chat consists of.
    pub mode: Mode,
    /// Whether the receiver makes the first `offer`: true for one of the two.
    pub is_initiator: bool,
    /// The partner's interests, normalised. Wire: `partnerInfo.interests`.
    #[cfg_attr(feature = "typescript", ts(rename = "partnerInfo", as = "PartnerInfo"))]
    pub interests: Names<'a>,
    /// Those the two share. Wire: `partnerInfo.sharedInterests`.
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub shared: Names<'a>,
    /// The tier they met in.
    pub tier: Tier,
    /// How long the receiver's ticket waited.
    pub waited_ms: u32,
}

/// `message`: something the partner said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Said<'a> {
    /// The sender's name for it, or one made by the engine.
    pub id: &'a str,
    /// The receiver's `partnerId`.
    pub sender_id: &'a str,
    /// What was said.
    pub content: &'a str,
    /// When, in Unix milliseconds.
    pub timestamp: u64,
    /// Its number in this room, by this sender.
    pub seq: u64,
    /// Lets a report prove what was said.
    #[cfg_attr(feature = "typescript", ts(as = "Bytes"))]
    pub tag: Tag,
}

/// `moderation_warning`: something said was found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct ModerationWarning<'a> {
    /// For the person.
    pub message: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// The rule, for the client's own words.
    pub code: &'a str,
    /// How many warnings there are by now.
    pub warnings: u32,
    /// Whether the message was held back.
    pub blocked: bool,
}

/// `stats`: how busy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Stats {
    /// People connected.
    pub total_online: u64,
    /// People waiting.
    pub in_queue: u64,
    /// Chats going on.
    pub active_chats: u64,
    /// The average wait for a match. Wire: `avgMatchTime`.
    #[cfg_attr(feature = "typescript", ts(rename = "avgMatchTime"))]
    pub avg_match_ms: u32,
    /// Other nodes can't be heard at present, and these are this node's numbers; false where absent.
    #[cfg_attr(feature = "typescript", ts(as = "Option<bool>", optional))]
    pub stale: bool,
}

/// `banned`: the person may not come back for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Banned<'a> {
    /// For the person.
    pub reason: &'a str,
    /// The kind of ban and, after a dash, what the person can quote in an appeal.
    pub code: &'a str,
    /// Until when, in Unix milliseconds; for good where absent.
    pub until: Option<u64>,
}

/// `reconnect`: come back, later or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct Reconnect<'a> {
    /// How long to wait first.
    pub after_ms: u32,
    /// Where; the same place where absent.
    pub url: Option<&'a str>,
}

/// `error`: a message of the client had no effect. The connection stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
pub struct ErrorMessage<'a> {
    /// Why. A client may meet one that is newer than itself.
    #[cfg_attr(feature = "typescript", ts(type = "ErrorCode | (string & {})"))]
    pub code: ErrorCode,
    /// For the developer.
    pub message: &'a str,
    /// The client's name for the message it is about.
    pub id: Option<&'a str>,
    /// When to try again.
    pub retry_after_ms: Option<u32>,
}
