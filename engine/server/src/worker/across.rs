//! What goes to shards of other nodes, and comes from them. Links are the control thread's; a worker
//! gathers what a turn has for them, and gives it away as one.
//!
//! What is sent by a link arrives, in order, until the link is over: a worker learns of both in the
//! mailbox that what is heard comes by, so that it never mixes up two links to one node.

use std::collections::BTreeMap;

use thiserror::Error;
use tokio::sync::mpsc;
use whisper_cluster::{Batch, NodeNews};
use whisper_core::codec::{Damage, Field as _, Reader, Writer, fields};
use whisper_core::ids::SessionId;
use whisper_core::shard::{Envelope, Event, Order};
use whisper_reactor::Io;
use whisper_shard_router::ShardId;

use super::Worker;
use super::abroad::Roam;
use super::desk::Desk;
use super::filing::Known;

/// Bytes that wait for the control thread. Where one node has more, its link is given up.
const WAITING_MAX: usize = 4 << 20;

/// Bytes of an item that say between which shards it goes.
const HEAD: usize = 4;

/// Something that travels between shards of two nodes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Across {
    /// The one shard says this to the other.
    Said(Envelope),
    /// It is about a connection that the one has, of a person at home at the other.
    Roam(Roam),
    /// Who is it? Answered by [`Self::Known`], where that is known.
    Who {
        /// Somebody who was reported.
        person: SessionId,
    },
    /// This is who it is.
    Known(Known),
}

fields! {
    enum Across {
        0 Said(envelope);
        1 Roam(roam);
        2 Who { person };
        3 Known(known);
    }
}

/// What a worker has for the links.
#[derive(Debug)]
pub(crate) enum ToNode {
    /// Send these items by this link: [`address`] says of each between which shards.
    Items {
        /// The node, and the name of the link to it.
        link: (u16, u64),
        /// What to send.
        items: Batch,
    },
    /// This link is to be over.
    GiveUp {
        /// The node, and the name of the link to it.
        link: (u16, u64),
        /// Why.
        why: GivenUp,
    },
}

/// Why a node gives up a link that works: there would be a gap in what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum GivenUp {
    /// Whoever sent it is to be of this release, and is at fault.
    #[error("what it sent makes no sense: is it of this release?")]
    Nonsense,
    /// More came for a reactor than may wait for it.
    #[error("a reactor is too far behind with what it sends")]
    ReactorBehind,
    /// A reactor has more for it than may wait for the control thread.
    #[error("the control thread is too far behind with what is sent to it")]
    ControlBehind,
}

impl GivenUp {
    /// Their names in metrics, in the order of the variants.
    pub(crate) const REASONS: [&str; 3] = ["nonsense", "reactor_behind", "control_behind"];

    /// Its place among [`Self::REASONS`].
    pub(crate) fn place(self) -> usize {
        self as usize
    }
}

/// The shards of an item: the receiver's, and the sender's. None where it has none.
pub(crate) fn address(item: &[u8]) -> Option<(u16, u16)> {
    let ([a, b, c, d], _) = item.split_first_chunk::<HEAD>()?;
    Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
}

/// A link that is up.
#[derive(Clone, Copy, Debug)]
struct Up {
    /// Its name.
    generation: u64,
    /// How many shards are at its other end.
    shards: u16,
}

/// The other nodes, as a worker reaches them.
#[derive(Debug)]
pub(super) struct Nodes {
    me: ShardId,
    /// The links that are up.
    links: BTreeMap<u16, Up>,
    waiting: Vec<ToNode>,
    bytes: usize,
    to_control: mpsc::Sender<Vec<ToNode>>,
    /// An item is written here first.
    scratch: Vec<u8>,
}

impl Nodes {
    /// None can be reached yet.
    pub(super) fn new(me: ShardId, to_control: mpsc::Sender<Vec<ToNode>>) -> Self {
        let (links, waiting, scratch) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { me, links, waiting, bytes: 0, to_control, scratch }
    }

