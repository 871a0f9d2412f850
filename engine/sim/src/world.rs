//! Shards, the network between them, and time.

mod cluster;
#[cfg(feature = "faults")]
mod faults;
mod lost;
mod moves;
mod succession;
mod trouble;

use std::hash::Hasher;
use std::sync::Arc;

use whisper_core::digest::Digest;
use whisper_core::ids::Link;
use whisper_core::match_queue::interest_key;
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::settings::{OpenLanes, Settings};
use whisper_core::shard::{Event, Order, Setup, Shard, Turnover};
use whisper_core::time::{Micros, Span};
use whisper_proto::{Banned, ClientMessage, Join, Stats};
use whisper_shard_router::Placement;

use self::cluster::Cluster;
pub(crate) use self::cluster::News;
#[cfg(feature = "faults")]
pub use self::faults::Slip;
use crate::auditor::{Auditor, Calm, Standing};
use crate::book::{Book, Scribe};
use crate::dice::seed_bytes;
use crate::network::Network;
use crate::person::{Person, Who};
use crate::places::{NODE, Places};
use crate::schedule::{Move, Schedule, What as Happens};
use crate::trace::{Trace, What};
use crate::words::said;

/// When worlds begin: noon of some day, in microseconds since the Unix epoch.
pub(crate) const GENESIS: Micros = Micros(20_000 * 86_400_000_000 + 43_200_000_000);

/// Whatever is underway has come to rest after so much that happened at one time.
const MOVES_MAX: usize = 100_000;

/// A deterministic world. See the [crate's page](crate).
///
/// Every step ends with the auditor's checks; a broken invariant panics.
pub struct World {
    seed: u64,
    steps: u64,
    now: Micros,
    places: Places,
    /// By node.
    placements: Vec<Placement>,
    shards: Vec<Shard>,
    network: Network,
    /// Where there are several nodes.
    cluster: Option<Cluster>,
    schedule: Schedule,
    people: Vec<Person>,
    auditor: Auditor,
    digest: Digest,
    trace: Trace,
    scribe: Option<Scribe>,
    reports: Vec<usize>,
    settings: Arc<Settings>,
    rules: Arc<Rules>,
    /// How many processes there were before.
    processes: u64,
    #[cfg(feature = "faults")]
    broken: faults::Broken,
}

/// What a person does at some moment of a [race](World::race).
pub type Act<'a> = (Who, &'a dyn Fn(&mut World, Who));

impl World {
    /// The node that a world's shards belong to; not 0, so that a node forgotten somewhere shows.
    pub const NODE: u16 = NODE;

    /// The secret that evidence derives from, in every world.
    pub const EVIDENCE_SECRET: [u8; 32] = [0xE5; 32];

    /// A world of `shards` shards with default settings, whose network delivers by the seed.
    pub fn new(seed: u64, shards: u16) -> Self {
        Self::made_of(seed, shards, Settings::default(), Schedule::seeded(seed))
    }

    /// The world of [`World::new`], whose event log goes into a book.
    pub fn logged(seed: u64, shards: u16, book: &Book) -> Self {
        let places = Places::new(1, shards);
        Self::make_of(seed, places, Settings::default(), Schedule::seeded(seed), Some(book))
    }

    /// A world of `shards` shards, which is at least one.
    pub fn made_of(seed: u64, shards: u16, settings: Settings, schedule: Schedule) -> Self {
        Self::make_of(seed, Places::new(1, shards), settings, schedule, None)
    }

    /// A world of `nodes` nodes, which know of each other, of `shards` shards each; at least one.
    ///
    /// Shards are numbered through all nodes. Between nodes there is nothing but wires, on which
    /// everything may happen ([`World::set_weather`], [`World::cut`]).
    pub fn of_nodes(seed: u64, nodes: u16, shards: u16, settings: Settings) -> Self {
        let places = Places::new(nodes, shards);
        Self::make_of(seed, places, settings, Schedule::seeded(seed), None)
    }

