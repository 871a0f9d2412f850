//! How what the engine says is written and read.

use super::{
    Banned, Connected, ErrorMessage, Matched, ModerationWarning, Reconnect, Said, Searching,
    ServerMessage, SessionLimits, Stats,
};
use crate::lane::read_lanes;
use crate::names::read_names;
use crate::reader::{Field, Reader, Result, Slot};
use crate::words::Word;
use crate::writer::{self, Bin, Map, Raw};
use crate::{DecodeError, ErrorCode, Mode, Names, Severity, Signal, SignalKind, Tier, key};

impl<'a> ServerMessage<'a> {
    pub(super) fn read(kind: &str, r: &mut Reader<'a>) -> Result<Self> {
        Ok(match kind {
            "message" => Self::Message(Said::read(r)?),
            "message_ack" => {
                let (id, seq) = read_message_ack(r)?;
                Self::MessageAck { id, seq }
            }
            "partner_typing" => {
                Self::PartnerTyping { is_typing: r.only_field(key::IS_TYPING, Reader::bool)? }
            }
            "partner_video_toggle" => {
                Self::PartnerVideoToggle { enabled: r.only_field(key::ENABLED, Reader::bool)? }
            }
            "partner_audio_toggle" => {
                Self::PartnerAudioToggle { enabled: r.only_field(key::ENABLED, Reader::bool)? }
            }
            "partner_read" => Self::PartnerRead { seq: r.only_field(key::SEQ, Reader::u64)? },
            "partner_reconnecting" => {
                Self::PartnerReconnecting { grace_ms: r.only_field(key::GRACE_MS, Reader::u32)? }
            }
            "match_timeout" => {
                Self::MatchTimeout { waited_ms: r.only_field(key::WAITED_MS, Reader::u32)? }
            }
            "report_received" => Self::ReportReceived { id: r.only_field(key::ID, Reader::str)? },
            "pong" => Self::Pong { timestamp: r.only_field(key::TIMESTAMP, Reader::u64)? },
            "partner_skipped" => r.no_fields().map(|()| Self::PartnerSkipped)?,
            "partner_disconnected" => r.no_fields().map(|()| Self::PartnerDisconnected)?,
            "partner_resumed" => r.no_fields().map(|()| Self::PartnerResumed)?,
            "connected" => Self::Connected(Connected::read(r)?),
            "searching" => Self::Searching(Searching::read(r)?),
            "matched" => Self::Matched(Matched::read(r)?),
            "moderation_warning" => Self::ModerationWarning(ModerationWarning::read(r)?),
            "stats" => Self::Stats(Stats::read(r)?),
            "banned" => Self::Banned(Banned::read(r)?),
            "reconnect" => Self::Reconnect(Reconnect::read(r)?),
            "error" => Self::Error(ErrorMessage::read(r)?),
            other => match SignalKind::from_wire(other) {
                Some(kind) => Self::Signal(Signal::read(kind, r)?),
                None => return Err(DecodeError::UnknownType),
            },
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Connected(ref it) => writer::message(out, "connected", |data| it.write(data)),
            Self::Searching(it) => writer::message(out, "searching", |data| it.write(data)),
            Self::Matched(ref it) => writer::message(out, "matched", |data| it.write(data)),
            Self::Message(ref it) => writer::message(out, "message", |data| it.write(data)),
            Self::MessageAck { id, seq } => writer::message(out, "message_ack", |data| {
                data.put(key::ID, id);
                data.put(key::SEQ, seq);
            }),
            Self::PartnerTyping { is_typing } => writer::message(out, "partner_typing", |data| {
                data.put(key::IS_TYPING, is_typing);
            }),
            Self::PartnerVideoToggle { enabled } => {
                writer::message(out, "partner_video_toggle", |data| data.put(key::ENABLED, enabled))
            }
            Self::PartnerAudioToggle { enabled } => {
                writer::message(out, "partner_audio_toggle", |data| data.put(key::ENABLED, enabled))
            }
            Self::Signal(signal) => signal.write(out),
            Self::PartnerSkipped => writer::message(out, "partner_skipped", |_| ()),
            Self::PartnerDisconnected => writer::message(out, "partner_disconnected", |_| ()),
            Self::PartnerReconnecting { grace_ms } => {
                writer::message(out, "partner_reconnecting", |data| {
                    data.put(key::GRACE_MS, grace_ms);
                })
            }
            Self::PartnerResumed => writer::message(out, "partner_resumed", |_| ()),
            Self::PartnerRead { seq } => {
                writer::message(out, "partner_read", |data| data.put(key::SEQ, seq))
            }
            Self::MatchTimeout { waited_ms } => writer::message(out, "match_timeout", |data| {
                data.put(key::WAITED_MS, waited_ms);
            }),
            Self::ModerationWarning(ref it) => {
                writer::message(out, "moderation_warning", |data| it.write(data))
            }
            Self::Stats(it) => writer::message(out, "stats", |data| it.write(data)),
            Self::ReportReceived { id } => {
                writer::message(out, "report_received", |data| data.put(key::ID, id))
            }
            Self::Banned(it) => writer::message(out, "banned", |data| it.write(data)),
            Self::Reconnect(it) => writer::message(out, "reconnect", |data| it.write(data)),
            Self::Error(it) => writer::message(out, "error", |data| it.write(data)),
            Self::Pong { timestamp } => {
                writer::message(out, "pong", |data| data.put(key::TIMESTAMP, timestamp))
            }
        }
    }
}

impl<'a> Connected<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut user_id = Slot::new(key::USER_ID);
        let mut resume = Slot::new(key::RESUME);
        let mut server_time = Slot::new(key::SERVER_TIME);
        let mut limits = Slot::new(key::LIMITS);
        let mut ice_servers = Slot::new(key::ICE_SERVERS);
        let mut relay_only = Slot::new(key::RELAY_ONLY);
        let mut lanes = Slot::new(key::LANES);
        let mut challenge = Slot::new(key::CHALLENGE);
        r.data_fields(|name, r| match name {
            key::USER_ID => user_id.fill(r, Reader::str),
            key::RESUME => resume.fill(r, Reader::bin),
            key::SERVER_TIME => server_time.fill(r, Reader::u64),
            key::LIMITS => limits.fill(r, SessionLimits::read),
            key::ICE_SERVERS => ice_servers.fill(r, Reader::raw_array),
            key::RELAY_ONLY => relay_only.fill(r, Reader::bool),
            key::LANES => lanes.fill(r, read_lanes),
            key::CHALLENGE => challenge.fill(r, Reader::raw_map),
            _ => r.skip(),
        })?;
        Ok(Self {
            user_id: user_id.required()?,
            resume: resume.required()?,
            server_time: server_time.required()?,
            limits: limits.required()?,
            ice_servers: ice_servers.optional(),
            relay_only: relay_only.optional().unwrap_or_default(),
            lanes: lanes.optional().unwrap_or_default(),
            challenge: challenge.optional(),
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::USER_ID, self.user_id);
        data.put(key::RESUME, Bin(self.resume));
        data.put(key::SERVER_TIME, self.server_time);
        data.put_map(key::LIMITS, |limits| self.limits.write(limits));
        data.put_some(key::ICE_SERVERS, self.ice_servers.map(Raw));
        data.put_flag(key::RELAY_ONLY, self.relay_only);
        if !self.lanes.is_empty() {
            data.put_maps(key::LANES, &self.lanes, |entry, lane| lane.write(entry));
        }
        data.put_some(key::CHALLENGE, self.challenge.map(Raw));
    }
}

