//! Names of people, tickets and rooms. Each carries its node and shard, so that any shard of any
//! node can address it.

use data_encoding::BASE64URL_NOPAD;
use whisper_shard_router::ShardId;

/// A connection as its driver knows it. Opaque here; a stale one is the driver's to ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link(pub u64);

/// A person for as long as they are here: the slot in their home shard and its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// The node of the home shard.
    pub node: u16,
    /// The home shard.
    pub shard: u16,
    /// The place in the home's table of people.
    pub slot: u32,
    /// How often that place had been taken before.
    pub generation: u32,
}

impl SessionId {
    /// The only shard that knows whether this person is free.
    pub const fn home(self) -> ShardId {
        ShardId { node: self.node, shard: self.shard }
    }

    /// A fixed-width form, for keyed hashes.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..2].copy_from_slice(&self.node.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.shard.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.slot.to_be_bytes());
        bytes[8..].copy_from_slice(&self.generation.to_be_bytes());
        bytes
    }
}

/// One stay in the queue. Ordered by age: *older is lower*.
///
/// A skip, a replaced join or a return to the queue is a new ticket. `at` is strictly increasing
/// within a home, so an id is never used twice; `slot` is where the home keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TicketId {
    /// When the stay began, in microseconds since the Unix epoch.
    pub at: u64,
    /// The node of the home shard.
    pub node: u16,
    /// The home shard.
    pub shard: u16,
    /// The place in the home's table of tickets.
    pub slot: u32,
}

impl TicketId {
    /// The lowest id there can be, to start a scan from.
    pub const MIN: Self = Self { at: 0, node: 0, shard: 0, slot: 0 };

    /// The only shard that knows whether this ticket is free.
    pub const fn home(self) -> ShardId {
        ShardId { node: self.node, shard: self.shard }
    }
}

/// A chat of two. Random, so that nothing in it links two chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub [u8; 16]);

impl RoomId {
    /// Characters of the wire form.
    pub const CHARS: usize = 22;

    /// The wire form: base64url without padding.
    pub fn encode(&self) -> arrayvec::ArrayString<{ Self::CHARS }> {
        encode_base64url(&self.0)
    }

    /// Whether `text` is the wire form of this id.
    pub fn is(&self, text: &str) -> bool {
        self.encode().as_str() == text
    }

    /// Reads the wire form.
    pub fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; 18];
        if BASE64URL_NOPAD.decode_len(text.len()) != Ok(16) {
            return None;
        }
        BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes[..16]).ok()?;
        Some(Self(bytes[..16].try_into().ok()?))
    }
}

/// One of the two sides of a room. `First` holds the lower (older) ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The side of the lower ticket.
    First,
    /// The side of the higher ticket; it offers first in a call.
    Second,
}

impl Side {
    /// The other side.
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// What `partnerId` and `senderId` are for the person on this side: known to nobody outside
    /// the room, and gone with it.
    pub fn public_id(self, room: &RoomId) -> arrayvec::ArrayString<12> {
        let mut id = encode_base64url::<12>(&room.0[..8]);
        id.push(match self {
            Self::First => 'a',
            Self::Second => 'b',
        });
        id
    }
}

/// Base64url without padding into a string of at most `N` characters, which must suffice.
pub fn encode_base64url<const N: usize>(bytes: &[u8]) -> arrayvec::ArrayString<N> {
    let mut buffer = [0u8; N];
    let length = BASE64URL_NOPAD.encode_len(bytes.len());
    BASE64URL_NOPAD.encode_mut(bytes, &mut buffer[..length]);
    let mut text = arrayvec::ArrayString::new();
    text.push_str(std::str::from_utf8(&buffer[..length]).expect("base64 is ASCII"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_ids_survive_the_wire() {
        let room = RoomId([0xA5; 16]);
        assert_eq!(RoomId::decode(&room.encode()), Some(room));
        assert!(room.is(&room.encode()));
        assert_eq!(RoomId::decode("short"), None);
        assert_eq!(RoomId::decode("!!!!!!!!!!!!!!!!!!!!!!"), None);
    }

    #[test]
    fn the_two_sides_are_told_apart() {
        let room = RoomId([7; 16]);
        assert_ne!(Side::First.public_id(&room), Side::Second.public_id(&room));
    }
}
