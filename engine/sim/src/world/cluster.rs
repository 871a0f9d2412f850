//! What the control threads of nodes do: they find each other, and carry what their shards have to
//! say to those of others.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use whisper_cluster::{
    BEAT_EVERY, ClusterKey, Links, Load, Member, Membership, NodeNews, Process, Run, View,
};
use whisper_core::codec::{Damage, Field as _, Reader, Writer};
use whisper_core::shard::Envelope;
use whisper_core::time::{Micros, Span};
use whisper_shard_router::{Lodging, Placement, ShardId};

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
    places: Places,
    maps: Maps,
    nodes: Vec<Node>,
    /// Broken on purpose.
    #[cfg(feature = "faults")]
    pub(super) slips: super::faults::Slips,
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

/// What the control thread of a node tells one of its shards.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// The cluster goes by this map.
    Map(Placement),
    /// The link to a node is up, and called so.
    Linked(u16, u64),
    /// It is over.
    Lost(u16),
    /// A shard of another node said this.
    Heard(ShardId, Envelope),
}

struct Node {
    state: State,
    membership: Membership,
    links: Links,
    /// When it beats next.
    beats: Micros,
    /// When it looks next who is there.
    looks: Micros,
    /// By shard.
    desks: Vec<Desk>,
}

/// All maps that there ever were. To lay one takes longer than all else that happens in a world, and
/// nodes that go by one of the same name go by the same.
struct Maps {
    /// How keys are hashed.
    keys: Placement,
    laid: BTreeMap<u64, Placement>,
}

/// What waits between a node's control thread and one of its shards.
#[derive(Default)]
struct Desk {
    /// What the shard hasn't heard.
    news: VecDeque<News>,
    /// What it said to other nodes by which link, and wasn't taken up.
    said: VecDeque<(u16, u64, Vec<u8>)>,
    /// The links that it knows of.
    links: BTreeMap<u16, u64>,
}

impl Cluster {
    /// All nodes of a world, each by itself as yet.
    pub(super) fn new(seed: u64, places: Places, placement: &Placement, now: Micros) -> Self {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        let key = ClusterKey::new(&secret, "world");
        let node = |node| Node::new(&key, (node, 0), places.shards(), now);
        Self {
            wires: Wires::new(seed, places.nodes()),
            nodes: (0..places.nodes()).map(node).collect(),
            places,
            maps: Maps { keys: placement.clone(), laid: BTreeMap::new() },
            key,
            #[cfg(feature = "faults")]
            slips: super::faults::Slips::default(),
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
        let shards = self.places.shards();
        self.nodes[usize::from(node)] = Node::new(&self.key, (node, processes), shards, now);
    }

    /// When some node does something by itself.
    pub(super) fn next(&self) -> Option<Micros> {
        self.nodes.iter().filter(|it| it.state == State::Runs).map(Node::due).min()
    }

    /// Has one node do what is due; false if nothing is.
    pub(super) fn tick(&mut self, now: Micros) -> bool {
        let due = |it: &Node| it.state == State::Runs && it.due() <= now;
        let Some(place) = self.nodes.iter().position(due) else { return false };
        let node = &mut self.nodes[place];
        if node.looks <= now {
            node.looks = now + LOOK_EVERY;
            node.change(now, &mut self.maps, |membership| membership.look(since_epoch(now)));
        }
        if node.beats <= now {
            node.beats = now + Span(BEAT_EVERY.as_micros() as u64);
            let beat: Arc<[u8]> = node.membership.beat(since_epoch(now)).as_slice().into();
            for to in (0..self.nodes.len()).filter(|to| *to != place) {
                self.wires.send(place as u16, to as u16, Parcel::Beat(Arc::clone(&beat)));
            }
        }
        self.speak(now, place as u16);
        true
    }

    /// The wires on which something arrives, at a node that hears: from whom, to whom.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.wires.waiting().filter(|&(_, to)| self.runs(to))
    }

    /// What is next on a wire arrives.
    pub(super) fn deliver(&mut self, now: Micros, from: u16, to: u16) {
        let node = &mut self.nodes[usize::from(to)];
        // What comes twice, too late or from strangers is refused, and that is all.
        match self.wires.take(from, to) {
            Parcel::Beat(beat) => node.change(now, &mut self.maps, |membership| {
                let _ = membership.hear(since_epoch(now), &beat);
            }),
            Parcel::Packet(packet) => {
                let _ = node.links.hear(since_epoch(now), &packet);
            }
        }
        self.speak(now, to);
    }