    /// Whether a shard is one of theirs.
    pub(super) fn have(&self, shard: ShardId) -> bool {
        shard.node != self.me.node
    }

    /// Whether there is a link to a node.
    pub(super) fn are_linked(&self, node: u16) -> bool {
        self.links.contains_key(&node)
    }

    /// The shard that has by now whom this one had, if it can be reached. A process before may have
    /// had more of them: who was at home in shard `s` is at home in shard `s % n` of `n`, as
    /// [handovers](../../../../docs/handover.md#how-it-goes) have it.
    pub(super) fn successor_of(&self, shard: ShardId) -> Option<ShardId> {
        let Up { shards, .. } = self.links.get(&shard.node)?;
        Some(ShardId { shard: shard.shard.checked_rem(*shards)?, ..shard })
    }

    /// Has something go to a shard of another node. Nothing comes of it where there is no link: who
    /// has to know was told by its loss. Nor where that node has no such shard: a process before had
    /// it, and whoever was there.
    pub(super) fn push(&mut self, to: ShardId, what: &Across) {
        let Some(&Up { generation, shards }) = self.links.get(&to.node) else { return };
        if to.shard >= shards {
            return;
        }
        self.scratch.clear();
        self.scratch.extend(to.shard.to_be_bytes());
        self.scratch.extend(self.me.shard.to_be_bytes());
        what.put(&mut Writer::new(&mut self.scratch));
        self.bytes += self.scratch.len();
        let link = (to.node, generation);
        let open = self.waiting.iter_mut().rev().find_map(|it| match it {
            ToNode::Items { link: its, items } if *its == link => Some(items),
            ToNode::Items { .. } | ToNode::GiveUp { .. } => None,
        });
        if open.is_some_and(|items| items.push(&self.scratch)) {
            return;
        }
        let mut items = Batch::default();
        // What is larger than any message of ours would be lost: then rather the link is.
        if self.bytes > WAITING_MAX || !items.push(&self.scratch) {
            return self.give_up(to.node, GivenUp::ControlBehind);
        }
        self.waiting.push(ToNode::Items { link, items });
    }

    /// Gives the control thread what has gathered, if it has room for that.
    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        match self.to_control.try_reserve() {
            Ok(room) => {
                room.send(std::mem::take(&mut self.waiting));
                self.bytes = 0;
            }
            Err(mpsc::error::TrySendError::Full(())) => {}
            // The process ends.
            Err(mpsc::error::TrySendError::Closed(())) => self.waiting.clear(),
        }
    }

    /// Whether something waits until the control thread has room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The link to a node is of no use any more. That it is over is heard from the control thread.
    fn give_up(&mut self, node: u16, why: GivenUp) {
        let Some(Up { generation, .. }) = self.links.remove(&node) else { return };
        let link = (node, generation);
        self.waiting.retain(|it| !matches!(it, ToNode::Items { link: its, .. } if *its == link));
        self.waiting.push(ToNode::GiveUp { link, why });
        let left = self.waiting.iter().map(|it| match it {
            ToNode::Items { items, .. } => items.bytes().len(),
            ToNode::GiveUp { .. } => 0,
        });
        self.bytes = left.sum();
    }
}

impl Worker {
    /// Takes what became of the links, or came by one.
    pub(super) fn hear_node(&mut self, news: NodeNews) {
        let io = self.reactor.io();
        match news {
            NodeNews::Linked { node, generation, shards } => {
                self.desk.abroad.nodes.links.insert(node, Up { generation, shards });
                self.desk.handle(io, Event::Order(Order::Linked(node)));
            }
            NodeNews::Lost { node } => {
                self.desk.abroad.nodes.links.remove(&node);
                self.desk.handle(io, Event::Order(Order::Lost(node)));
                self.desk.lose_node(io, node);
                self.desk.expect_no_answers_of(node);
            }
            NodeNews::Heard { node, batch } => self.desk.hear_items(io, node, &batch),
        }
        self.desk.hear_answers(io);
    }
}