impl SessionLimits {
    fn read(r: &mut Reader<'_>, field: Field) -> Result<Self> {
        let mut message_bytes = Slot::new(key::MESSAGE_BYTES);
        let mut content_chars = Slot::new(key::CONTENT_CHARS);
        let mut interests = Slot::new(key::INTERESTS);
        let mut interest_chars = Slot::new(key::INTEREST_CHARS);
        r.fields(DecodeError::WrongType(field), |name, r| match name {
            key::MESSAGE_BYTES => message_bytes.fill(r, Reader::u32),
            key::CONTENT_CHARS => content_chars.fill(r, Reader::u32),
            key::INTERESTS => interests.fill(r, Reader::u32),
            key::INTEREST_CHARS => interest_chars.fill(r, Reader::u32),
            _ => r.skip(),
        })?;
        Ok(Self {
            message_bytes: message_bytes.required()?,
            content_chars: content_chars.required()?,
            interests: interests.required()?,
            interest_chars: interest_chars.required()?,
        })
    }

    fn write(&self, limits: &mut Map<'_>) {
        limits.put(key::MESSAGE_BYTES, self.message_bytes);
        limits.put(key::CONTENT_CHARS, self.content_chars);
        limits.put(key::INTERESTS, self.interests);
        limits.put(key::INTEREST_CHARS, self.interest_chars);
    }
}

