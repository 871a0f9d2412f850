//! What a log keeps of an event: all that decides what a shard does, and nothing that anybody said
//! or likes. [`Told::of`] is the one place where that is chosen.

use std::borrow::Cow;
use std::sync::Arc;

use arrayvec::ArrayString;
use whisper_proto::limits::MESSAGE_BYTES;
use whisper_proto::{
    Banned, ClientMessage, DecodeError, ErrorCode, Evidence, Hello, Report, ReportReason, Say,
    Signal, SignalKind, Skip,
};
use whisper_shard_router::{Lodging, Placement, ShardId};

use super::begin::KeptRules;
use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::ids::{Link, RoomId, SessionId};
use crate::interests::BadInterest;
use crate::match_queue::Language;
use crate::moderation::{Record, Severity};
use crate::resume::Claim;
use crate::settings::{Drain, OpenLanes};
use crate::shard::{Bearer, Elsewhere, Envelope, Event, HashedJoin, Order, Shard, ShardMessage};

/// An [`Event`] without secrets, words, or names.
#[derive(Clone, Debug)]
pub enum Told<'a> {
    /// [`Event::Connected`].
    Connected {
        /// The connection.
        link: Link,
    },
    /// [`Event::Message`], or [`Event::HashedJoin`].
    Said {
        /// Who.
        session: SessionId,
        /// What kind of thing.
        said: Said,
    },
    /// [`Event::Malformed`].
    Malformed {
        /// Who.
        session: SessionId,
        /// What they are told.
        code: ErrorCode,
    },
    /// [`Event::Disconnected`].
    Disconnected {
        /// Who.
        session: SessionId,
        /// Neither side said that it ends.
        broken: bool,
    },
    /// [`Event::Resume`], and so no token.
    Resume {
        /// Who brings it.
        bearer: Bearer,
        /// What the token said.
        claim: Claim,
        /// What they have heard.
        last_seq: u64,
    },
    /// [`Event::FromShard`], from another shard.
    FromShard {
        /// Who sent it.
        from: ShardId,
        /// What it says; read back with names that stand in, and payloads of zeros.
        envelope: Cow<'a, Envelope>,
    },
    /// [`Event::Tick`].
    Tick,
    /// [`Order::Lanes`].
    Lanes {
        /// The lanes that are open.
        open: OpenLanes,
    },
    /// [`Order::Elsewhere`].
    Elsewhere {
        /// What other nodes do.
        elsewhere: Elsewhere,
    },
    /// [`Order::Ban`].
    Banned {
        /// Whom.
        session: SessionId,
        /// For how long.
        until: Option<u64>,
    },
    /// [`Event::Remembered`].
    Remembered {
        /// Whom it is about.
        session: SessionId,
        /// What is held against them.
        record: Record,
    },
    /// [`Order::Rules`].
    Rules {
        /// Which.
        rules: KeptRules,
    },
    /// [`Order::Map`]: what it is made from. Keys are hashes in a log, which need no secret to be
    /// placed.
    Map {
        /// Its name.
        epoch: u64,
        /// The nodes it is over.
        nodes: Vec<Lodging>,
    },
    /// [`Order::Linked`].
    Linked {
        /// Which.
        node: u16,
    },
    /// [`Order::Lost`].
    Lost {
        /// Which.
        node: u16,
    },
    /// [`Order::Drain`].
    Drain {
        /// When whom.
        drain: Drain,
    },
}

/// A [`ClientMessage`] without its words. Sizes are in bytes.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "fields are those of the message, or say how much there was")]
pub enum Said {
    Hello { language: Option<Language> },
    Join { join: HashedJoin },
    Leave,
    Message { room: Meant, size: u32, id: Option<u64> },
    Skip { room: Meant },
    Ack { seq: u64 },
    Typing { is_typing: bool, room: Meant },
    VideoToggle { enabled: bool, room: Meant },
    AudioToggle { enabled: bool, room: Meant },
    Signal { kind: SignalKind, room: Meant, size: u32 },
    Report { reason: ReportReason, room: Meant, has_id: bool, evidence: u8, block: bool },
    Read { seq: u64, room: Meant },
    Ping,
}

/// The room that a client's message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// None.
    Unsaid,
    /// This one.
    Room {
        /// Which.
        room: RoomId,
    },
    /// Something that is no room's id.
    Nonsense,
}

