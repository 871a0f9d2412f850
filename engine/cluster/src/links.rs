//! The links of one node: one to each other member of its map.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use crate::batch::Batch;
use crate::beat::ClusterKey;
use crate::link::{Link, LinkCounters, News, PacketError, Process, PushError, sender};
use crate::membership::NODES_MAX;
use crate::view::View;

/// What becomes of the links of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeNews {
    /// A node can be reached.
    Linked {
        /// Which.
        node: u16,
        /// The name of this link; later ones have higher names.
        generation: u64,
        /// How many shards are there to be reached.
        shards: u16,
    },
    /// A node said this.
    Heard {
        /// Which.
        node: u16,
        /// What.
        batch: Batch,
    },
    /// The link to a node is over, with all that was under way.
    Lost {
        /// Which.
        node: u16,
    },
}

/// How a link is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether it is up.
    pub is_up: bool,
    /// Batches that wait to be acknowledged.
    pub unacked: usize,
    /// Bytes in them.
    pub unacked_bytes: usize,
    /// How long acknowledgements take of late, their wait for company included.
    pub round_trip: Option<Duration>,
    /// What the links to this node came to since the start.
    pub counters: LinkCounters,
}

/// A node's links.
#[derive(Debug)]
pub struct Links {
    key: ClusterKey,
    me: Process,
    held: BTreeMap<u16, Held>,
    /// The latest name of a link.
    generations: u64,
    /// No link that is over had a higher half.
    halves: u64,
    /// The node that was asked last for a packet: the next is another.
    turn: u16,
    news: VecDeque<NodeNews>,
    /// The last packets of links to nodes that are no members any more.
    farewells: VecDeque<(u16, Vec<u8>)>,
    /// By the reason's place among all of [`PacketError`]'s.
    refused: [u64; PacketError::REASONS.len()],
}

#[derive(Debug, Default)]
struct Held {
    /// None while the node is no member.
    link: Option<Link>,
    /// The shards of the process that it goes to.
    shards: u16,
    /// The name of the link while it is up.
    generation: Option<u64>,
    /// What earlier links came to.
    before: LinkCounters,
}

impl Links {
    /// Without anybody yet.
    pub fn new(key: ClusterKey, me: Process) -> Self {
        let (held, news) = (BTreeMap::new(), VecDeque::new());
        Self {
            key,
            me,
            held,
            generations: 0,
            halves: 0,
            turn: 0,
            news,
            farewells: VecDeque::new(),
            refused: Default::default(),
        }
    }

    /// The members are these now: who is new is linked to, who is gone, or another process, is lost.
    pub fn look(&mut self, now: Duration, view: &View) {
        let members = || view.members().iter().filter(|it| it.node != self.me.node);
        let is_member =
            |peer: Process| members().any(|it| Process { node: it.node, run: it.run } == peer);
        for (node, held) in &mut self.held {
            if held.link.as_ref().is_some_and(|link| !is_member(link.peer())) {
                let (half, last) = held.drop_link(now, *node, &mut self.news);
                self.halves = self.halves.max(half);
                self.farewells.extend(last.map(|packet| (*node, packet)));
            }
        }
        for member in members() {
            if !self.held.contains_key(&member.node) && self.held.len() >= NODES_MAX {
                // Who isn't there any more makes room in what is told of nodes.
                let gone = self.held.iter().find(|(_, held)| held.link.is_none());
                let Some(gone) = gone.map(|(node, _)| *node) else { continue };
                self.held.remove(&gone);
            }
            let held = self.held.entry(member.node).or_default();
            held.shards = member.shards;
            held.link.get_or_insert_with(|| {
                let peer = Process { node: member.node, run: member.run };
                Link::new(&self.key, now, (self.me, peer), self.halves + 1)
            });
        }
    }

    /// Has an item of at most [`ITEM_BYTES`](crate::ITEM_BYTES) go to a node by the link of this name, with the next
    /// [`Self::poll`]. Nothing comes of it where that link is over, and where the item is longer it
    /// is over with this: its loss is among the news.
    pub fn send(&mut self, now: Duration, (node, generation): (u16, u64), item: &[u8]) {
        let Some(held) = self.held.get_mut(&node) else { return };
        let Some(link) = held.link.as_mut().filter(|_| held.generation == Some(generation)) else {
            return;
        };
        match link.push(now, item) {
            Ok(()) | Err(PushError::Down) => {}
            Err(PushError::Full) => self.take_news(node),
            Err(PushError::TooLong) => {
                link.reset(now);
                self.take_news(node);
            }
        }
    }