    fn make_of(
        seed: u64,
        places: Places,
        settings: Settings,
        schedule: Schedule,
        book: Option<&Book>,
    ) -> Self {
        let placements = Self::placements_of(seed, places);
        let settings = Arc::new(settings);
        let auditor = Auditor::new(Arc::clone(&settings), placements.clone(), places);
        let rules = Arc::new(Rules::none(Ladder::default()));
        let setup = |place| {
            let (settings, rules) = (Arc::clone(&settings), Arc::clone(&rules));
            setup(seed, 0, (place, places), &placements, settings, rules)
        };
        let setups: Vec<_> = (0..places.len()).map(setup).collect();
        let clustered = places.nodes() > 1;
        let cluster = clustered.then(|| Cluster::new(seed, places, &placements[0], GENESIS));
        Self {
            scribe: book.map(|book| Scribe::new(book, GENESIS, &setups)),
            seed,
            steps: 0,
            now: GENESIS,
            shards: setups.into_iter().map(|setup| Shard::new(GENESIS, setup)).collect(),
            places,
            placements,
            network: Network::new(places),
            cluster,
            schedule,
            people: Vec::new(),
            auditor,
            digest: Digest::default(),
            trace: Trace::default(),
            reports: Vec::new(),
            settings,
            rules,
            processes: 0,
            #[cfg(feature = "faults")]
            broken: faults::Broken::default(),
        }
    }

    /// How many shards there are on all nodes.
    pub fn shards(&self) -> u16 {
        self.shards.len() as u16
    }

    /// The time it is.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// A hash of every effect so far, in order and byte for byte. The same on every machine.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// The reports that the engine has taken: how much of the evidence proved true, for each.
    pub fn reports(&self) -> &[usize] {
        &self.reports
    }

    /// An interest that `shard` owns; another one for each `number`.
    pub fn interest_owned_by(&self, shard: u16, number: usize) -> String {
        let names = (0..).map(|it| format!("interest {it}"));
        let placement = &self.placements[usize::from(self.places.node_of(shard))];
        let owner = |name: &str| placement.owner(interest_key(placement, name));
        let shard = self.places.id(shard);
        names.filter(|name| owner(name) == shard).nth(number).expect("every shard owns buckets")
    }

    /// The numbers that people are shown, as `shard` knows them.
    pub fn stats(&mut self, shard: u16) -> Stats {
        self.shards[usize::from(shard)].stats()
    }

    /// What a shard has done for its people.
    pub fn turnover(&self, shard: u16) -> &Turnover {
        self.shards[usize::from(shard)].turnover()
    }

    /// Somebody opens a connection to a shard.
    pub fn connect(&mut self, shard: u16) -> Who {
        let who = Who(self.people.len());
        self.people.push(Person::new(shard));
        self.auditor.arrives(who, shard);
        self.note(who, What::Does(who, "comes"));
        self.feed(shard, Event::Connected { link: link(who, 0) });
        who
    }

    /// A client says something. It takes the way over the wire; nothing comes of it where the
    /// person is gone.
    pub fn send(&mut self, who: Who, message: &ClientMessage<'_>) {
        let Some(session) = self.person(who).session.filter(|_| self.can_act(who)) else { return };
        let mut frame = Vec::new();
        message.encode(&mut frame);
        let message = ClientMessage::decode(&frame).expect("what a client encodes decodes");
        self.people[who.0].says(&message);
        self.auditor.says(self.now, who, &message);
        self.note(who, What::Does(who, said(&message)));
        self.feed(self.people[who.0].shard, Event::Message { session, message });
        let done = self.auditor.has_said(who);
        self.insist(done);
    }

    /// A client joins the queue.
    pub fn join(&mut self, who: Who, join: &Join<'_>) {
        self.send(who, &ClientMessage::Join(join.clone()));
    }

    /// A client moves on to the next partner.
    pub fn skip(&mut self, who: Who) {
        self.send(who, &ClientMessage::Skip(whisper_proto::Skip::default()));
    }