impl<'a> Told<'a> {
    /// What is kept of an event; of a join, with the hashes that `shard` matches by. Nothing, where it
    /// is about who comes from where, which decides nothing of the rest.
    pub(super) fn of(event: &'a Event<'_>, shard: &Shard) -> Option<Self> {
        Some(match event {
            Event::Connected { link } => Self::Connected { link: *link },
            Event::Message { session, message } => {
                Self::Said { session: *session, said: Said::of(message, shard) }
            }
            Event::HashedJoin { session, join, found: _ } => {
                Self::Said { session: *session, said: Said::Join { join: join.clone() } }
            }
            Event::Faulty { session, say, found: _ } => {
                Self::Said { session: *session, said: Said::words(say, shard) }
            }
            Event::Malformed { session, error } => {
                Self::Malformed { session: *session, code: ErrorCode::from(error) }
            }
            Event::Disconnected { session, broken } => {
                Self::Disconnected { session: *session, broken: *broken }
            }
            Event::Resume { bearer, claim, last_seq } => {
                Self::Resume { bearer: *bearer, claim: *claim, last_seq: *last_seq }
            }
            Event::FromShard {
                envelope:
                    Envelope { message: ShardMessage::Door(_) | ShardMessage::Standing(_), .. },
                ..
            }
            | Event::Asked { .. }
            | Event::Known { .. }
            | Event::Order(Order::Admission(_)) => return None,
            Event::Remembered { session, record } => {
                Self::Remembered { session: *session, record: *record }
            }
            Event::FromShard { from, envelope } => {
                Self::FromShard { from: *from, envelope: Cow::Borrowed(envelope) }
            }
            Event::Tick => Self::Tick,
            Event::Order(Order::Lanes(lanes)) => Self::Lanes { open: *lanes },
            Event::Order(Order::Elsewhere(elsewhere)) => Self::Elsewhere { elsewhere: *elsewhere },
            Event::Order(Order::Ban { session, banned }) => {
                Self::Banned { session: *session, until: banned.until }
            }
            Event::Order(Order::Drain(drain)) => Self::Drain { drain: *drain },
            Event::Order(Order::Map(map)) => {
                Self::Map { epoch: map.epoch(), nodes: map.nodes().to_vec() }
            }
            Event::Order(Order::Linked(node)) => Self::Linked { node: *node },
            Event::Order(Order::Lost(node)) => Self::Lost { node: *node },
            Event::Order(Order::Rules(rules)) => Self::Rules { rules: KeptRules::of(rules) },
        })
    }