    /// A shard has something to say to one of another node. Where it knows of no link that's that.
    pub(super) fn say(&mut self, place: u16, to: ShardId, envelope: Envelope) {
        let from = self.places.id(place);
        let desk = self.desk_mut(place);
        let Some(&link) = desk.links.get(&to.node) else { return };
        let mut item = Vec::new();
        let mut w = Writer::new(&mut item);
        to.shard.put(&mut w);
        from.shard.put(&mut w);
        envelope.put(&mut w);
        desk.said.push_back((to.node, link, item));
    }

    /// The shards that said something which their node hasn't taken up.
    pub(super) fn speaking(&self) -> impl Iterator<Item = u16> + '_ {
        self.awake().filter(|&place| !self.desk(place).said.is_empty())
    }

    /// A node takes up what one of its shards said first.
    pub(super) fn take_up(&mut self, now: Micros, place: u16) {
        let Some((to, link, item)) = self.desk_mut(place).said.pop_front() else { return };
        let node = self.places.node_of(place);
        let links = &mut self.nodes[usize::from(node)].links;
        links.send(since_epoch(now), (to, link), &item);
        self.speak(now, node);
    }

    /// The shards for which there is news.
    pub(super) fn hearing(&self) -> impl Iterator<Item = u16> + '_ {
        self.awake().filter(|&place| !self.desk(place).news.is_empty())
    }

    /// A shard takes the first news there is for it.
    pub(super) fn news(&mut self, place: u16) -> Option<News> {
        let shard = usize::from(place % self.places.shards());
        let desk = &mut self.nodes[usize::from(self.places.node_of(place))].desks[shard];
        let news = desk.news.pop_front()?;
        #[cfg(feature = "faults")]
        let news = self.slips.slip(news, &mut desk.news)?;
        match news {
            News::Linked(node, link) => drop(desk.links.insert(node, link)),
            News::Lost(node) => drop(desk.links.remove(&node)),
            News::Map(_) | News::Heard(..) => {}
        }
        Some(news)
    }

    /// Whether nothing is underway between two nodes that are linked, in either direction.
    pub(super) fn is_still(&self, one: u16, other: u16) -> bool {
        let at_rest = |from: u16, to: u16| {
            let node = &self.nodes[usize::from(from)];
            let peer = NODE + to;
            let mut links = node.links.status();
            let link = links.find(|(it, _)| *it == peer).map(|(_, status)| status);
            let quiet = |desk: &Desk| {
                desk.news.is_empty() && desk.said.is_empty() && desk.links.contains_key(&peer)
            };
            node.state == State::Runs
                && self.wires.is_still(from, to)
                && link.is_some_and(|link| link.is_up && link.unacked == 0)
                && node.desks.iter().all(quiet)
        };
        at_rest(one, other) && at_rest(other, one)
    }

    /// Whether two nodes go by the same map.
    pub(super) fn go_by_one_map(&self, one: u16, other: u16) -> bool {
        let [one, other] = [one, other].map(|node| &self.nodes[usize::from(node)].membership);
        one.view().epoch() == other.view().epoch()
    }

    /// Whether a node can't hear another, or be heard by it, or nobody is there.
    pub(super) fn is_out_of_reach(&self, one: u16, other: u16) -> bool {
        !self.runs(other) || self.wires.is_cut(one, other) || self.wires.is_cut(other, one)
    }

    /// Whether all nodes go by one map, on which each of them is, and all links are up.
    pub(super) fn agrees(&self) -> bool {
        let nodes = || self.nodes.iter().filter(|it| it.state == State::Runs);
        let all = nodes().count();
        let epoch = self.nodes[0].membership.view().epoch();
        nodes().all(|it| {
            let view = it.membership.view();
            let links = it.links.status().filter(|(_, link)| link.is_up).count();
            view.epoch() == epoch && view.members().len() == all && links == all - 1
        })
    }

    /// The map that all nodes go by that run.
    pub(super) fn map(&self) -> Option<&Placement> {
        let node = self.nodes.first().filter(|_| self.agrees())?;
        self.maps.laid.get(&name(node.membership.view()))
    }

    /// Sends what the links of a node have to send, and tells its shards what became of them.
    fn speak(&mut self, now: Micros, place: u16) {
        let node = &mut self.nodes[usize::from(place)];
        while let Some((to, packet)) = node.links.poll(since_epoch(now)) {
            self.wires.send(place, to - NODE, Parcel::Packet(packet.into()));
        }
        while let Some(news) = node.links.news() {
            match news {
                NodeNews::Linked { node: peer, generation, .. } => {
                    node.tell_all(&News::Linked(peer, generation));
                }
                NodeNews::Lost { node: peer } => node.tell_all(&News::Lost(peer)),
                NodeNews::Heard { node: peer, batch } => {
                    for item in batch.items() {
                        let mut r = Reader::new(item);
                        let read = |r: &mut Reader<'_>| {
                            let (to, shard) = (u16::get(r)?, u16::get(r)?);
                            Ok::<_, Damage>((to, ShardId { node: peer, shard }, Envelope::get(r)?))
                        };
                        let (to, from, envelope) = read(&mut r).expect("what was written is read");
                        r.end().expect("and nothing else");
                        let desk = &mut node.desks[usize::from(to)];
                        desk.news.push_back(News::Heard(from, envelope));
                    }
                }
            }
        }
    }

    fn awake(&self) -> impl Iterator<Item = u16> + '_ {
        (0..self.places.len()).filter(|&place| self.runs(self.places.node_of(place)))
    }

    fn desk(&self, place: u16) -> &Desk {
        let shard = usize::from(place % self.places.shards());
        &self.nodes[usize::from(self.places.node_of(place))].desks[shard]
    }

    fn desk_mut(&mut self, place: u16) -> &mut Desk {
        let shard = usize::from(place % self.places.shards());
        &mut self.nodes[usize::from(self.places.node_of(place))].desks[shard]
    }
}