    /// A client leaves the queue or the chat.
    pub fn leave(&mut self, who: Who) {
        self.send(who, &ClientMessage::Leave);
    }

    /// A client says something to the partner, whoever that is.
    pub fn say(&mut self, who: Who, content: &str) {
        self.send(
            who,
            &ClientMessage::Message(whisper_proto::Say { content, id: None, room: None }),
        );
    }

    /// Somebody closes their connection. Nothing comes of it where they have none.
    pub fn disconnect(&mut self, who: Who) {
        if !self.can_act(who) {
            return;
        }
        let Some(session) = self.people[who.0].session.take() else { return };
        self.people[who.0].deaf = false;
        self.auditor.departs(self.now, who);
        self.note(who, What::Does(who, "goes"));
        self.feed(self.people[who.0].shard, Event::Disconnected { session, broken: false });
    }

    /// An operator opens these lanes, and closes all others, as far as this shard goes. Nothing comes
    /// of it where its node does nothing.
    pub fn open_lanes(&mut self, shard: u16, lanes: OpenLanes) {
        if !self.is_awake(shard) {
            return;
        }
        self.auditor.opens(shard, lanes);
        self.trace.note(self.now, shard.into(), What::Opens(lanes));
        self.feed(shard, Event::Order(Order::Lanes(lanes)));
    }

    /// An operator bans somebody. Nothing comes of it where they are gone.
    pub fn ban(&mut self, who: Who) {
        let session = self.person(who).session.or(self.person(who).lost);
        let Some(session) = session.filter(|_| self.can_act(who)) else { return };
        self.auditor.bans(who);
        self.note(who, What::Bans(who));
        let banned = Banned { reason: "spam", code: "spam", until: None };
        let order = Order::Ban { session, banned };
        if self.people[who.0].lost.take().is_some() {
            self.auditor.departs(self.now, who);
        }
        self.feed(self.places.place(session.home()), Event::Order(order));
        let done = self.auditor.has_banned(who);
        self.insist(done);
    }

    /// What a client knows.
    pub fn person(&self, who: Who) -> &Person {
        &self.people[who.0]
    }

