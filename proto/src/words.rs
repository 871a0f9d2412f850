//! The closed vocabularies of the protocol: enums that travel as short strings, and close codes.

use std::fmt;

use rmp::encode::ByteBuf;

use crate::DecodeError;
use crate::reader::{Field, Reader, Result};
use crate::writer::Value;

/// An enum that travels as a fixed string.
pub(crate) trait Word: Value + Sized {
    fn read(r: &mut Reader<'_>, field: Field) -> Result<Self>;
}

/// Declares an enum whose variants travel as fixed strings.
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        $name:ident { $( $(#[$doc:meta])* $variant:ident = $text:literal, )* }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
        pub enum $name {
            $( $(#[$doc])* #[cfg_attr(feature = "typescript", ts(rename = $text))] $variant, )*
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )*];

            /// The word on the wire.
            #[inline]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }

            /// The value a word stands for; `None` where the protocol doesn't know it.
            #[inline]
            pub fn from_wire(word: &str) -> Option<Self> {
                match word { $( $text => Some(Self::$variant), )* _ => None }
            }
        }

        impl Word for $name {
            fn read(r: &mut Reader<'_>, field: Field) -> Result<Self> {
                Self::from_wire(r.str(field)?).ok_or(DecodeError::UnknownWord(field))
            }
        }

        impl Value for $name {
            fn write(&self, out: &mut ByteBuf) {
                self.as_str().write(out);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// The age somebody says they have. The two never meet.
    AgeCategory {
        /// 13 to 17.
        Teen = "teen",
        /// 18 and over.
        Adult = "adult",
    }

    /// What a chat consists of. Text is always there.
    Mode {
        /// Text only; no signalling.
        Text = "text",
        /// Text and sound.
        Voice = "voice",
        /// Text, sound and picture.
        Video = "video",
    }

    /// Whether what is said is moderated.
    QueueType {
        /// Every message is checked before it is delivered.
        Moderated = "moderated",
        /// Only what is never tolerated is checked. Closed to teens.
        Unmoderated = "unmoderated",
    }

    /// How far somebody is willing to go from their interests while they wait.
    #[derive(Default)]
    Relax {
        /// Never beyond a shared interest.
        Strict = "strict",
        /// One tier after another, by waiting.
        #[default]
        Gradual = "gradual",
        /// Every tier at once.
        Anyone = "anyone",
    }

    /// Which languages a partner may have.
    #[derive(Default)]
    LanguageWish {
        /// Any.
        #[default]
        Any = "any",
        /// The same primary subtag as in one's own `hello`.
        Same = "same",
    }

    /// How much two people share, from most to least. A ticket opens one after the other.
    Tier {
        /// The same, non-empty set of interests.
        Exact = "exact",
        /// Two interests or more.
        Overlap = "overlap",
        /// One interest.
        Single = "single",
        /// Nothing asked.
        Any = "any",
    }

    /// The step of a WebRTC negotiation; also the `type` of its message.
    SignalKind {
        /// A session description, offered.
        Offer = "offer",
        /// A session description, answered.
        Answer = "answer",
        /// One way to be reached.
        IceCandidate = "ice_candidate",
    }

    /// Why somebody is reported.
    ReportReason {
        /// Insults, stalking, hate.
        Harassment = "harassment",
        /// Advertising, bots.
        Spam = "spam",
        /// Sexual content that wasn't asked for.
        Explicit = "explicit",
        /// A minor among adults, or somebody after one. Goes to the top of the operator's queue.
        Minor = "minor",
        /// A threat to somebody's life or safety. Goes to the top of the operator's queue.
        Threat = "threat",
        /// Anything else; see the comment.
        Other = "other",
    }

    /// How bad moderation found a message.
    Severity {
        /// A remark.
        Low = "low",
        /// A warning that counts.
        Medium = "medium",
        /// Not delivered.
        High = "high",
    }

    /// Why a message of the client had no effect: the `code` of an `error`. The connection stays
    /// open.
    ErrorCode {
        /// Not this protocol: broken msgpack, an unknown type, a missing or wrong field.
        BadMessage = "bad_message",
        /// A text, a list or the message itself is over its limit.
        TooLarge = "too_large",
        /// Too fast; `retryAfterMs` says when to go on.
        RateLimited = "rate_limited",
        /// Too many interests, too long ones, or one that moderation refuses.
        BadInterests = "bad_interests",
        /// Nobody is paired in this lane.
        LaneClosed = "lane_closed",
        /// Only possible in a chat.
        NotInChat = "not_in_chat",
        /// Not possible in a chat.
        InChat = "in_chat",
        /// Only possible in the queue.
        NotInQueue = "not_in_queue",
        /// Moderation held the message back.
        Blocked = "blocked",
        /// There is no present or last partner to report.
        NoReportTarget = "no_report_target",
        /// A proof is needed first; see `connected.challenge`.
        ChallengeRequired = "challenge_required",
        /// The engine holds as many people as it can.
        ServerFull = "server_full",
        /// The engine failed; not the client's fault.
        Internal = "internal",
    }
}

/// Why the engine closed a WebSocket: RFC 6455, section 7.4, and the private range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The engine stops, or two pings stayed without an answer.
    GoingAway = 1001,
    /// A frame broke RFC 6455.
    ProtocolError = 1002,
    /// A text frame where the sub-protocol is binary, or the other way round.
    WrongFrameType = 1003,
    /// A text frame or a close reason that isn't UTF-8.
    BadUtf8 = 1007,
    /// A foreign origin, or a challenge that wasn't met.
    Policy = 1008,
    /// A message over [`MESSAGE_BYTES`](crate::limits::MESSAGE_BYTES), or of too many fragments.
    TooBig = 1009,
    /// A restart; a `reconnect` came before it.
    Restart = 1012,
    /// Full, or too many connections from this address.
    TryLater = 1013,
    /// Banned; a `banned` came before it.
    Banned = 4003,
    /// In no queue and no chat for too long.
    Idle = 4008,
    /// The client reads too slowly.
    SlowReader = 4009,
    /// Over the rate limit for too long.
    RateLimited = 4029,
}

impl CloseCode {
    /// Every code, ascending.
    pub const ALL: &'static [Self] = &[
        Self::GoingAway,
        Self::ProtocolError,
        Self::WrongFrameType,
        Self::BadUtf8,
        Self::Policy,
        Self::TooBig,
        Self::Restart,
        Self::TryLater,
        Self::Banned,
        Self::Idle,
        Self::SlowReader,
        Self::RateLimited,
    ];

    /// The number on the wire.
    #[inline]
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// The code a number stands for; `None` where the engine never sends it.
    pub fn from_wire(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_u16() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_come_back_from_the_wire() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_wire(code.as_str()), Some(code));
        }
        for &code in CloseCode::ALL {
            assert_eq!(CloseCode::from_wire(code.as_u16()), Some(code));
        }
        assert!(CloseCode::ALL.is_sorted());
        assert_eq!(CloseCode::from_wire(1000), None);
        assert_eq!(Tier::from_wire("Exact"), None);
    }
}
