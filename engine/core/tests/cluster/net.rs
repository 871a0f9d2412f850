//! Nodes with shards and people, and links between them that keep their order and may be lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use whisper_core::codec::{Field as _, Reader, Writer};
use whisper_core::event_log::{End, Head, Recorder, header, replay};
use whisper_core::ids::{Link, SessionId, TicketId};
use whisper_core::match_queue::{ClusterMessage, LEASE, MatchMessage};
use whisper_core::moderation::Rules;
use whisper_core::settings::Settings;
use whisper_core::shard::{Effect, Envelope, Event, Order, Setup, Shard, ShardMessage};
use whisper_core::time::{Micros, Span};
use whisper_proto::{
    AgeCategory, ClientMessage, Join, Lane, LanguageWish, Mode, QueueType, Relax, Say,
    ServerMessage, Skip,
};
use whisper_shard_router::{Lodging, Placement, ShardId};

const GENESIS: Micros = Micros(1_790_000_000_000_000);
const KEY: [u8; 16] = [3; 16];

/// Nodes, the network between them, and what their people know.
pub(crate) struct Cluster {
    now: Micros,
    nodes: Vec<Node>,
    /// By the pair, the lower first: which link it is, while there is one.
    links: BTreeMap<(u16, u16), Option<u64>>,
    made: u64,
    people: Vec<Person>,
}

struct Node {
    shards: Vec<Shard>,
    /// What its shards were told; nothing of a process that follows another.
    recorders: Vec<Recorder>,
    /// What this node's clock is ahead of others.
    ahead: Span,
    frozen: bool,
    /// By sender and receiving shard.
    inboxes: BTreeMap<(u16, u16), VecDeque<Item>>,
    /// Of which link a shard knows, by it and the other node.
    known: BTreeMap<(u16, u16), u64>,
    /// Maps that its shards are still to hear of.
    maps: Vec<VecDeque<Placement>>,
}

enum Item {
    Linked(u64),
    Lost,
    Heard(ShardId, Envelope),
}

/// Somebody, as their client sees it.
pub(crate) struct Person {
    pub(crate) session: SessionId,
    pub(crate) room: Option<(String, String)>,
    pub(crate) queued: bool,
    /// What they were told, but for numbers.
    pub(crate) told: Vec<String>,
    just_matched: bool,
    met: BTreeSet<SessionId>,
}

impl Cluster {
    /// Nodes from 1 on with so many shards each, all of which know of each other.
    pub(crate) fn new(shards: &[u16]) -> Self {
        Self::with(shards, Settings::default())
    }

    pub(crate) fn with(shards: &[u16], settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let rules = Arc::new(Rules::parse("").expect("no rules are good rules"));
        let node = |(place, &count): (usize, &u16)| {
            let node = place as u16 + 1;
            let setup = |shard| Setup {
                me: ShardId { node, shard },
                shards: count.into(),
                placement: Placement::single_node(KEY, node, count),
                settings: Arc::clone(&settings),
                rules: Arc::clone(&rules),
                evidence_secret: [1; 32],
                session_secret: [2; 32],
                seed: [(10 * node + shard) as u8; 32],
            };
            let ahead = Span::millis(u64::from(node) * 700);
            let began = GENESIS + ahead;
            Node {
                shards: (0..count).map(|shard| Shard::new(began, setup(shard))).collect(),
                recorders: (0..count).map(|it| Recorder::new(began, &setup(it))).collect(),
                ahead,
                frozen: false,
                inboxes: BTreeMap::new(),
                known: BTreeMap::new(),
                maps: vec![VecDeque::new(); count.into()],
            }
        };
        let mut cluster = Self {
            now: GENESIS,
            nodes: shards.iter().enumerate().map(node).collect(),
            links: BTreeMap::new(),
            made: 0,
            people: Vec::new(),
        };
        cluster.heal();
        cluster
    }

    /// The map over these nodes.
    pub(crate) fn map(&self, epoch: u64, nodes: &[u16]) -> Placement {
        let lodging = |&node: &u16| {
            let shards = self.nodes[usize::from(node) - 1].shards.len() as u16;
            Lodging { node, weight: shards.into(), shards }
        };
        let nodes: Vec<_> = nodes.iter().map(lodging).collect();
        Placement::single_node(KEY, 0, 1).over(epoch, &nodes)
    }

