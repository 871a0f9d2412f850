//! What of an effect counts: all but what depends on a secret (tokens, public ids, tags, whether
//! evidence proves true) or on words (contents, ids of clients, texts).

use std::hash::Hasher as _;

use whisper_proto::{
    Banned, Connected, ErrorMessage, Matched, ModerationWarning, Reconnect, Said, Searching,
    ServerMessage, SessionLimits, Signal, Stats,
};

use crate::codec::{Field, Hashing, Writer, fields};
use crate::digest::Digest;
use crate::moderation::{Action, Severity};
use crate::rooms::RoomMessage;
use crate::shard::{Effect, Envelope, Offence, ShardMessage};

/// Keeps account of what came of events: how many effects, and a digest of them all.
#[derive(Default)]
pub(super) struct Account {
    digest: Digest,
    effects: u64,
    since: u64,
    found: Option<Severity>,
    scratch: Vec<u8>,
}

/// What came of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How many effects.
    pub(super) effects: u64,
    /// The lower half of the digest of all events and effects so far.
    pub(super) digest: u32,
    /// What rules found in the words that the event came with.
    pub(super) found: Option<Severity>,
}

fields! {
    struct Outcome { effects, digest, found }
    enum Severity {
        0 Low;
        1 Medium;
        2 High;
        3 Zero;
    }
    enum Action {
        0 Allow;
        1 Warn;
        2 Block;
        3 Ban;
    }
    enum Offence {
        0 Message;
        1 Interest;
    }
}

impl Account {
    /// An event, as it is written.
    pub(super) fn event(&mut self, written: &[u8]) {
        self.digest.write(written);
    }

    pub(super) fn effect(&mut self, effect: &Effect<'_>, hashing: Hashing<'_>) {
        if let Effect::Judged { severity, .. } = effect {
            self.found = Some(*severity);
        }
        self.scratch.clear();
        put(effect, &mut Writer::discreet(&mut self.scratch, hashing));
        if self.scratch.is_empty() {
            return;
        }
        self.digest.write(&self.scratch);
        self.effects += 1;
        self.since += 1;
    }

    /// All effects of an event have been told.
    pub(super) fn close(&mut self) -> Outcome {
        let effects = std::mem::take(&mut self.since);
        self.digest.write_u64(effects);
        Outcome { effects, digest: self.digest.finish() as u32, found: self.found.take() }
    }

    pub(super) fn effects(&self) -> u64 {
        self.effects
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }
}

/// What counts of an effect; nothing where it isn't in a log why it came.
fn put(effect: &Effect<'_>, w: &mut Writer<'_>) {
    match effect {
        Effect::Answered { .. }
        | Effect::Remembered { .. }
        | Effect::ToShard {
            envelope: Envelope { message: ShardMessage::Door(_) | ShardMessage::Standing(_), .. },
            ..
        } => {}
        Effect::Opened { link, session } => {
            w.number(0);
            link.put(w);
            session.put(w);
        }
        Effect::Send { link, message } => {
            w.number(1);
            link.put(w);
            put_message(message, w);
        }
        Effect::Forward { link, payload: _, fleeting } => {
            w.number(2);
            link.put(w);
            fleeting.put(w);
        }
        Effect::Close { link, code } => {
            w.number(3);
            link.put(w);
            code.as_u16().put(w);
        }
        Effect::ToShard { to, envelope } => {
            w.number(4);
            to.put(w);
            envelope.epoch.put(w);
            match &envelope.message {
                ShardMessage::Room(RoomMessage::Deliver { to, room, payload: _, worth }) => {
                    to.put(w);
                    room.put(w);
                    worth.put(w);
                }
                message => message.put(w),
            }
        }
        Effect::Reported { reason, .. } => {
            w.number(5);
            reason.put(w);
        }
        Effect::Judged { offence, severity, action } => {
            w.number(6);
            offence.put(w);
            severity.put(w);
            action.put(w);
        }
        Effect::Sentenced { link, session, severity, code: _, until } => {
            w.number(7);
            link.put(w);
            session.put(w);
            severity.put(w);
            until.put(w);
        }
    }
}

fn put_message(message: &ServerMessage<'_>, w: &mut Writer<'_>) {
    w.text(message.kind());
    match message {
        ServerMessage::Connected(connected) => put_connected(connected, w),
        ServerMessage::Searching(Searching { position, estimated_ms, tier }) => {
            position.put(w);
            estimated_ms.put(w);
            w.text(tier.as_str());
        }
        ServerMessage::Matched(matched) => put_matched(matched, w),
        ServerMessage::Message(said) => {
            let Said { id: _, sender_id, content: _, timestamp, seq, tag: _ } = said;
            w.text(sender_id);
            timestamp.put(w);
            seq.put(w);
        }
        ServerMessage::MessageAck { id: _, seq } | ServerMessage::PartnerRead { seq } => seq.put(w),
        ServerMessage::PartnerTyping { is_typing: on }
        | ServerMessage::PartnerVideoToggle { enabled: on }
        | ServerMessage::PartnerAudioToggle { enabled: on } => on.put(w),
        ServerMessage::Signal(Signal { kind: _, room: _, body: _ })
        | ServerMessage::PartnerSkipped
        | ServerMessage::PartnerDisconnected
        | ServerMessage::PartnerResumed
        | ServerMessage::ReportReceived { id: _ } => {}
        ServerMessage::PartnerReconnecting { grace_ms: ms }
        | ServerMessage::MatchTimeout { waited_ms: ms } => ms.put(w),
        ServerMessage::ModerationWarning(warning) => {
            let ModerationWarning { message: _, severity, code: _, warnings, blocked } = warning;
            w.text(severity.as_str());
            warnings.put(w);
            blocked.put(w);
        }
        ServerMessage::Stats(Stats {
            total_online,
            in_queue,
            active_chats,
            avg_match_ms,
            stale,
        }) => {
            total_online.put(w);
            in_queue.put(w);
            active_chats.put(w);
            avg_match_ms.put(w);
            stale.put(w);
        }
        ServerMessage::Banned(Banned { reason: _, code: _, until }) => until.put(w),
        ServerMessage::Reconnect(Reconnect { after_ms, url: _ }) => after_ms.put(w),
        ServerMessage::Error(ErrorMessage { code, message: _, id, retry_after_ms }) => {
            code.put(w);
            id.is_some().put(w);
            retry_after_ms.put(w);
        }
        ServerMessage::Pong { timestamp } => timestamp.put(w),
    }
}

fn put_connected(connected: &Connected<'_>, w: &mut Writer<'_>) {
    let Connected { user_id: _, resume: _, server_time, limits, .. } = connected;
    let SessionLimits { message_bytes, content_chars, interests, interest_chars } = limits;
    server_time.put(w);
    [message_bytes, content_chars, interests, interest_chars].into_iter().for_each(|it| it.put(w));
    connected.relay_only.put(w);
    connected.lanes.put(w);
}

fn put_matched(matched: &Matched<'_>, w: &mut Writer<'_>) {
    let Matched { room_id, partner_id, mode, is_initiator, interests, shared, tier, waited_ms } =
        matched;
    w.text(room_id);
    w.text(partner_id);
    mode.put(w);
    is_initiator.put(w);
    for names in [interests, shared] {
        w.number(names.len() as u64);
        names.iter().for_each(|name| w.interest(name));
    }
    w.text(tier.as_str());
    waited_ms.put(w);
}