    /// Tells the event again, in which this was found, with something in the place of what wasn't
    /// kept.
    pub(super) fn retell<T>(self, found: Option<Severity>, hear: impl FnOnce(Event<'_>) -> T) -> T {
        match self {
            Self::Connected { link } => hear(Event::Connected { link }),
            Self::Said { session, said } => said.retell(session, found, hear),
            Self::Malformed { session, code } => {
                let error = match code {
                    ErrorCode::BadInterests => DecodeError::TooManyInterests,
                    ErrorCode::TooLarge => DecodeError::TooLarge,
                    _ => DecodeError::UnknownType,
                };
                hear(Event::Malformed { session, error })
            }
            Self::Disconnected { session, broken } => hear(Event::Disconnected { session, broken }),
            Self::Resume { bearer, claim, last_seq } => {
                hear(Event::Resume { bearer, claim, last_seq })
            }
            Self::FromShard { from, envelope } => {
                hear(Event::FromShard { from, envelope: envelope.into_owned() })
            }
            Self::Tick => hear(Event::Tick),
            Self::Lanes { open } => hear(Event::Order(Order::Lanes(open))),
            Self::Elsewhere { elsewhere } => hear(Event::Order(Order::Elsewhere(elsewhere))),
            Self::Banned { session, until } => {
                let banned = Banned { reason: "", code: "", until };
                hear(Event::Order(Order::Ban { session, banned }))
            }
            Self::Remembered { session, record } => hear(Event::Remembered { session, record }),
            Self::Map { epoch, nodes } => {
                let map = Placement::single_node([0; 16], 0, 1).over(epoch, &nodes);
                hear(Event::Order(Order::Map(&map)))
            }
            Self::Linked { node } => hear(Event::Order(Order::Linked(node))),
            Self::Lost { node } => hear(Event::Order(Order::Lost(node))),
            Self::Drain { drain } => hear(Event::Order(Order::Drain(drain))),
            Self::Rules { rules } => hear(Event::Order(Order::Rules(&Arc::new(rules.again())))),
        }
    }
}

impl Said {
    fn of(message: &ClientMessage<'_>, shard: &Shard) -> Self {
        let size = |of: &[u8]| of.len() as u32;
        match message {
            ClientMessage::Hello(hello) => {
                Self::Hello { language: hello.language.and_then(Language::parse) }
            }
            ClientMessage::Join(join) => Self::Join { join: shard.hashed(join) },
            ClientMessage::Leave => Self::Leave,
            ClientMessage::Message(say) => Self::words(say, shard),
            ClientMessage::Skip(Skip { reason: _, room }) => Self::Skip { room: Meant::by(*room) },
            ClientMessage::Ack { seq } => Self::Ack { seq: *seq },
            ClientMessage::Typing { is_typing, room } => {
                Self::Typing { is_typing: *is_typing, room: Meant::by(*room) }
            }
            ClientMessage::VideoToggle { enabled, room } => {
                Self::VideoToggle { enabled: *enabled, room: Meant::by(*room) }
            }
            ClientMessage::AudioToggle { enabled, room } => {
                Self::AudioToggle { enabled: *enabled, room: Meant::by(*room) }
            }
            ClientMessage::Signal(Signal { kind, room, body }) => {
                Self::Signal { kind: *kind, room: Meant::by(*room), size: size(body) }
            }
            ClientMessage::Report(Report { reason, comment: _, id, evidence, block, room }) => {
                let (reason, has_id, evidence) = (*reason, id.is_some(), evidence.len() as u8);
                Self::Report { reason, room: Meant::by(*room), has_id, evidence, block: *block }
            }
            ClientMessage::Read { seq, room } => Self::Read { seq: *seq, room: Meant::by(*room) },
            ClientMessage::Ping => Self::Ping,
        }
    }

    fn words(say: &Say<'_>, shard: &Shard) -> Self {
        let Say { content, id, room } = say;
        let id = id.map(|id| shard.hash_of(id));
        Self::Message { room: Meant::by(*room), size: content.len() as u32, id }
    }

    fn retell<T>(
        self,
        session: SessionId,
        found: Option<Severity>,
        hear: impl FnOnce(Event<'_>) -> T,
    ) -> T {
        let room = self.meant().text();
        let room = room.as_deref();
        let filler = "x".repeat(self.size());
        let (subtag, name, body);
        let id = |has_id: bool| has_id.then_some("id");
        let message = match self {
            Self::Join { join } => return hear(Event::HashedJoin { session, join, found }),
            Self::Hello { language } => {
                subtag = language.map(Language::subtag);
                ClientMessage::Hello(Hello { language: subtag.as_deref(), ..Hello::default() })
            }
            Self::Leave => ClientMessage::Leave,
            Self::Message { id, .. } => {
                name = id.map(|hash| format!("{hash:016x}"));
                let say = Say { content: &filler, id: name.as_deref(), room };
                if let Some(found) = found {
                    return hear(Event::Faulty { session, say, found });
                }
                ClientMessage::Message(say)
            }
            Self::Skip { .. } => ClientMessage::Skip(Skip { reason: None, room }),
            Self::Ack { seq } => ClientMessage::Ack { seq },
            Self::Typing { is_typing, .. } => ClientMessage::Typing { is_typing, room },
            Self::VideoToggle { enabled, .. } => ClientMessage::VideoToggle { enabled, room },
            Self::AudioToggle { enabled, .. } => ClientMessage::AudioToggle { enabled, room },
            Self::Signal { kind, size, .. } => {
                body = filling_map(size);
                ClientMessage::Signal(Signal { kind, room, body: &body })
            }
            Self::Report { reason, has_id, evidence, block, .. } => {
                let nothing = Evidence { seq: 0, content: "", timestamp: 0, tag: [0; 16] };
                let evidence = vec![nothing; evidence.into()];
                let (comment, id) = (None, id(has_id));
                ClientMessage::Report(Report { reason, comment, id, evidence, block, room })
            }
            Self::Read { seq, .. } => ClientMessage::Read { seq, room },
            Self::Ping => ClientMessage::Ping,
        };
        hear(Event::Message { session, message })
    }

    fn meant(&self) -> Meant {
        match self {
            Self::Message { room, .. }
            | Self::Skip { room }
            | Self::Typing { room, .. }
            | Self::VideoToggle { room, .. }
            | Self::AudioToggle { room, .. }
            | Self::Signal { room, .. }
            | Self::Report { room, .. }
            | Self::Read { room, .. } => *room,
            Self::Hello { .. }
            | Self::Join { .. }
            | Self::Leave
            | Self::Ack { .. }
            | Self::Ping => Meant::Unsaid,
        }
    }

    /// How long the content was; no longer than may be, whatever stands in a log.
    fn size(&self) -> usize {
        match self {
            Self::Message { size, .. } => (*size as usize).min(MESSAGE_BYTES),
            _ => 0,
        }
    }
}

/// A map with nothing in it that is so long in msgpack: signalling is passed on as it is, and kept
/// by its length.
fn filling_map(size: u32) -> Vec<u8> {
    const MAP_OF_NOTHING: &[u8] = b"\x80";
    const MAP_WITH_BIN: &[u8] = b"\x81\xa0\xc5";
    let size = (size as usize).min(MESSAGE_BYTES);
    let Some(bytes) = size.checked_sub(MAP_WITH_BIN.len() + 2) else {
        return MAP_OF_NOTHING.to_vec();
    };
    let mut map = MAP_WITH_BIN.to_vec();
    map.extend_from_slice(&(bytes as u16).to_be_bytes());
    map.resize(size, 0);
    map
}

impl Meant {
    fn by(text: Option<&str>) -> Self {
        match text.map(RoomId::decode) {
            None => Self::Unsaid,
            Some(Some(room)) => Self::Room { room },
            Some(None) => Self::Nonsense,
        }
    }

