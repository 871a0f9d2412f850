//! Names of people, tickets and rooms. Each carries its node and shard, so that any shard of any
//! node can address it.

use data_encoding::BASE64URL_NOPAD;
use whisper_shard_router::ShardId;

use crate::codec::fields;

/// A connection as its driver knows it. Opaque here; a stale one is the driver's to ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link(pub u64);

impl Link {
    /// No connection at all: whatever goes there is ignored.
    pub const NOBODYS: Self = Self(u64::MAX);
}

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

fields! {
    struct Link(0)
    struct SessionId { node, shard, slot, generation }
    struct TicketId { at, node, shard, slot }
    struct RoomId(0)
    enum Side {
        0 First;
        1 Second;
    }
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

/// The id of a room's message whose sender gave it none: `m1`, `m2` and on.
pub fn message_id(seq: u64) -> arrayvec::ArrayString<21> {
    let mut id = arrayvec::ArrayString::new();
    id.push('m');
    let mut unit = 1;
    while seq / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        id.push(char::from(b'0' + (seq / unit % 10) as u8));
        unit /= 10;
    }
    id
}

/// Base64url without padding (RFC 4648, section 5) into a string of at most `N` characters, which
/// must suffice.
///
/// Written out, because it stands in every message: it is done in a quarter of the instructions of
/// an encoder that any alphabet can be given to.
pub fn encode_base64url<const N: usize>(bytes: &[u8]) -> arrayvec::ArrayString<N> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = arrayvec::ArrayString::new();
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or_default()));
        let bits = a << 16 | b << 8 | c;
        for sextet in 0..=group.len() {
            let index = bits >> (18 - 6 * sextet) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
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
    fn base64url_is_as_others_write_it() {
        let bytes: [u8; 24] = std::array::from_fn(|at| (at * 67 % 256) as u8 ^ 0xE7);
        for len in 0..=bytes.len() {
            let text = encode_base64url::<32>(&bytes[..len]);
            assert_eq!(text.as_str(), BASE64URL_NOPAD.encode(&bytes[..len]));
        }
    }

    #[test]
    fn messages_are_counted_in_decimal() {
        for seq in [0, 1, 9, 10, 11, 99, 100, 12_345_678_901_234_567_890, u64::MAX] {
            assert_eq!(message_id(seq).as_str(), format!("m{seq}"));
        }
    }

    #[test]
    fn the_two_sides_are_told_apart() {
        let room = RoomId([7; 16]);
        assert_ne!(Side::First.public_id(&room), Side::Second.public_id(&room));
    }
}
