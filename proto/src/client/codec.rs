//! How what a client says is written and read.

use super::{ClientMessage, Evidence, Hello, Join, Report, Say, Skip};
use crate::limits::{
    COMMENT_CHARS, CONTENT_CHARS, EVIDENCE, FINGERPRINT_CHARS, ID_CHARS, LANGUAGE_CHARS,
    REASON_CHARS,
};
use crate::names::read_names;
use crate::reader::{Field, Reader, Result, Slot};
use crate::words::Word;
use crate::writer::{self, Bin, Map};
use crate::{
    AgeCategory, DecodeError, Lane, LanguageWish, Mode, QueueType, Relax, ReportReason, Signal,
    SignalKind, key,
};

impl<'a> ClientMessage<'a> {
    pub(super) fn read(kind: &str, r: &mut Reader<'a>) -> Result<Self> {
        Ok(match kind {
            "message" => Self::Message(Say::read(r)?),
            "typing" => {
                let (is_typing, room) = read_in_room(r, key::IS_TYPING, Reader::bool)?;
                Self::Typing { is_typing, room }
            }
            "ack" => Self::Ack { seq: r.only_field(key::SEQ, Reader::u64)? },
            "read" => {
                let (seq, room) = read_in_room(r, key::SEQ, Reader::u64)?;
                Self::Read { seq, room }
            }
            "hello" => Self::Hello(Hello::read(r)?),
            "join" => Self::Join(Join::read(r)?),
            "leave" => r.no_fields().map(|()| Self::Leave)?,
            "skip" => Self::Skip(Skip::read(r)?),
            "video_toggle" => {
                let (enabled, room) = read_in_room(r, key::ENABLED, Reader::bool)?;
                Self::VideoToggle { enabled, room }
            }
            "audio_toggle" => {
                let (enabled, room) = read_in_room(r, key::ENABLED, Reader::bool)?;
                Self::AudioToggle { enabled, room }
            }
            "report" => Self::Report(Report::read(r)?),
            "ping" => r.no_fields().map(|()| Self::Ping)?,
            other => match SignalKind::from_wire(other) {
                Some(kind) => Self::Signal(Signal::read(kind, r)?),
                None => return Err(DecodeError::UnknownType),
            },
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Hello(hello) => writer::message(out, "hello", |data| hello.write(data)),
            Self::Join(ref join) => writer::message(out, "join", |data| join.write(data)),
            Self::Leave => writer::bare_message(out, "leave"),
            Self::Message(say) => writer::message(out, "message", |data| say.write(data)),
            Self::Skip(skip) => writer::message(out, "skip", |data| skip.write(data)),
            Self::Ack { seq } => writer::message(out, "ack", |data| data.put(key::SEQ, seq)),
            Self::Typing { is_typing, room } => writer::message(out, "typing", |data| {
                data.put(key::IS_TYPING, is_typing);
                data.put_some(key::ROOM_ID, room);
            }),
            Self::VideoToggle { enabled, room } => write_toggle(out, "video_toggle", enabled, room),
            Self::AudioToggle { enabled, room } => write_toggle(out, "audio_toggle", enabled, room),
            Self::Signal(signal) => signal.write(out),
            Self::Report(ref report) => writer::message(out, "report", |data| report.write(data)),
            Self::Read { seq, room } => writer::message(out, "read", |data| {
                data.put(key::SEQ, seq);
                data.put_some(key::ROOM_ID, room);
            }),
            Self::Ping => writer::bare_message(out, "ping"),
        }
    }
}

impl<'a> Hello<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut fingerprint = Slot::new(key::FINGERPRINT);
        let mut language = Slot::new(key::LANGUAGE);
        let mut resume = Slot::new(key::RESUME);
        let mut last_seq = Slot::new(key::LAST_SEQ);
        let mut proof = Slot::new(key::PROOF);
        r.data_fields(|name, r| match name {
            key::FINGERPRINT => fingerprint.fill(r, Reader::text::<FINGERPRINT_CHARS>),
            key::LANGUAGE => language.fill(r, Reader::text::<LANGUAGE_CHARS>),
            key::RESUME => resume.fill(r, Reader::bin),
            key::LAST_SEQ => last_seq.fill(r, Reader::u64),
            key::PROOF => proof.fill(r, Reader::bin),
            _ => r.skip(),
        })?;
        Ok(Self {
            fingerprint: fingerprint.optional(),
            language: language.optional(),
            resume: resume.optional(),
            last_seq: last_seq.optional(),
            proof: proof.optional(),
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put_some(key::FINGERPRINT, self.fingerprint);
        data.put_some(key::LANGUAGE, self.language);
        data.put_some(key::RESUME, self.resume.map(Bin));
        data.put_some(key::LAST_SEQ, self.last_seq);
        data.put_some(key::PROOF, self.proof.map(Bin));
    }
}

impl<'a> Join<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut age = Slot::new(key::AGE_CATEGORY);
        let mut mode = Slot::new(key::MODE);
        let mut queue = Slot::new(key::QUEUE_TYPE);
        let mut interests = Slot::new(key::INTERESTS);
        let mut relax = Slot::new(key::RELAX);
        let mut language = Slot::new(key::LANGUAGE);
        r.data_fields(|name, r| match name {
            key::AGE_CATEGORY => age.fill(r, AgeCategory::read),
            key::MODE => mode.fill(r, Mode::read),
            key::QUEUE_TYPE => queue.fill(r, QueueType::read),
            key::INTERESTS => interests.fill(r, read_names),
            key::RELAX => relax.fill(r, Relax::read),
            key::LANGUAGE => language.fill(r, LanguageWish::read),
            _ => r.skip(),
        })?;
        Ok(Self {
            lane: Lane { age: age.required()?, mode: mode.required()?, queue: queue.required()? },
            interests: interests.required()?,
            relax: relax.optional().unwrap_or_default(),
            language: language.optional().unwrap_or_default(),
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        self.lane.write(data);
        data.put(key::INTERESTS, self.interests.as_slice());
        let unless_default = |relax| (relax != Relax::default()).then_some(relax);
        data.put_some(key::RELAX, unless_default(self.relax));
        let unless_default = |wish| (wish != LanguageWish::default()).then_some(wish);
        data.put_some(key::LANGUAGE, unless_default(self.language));
    }
}

impl<'a> Say<'a> {
    #[inline]
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut content = Slot::new(key::CONTENT);
        let mut id = Slot::new(key::ID);
        let mut room = Slot::new(key::ROOM_ID);
        r.data_fields(|name, r| match name {
            key::CONTENT => content.fill(r, Reader::nonempty_text::<CONTENT_CHARS>),
            key::ID => id.fill(r, Reader::text::<ID_CHARS>),
            key::ROOM_ID => room.fill(r, Reader::str),
            _ => r.skip(),
        })?;
        Ok(Self { content: content.required()?, id: id.optional(), room: room.optional() })
    }