    /// Takes what came.
    ///
    /// # Errors
    /// [`PacketError`], and it is counted.
    pub fn hear(&mut self, now: Duration, packet: &[u8]) -> Result<(), PacketError> {
        let heard = sender(packet, &self.key).and_then(|node| {
            let link = self.held.get_mut(&node).and_then(|held| held.link.as_mut());
            let heard = link.ok_or(PacketError::Stranger { node })?.hear(now, packet);
            self.take_news(node);
            heard
        });
        if let Err(error) = heard {
            self.refused[error.place()] += 1;
        }
        heard
    }

    /// The name of the link to a node, while it is up.
    pub fn generation(&self, node: u16) -> Option<u64> {
        self.held.get(&node)?.generation
    }

    /// The link of this name is to be over: what came by it can't be taken, or what is to go by it
    /// can't be brought here. False where it is over already.
    pub fn reset(&mut self, now: Duration, (node, generation): (u16, u64)) -> bool {
        let Some(held) = self.held.get_mut(&node) else { return false };
        let named = held.link.as_mut().filter(|_| held.generation == Some(generation));
        let Some(link) = named else { return false };
        link.reset(now);
        self.take_news(node);
        true
    }

    /// The next packet to be sent now, if any, and to which node. To be asked until there is none,
    /// after what was sent or heard, and when [due](Self::due).
    pub fn poll(&mut self, now: Duration) -> Option<(u16, Vec<u8>)> {
        if let Some(farewell) = self.farewells.pop_front() {
            return Some(farewell);
        }
        for _ in 0..self.held.len() {
            let behind = (Bound::Excluded(self.turn), Bound::Unbounded);
            let next = self.held.range(behind).next().or_else(|| self.held.first_key_value());
            let node = *next?.0;
            self.turn = node;
            let link = self.held.get_mut(&node).and_then(|held| held.link.as_mut());
            let packet = link.and_then(|link| link.poll(now));
            self.take_news(node);
            if let Some(packet) = packet {
                return Some((node, packet));
            }
        }
        None
    }

    /// When [`Self::poll`] has something to say or to do by itself; None without any link.
    pub fn due(&self) -> Option<Duration> {
        self.held.values().filter_map(|held| held.link.as_ref()).map(Link::due).min()
    }

    /// What became of the links, in order.
    pub fn news(&mut self) -> Option<NodeNews> {
        self.news.pop_front()
    }

    /// How the link to each node is doing, and of nodes that are gone how it did.
    pub fn status(&self) -> impl Iterator<Item = (u16, LinkStatus)> {
        self.held.iter().map(|(node, held)| (*node, held.status()))
    }

    /// Packets refused, by the reason's place among [`PacketError::REASONS`].
    pub fn refused(&self) -> &[u64; PacketError::REASONS.len()] {
        &self.refused
    }

    fn take_news(&mut self, node: u16) {
        if let Some(held) = self.held.get_mut(&node) {
            held.take_news(node, &mut self.generations, &mut self.news);
        }
    }
}

impl Held {
    fn take_news(&mut self, node: u16, generations: &mut u64, all: &mut VecDeque<NodeNews>) {
        while let Some(news) = self.link.as_mut().and_then(Link::news) {
            all.push_back(match news {
                News::Up => {
                    *generations += 1;
                    self.generation = Some(*generations);
                    NodeNews::Linked { node, generation: *generations, shards: self.shards }
                }
                News::Heard(batch) => NodeNews::Heard { node, batch },
                News::Lost => {
                    self.generation = None;
                    NodeNews::Lost { node }
                }
            });
        }
    }

    /// Returns the half that the link had, and its last packet: whoever can't be heard any more may
    /// still hear this node, and would learn by silence only that the link is over.
    fn drop_link(
        &mut self,
        now: Duration,
        node: u16,
        all: &mut VecDeque<NodeNews>,
    ) -> (u64, Option<Vec<u8>>) {
        let Some(mut link) = self.link.take() else { return (0, None) };
        let was_up = link.is_up();
        link.reset(now);
        self.before = self.before.and(link.counters());
        if self.generation.take().is_some() {
            all.push_back(NodeNews::Lost { node });
        }
        (link.half(), if was_up { link.poll(now) } else { None })
    }

    fn status(&self) -> LinkStatus {
        let Some(link) = &self.link else {
            return LinkStatus { counters: self.before, ..LinkStatus::default() };
        };
        let (unacked, unacked_bytes) = link.unacked();
        LinkStatus {
            is_up: link.is_up(),
            unacked,
            unacked_bytes,
            round_trip: link.round_trip(),
            counters: self.before.and(link.counters()),
        }
    }
}
