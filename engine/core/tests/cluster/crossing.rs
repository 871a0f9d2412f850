//! What shards of another node may say.

use whisper_core::ids::{RoomId, TicketId};
use whisper_core::match_queue::{ClusterMessage, MatchMessage, Pair};
use whisper_core::shard::{Counts, Envelope, ShardMessage};
use whisper_shard_router::ShardId;

use crate::net::Cluster;

const HERE: ShardId = ShardId { node: 1, shard: 0 };
const NEXT: ShardId = ShardId { node: 1, shard: 1 };
const THERE: ShardId = ShardId { node: 2, shard: 0 };

/// Of the map that each node has of its own keys.
const EPOCH: u64 = 1;

fn ticket(at: u64, ShardId { node, shard }: ShardId) -> TicketId {
    TicketId { at, node, shard, slot: 0 }
}

fn across(message: ClusterMessage) -> ShardMessage {
    ShardMessage::Match(MatchMessage::Cluster(Box::new(message)))
}

/// The home of `a` says that it comes.
fn confirm(a: TicketId, b: TicketId, owner: ShardId) -> ShardMessage {
    let pair = Pair { a, b, owner };
    across(ClusterMessage::Confirm { pair, room: RoomId([1; 16]) })
}

#[test]
fn a_shard_hears_of_another_node_what_that_has_business_to_say() {
    let cluster = Cluster::new(&[2, 1]);
    let may = |from, epoch, message: &ShardMessage| {
        let envelope = Envelope { epoch, message: message.clone() };
        cluster.shard(HERE).may_hear(from, &envelope)
    };
    let (theirs, mine) = (ticket(1, THERE), ticket(2, HERE));
    let good = confirm(theirs, mine, NEXT);
    assert!(may(THERE, EPOCH, &good));
    assert!(!may(THERE, EPOCH + 1, &good), "of another version");
    assert!(!may(NEXT, EPOCH, &good), "shards of one node have a ring for it");
    let absent = ShardId { shard: 2, ..HERE };
    let elsewhere = ShardId { node: 3, shard: 0 };
    for bad in [
        confirm(theirs, mine, absent),
        confirm(theirs, ticket(2, NEXT), NEXT),
        confirm(ticket(1, elsewhere), mine, NEXT),
        confirm(ticket(3, THERE), mine, NEXT),
        across(ClusterMessage::Withdraw { ticket: mine }),
        // What is for shards of one node.
        ShardMessage::Match(MatchMessage::Withdraw { ticket: theirs }),
        ShardMessage::Census(Counts::default()),
    ] {
        assert!(!may(THERE, EPOCH, &bad), "{bad:?}");
    }
}
