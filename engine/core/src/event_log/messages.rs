//! How messages between shards are written. From node to node, whole. In an event log, those about
//! tickets with hashes for the names of interests; those of a room without what is said.

use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::match_queue::{Accept, Card, Claim, ClusterMessage, MatchMessage, Outcome, Pair};
use crate::rooms::{RoomMessage, Worth};
use crate::shard::{DoorMessage, Envelope, ShardMessage, StandingMessage};

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
        8 Cluster(message);
    }
    enum ClusterMessage {
        0 Post { epoch, card };
        1 Stale { ticket };
        2 Withdraw { ticket };
        3 Propose { pair, b_person, forgive };
        4 Claim { pair, a_person, a_names, forgive };
        5 Accept { pair, b_person, b_names, room };
        6 Refuse { pair, room, outcome };
        7 Confirm { pair, room };
        8 Confirmed { pair, b_person, room };
        9 Release { pair, room };
        10 Outcome { pair, outcome };
    }
    struct Pair { a, b, owner }
    struct Card { ticket, person, lane, language, same_language, keys, level, priority }
    struct Claim { a, b, a_person, a_names, owner, forgive }
    struct Accept { a, b, b_person, b_names, owner, room }
    enum Outcome {
        0 Matched;
        1 AGone;
        2 BGone;
        3 Refused { forgive };
        4 ABusy;
        5 BBusy;
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
}

/// About who comes from where there is nothing in a log, nor about what is asked of whom because of
/// it: [`Told::of`](super::Told::of) keeps no such message. Nor does any go to another node, whose
/// people are its own to let in.
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
