//! Short names, for stories and failures.

use whisper_proto::ServerMessage;

/// The type of a message, as on the wire; for an error, its code.
pub fn kind(message: &ServerMessage<'_>) -> &'static str {
    match message {
        ServerMessage::Connected(_) => "connected",
        ServerMessage::Searching(_) => "searching",
        ServerMessage::Matched(_) => "matched",
        ServerMessage::Message(_) => "message",
        ServerMessage::MessageAck { .. } => "message_ack",
        ServerMessage::PartnerTyping { .. } => "partner_typing",
        ServerMessage::PartnerVideoToggle { .. } => "partner_video_toggle",
        ServerMessage::PartnerAudioToggle { .. } => "partner_audio_toggle",
        ServerMessage::Signal(signal) => signal.kind.as_str(),
        ServerMessage::PartnerSkipped => "partner_skipped",
        ServerMessage::PartnerDisconnected => "partner_disconnected",
        ServerMessage::PartnerReconnecting { .. } => "partner_reconnecting",
        ServerMessage::PartnerResumed => "partner_resumed",
        ServerMessage::PartnerRead { .. } => "partner_read",
        ServerMessage::MatchTimeout { .. } => "match_timeout",
        ServerMessage::ModerationWarning(_) => "moderation_warning",
        ServerMessage::Stats(_) => "stats",
        ServerMessage::ReportReceived { .. } => "report_received",
        ServerMessage::Banned(_) => "banned",
        ServerMessage::Reconnect(_) => "reconnect",
        ServerMessage::Error(error) => error.code.as_str(),
        ServerMessage::Pong { .. } => "pong",
    }
}