    pub(crate) fn all_nodes(&self) -> Vec<u16> {
        (1..=self.nodes.len() as u16).collect()
    }

    /// All nodes run, have links and one map, and all of that has been heard.
    pub(crate) fn heal(&mut self) {
        for node in self.all_nodes() {
            self.freeze(node, false);
            for other in node + 1..=self.nodes.len() as u16 {
                self.connect(node, other);
            }
        }
        self.made += 1;
        let map = self.map(1_000_000 + self.made, &self.all_nodes());
        self.all_nodes().into_iter().for_each(|node| self.goes_by(node, &map));
        self.deliver_all();
    }

    /// A node's shards will hear of a map.
    pub(crate) fn goes_by(&mut self, node: u16, map: &Placement) {
        let maps = &mut self.nodes[usize::from(node) - 1].maps;
        maps.iter_mut().for_each(|it| it.push_back(map.clone()));
    }

    pub(crate) fn freeze(&mut self, node: u16, frozen: bool) {
        self.nodes[usize::from(node) - 1].frozen = frozen;
    }

    /// Makes a link between two nodes, if there is none.
    pub(crate) fn connect(&mut self, one: u16, other: u16) {
        let link = self.links.entry((one.min(other), one.max(other))).or_default();
        if link.is_some() {
            return;
        }
        self.made += 1;
        let made = self.made;
        *link = Some(made);
        for (node, from) in [(one, other), (other, one)] {
            for shard in 0..self.shards(node) {
                self.inbox(from, ShardId { node, shard }).push_back(Item::Linked(made));
            }
        }
    }

    /// Loses the link between two nodes, and all that is under way on it.
    pub(crate) fn cut(&mut self, one: u16, other: u16) {
        let link = self.links.entry((one.min(other), one.max(other))).or_default();
        let Some(link) = link.take() else { return };
        for (node, from) in [(one, other), (other, one)] {
            for shard in 0..self.shards(node) {
                let knows =
                    self.nodes[usize::from(node) - 1].known.get(&(shard, from)) == Some(&link);
                let inbox = self.inbox(from, ShardId { node, shard });
                inbox.retain(|item| matches!(item, Item::Lost));
                if knows {
                    inbox.push_back(Item::Lost);
                }
            }
        }
    }

    fn shards(&self, node: u16) -> u16 {
        self.nodes[usize::from(node) - 1].shards.len() as u16
    }

    fn inbox(&mut self, from: u16, to: ShardId) -> &mut VecDeque<Item> {
        let node = &mut self.nodes[usize::from(to.node) - 1];
        node.inboxes.entry((from, to.shard)).or_default()
    }

    /// Where something waits to be heard: by whom, from which node. A map is from node 0.
    pub(crate) fn waiting(&self) -> Vec<(ShardId, u16)> {
        let mut waiting = Vec::new();
        for (node, it) in (1..).zip(&self.nodes).filter(|(_, it)| !it.frozen) {
            let inboxes = it.inboxes.iter().filter(|(_, items)| !items.is_empty());
            waiting.extend(inboxes.map(|(&(from, shard), _)| (ShardId { node, shard }, from)));
            let maps = (0..).zip(&it.maps).filter(|(_, maps)| !maps.is_empty());
            waiting.extend(maps.map(|(shard, _)| (ShardId { node, shard }, 0)));
        }
        waiting
    }

    /// A shard hears the next thing from a node, or of a map.
    pub(crate) fn deliver(&mut self, (to, from): (ShardId, u16)) {
        if from == 0 {
            let node = &mut self.nodes[usize::from(to.node) - 1];
            let Some(map) = node.maps[usize::from(to.shard)].pop_front() else { return };
            return self.happens(to, Event::Order(Order::Map(&map)));
        }
        let Some(item) = self.inbox(from, to).pop_front() else { return };
        let known = &mut self.nodes[usize::from(to.node) - 1].known;
        match item {
            Item::Linked(link) => {
                known.insert((to.shard, from), link);
                self.happens(to, Event::Order(Order::Linked(from)));
            }
            Item::Lost => {
                known.remove(&(to.shard, from));
                self.happens(to, Event::Order(Order::Lost(from)));
            }
            Item::Heard(from, envelope) => {
                assert!(self.shard(to).may_hear(from, &envelope), "{from:?}, {to:?}: {envelope:?}");
                self.happens(to, Event::FromShard { from, envelope });
            }
        }
    }