impl Desk {
    fn hear_items(&mut self, io: &mut Io, node: u16, items: &Batch) {
        for item in items.items() {
            // A link that was given up here is over for everybody here, as it will be there.
            if !self.abroad.nodes.are_linked(node) {
                return;
            }
            let read = read(item).map(|(shard, what)| (ShardId { node, shard }, what));
            match read {
                Ok((from, what)) if self.may_hear(from, &what) => self.hear_across(io, from, what),
                _ => self.abroad.nodes.give_up(node, GivenUp::Nonsense),
            }
        }
    }

    /// Whether a shard of another node may send this here.
    fn may_hear(&self, from: ShardId, what: &Across) -> bool {
        match what {
            Across::Said(envelope) => self.shard.may_hear(from, envelope),
            Across::Who { person } => person.home() == self.shard.id(),
            Across::Roam(_) | Across::Known(_) => true,
        }
    }

    fn hear_across(&mut self, io: &mut Io, from: ShardId, what: Across) {
        match what {
            Across::Said(envelope) => self.handle(io, Event::FromShard { from, envelope }),
            Across::Roam(roam) => self.hear_roam(io, from, roam),
            Across::Who { person } => self.tell_who(from, person),
            Across::Known(known) => self.was_told_who(known),
        }
    }
}