    #[inline]
    fn write(&self, data: &mut Map<'_>) {
        data.put(key::CONTENT, self.content);
        data.put_some(key::ID, self.id);
        data.put_some(key::ROOM_ID, self.room);
    }
}

impl<'a> Skip<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut reason = Slot::new(key::REASON);
        let mut room = Slot::new(key::ROOM_ID);
        r.data_fields(|name, r| match name {
            key::REASON => reason.fill(r, Reader::text::<REASON_CHARS>),
            key::ROOM_ID => room.fill(r, Reader::str),
            _ => r.skip(),
        })?;
        Ok(Self { reason: reason.optional(), room: room.optional() })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put_some(key::REASON, self.reason);
        data.put_some(key::ROOM_ID, self.room);
    }
}

impl<'a> Report<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self> {
        let mut reason = Slot::new(key::REASON);
        let mut comment = Slot::new(key::COMMENT);
        let mut id = Slot::new(key::ID);
        let mut evidence = Slot::new(key::EVIDENCE);
        let mut block = Slot::new(key::BLOCK);
        let mut room = Slot::new(key::ROOM_ID);
        r.data_fields(|name, r| match name {
            key::REASON => reason.fill(r, ReportReason::read),
            key::COMMENT => comment.fill(r, Reader::text::<COMMENT_CHARS>),
            key::ID => id.fill(r, Reader::text::<ID_CHARS>),
            key::EVIDENCE => evidence.fill(r, Evidence::read_all),
            key::BLOCK => block.fill(r, Reader::bool),
            key::ROOM_ID => room.fill(r, Reader::str),
            _ => r.skip(),
        })?;
        Ok(Self {
            reason: reason.required()?,
            comment: comment.optional(),
            id: id.optional(),
            evidence: evidence.optional().unwrap_or_default(),
            block: block.optional().unwrap_or_default(),
            room: room.optional(),
        })
    }

    fn write(&self, data: &mut Map<'_>) {
        data.put(key::REASON, self.reason);
        data.put_some(key::COMMENT, self.comment);
        data.put_some(key::ID, self.id);
        if !self.evidence.is_empty() {
            data.put_maps(key::EVIDENCE, &self.evidence, |entry, evidence| evidence.write(entry));
        }
        data.put_flag(key::BLOCK, self.block);
        data.put_some(key::ROOM_ID, self.room);
    }
}

