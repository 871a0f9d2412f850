//! Short names, for stories and failures.

use whisper_core::match_queue::MatchMessage;
use whisper_core::rooms::RoomMessage;
use whisper_core::shard::{Envelope, ShardMessage};
use whisper_proto::{ClientMessage, ServerMessage};

/// The kinds of messages between shards.
pub const KINDS: [&str; 15] = [
    "post", "relax", "withdraw", "propose", "claim", "accept", "refuse", "outcome", "deliver",
    "ended", "census", "door", "standing", "away", "cluster",
];

/// Which of [`KINDS`] a message between shards is of.
pub(crate) fn kind_of_envelope(envelope: &Envelope) -> usize {
    match &envelope.message {
        ShardMessage::Match(message) => match message {
            MatchMessage::Post(_) => 0,
            MatchMessage::Relax { .. } => 1,
            MatchMessage::Withdraw { .. } => 2,
            MatchMessage::Propose { .. } => 3,
            MatchMessage::Claim(_) => 4,
            MatchMessage::Accept(_) => 5,
            MatchMessage::Refuse { .. } => 6,
            MatchMessage::Outcome { .. } => 7,
            MatchMessage::Cluster(_) => 14,
        },
        ShardMessage::Room(RoomMessage::Deliver { .. }) => 8,
        ShardMessage::Room(RoomMessage::Ended { .. }) => 9,
        ShardMessage::Room(RoomMessage::Away { .. }) => 13,
        ShardMessage::Census(_) => 10,
        ShardMessage::Door(_) => 11,
        ShardMessage::Standing(_) => 12,
    }
}

/// What somebody's client said, as on the wire.
pub(crate) fn said(message: &ClientMessage<'_>) -> &'static str {
    match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Join(_) => "join",
        ClientMessage::Leave => "leave",
        ClientMessage::Message(_) => "message",
        ClientMessage::Skip(_) => "skip",
        ClientMessage::Ack { .. } => "ack",
        ClientMessage::Typing { .. } => "typing",
        ClientMessage::VideoToggle { .. } => "video_toggle",
        ClientMessage::AudioToggle { .. } => "audio_toggle",
        ClientMessage::Signal(signal) => signal.kind.as_str(),
        ClientMessage::Report(_) => "report",
        ClientMessage::Read { .. } => "read",
        ClientMessage::Ping => "ping",
    }
}

/// The type of a message, as on the wire; for an error, its code.
pub fn kind(message: &ServerMessage<'_>) -> &'static str {
    match message {
        ServerMessage::Error(error) => error.code.as_str(),
        other => other.kind(),
    }
}