    pub(crate) fn deliver_all(&mut self) {
        while let Some(&first) = self.waiting().first() {
            self.deliver(first);
        }
    }

    /// Delivers until somebody says this, which stays in its inbox; false if nobody does.
    pub(crate) fn deliver_until(&mut self, stop: impl Fn(&ClusterMessage) -> bool) -> bool {
        let is_it = |item: Option<&Item>| match item {
            Some(Item::Heard(_, Envelope { message: ShardMessage::Match(message), .. })) => {
                matches!(message, MatchMessage::Cluster(message) if stop(message))
            }
            _ => false,
        };
        loop {
            let waiting = self.waiting();
            let front = |&(to, from): &(ShardId, u16)| {
                self.nodes[usize::from(to.node) - 1].inboxes.get(&(from, to.shard))?.front()
            };
            if waiting.iter().any(|it| is_it(front(it))) {
                return true;
            }
            let Some(&first) = waiting.first() else { return false };
            self.deliver(first);
        }
    }

    /// Time passes: shards do what is due, and messages arrive at once if `heard`, else not at all.
    pub(crate) fn passes(&mut self, time: Span, heard: bool) {
        let until = self.now + time;
        loop {
            if heard {
                self.deliver_all();
            }
            let running = self.nodes.iter().filter(|node| !node.frozen);
            let due = running.flat_map(|node| {
                let at =
                    |shard: &Shard| Micros(shard.next_timeout().0.saturating_sub(node.ahead.0));
                node.shards.iter().map(move |shard| (at(shard), shard.id()))
            });
            let Some((at, shard)) = due.min().filter(|(at, _)| *at <= until) else { break };
            self.now = self.now.max(at);
            self.happens(shard, Event::Tick);
        }
        self.now = until;
    }

    pub(crate) fn comes(&mut self, node: u16, shard: u16) -> usize {
        let link = Link(self.people.len() as u64);
        self.happens(ShardId { node, shard }, Event::Connected { link });
        self.people.len() - 1
    }

    pub(crate) fn says(&mut self, who: usize, message: ClientMessage<'_>) {
        let session = self.people[who].session;
        self.happens(session.home(), Event::Message { session, message });
    }

