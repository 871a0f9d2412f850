//! What auditors may see of a shard: nobody else asks.

use super::Shard;
use crate::ids::{RoomId, SessionId};
use crate::match_queue::{Card, MatchQueue};

impl Shard {
    /// The tickets at home here, and whether each is held.
    pub fn tickets(&self) -> Vec<(Card, bool)> {
        self.queue.tickets()
    }

    /// The match queue.
    pub fn queue(&self) -> &MatchQueue {
        &self.queue
    }

    /// Who chats with whom, and where, as this shard knows it.
    pub fn rooms(&self) -> Vec<(SessionId, RoomId, SessionId)> {
        let people = &self.floor.people;
        (0..people.span())
            .filter(|&slot| people.at(slot).is_some())
            .map(|slot| people.session_at(slot))
            .filter_map(|person| {
                let (room, partner) = self.room_of(person)?;
                Some((person, room, partner))
            })
            .collect()
    }

    /// The room that a person of this shard is in, and with whom.
    pub fn room_of(&self, person: SessionId) -> Option<(RoomId, SessionId)> {
        let room = self.floor.rooms.at(self.floor.people.get(person)?.place()?);
        Some((room.id, room.partner))
    }
}
