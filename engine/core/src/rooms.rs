//! Rooms: one record for each side, in that side's home shard.
//!
//! Everything between two shards about a room carries its id, and where the receiver is in another
//! room by then it is dropped: a late word never reaches the next stranger.

use whisper_proto::Lane;

use crate::codec::fields;
use crate::ids::{RoomId, SessionId, Side};
use crate::resume::Kept;
use crate::slots::Slots;
use crate::time::Span;

/// One side of a chat, as its home knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Room {
    /// Which chat.
    pub id: RoomId,
    /// Which side this home's person is on.
    pub side: Side,
    /// The lane they met in.
    pub lane: Lane,
    /// The person on the other side.
    pub partner: SessionId,
    /// Messages this side has said, which is the number of the latest.
    pub said: u64,
    /// What outlives this side's connection; None where the chat doesn't.
    pub kept: Option<Box<Kept>>,
}

const _: () = assert!(size_of::<Option<Room>>() <= 48);

/// Why a room is over, as the side that stays is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The other moved on.
    Skipped,
    /// The other's connection is gone for good.
    Disconnected,
    /// Both are sent elsewhere.
    Drained {
        /// Each comes back after a random time of at most so much.
        jitter: Span,
    },
}

fields! {
    struct Room { id, side, lane, partner, said, kept }
    enum Ending {
        0 Skipped;
        1 Disconnected;
        2 Drained { jitter };
    }
}

/// What something is worth that goes from one side of a chat to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Worth {
    /// It is what somebody said, and numbered. Numbers follow from the order.
    Line,
    /// It is part of a call.
    Step,
    /// It goes stale by itself, and may be dropped where the receiver is slow.
    Fleeting,
}

/// A message between the homes of the two sides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RoomMessage {
    /// A wire message for the person, encoded whole by the sender's home.
    Deliver {
        /// For whom.
        to: SessionId,
        /// Said where.
        room: RoomId,
        /// The encoded server message.
        payload: Box<[u8]>,
        /// What it is worth.
        worth: Worth,
    },
    /// The other side is gone.
    Ended {
        /// Who stays.
        to: SessionId,
        /// Which room.
        room: RoomId,
        /// Why.
        ending: Ending,
    },
    /// The connection of the other side is lost, or they are back.
    Away {
        /// Who stays.
        to: SessionId,
        /// Which room.
        room: RoomId,
        /// For how long the room is kept for them; None: they are back.
        grace: Option<Span>,
    },
}

/// The rooms of one shard's people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rooms {
    rooms: Slots<Room>,
    /// Chats counted here: those whose first side is at home here.
    counted: usize,
}

impl Rooms {
    /// Makes room for so many sides.
    pub fn reserve(&mut self, sides: usize) {
        self.rooms.reserve(sides);
    }

    /// Opens a side; returns its place.
    pub fn open(&mut self, room: Room) -> u32 {
        self.counted += usize::from(room.side == Side::First);
        self.rooms.insert_with(|_| room)
    }

    /// The side at a place that is taken.
    pub fn at(&self, place: u32) -> &Room {
        &self.rooms[place]
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, place: u32) -> &mut Room {
        &mut self.rooms[place]
    }

    /// Numbers the next message of the side at a place that is taken.
    pub fn say(&mut self, place: u32) -> u64 {
        let room = &mut self.rooms[place];
        room.said += 1;
        room.said
    }

    /// Closes the side at a place that is taken.
    pub fn close(&mut self, place: u32) -> Room {
        let room = self.rooms.remove(place).expect("only an open room is closed");
        self.counted -= usize::from(room.side == Side::First);
        room
    }

    /// Chats whose first side is at home here: summed over the shards, each chat once.
    pub fn chats(&self) -> usize {
        self.counted
    }

    /// Sides that are open.
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether no side is open.
    pub fn is_empty(&self) -> bool {
        self.rooms.len() == 0
    }
}