impl Searching {
    fn read(r: &mut Reader<'_>) -> Result<Self> {
        let mut position = Slot::new(key::POSITION);
        let mut estimated_ms = Slot::new(key::ESTIMATED_TIME);
        let mut tier = Slot::new(key::TIER);
        r.data_fields(|name, r| match name {
            key::POSITION => position.fill(r, Reader::u32),
            key::ESTIMATED_TIME => estimated_ms.fill(r, Reader::u32),
            key::TIER => tier.fill(r, Tier::read),
            _ => r.skip(),
        })?;
        Ok(Self {
            position: position.required()?,
            estimated_ms: estimated_ms.required()?,
            tier: tier.required()?,
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::POSITION, self.position);
        data.put(key::ESTIMATED_TIME, self.estimated_ms);
        data.put(key::TIER, self.tier);
    }
}

impl<'a> Matched<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut room_id = Slot::new(key::ROOM_ID);
        let mut partner_id = Slot::new(key::PARTNER_ID);
        let mut mode = Slot::new(key::MODE);
        let mut is_initiator = Slot::new(key::IS_INITIATOR);
        let mut partner_info = Slot::new(key::PARTNER_INFO);
        let mut tier = Slot::new(key::TIER);
        let mut waited_ms = Slot::new(key::WAITED_MS);
        r.data_fields(|name, r| match name {
            key::ROOM_ID => room_id.fill(r, Reader::str),
            key::PARTNER_ID => partner_id.fill(r, Reader::str),
            key::MODE => mode.fill(r, Mode::read),
            key::IS_INITIATOR => is_initiator.fill(r, Reader::bool),
            key::PARTNER_INFO => partner_info.fill(r, read_partner_info),
            key::TIER => tier.fill(r, Tier::read),
            key::WAITED_MS => waited_ms.fill(r, Reader::u32),
            _ => r.skip(),
        })?;
        let (interests, shared) = partner_info.required()?;
        Ok(Self {
            room_id: room_id.required()?,
            partner_id: partner_id.required()?,
            mode: mode.required()?,
            is_initiator: is_initiator.required()?,
            interests,
            shared,
            tier: tier.required()?,
            waited_ms: waited_ms.required()?,
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::ROOM_ID, self.room_id);
        data.put(key::PARTNER_ID, self.partner_id);
        data.put(key::MODE, self.mode);
        data.put(key::IS_INITIATOR, self.is_initiator);
        data.put_map(key::PARTNER_INFO, |info| {
            info.put(key::INTERESTS, self.interests.as_slice());
            info.put(key::SHARED_INTERESTS, self.shared.as_slice());
        });
        data.put(key::TIER, self.tier);
        data.put(key::WAITED_MS, self.waited_ms);
    }
}

impl<'a> Said<'a> {
    #[inline]
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut id = Slot::new(key::ID);
        let mut sender_id = Slot::new(key::SENDER_ID);
        let mut content = Slot::new(key::CONTENT);
        let mut timestamp = Slot::new(key::TIMESTAMP);
        let mut seq = Slot::new(key::SEQ);
        let mut tag = Slot::new(key::TAG);
        r.data_fields(|name, r| match name {
            key::ID => id.fill(r, Reader::str),
            key::SENDER_ID => sender_id.fill(r, Reader::str),
            key::CONTENT => content.fill(r, Reader::str),
            key::TIMESTAMP => timestamp.fill(r, Reader::u64),
            key::SEQ => seq.fill(r, Reader::u64),
            key::TAG => tag.fill(r, Reader::bin_array),
            _ => r.skip(),
        })?;
        Ok(Self {
            id: id.required()?,
            sender_id: sender_id.required()?,
            content: content.required()?,
            timestamp: timestamp.required()?,
            seq: seq.required()?,
            tag: tag.required()?,
        })
    }

    #[inline]
    fn write(&self, data: &mut Map<'_>) {
        data.put(key::ID, self.id);
        data.put(key::SENDER_ID, self.sender_id);
        data.put(key::CONTENT, self.content);
        data.put(key::TIMESTAMP, self.timestamp);
        data.put(key::SEQ, self.seq);
        data.put(key::TAG, Bin(&self.tag));
    }
}

impl<'a> ModerationWarning<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut message = Slot::new(key::MESSAGE);
        let mut severity = Slot::new(key::SEVERITY);
        let mut code = Slot::new(key::CODE);
        let mut warnings = Slot::new(key::WARNINGS);
        let mut blocked = Slot::new(key::BLOCKED);
        r.data_fields(|name, r| match name {
            key::MESSAGE => message.fill(r, Reader::str),
            key::SEVERITY => severity.fill(r, Severity::read),
            key::CODE => code.fill(r, Reader::str),
            key::WARNINGS => warnings.fill(r, Reader::u32),
            key::BLOCKED => blocked.fill(r, Reader::bool),
            _ => r.skip(),
        })?;
        Ok(Self {
            message: message.required()?,
            severity: severity.required()?,
            code: code.required()?,
            warnings: warnings.required()?,
            blocked: blocked.required()?,
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::MESSAGE, self.message);
        data.put(key::SEVERITY, self.severity);
        data.put(key::CODE, self.code);
        data.put(key::WARNINGS, self.warnings);
        data.put(key::BLOCKED, self.blocked);
    }
}