    pub(crate) fn joins(&mut self, who: usize, interests: &[&str], relax: Relax) {
        self.people[who].queued = true;
        let lane =
            Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Unmoderated };
        let (interests, language) = (interests.iter().copied().collect(), LanguageWish::Any);
        self.says(who, ClientMessage::Join(Join { lane, interests, relax, language }));
    }

    /// Somebody joins, liking one thing, and opens up to nobody without it.
    pub(crate) fn likes(&mut self, who: usize, interest: &str) {
        self.joins(who, &[interest], Relax::Strict);
    }

    pub(crate) fn talks(&mut self, who: usize, content: &str) {
        self.says(who, ClientMessage::Message(Say { content, id: None, room: None }));
    }

    pub(crate) fn leaves(&mut self, who: usize) {
        let person = &mut self.people[who];
        (person.queued, person.room) = (false, None);
        self.says(who, ClientMessage::Leave);
    }

    pub(crate) fn skips(&mut self, who: usize) {
        let person = &mut self.people[who];
        (person.queued, person.room) = (true, None);
        self.says(who, ClientMessage::Skip(Skip { reason: None, room: None }));
    }

    /// Their connection breaks.
    pub(crate) fn vanishes(&mut self, who: usize) {
        let session = self.people[who].session;
        self.happens(session.home(), Event::Disconnected { session, broken: true });
    }

    pub(crate) fn person(&self, who: usize) -> &Person {
        &self.people[who]
    }

    pub(crate) fn is_frozen(&self, who: usize) -> bool {
        self.nodes[usize::from(self.people[who].session.node) - 1].frozen
    }

    pub(crate) fn population(&self) -> usize {
        self.people.len()
    }

    pub(crate) fn shard(&self, at: ShardId) -> &Shard {
        &self.nodes[usize::from(at.node) - 1].shards[usize::from(at.shard)]
    }

    pub(crate) fn every_shard(&self) -> impl Iterator<Item = &Shard> {
        self.nodes.iter().flat_map(|node| &node.shards)
    }

    /// Tickets that are leased anywhere.
    pub(crate) fn leased(&self) -> Vec<TicketId> {
        let leases = self.every_shard().flat_map(|shard| shard.queue().leases());
        leases.map(|(ticket, _)| ticket).collect()
    }

    /// Whether two are in one room, each as the other's partner.
    pub(crate) fn together(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|it| &self.people[it]);
        let [mine, theirs] =
            [one, other].map(|it| self.shard(it.session.home()).room_of(it.session));
        let meant = |it: &Option<(_, SessionId)>| it.as_ref().map(|&(room, with)| (room, with));
        match (meant(&mine), meant(&theirs)) {
            (Some((mine, their)), Some((theirs, my))) => {
                mine == theirs && their == other.session && my == one.session
            }
            _ => false,
        }
    }

    /// Whether two have been in one room.
    pub(crate) fn have_met(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|it| &self.people[it]);
        one.met.contains(&other.session) || other.met.contains(&one.session)
    }

    /// No ticket is leased past its time, on nodes that run.
    fn judge_leases(&self, at: ShardId) {
        let (node, shard) = (&self.nodes[usize::from(at.node) - 1], self.shard(at));
        let now = self.now + node.ahead;
        for (ticket, until) in shard.queue().leases() {
            assert!(until <= now + LEASE, "{ticket:?} is leased for too long");
        }
    }

    fn happens(&mut self, at: ShardId, event: Event<'_>) {
        let is_tick = matches!(event, Event::Tick);
        let mut underway = VecDeque::from(self.take(at, event));
        while let Some((from, to, envelope)) = underway.pop_front() {
            if to.node == at.node {
                underway.extend(self.take(to, Event::FromShard { from, envelope }));
                continue;
            }
            let nodes = (at.node.min(to.node), at.node.max(to.node));
            let link = self.links.get(&nodes).copied().flatten();
            let known = self.nodes[usize::from(at.node) - 1].known.get(&(from.shard, to.node));
            if link.is_some() && known.copied() == link {
                self.inbox(at.node, to).push_back(Item::Heard(from, travelled(&envelope)));
            }
        }
        if is_tick {
            self.judge_leases(at);
        }
    }

    /// A shard takes an event, and what it says to itself because of it; returns what it says to
    /// others.
    fn take(&mut self, at: ShardId, event: Event<'_>) -> Vec<(ShardId, ShardId, Envelope)> {
        let Self { now, nodes, people, .. } = self;
        let node = &mut nodes[usize::from(at.node) - 1];
        let now = *now + node.ahead;
        let shard = &mut node.shards[usize::from(at.shard)];
        let mut recorder = node.recorders.get_mut(usize::from(at.shard));
        if let Some(recorder) = &mut recorder {
            recorder.told(shard, now, &event);
        }
        let (mut said, mut to_itself) = (Vec::new(), VecDeque::new());
        let mut next = Some(event);
        while let Some(event) = next {
            shard.handle(now, event, &mut |effect: Effect<'_>| {
                if let Some(recorder) = &mut recorder {
                    recorder.did(&effect);
                }
                match effect {
                    Effect::Opened { session, .. } => people.push(Person::new(session)),
                    Effect::Send { link, message } => people[link.0 as usize].hears(message),
                    Effect::Forward { link, payload, .. } => {
                        let message = ServerMessage::decode(payload).expect("what was encoded");
                        people[link.0 as usize].hears(&message);
                    }
                    Effect::ToShard { to, envelope } if to == at => to_itself.push_back(envelope),
                    Effect::ToShard { to, envelope } => said.push((at, to, envelope)),
                    _ => {}
                }
            });
            let own = to_itself.pop_front();
            next = own.map(|envelope| Event::FromShard { from: at, envelope });
        }
        if let Some(recorder) = recorder {
            recorder.done();
        }
        for person in people.iter_mut().filter(|it| it.just_matched && it.session.home() == at) {
            person.just_matched = false;
            person.met.extend(shard.room_of(person.session).map(|(_, partner)| partner));
        }
        said
    }

    /// Has the shards of every node decide everything again by their logs.
    pub(crate) fn replay(&mut self) {
        for node in &mut self.nodes {
            let mut log = header();
            for recorder in &mut node.recorders {
                for payload in [recorder.take(), End::Stopped.payload()] {
                    log.extend_from_slice(&Head::of(recorder.shard(), &payload).to_bytes());
                    log.extend_from_slice(&payload);
                }
            }
            let replayed = replay(&log[..]).unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!(replayed.shards.len(), node.shards.len());
        }
    }

    /// Puts a process of so many shards in the place of a node's, which leaves it everything.
    pub(crate) fn follow(&mut self, node: u16, count: u16) {
        let placement = Placement::single_node(KEY, node, count);
        let it = &mut self.nodes[usize::from(node) - 1];
        let estate = |shard: &Shard| {
            let mut bytes = Vec::new();
            shard.bequeath(&mut bytes).map(|()| bytes).expect("nothing is underway")
        };
        let estates: Vec<_> = it.shards.iter().map(estate).collect();
        let estates: Vec<_> = estates.iter().map(Vec::as_slice).collect();
        let succession = whisper_core::succession::Succession::read(&estates, count, &placement)
            .expect("good estates");
        let now = (self.now + it.ahead).max(succession.now());
        let heir = |shard| {
            let setup = Setup {
                me: ShardId { node, shard },
                shards: count.into(),
                placement: placement.clone(),
                settings: Arc::new(Settings::default()),
                rules: Arc::new(Rules::parse("").expect("no rules are good rules")),
                evidence_secret: [1; 32],
                session_secret: [2; 32],
                seed: [(100 + shard) as u8; 32],
            };
            Shard::inherit(now, setup, &succession, &mut |_, link| Some(link)).expect("an heir")
        };
        it.shards = (0..count).map(heir).collect();
        it.maps = vec![VecDeque::new(); count.into()];
        it.recorders.clear();
        it.known.clear();
        it.inboxes.clear();
        for person in self.people.iter_mut().filter(|it| it.session.node == node) {
            person.session = succession.home_of(person.session);
        }
    }
}