/// Who sent an item, and what.
fn read(item: &[u8]) -> Result<(u16, Across), Damage> {
    let (_, from) = address(item).ok_or(Damage)?;
    let mut r = Reader::new(&item[HEAD..]);
    let what = Across::get(&mut r)?;
    r.end()?;
    Ok((from, what))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;
    use whisper_cluster::VERSION;
    use whisper_core::ids::{RoomId, TicketId};
    use whisper_core::interests::Names;
    use whisper_core::match_queue::{
        Card, ClusterMessage, LaneId, Language, Level, MatchMessage, Outcome, Pair,
    };
    use whisper_core::rooms::{Ending, RoomMessage, Worth};
    use whisper_core::shard::ShardMessage;
    use whisper_core::time::Span;
    use whisper_shard_router::KeyHash;
    use whisper_store::bans::Identity;

    use super::super::abroad::Come;
    use super::super::guest::Who;

    use super::*;

    const HERE: ShardId = ShardId { node: 1, shard: 3 };

    fn words(size: usize) -> Across {
        let to = SessionId { node: 2, shard: 1, slot: 7, generation: 9 };
        let payload = vec![b'x'; size].into();
        let deliver =
            RoomMessage::Deliver { to, room: RoomId([5; 16]), payload, worth: Worth::Line };
        Across::Said(Envelope { epoch: 1, message: ShardMessage::Room(deliver) })
    }

    fn there(node: u16) -> ShardId {
        ShardId { node, shard: 1 }
    }

    /// Links to nodes of two shards.
    fn link<const N: usize>(nodes: &mut Nodes, links: [(u16, u64); N]) {
        nodes.links.extend(links.map(|(node, generation)| (node, Up { generation, shards: 2 })));
    }

    fn nodes(room: usize) -> (Nodes, mpsc::Receiver<Vec<ToNode>>) {
        let (to_control, from_worker) = mpsc::channel(room);
        (Nodes::new(HERE, to_control), from_worker)
    }

    #[test]
    fn what_a_turn_has_for_a_node_goes_as_one() {
        let (mut nodes, mut control) = nodes(1);
        nodes.push(there(2), &words(10));
        link(&mut nodes, [(2, 20), (4, 40)]);
        for (node, size) in [(2, 100), (4, 5), (2, 30_000)] {
            nodes.push(there(node), &words(size));
        }
        nodes.push(there(9), &words(1));
        nodes.flush();
        let turn = control.try_recv().expect("a turn");
        let [ToNode::Items { link: (2, 20), items }, ToNode::Items { link: (4, 40), .. }] =
            &turn[..]
        else {
            panic!("{turn:?}")
        };
        assert_eq!(items.items().count(), 2);
        for (item, size) in items.items().zip([100, 30_000]) {
            assert_eq!(address(item), Some((1, HERE.shard)));
            assert_eq!(read(item), Ok((HERE.shard, words(size))));
        }
        nodes.flush();
        assert!(control.try_recv().is_err() && !nodes.is_waiting());
    }

    #[test]
    fn a_control_thread_that_is_behind_costs_the_link_that_has_too_much() {
        let (mut nodes, mut control) = nodes(1);
        link(&mut nodes, [(2, 20), (4, 40)]);
        nodes.push(there(4), &words(5));
        nodes.flush();
        nodes.push(there(4), &words(6));
        while nodes.links.contains_key(&2) {
            nodes.push(there(2), &words(30_000));
            nodes.flush();
            assert!(nodes.bytes <= WAITING_MAX + (1 << 16));
        }
        assert!(nodes.is_waiting() && nodes.bytes < 100);
        assert!(control.try_recv().is_ok());
        nodes.flush();
        let turn = control.try_recv().expect("a turn");
        let [ToNode::Items { link: (4, 40), .. }, ToNode::GiveUp { link: (2, 20), why }] =
            &turn[..]
        else {
            panic!("{turn:?}")
        };
        assert_eq!(*why, GivenUp::ControlBehind);
    }

    #[test]
    fn a_shard_that_a_process_before_had_is_sent_nothing() {
        let (mut nodes, mut control) = nodes(1);
        let before = ShardId { node: 2, shard: 7 };
        assert_eq!(nodes.successor_of(before), None);
        link(&mut nodes, [(2, 20)]);
        nodes.push(before, &words(5));
        nodes.flush();
        assert!(control.try_recv().is_err());
        assert_eq!(nodes.successor_of(before), Some(there(2)));
        assert_eq!(nodes.successor_of(there(2)), Some(there(2)));
    }

    #[test]
    fn nonsense_is_no_item() {
        let (mut nodes, mut control) = nodes(1);
        link(&mut nodes, [(2, 20)]);
        nodes.push(there(2), &words(5));
        nodes.flush();
        let turn = control.try_recv().expect("a turn");
        let [ToNode::Items { items, .. }] = &turn[..] else { panic!("{turn:?}") };
        let item = items.items().next().expect("an item").to_vec();
        for length in 0..item.len() {
            assert!(read(&item[..length]).is_err(), "{length} bytes");
        }
        assert!(read(&[&item[..], &[0]].concat()).is_err());
    }

    /// One of each kind of what crosses, with a value in each field.
    fn one_of_each() -> Vec<Across> {
        let person = SessionId { node: 2, shard: 1, slot: 70_000, generation: 9 };
        let ticket =
            |node: u16| TicketId { at: 1_800_000_000_000_000, node, shard: 3, slot: 70_001 };
        let pair = Pair { a: ticket(1), b: ticket(2), owner: ShardId { node: 4, shard: 5 } };
        let (room, forgive) = (RoomId([5; 16]), true);
        let names = || ["tea", "Träume"].into_iter().collect::<Names>();
        let card = Card {
            ticket: ticket(1),
            person,
            lane: LaneId(7),
            language: Language::parse("pt"),
            same_language: true,
            keys: [KeyHash(1), KeyHash(u64::MAX)].into_iter().collect(),
            level: Level::Again,
            priority: 3,
        };
        let mut outcomes = vec![Outcome::Matched, Outcome::AGone, Outcome::BGone];
        outcomes.extend([Outcome::Refused { forgive }, Outcome::ABusy, Outcome::BBusy]);
        let outcomes =
            outcomes.into_iter().map(|outcome| ClusterMessage::Outcome { pair, outcome });
        let refuse = ClusterMessage::Refuse { pair, room: Some(room), outcome: Outcome::BBusy };
        let tickets = vec![
            ClusterMessage::Post { epoch: u64::MAX, card },
            ClusterMessage::Stale { ticket: ticket(1) },
            ClusterMessage::Withdraw { ticket: ticket(1) },
            ClusterMessage::Propose { pair, b_person: person, forgive },
            ClusterMessage::Claim { pair, a_person: person, a_names: names(), forgive },
            ClusterMessage::Accept { pair, b_person: person, b_names: names(), room },
            refuse,
            ClusterMessage::Confirm { pair, room },
            ClusterMessage::Confirmed { pair, b_person: person, room },
            ClusterMessage::Release { pair, room },
        ];
        let tickets = tickets.into_iter().chain(outcomes);
        let tickets = tickets.map(|it| ShardMessage::Match(MatchMessage::Cluster(Box::new(it))));
        let payload = || b"words"[..].into();
        let deliver = |worth| RoomMessage::Deliver { to: person, room, payload: payload(), worth };
        let ended = |ending| RoomMessage::Ended { to: person, room, ending };
        let rooms = [
            deliver(Worth::Line),
            deliver(Worth::Step),
            deliver(Worth::Fleeting),
            ended(Ending::Skipped),
            ended(Ending::Disconnected),
            ended(Ending::Drained { jitter: Span::secs(1) }),
            RoomMessage::Away { to: person, room, grace: Some(Span::secs(20)) },
        ];
        let said = tickets.chain(rooms.map(ShardMessage::Room));
        let said = said.map(|message| Across::Said(Envelope { epoch: 1, message }));
        let identity = Identity {
            address: Ipv4Addr::new(192, 0, 2, 7).into(),
            cookie: Some(3),
            fingerprint: Some(4),
        };
        let come = Come {
            token: vec![6; 64],
            last_seq: 8,
            language: Some("pt".to_owned()),
            challenge: Some(vec![7; 3]),
            who: Who { identity, exempt: true },
        };
        let (conn, payload) = (1 << 40, b"bytes".to_vec());
        let roams = [
            Roam::Come { conn, come },
            Roam::Said { conn, payload: payload.clone() },
            Roam::Left { conn, broken: true },
            Roam::Refused { conn },
            Roam::Told { conn, fleeting: true, payload },
            Roam::Closed { conn, code: 1_012 },
        ];
        let known = [Across::Who { person }, Across::Known(Known::new(person, identity))];
        said.chain(roams.map(Across::Roam)).chain(known).collect()
    }

    /// Two releases of one version may run at once, on two nodes.
    #[test]
    fn what_crosses_is_written_as_its_version_has_it() {
        let mut all = Vec::new();
        for what in one_of_each() {
            let mut item = vec![0, 1, 0, 3];
            what.put(&mut Writer::new(&mut item));
            assert_eq!(read(&item).as_ref(), Ok(&(3, what)));
            all.extend(item);
        }
        let hash = blake3::hash(&all).to_hex();
        assert_eq!(
            (VERSION, &hash[..16]),
            (1, "f19b704ab733491f"),
            "where it changes, the version does"
        );
    }

    proptest! {
        /// The fuzz targets know of envelopes alone.
        #[test]
        fn any_bytes_are_nonsense_or_an_item(
            kind in 0..5_u8,
            bytes in prop::collection::vec(prop_oneof![0..8_u8, any::<u8>()], 0..120),
        ) {
            let item = [&[0, 1, 0, 2, kind][..], &bytes].concat();
            if let Ok((from, what)) = read(&item) {
                let mut again = item[..HEAD].to_vec();
                what.put(&mut Writer::new(&mut again));
                prop_assert_eq!(read(&again), Ok((from, what)));
            }
        }
    }
}