    /// The kinds of what a client was sent since the last call; see [`Person::news`].
    pub fn news(&mut self, who: Who) -> Vec<&'static str> {
        self.people[who.0].news()
    }

    /// Everybody who ever connected.
    pub fn people(&self) -> impl Iterator<Item = Who> + use<> {
        (0..self.people.len()).map(Who)
    }

    /// Whether somebody is in the queue, by what they did and were told.
    pub fn is_queued(&self, who: Who) -> bool {
        matches!(self.auditor.standing(who), Standing::Queued { .. })
    }

    /// The room somebody is in, by what they did and were told.
    pub fn room(&self, who: Who) -> Option<&str> {
        match self.auditor.standing(who) {
            Standing::Chatting { room } => Some(room),
            _ => None,
        }
    }

    /// Whether two people are in one room.
    pub fn are_together(&self, one: Who, other: Who) -> bool {
        self.room(one).is_some() && self.room(one) == self.room(other)
    }

    /// Rooms that two people of different nodes have been in.
    pub fn rooms_across(&self) -> u64 {
        self.auditor.rooms_across()
    }

    /// Messages between shards that are underway.
    pub fn underway(&self) -> usize {
        self.network.underway()
    }

    /// Delivers one message between two shards; false if none is underway.
    pub fn deliver(&mut self) -> bool {
        let moves = self.deliveries();
        if moves.is_empty() {
            return false;
        }
        let chosen = self.schedule.choose(&moves);
        self.make(moves[chosen], &[]);
        true
    }

    /// Delivers everything while people act, each once, at moments that the schedule picks.
    pub fn race(&mut self, acts: &[Act<'_>]) {
        let mut left: Vec<_> = (0..acts.len()).collect();
        loop {
            let mut moves = self.deliveries();
            let act = |&number: &usize| {
                let (Who(who), _) = acts[number];
                Move { at: self.people[who].shard, what: Happens::Act(number) }
            };
            moves.extend(left.iter().map(act));
            if moves.is_empty() {
                return self.settle();
            }
            let chosen = self.schedule.choose(&moves);
            if let Happens::Act(number) = moves[chosen].what {
                left.retain(|&it| it != number);
            }
            self.make(moves[chosen], acts);
        }
    }

    /// Lets everything happen that is to happen at this time, and then looks whether all is well.
    pub fn settle(&mut self) {
        let mut moves = 0;
        while self.deliver() || self.tick() {
            moves += 1;
            assert!(moves < MOVES_MAX, "seed {}: it doesn't come to rest", self.seed);
        }
        self.look(false);
    }

    /// Has the auditor look at all that is at rest, and where all has been well for long, at more.
    fn look(&mut self, well: bool) {
        let mut calm = Calm::new(self.places, |node| self.runs(node));
        let mut map = None;
        if let Some(cluster) = &self.cluster {
            let still = |one, other| cluster.is_still(one, other);
            let agree = |one, other| cluster.go_by_one_map(one, other);
            let out_of_reach = |one, other| cluster.is_out_of_reach(one, other);
            calm = calm.between(still, agree, out_of_reach, (!cluster.wires.is_fair(), well));
            map = cluster.map().filter(|_| well);
        }
        let settled = self.auditor.settled(self.now, &self.shards, (&calm, map));
        self.insist(settled);
    }

    /// Moves the clock and wakes the shards that are due, while messages stay underway.
    pub fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        let mut ticks = 0;
        while self.tick() {
            ticks += 1;
            assert!(ticks < MOVES_MAX, "seed {}: something is always due", self.seed);
        }
    }

    /// Lives through a span of time in which every message arrives at once.
    pub fn wait(&mut self, span: Span) {
        let until = self.now + span;
        loop {
            self.settle();
            match self.next_timeout().filter(|&next| next <= until) {
                // What is due at a node that was frozen is late.
                Some(next) => self.live_until(self.now.max(next)),
                None => break,
            }
        }
        self.live_until(until);
        self.settle();
    }

    fn live_until(&mut self, at: Micros) {
        self.auditor.lives_through(at.since(self.now));
        self.now = at;
    }

    /// Ends the world: everybody leaves, and nothing may be left of them.
    pub fn drain(mut self) -> u64 {
        if self.cluster.is_some() {
            self.recover();
        }
        for who in self.people() {
            self.disconnect(who);
        }
        self.settle();
        if self.shards.iter().any(|shard| shard.absent() > 0) {
            self.wait(Settings::default().resume_grace);
        }
        let drained = self.auditor.drained(&self.shards);
        self.insist(drained);
        self.digest()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (seed, shards, step) = (self.seed, self.shards(), self.steps);
            let nodes = self.nodes();
            eprintln!(
                "the world of seed {seed} on {shards} shards of {nodes} nodes broke at step {step}"
            );
        }
    }
}

/// What the shards of a process are made from, before which there were so many.
fn setup(
    seed: u64,
    processes: u64,
    (place, places): (u16, Places),
    placements: &[Placement],
    settings: Arc<Settings>,
    rules: Arc<Rules>,
) -> Setup {
    let own = seed ^ (u64::from(place) + 1) << 32 ^ processes << 48;
    Setup {
        me: places.id(place),
        shards: usize::from(places.shards()),
        placement: placements[usize::from(places.node_of(place))].clone(),
        settings,
        rules,
        evidence_secret: World::EVIDENCE_SECRET,
        session_secret: seed_bytes(seed ^ processes << 48),
        seed: seed_bytes(own),
    }
}

/// A connection of somebody, by number.
fn link(who: Who, connection: u32) -> Link {
    Link(u64::from(connection) << 32 | who.0 as u64)
}

fn of_link(link: Link) -> (Who, u32) {
    (Who(link.0 as u32 as usize), (link.0 >> 32) as u32)
}