impl Person {
    fn new(session: SessionId) -> Self {
        let (room, queued, told, just_matched) = (None, false, Vec::new(), false);
        Self { session, room, queued, told, just_matched, met: BTreeSet::new() }
    }

    fn hears(&mut self, message: &ServerMessage<'_>) {
        match message {
            ServerMessage::Stats(_) | ServerMessage::Connected(_) | ServerMessage::Searching(_) => {
                return;
            }
            ServerMessage::Matched(it) => {
                assert!(self.room.is_none(), "{:?} is in two rooms", self.session);
                assert!(self.queued, "{:?} is matched, but in no queue", self.session);
                self.room = Some((it.room_id.into(), it.partner_id.into()));
                (self.queued, self.just_matched) = (false, true);
            }
            ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected => self.room = None,
            ServerMessage::MatchTimeout { .. } => self.queued = false,
            _ => {}
        }
        let what = match message {
            ServerMessage::Message(it) => it.content.into(),
            other => other.kind().into(),
        };
        self.told.push(what);
    }
}

/// A message as it comes out on another node: as it went in.
fn travelled(envelope: &Envelope) -> Envelope {
    let mut bytes = Vec::new();
    envelope.put(&mut Writer::new(&mut bytes));
    let mut r = Reader::new(&bytes);
    let out = Envelope::get(&mut r).expect("a message");
    r.end().expect("nothing behind it");
    assert_eq!(out, *envelope);
    out
}
