//! How messages between shards are written: those about tickets whole, but for the names of
//! interests, which become hashes; those of a room without what is said.

use whisper_proto::Lane;
use whisper_shard_router::ShardId;

use super::codec::{Damage, Field, Reader, Writer, fields};
use crate::ids::{Link, RoomId, SessionId, Side, TicketId};
use crate::interests::Names;
use crate::match_queue::{
    Accept, Card, Claim, LANES, LaneId, Language, Level, MatchMessage, Outcome,
};
use crate::moderation::RulesDigest;
use crate::rooms::{Ending, RoomMessage, Worth};
use crate::settings::{OpenLanes, every_lane, lane_id};
use crate::shard::{Counts, DoorMessage, Envelope, HashedJoin, ShardMessage, StandingMessage};
use crate::time::{Micros, Span};

/// No payload between shards is longer: a client's message and what its delivery adds.
const PAYLOAD_BYTES_MAX: usize = 2 * whisper_proto::limits::MESSAGE_BYTES;

fields! {
    struct Envelope { epoch, message }
    enum ShardMessage {
        0 Match(message);
        1 Room(message);
        2 Census(counts);
        3 Door(message);
        4 Standing(message);
    }
    enum MatchMessage {
        0 Post(card);
        1 Relax { ticket, level };
        2 Withdraw { ticket };
        3 Propose { a, b, b_person, forgive };
        4 Claim(claim);
        5 Accept(accept);
        6 Refuse { a, b, owner, outcome };
        7 Outcome { a, b, outcome };
    }
    struct Card { ticket, person, lane, language, same_language, keys, level, priority }
    struct Claim { a, b, a_person, a_names, owner, forgive }
    struct Accept { a, b, b_person, b_names, owner, room }
    enum Outcome {
        0 Matched;
        1 AGone;
        2 BGone;
        3 Refused { forgive };
    }
    enum Level {
        0 Overlap;
        1 Single;
        2 Any;
        3 Again;
    }
    enum RoomMessage {
        0 Deliver { to, room, payload, worth };
        1 Ended { to, room, ending };
        2 Away { to, room, grace };
    }
    enum Worth {
        0 Line;
        1 Step;
        2 Fleeting;
    }
    enum Ending {
        0 Skipped;
        1 Disconnected;
        2 Drained { jitter };
    }
    enum Side {
        0 First;
        1 Second;
    }
    struct Counts { online, queued, chats, matched, waited_ms, rooms_opened }
    struct SessionId { node, shard, slot, generation }
    struct TicketId { at, node, shard, slot }
    struct ShardId { node, shard }
    struct Lane { age, mode, queue }
}

macro_rules! wrapped {
    ($($name:ident),*) => {$(
        impl Field for $name {
            fn put(&self, w: &mut Writer<'_>) {
                self.0.put(w);
            }

            fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
                Field::get(r).map(Self)
            }
        }
    )*};
}
wrapped! { Link, RoomId, Micros, Span, RulesDigest }

impl Field for LaneId {
    fn put(&self, w: &mut Writer<'_>) {
        self.0.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let lane = u8::get(r)?;
        (usize::from(lane) < LANES).then_some(Self(lane)).ok_or(Damage)
    }
}

/// A partner's interests: hashes; read back as the names that stand in for them.
impl Field for Names {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.count() as u64);
        self.iter().for_each(|name| w.interest(name));
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let hashes: arrayvec::ArrayVec<_, { crate::match_queue::KEYS_MAX }> = Field::get(r)?;
        Ok(hashes.into_iter().map(HashedJoin::stand_in).collect())
    }
}

/// What is said in a room: its size; read back as so many zeros.
impl Field for Box<[u8]> {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.len() as u64);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let count = r.count()?;
        if count > PAYLOAD_BYTES_MAX {
            return Err(Damage);
        }
        Ok(vec![0; count].into())
    }
}

/// About who comes from where there is nothing in a log, nor about what is asked of whom because of
/// it: [`Told::of`](super::Told::of) keeps no such message.
macro_rules! unlogged {
    ($($name:ident),*) => {$(
        impl Field for $name {
            fn put(&self, _: &mut Writer<'_>) {}

            fn get(_: &mut Reader<'_>) -> Result<Self, Damage> {
                Err(Damage)
            }
        }
    )*};
}
unlogged! { DoorMessage, StandingMessage }

impl Field for Language {
    fn put(&self, w: &mut Writer<'_>) {
        w.text(&self.subtag());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Self::parse(r.text()?).ok_or(Damage)
    }
}

impl Field for OpenLanes {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.iter().fold(0, |bits, lane| bits | 1 << lane_id(lane).0));
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let bits = r.number()?;
        let mut lanes = Self::NONE;
        every_lane().for_each(|lane| lanes.set(lane, bits >> lane_id(lane).0 & 1 == 1));
        Ok(lanes)
    }
}
