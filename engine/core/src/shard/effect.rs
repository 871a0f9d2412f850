//! What comes of an event.

use whisper_proto::{CloseCode, Evidence, ReportReason, ServerMessage};
use whisper_shard_router::ShardId;

use super::{Envelope, Offence};
use crate::ids::{Link, RoomId, SessionId, Side};
use crate::limits::{Answer, Ask, Visitor};
use crate::moderation::{Action, Record, Severity};
use crate::time::Micros;

/// What is to be done about it.
#[derive(Debug)]
pub enum Effect<'a> {
    /// The connection is this person's from now on.
    Opened {
        /// The connection.
        link: Link,
        /// The person.
        session: SessionId,
    },
    /// Say something to a person's client.
    Send {
        /// Their connection.
        link: Link,
        /// What to say.
        message: &'a ServerMessage<'a>,
    },
    /// The same, encoded by another shard.
    Forward {
        /// Their connection.
        link: Link,
        /// The encoded server message.
        payload: &'a [u8],
        /// May be dropped where the receiver is slow.
        fleeting: bool,
    },
    /// Close a connection. [`Event::Disconnected`](super::Event::Disconnected) is expected to follow where it is still that of
    /// its person, and may find nobody.
    Close {
        /// The connection.
        link: Link,
        /// Why.
        code: CloseCode,
    },
    /// Send to a shard; to the shard itself through a queue of its own.
    ToShard {
        /// To whom.
        to: ShardId,
        /// What.
        envelope: Envelope,
    },
    /// The owner of a connection's address has answered.
    Answered {
        /// The connection, which may be gone; see [`crate::limits::unclaimed`].
        link: Link,
        /// Whose it is.
        visitor: Visitor,
        /// What it asked.
        ask: Ask,
        /// What the owner says.
        answer: Answer,
    },
    /// Something is held against somebody from before: to be told as [`Event::Remembered`](super::Event::Remembered).
    Remembered {
        /// Against whom.
        session: SessionId,
        /// What.
        record: Record,
    },
    /// Somebody was reported.
    Reported {
        /// By whom.
        reporter: SessionId,
        /// Who; perhaps of another shard, perhaps gone.
        accused: SessionId,
        /// Where.
        room: RoomId,
        /// The reporter's side of it.
        side: Side,
        /// For what.
        reason: ReportReason,
        /// What the reporter says to it.
        comment: Option<&'a str>,
        /// Of the messages brought as evidence, those that prove true.
        proved: &'a [Evidence<'a>],
    },
    /// Something was found in what somebody said or likes. Of what, by whom, and which rule it was,
    /// nobody is told here.
    Judged {
        /// Where it was found.
        offence: Offence,
        /// How bad it is.
        severity: Severity,
        /// What is done about it.
        action: Action,
    },
    /// Rules have somebody banned, who is being told and closed; whoever keeps bans has this one to
    /// keep.
    Sentenced {
        /// The connection, still there: what its person can be known by is to be read off it.
        link: Link,
        /// The person, gone with this event.
        session: SessionId,
        /// [`Severity::Zero`], or the fault that was one too many.
        severity: Severity,
        /// Why, in a word that clients know; empty where a log is run again.
        code: &'a str,
        /// Until when.
        until: Micros,
    },
}

/// Takes effects as they come, in order.
pub trait Effects {
    /// Takes one.
    fn push(&mut self, effect: Effect<'_>);
}

impl<F: FnMut(Effect<'_>)> Effects for F {
    fn push(&mut self, effect: Effect<'_>) {
        self(effect);
    }
}
