//! What the control threads of nodes do: they find each other.

use std::time::Duration;

use whisper_cluster::{BEAT_EVERY, ClusterKey, Load, Membership, Run};
use whisper_core::time::{Micros, Span};

use crate::places::{NODE, Places};
use crate::wires::{Parcel, Wires};

/// How often a node looks who has gone silent.
const LOOK_EVERY: Span = Span::millis(200);

/// How soon after a new map the others hear of it.
const TELL_AFTER: Span = Span::millis(100);

/// Several nodes, counted from 0, and the wires between them.
pub(super) struct Cluster {
    pub(super) wires: Wires,
    key: ClusterKey,
    shards: u16,
    nodes: Vec<Node>,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Runs,
    /// It does nothing, and what comes waits.
    Frozen,
    /// Its process is gone.
    Dead,
}

struct Node {
    state: State,
    membership: Membership,
    /// When it beats next.
    beats: Micros,
    /// When it looks next who is there.
    looks: Micros,
}

impl Cluster {
    /// All nodes of a world, each by itself as yet.
    pub(super) fn new(seed: u64, places: Places, now: Micros) -> Self {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        let key = ClusterKey::new(&secret, "world");
        let node = |node| Node::new(&key, (node, 0), places.shards(), now);
        Self {
            wires: Wires::new(seed, places.nodes()),
            nodes: (0..places.nodes()).map(node).collect(),
            shards: places.shards(),
            key,
        }
    }

    pub(super) fn state(&self, node: u16) -> State {
        self.nodes[usize::from(node)].state
    }

    pub(super) fn runs(&self, node: u16) -> bool {
        self.state(node) == State::Runs
    }

    /// A node stops doing anything, or goes on.
    pub(super) fn set_frozen(&mut self, node: u16, frozen: bool) {
        let node = &mut self.nodes[usize::from(node)];
        node.state = if frozen { State::Frozen } else { State::Runs };
    }

    /// The process of a node is gone, with all that it knew.
    pub(super) fn kill(&mut self, node: u16) {
        self.nodes[usize::from(node)].state = State::Dead;
        self.wires.forget(node);
    }

    /// Another process takes the place of one that is gone.
    pub(super) fn start(&mut self, node: u16, processes: u64, now: Micros) {
        // What came meanwhile, nobody heard.
        self.wires.forget(node);
        self.nodes[usize::from(node)] = Node::new(&self.key, (node, processes), self.shards, now);
    }

    /// When some node does something by itself.
    pub(super) fn next(&self) -> Option<Micros> {
        self.running().map(|it| it.beats.min(it.looks)).min()
    }

    /// Has one node do what is due; false if nothing is.
    pub(super) fn tick(&mut self, now: Micros) -> bool {
        let due = |it: &Node| it.state == State::Runs && it.beats.min(it.looks) <= now;
        let Some(place) = self.nodes.iter().position(due) else { return false };
        let node = &mut self.nodes[place];
        if node.looks <= now {
            node.looks = now + LOOK_EVERY;
            node.changes(now, |membership| membership.look(since_epoch(now)));
        }
        if node.beats <= now {
            node.beats = now + Span(BEAT_EVERY.as_micros() as u64);
            let beat: std::sync::Arc<[u8]> =
                node.membership.beat(since_epoch(now)).as_slice().into();
            for to in (0..self.nodes.len()).filter(|to| *to != place) {
                self.wires.send(
                    place as u16,
                    to as u16,
                    Parcel::Beat(std::sync::Arc::clone(&beat)),
                );
            }
        }
        true
    }

    /// The wires on which something arrives, at a node that hears: from whom, to whom.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.wires.waiting().filter(|&(_, to)| self.runs(to))
    }

    /// What is next on a wire arrives.
    pub(super) fn deliver(&mut self, now: Micros, from: u16, to: u16) {
        let node = &mut self.nodes[usize::from(to)];
        match self.wires.take(from, to) {
            Parcel::Beat(beat) => node.changes(now, |membership| {
                // Beats that come twice, or too late, are refused.
                let _ = membership.hear(since_epoch(now), &beat);
            }),
        }
    }

    /// Whether all nodes go by one map, on which each of them is.
    pub(super) fn agrees(&self) -> bool {
        let views: Vec<_> = self.running().map(|it| it.membership.view()).collect();
        let all = views.len();
        views.iter().all(|it| it.epoch() == views[0].epoch() && it.members().len() == all)
    }

    fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|it| it.state == State::Runs)
    }
}

impl Node {
    fn new(key: &ClusterKey, (node, processes): (u16, u64), shards: u16, now: Micros) -> Self {
        let run = Run { started_us: now.0, nonce: processes };
        let load = Load { capacity: shards.into(), shards, people: 0 };
        let mut membership = Membership::new(key.clone(), NODE + node, run, load);
        membership.connected(since_epoch(now));
        Self { state: State::Runs, membership, beats: now, looks: now }
    }

    /// The others hear soon of another map.
    fn changes(&mut self, now: Micros, change: impl FnOnce(&mut Membership)) {
        let before = self.membership.view().epoch();
        change(&mut self.membership);
        if self.membership.view().epoch() != before {
            self.beats = self.beats.min(now + TELL_AFTER);
        }
    }
}

fn since_epoch(now: Micros) -> Duration {
    Duration::from_micros(now.0)
}