impl<'a> Evidence<'a> {
    fn read_all(r: &mut Reader<'a>, field: Field) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        r.elements(field, EVIDENCE, DecodeError::TooLong(field), |r| {
            all.push(Self::read(r, field)?);
            Ok(())
        })?;
        Ok(all)
    }

    fn read(r: &mut Reader<'a>, field: Field) -> Result<Self> {
        let mut seq = Slot::new(key::SEQ);
        let mut content = Slot::new(key::CONTENT);
        let mut timestamp = Slot::new(key::TIMESTAMP);
        let mut tag = Slot::new(key::TAG);
        r.fields(DecodeError::WrongType(field), |name, r| match name {
            key::SEQ => seq.fill(r, Reader::u64),
            key::CONTENT => content.fill(r, Reader::text::<CONTENT_CHARS>),
            key::TIMESTAMP => timestamp.fill(r, Reader::u64),
            key::TAG => tag.fill(r, Reader::bin_array),
            _ => r.skip(),
        })?;
        Ok(Self {
            seq: seq.required()?,
            content: content.required()?,
            timestamp: timestamp.required()?,
            tag: tag.required()?,
        })
    }

    fn write(&self, entry: &mut Map<'_>) {
        entry.put(key::SEQ, self.seq);
        entry.put(key::CONTENT, self.content);
        entry.put(key::TIMESTAMP, self.timestamp);
        entry.put(key::TAG, Bin(&self.tag));
    }
}

/// Reads the data of a message that says one thing about a chat.
fn read_in_room<'a, T>(
    r: &mut Reader<'a>,
    field: Field,
    read: fn(&mut Reader<'a>, Field) -> Result<T>,
) -> Result<(T, Option<&'a str>)> {
    let mut value = Slot::new(field);
    let mut room = Slot::new(key::ROOM_ID);
    r.data_fields(|name, r| match name {
        key::ROOM_ID => room.fill(r, Reader::str),
        name if name == field => value.fill(r, read),
        _ => r.skip(),
    })?;
    Ok((value.required()?, room.optional()))
}

fn write_toggle(out: &mut Vec<u8>, kind: &'static str, enabled: bool, room: Option<&str>) {
    writer::message(out, kind, |data| {
        data.put(key::ENABLED, enabled);
        data.put_some(key::ROOM_ID, room);
    });
}
