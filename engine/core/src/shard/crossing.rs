//! What a shard of another node may say to one of this.
//!
//! A link carries nothing but what a process with the cluster's secret sent. That one may still be
//! broken: what it never should say is told from the rest here, so that the parts behind may take
//! what they are told as that of one of their own.

use whisper_shard_router::ShardId;

use super::{Envelope, Shard, ShardMessage};
use crate::match_queue::{ClusterMessage, MatchMessage, Pair};
use crate::rooms::RoomMessage;

impl Shard {
    /// Whether a shard of another node may send this here: it is of what nodes have to say to each
    /// other, about people at home where they ought to be, and is answered to a shard that there is.
    pub fn may_hear(&self, from: ShardId, envelope: &Envelope) -> bool {
        let me = self.id();
        let sound = match &envelope.message {
            ShardMessage::Room(
                RoomMessage::Deliver { to, .. }
                | RoomMessage::Ended { to, .. }
                | RoomMessage::Away { to, .. },
            ) => to.home() == me,
            ShardMessage::Match(MatchMessage::Cluster(message)) => self.is_sound(from, message),
            // Who may come in, what is held against whom, and how many there are, is told within a
            // node; so is what its own lists and holds are about.
            ShardMessage::Match(_)
            | ShardMessage::Census(_)
            | ShardMessage::Door(_)
            | ShardMessage::Standing(_) => false,
        };
        sound && from.node != me.node && envelope.epoch == self.floor.epoch
    }

    fn is_sound(&self, from: ShardId, message: &ClusterMessage) -> bool {
        let me = self.id();
        let shards = self.floor.census.shards();
        let homes = |pair: &Pair, a: ShardId, b: ShardId| {
            let is_there = pair.owner.node != me.node || pair.owner.shard < shards;
            pair.a < pair.b && pair.a.home() == a && pair.b.home() == b && is_there
        };
        match message {
            ClusterMessage::Post { card, .. } => {
                card.ticket.home() == from && card.person.home() == from
            }
            ClusterMessage::Stale { ticket } => ticket.home() == me,
            ClusterMessage::Withdraw { ticket } => ticket.home() == from,
            ClusterMessage::Propose { pair, b_person, .. } => {
                let b = pair.b.home();
                pair.owner == from
                    && b.node != me.node
                    && b_person.home() == b
                    && homes(pair, me, b)
            }
            ClusterMessage::Claim { pair, a_person, .. } => {
                a_person.home() == from && homes(pair, from, me)
            }
            ClusterMessage::Confirm { pair, .. } | ClusterMessage::Release { pair, .. } => {
                homes(pair, from, me)
            }
            ClusterMessage::Accept { pair, b_person, .. }
            | ClusterMessage::Confirmed { pair, b_person, .. } => {
                b_person.home() == from && homes(pair, me, from)
            }
            ClusterMessage::Refuse { pair, .. } => homes(pair, me, from),
            ClusterMessage::Outcome { pair, .. } => {
                pair.owner == me && homes(pair, from, pair.b.home())
            }
        }
    }
}