impl Node {
    fn new(key: &ClusterKey, (node, processes): (u16, u64), shards: u16, now: Micros) -> Self {
        let run = Run { started_us: now.0, nonce: processes };
        let load = Load { capacity: shards.into(), shards, people: 0 };
        let mut membership = Membership::new(key.clone(), NODE + node, run, load);
        membership.connected(since_epoch(now));
        Self {
            state: State::Runs,
            membership,
            links: Links::new(key.clone(), Process { node: NODE + node, run }),
            beats: now,
            looks: now,
            desks: std::iter::repeat_with(Desk::default).take(shards.into()).collect(),
        }
    }

    /// When it does something by itself.
    fn due(&self) -> Micros {
        let links = self.links.due().map(|due| Micros(due.as_micros() as u64));
        links.into_iter().fold(self.beats.min(self.looks), Micros::min)
    }

    /// Something changes in who is there. The others hear soon of another map, and its own shards
    /// before anything of what follows.
    fn change(&mut self, now: Micros, maps: &mut Maps, change: impl FnOnce(&mut Membership)) {
        let before = self.membership.view().epoch();
        change(&mut self.membership);
        let view = self.membership.view();
        if view.epoch() != before {
            self.beats = self.beats.min(now + TELL_AFTER);
            self.links.look(since_epoch(now), view);
            let shards = self.desks.len() as u16;
            self.tell_all(&News::Map(maps.of(view, shards).clone()));
        }
    }

    fn tell_all(&mut self, news: &News) {
        self.desks.iter_mut().for_each(|desk| desk.news.push_back(news.clone()));
    }
}

impl Maps {
    /// The map of this name, over the shards of its members.
    fn of(&mut self, view: &View, shards: u16) -> &Placement {
        let Self { keys, laid } = self;
        laid.entry(name(view)).or_insert_with(|| {
            let lodging = |it: &Member| Lodging { node: it.node, weight: it.capacity, shards };
            let lodgings: Vec<_> = view.members().iter().map(lodging).collect();
            keys.over(name(view), &lodgings)
        })
    }
}

fn name(view: &View) -> u64 {
    let epoch = view.epoch();
    u64::from(epoch.number) << 32 | u64::from(epoch.digest)
}

fn since_epoch(now: Micros) -> Duration {
    Duration::from_micros(now.0)
}
