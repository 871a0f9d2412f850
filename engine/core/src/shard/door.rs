//! Between the home of a connection and the shard that owns its address.

use core::net::IpAddr;

use whisper_shard_router::ShardId;

use super::{Effect, Effects, Floor, Shard, ShardMessage};
use crate::ids::Link;
use crate::limits::{Answer, Ask, Visitor};

/// What they say to each other. Addresses travel as keyed hashes only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DoorMessage {
    /// Home to owner.
    Ask {
        /// The home's name for the connection.
        link: Link,
        /// Whose it is.
        visitor: Visitor,
        /// What it asks.
        ask: Ask,
    },
    /// Owner to home.
    Answer {
        /// The home's name for the connection.
        link: Link,
        /// Whose it is.
        visitor: Visitor,
        /// What it asked.
        ask: Ask,
        /// What the owner says.
        answer: Answer,
    },
}

impl Shard {
    /// The visitor at an address, as all shards know it.
    pub fn visitor(&self, address: IpAddr) -> Visitor {
        Visitor::new(address, &self.floor.placement)
    }

    /// Addresses and blocks that this shard remembers now.
    pub fn addresses(&self) -> usize {
        self.floor.admission.remembered()
    }
}

impl Floor {
    pub(super) fn ask(&self, link: Link, visitor: Visitor, ask: Ask, effects: &mut impl Effects) {
        let owner = visitor.owner(&self.placement);
        let message = ShardMessage::Door(DoorMessage::Ask { link, visitor, ask });
        self.to_shard(owner, message, effects);
    }

    pub(super) fn at_the_door(
        &mut self,
        from: ShardId,
        message: DoorMessage,
        effects: &mut impl Effects,
    ) {
        match message {
            DoorMessage::Ask { link, visitor, ask } => {
                if let Some(answer) = self.admission.handle(self.now, &visitor, ask) {
                    let message = DoorMessage::Answer { link, visitor, ask, answer };
                    self.to_shard(from, ShardMessage::Door(message), effects);
                }
            }
            DoorMessage::Answer { link, visitor, ask, answer } => {
                effects.push(Effect::Answered { link, visitor, ask, answer });
            }
        }
    }
}