impl Stats {
    fn read(r: &mut Reader<'_>) -> Result<Self> {
        let mut total_online = Slot::new(key::TOTAL_ONLINE);
        let mut in_queue = Slot::new(key::IN_QUEUE);
        let mut active_chats = Slot::new(key::ACTIVE_CHATS);
        let mut avg_match_ms = Slot::new(key::AVG_MATCH_TIME);
        let mut stale = Slot::new(key::STALE);
        r.data_fields(|name, r| match name {
            key::TOTAL_ONLINE => total_online.fill(r, Reader::u64),
            key::IN_QUEUE => in_queue.fill(r, Reader::u64),
            key::ACTIVE_CHATS => active_chats.fill(r, Reader::u64),
            key::AVG_MATCH_TIME => avg_match_ms.fill(r, Reader::u32),
            key::STALE => stale.fill(r, Reader::bool),
            _ => r.skip(),
        })?;
        Ok(Self {
            total_online: total_online.required()?,
            in_queue: in_queue.required()?,
            active_chats: active_chats.required()?,
            avg_match_ms: avg_match_ms.required()?,
            stale: stale.optional().unwrap_or_default(),
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::TOTAL_ONLINE, self.total_online);
        data.put(key::IN_QUEUE, self.in_queue);
        data.put(key::ACTIVE_CHATS, self.active_chats);
        data.put(key::AVG_MATCH_TIME, self.avg_match_ms);
        data.put_flag(key::STALE, self.stale);
    }
}

impl<'a> Banned<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut reason = Slot::new(key::REASON);
        let mut code = Slot::new(key::CODE);
        let mut until = Slot::new(key::UNTIL);
        r.data_fields(|name, r| match name {
            key::REASON => reason.fill(r, Reader::str),
            key::CODE => code.fill(r, Reader::str),
            key::UNTIL => until.fill(r, Reader::u64),
            _ => r.skip(),
        })?;
        Ok(Self { reason: reason.required()?, code: code.required()?, until: until.optional() })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::REASON, self.reason);
        data.put(key::CODE, self.code);
        data.put_some(key::UNTIL, self.until);
    }
}

impl<'a> Reconnect<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut after_ms = Slot::new(key::AFTER_MS);
        let mut url = Slot::new(key::URL);
        r.data_fields(|name, r| match name {
            key::AFTER_MS => after_ms.fill(r, Reader::u32),
            key::URL => url.fill(r, Reader::str),
            _ => r.skip(),
        })?;
        Ok(Self { after_ms: after_ms.required()?, url: url.optional() })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::AFTER_MS, self.after_ms);
        data.put_some(key::URL, self.url);
    }
}

impl<'a> ErrorMessage<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut code = Slot::new(key::CODE);
        let mut message = Slot::new(key::MESSAGE);
        let mut id = Slot::new(key::ID);
        let mut retry_after_ms = Slot::new(key::RETRY_AFTER_MS);
        r.data_fields(|name, r| match name {
            key::CODE => code.fill(r, ErrorCode::read),
            key::MESSAGE => message.fill(r, Reader::str),
            key::ID => id.fill(r, Reader::str),
            key::RETRY_AFTER_MS => retry_after_ms.fill(r, Reader::u32),
            _ => r.skip(),
        })?;
        Ok(Self {
            code: code.required()?,
            message: message.required()?,
            id: id.optional(),
            retry_after_ms: retry_after_ms.optional(),
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::CODE, self.code);
        data.put(key::MESSAGE, self.message);
        data.put_some(key::ID, self.id);
        data.put_some(key::RETRY_AFTER_MS, self.retry_after_ms);
    }
}

fn read_message_ack<'a>(r: &mut Reader<'a>) -> Result<(&'a str, u64)> {
    let mut id = Slot::new(key::ID);
    let mut seq = Slot::new(key::SEQ);
    r.data_fields(|name, r| match name {
        key::ID => id.fill(r, Reader::str),
        key::SEQ => seq.fill(r, Reader::u64),
        _ => r.skip(),
    })?;
    Ok((id.required()?, seq.required()?))
}

fn read_partner_info<'a>(r: &mut Reader<'a>, field: Field) -> Result<(Names<'a>, Names<'a>)> {
    let mut interests = Slot::new(key::INTERESTS);
    let mut shared = Slot::new(key::SHARED_INTERESTS);
    r.fields(DecodeError::WrongType(field), |name, r| match name {
        key::INTERESTS => interests.fill(r, read_names),
        key::SHARED_INTERESTS => shared.fill(r, read_names),
        _ => r.skip(),
    })?;
    Ok((interests.required()?, shared.required()?))
}