    fn text(self) -> Option<ArrayString<{ RoomId::CHARS }>> {
        match self {
            Self::Unsaid => None,
            Self::Room { room } => Some(room.encode()),
            Self::Nonsense => Some(ArrayString::new()),
        }
    }
}

fields! {
    enum Told<'a> {
        0 Connected { link };
        1 Said { session, said };
        2 Malformed { session, code };
        3 Disconnected { session, broken };
        4 FromShard { from, envelope };
        5 Tick;
        6 Lanes { open };
        7 Banned { session, until };
        8 Rules { rules };
        9 Elsewhere { elsewhere };
        10 Remembered { session, record };
        11 Drain { drain };
        12 Resume { bearer, claim, last_seq };
        13 Map { epoch, nodes };
        14 Linked { node };
        15 Lost { node };
    }
    struct Lodging { node, weight, shards }
    enum Bearer {
        0 Here(session);
        1 Moved(link);
        2 Abroad(link);
    }
    enum Said {
        0 Hello { language };
        1 Join { join };
        2 Leave;
        3 Message { room, size, id };
        4 Skip { room };
        5 Ack { seq };
        6 Typing { is_typing, room };
        7 VideoToggle { enabled, room };
        8 AudioToggle { enabled, room };
        9 Signal { kind, room, size };
        10 Report { reason, room, has_id, evidence, block };
        11 Read { seq, room };
        12 Ping;
    }
    enum Meant {
        0 Unsaid;
        1 Room { room };
        2 Nonsense;
    }
    struct HashedJoin { lane, relax, language, interests }
}

/// The nodes of a map; there is at least one.
impl Field for Vec<Lodging> {
    fn put(&self, w: &mut Writer<'_>) {
        w.list(self.iter());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        r.list().ok().filter(|nodes| !nodes.is_empty()).ok_or(Damage)
    }
}

impl<T: Field> Field for Result<T, BadInterest> {
    fn put(&self, w: &mut Writer<'_>) {
        match self {
            Ok(interests) => {
                w.number(0);
                interests.put(w);
            }
            Err(BadInterest::TooLong) => w.number(1),
            Err(BadInterest::TooMany) => w.number(2),
            Err(BadInterest::Unfit) => w.number(3),
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(match r.number()? {
            0 => Ok(Field::get(r)?),
            1 => Err(BadInterest::TooLong),
            2 => Err(BadInterest::TooMany),
            3 => Err(BadInterest::Unfit),
            _ => return Err(Damage),
        })
    }
}
