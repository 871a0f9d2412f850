//! Shards, the network between them, and time.

mod cluster;
#[cfg(feature = "faults")]
mod faults;
mod lost;
mod succession;
mod trouble;

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use whisper_core::digest::Digest;
use whisper_core::ids::{Link, SessionId};
use whisper_core::match_queue::interest_key;
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::settings::{OpenLanes, Settings};
use whisper_core::shard::{Effect, Envelope, Event, Order, Setup, Shard, Turnover};
use whisper_core::time::{Micros, Span};
use whisper_proto::{Banned, ClientMessage, CloseCode, Join, ServerMessage, Stats};
use whisper_shard_router::{Placement, ShardId};

use self::cluster::Cluster;
use crate::auditor::{Auditor, Calm, Standing, Violation};
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
    pub fn of_nodes(seed: u64, nodes: u16, shards: u16) -> Self {
        let places = Places::new(nodes, shards);
        Self::make_of(seed, places, Settings::default(), Schedule::seeded(seed), None)
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
        Self {
            scribe: book.map(|book| Scribe::new(book, GENESIS, &setups)),
            seed,
            steps: 0,
            now: GENESIS,
            shards: setups.into_iter().map(|setup| Shard::new(GENESIS, setup)).collect(),
            places,
            placements,
            network: Network::new(places),
            cluster: (places.nodes() > 1).then(|| Cluster::new(seed, places, GENESIS)),
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
        while self.deliver() || self.tick() {}
        let calm = Calm::new(self.places, |node| self.runs(node));
        let settled = self.auditor.settled(self.now, &self.shards, &calm);
        self.insist(settled);
    }

    /// Moves the clock and wakes the shards that are due, while messages stay underway.
    pub fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        while self.tick() {}
    }

    /// Lives through a span of time in which every message arrives at once.
    pub fn wait(&mut self, span: Span) {
        let until = self.now + span;
        loop {
            self.settle();
            match self.next_timeout().filter(|&next| next <= until) {
                // What is due at a node that was frozen is late.
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
        }
        self.now = until;
        self.settle();
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

    fn deliveries(&self) -> Vec<Move> {
        let deliver = |(from, to)| Move { at: to, what: Happens::Deliver { from } };
        let within = self.network.waiting().filter(|&(from, _)| self.is_awake(from));
        let mut all: Vec<_> = within.map(deliver).collect();
        let arrive = |(from, to)| Move { at: u16::MAX - to, what: Happens::Arrive { from, to } };
        all.extend(self.cluster.iter().flat_map(Cluster::waiting).map(arrive));
        all
    }

    /// Whether the node of a shard does anything.
    fn is_awake(&self, place: u16) -> bool {
        self.runs(self.places.node_of(place))
    }

    /// When anything has something to do by itself.
    fn next_timeout(&self) -> Option<Micros> {
        let awake = (0..self.places.len()).filter(|&place| self.is_awake(place));
        let shards = awake.map(|place| self.shards[usize::from(place)].next_timeout());
        shards.chain(self.cluster.as_ref().and_then(Cluster::next)).min()
    }

    fn make(&mut self, chosen: Move, acts: &[Act<'_>]) {
        match chosen.what {
            Happens::Deliver { from } => {
                let envelope = self.network.take(from, chosen.at);
                let told = What::told(from.into(), &envelope);
                self.trace.note(self.now, chosen.at.into(), told);
                let from = self.places.id(from);
                self.feed(chosen.at, Event::FromShard { from, envelope });
            }
            Happens::Arrive { from, to } => {
                let now = self.now;
                if let Some(cluster) = &mut self.cluster {
                    cluster.deliver(now, from, to);
                }
            }
            Happens::Act(number) => {
                let (who, act) = acts[number];
                act(self, who);
            }
        }
    }

    /// Wakes one shard, or one node, that is due; false if none is.
    fn tick(&mut self) -> bool {
        let is_due = |place: usize| self.shards[place].next_timeout() <= self.now;
        let due = (0..self.shards.len()).find(|&it| is_due(it) && self.is_awake(it as u16));
        if let Some(shard) = due {
            self.trace.note(self.now, shard, What::Tick);
            self.feed(shard as u16, Event::Tick);
            return true;
        }
        let now = self.now;
        self.cluster.as_mut().is_some_and(|cluster| cluster.tick(now))
    }

    /// One event from outside, and all that a shard says to itself because of it.
    fn feed(&mut self, shard: u16, event: Event<'_>) {
        self.steps += 1;
        let mut to_itself = VecDeque::new();
        let mut closing = Vec::new();
        if let Some(scribe) = &mut self.scribe {
            scribe.told(&self.shards[usize::from(shard)], self.now, &event);
        }
        let mut next = Some(event);
        while let Some(event) = next {
            let mut effects = Vec::new();
            let scribe = &mut self.scribe;
            let mut take = |effect: Effect<'_>| {
                if let Some(scribe) = scribe {
                    scribe.did(shard, &effect);
                }
                effects.push(own(effect));
            };
            self.shards[usize::from(shard)].handle(self.now, event, &mut take);
            for effect in effects {
                match effect {
                    Owned::ToShard { to, envelope } if self.places.place(to) == shard => {
                        envelope.hash(&mut self.digest);
                        to_itself.push_back(envelope);
                    }
                    Owned::Close { link, code } => {
                        code.as_u16().hash(&mut self.digest);
                        // One that they had before is none of theirs any more.
                        if let Some(who) = self.present(link) {
                            self.people[who.0].closed = Some(code);
                            closing.push((who, self.people[who.0].connection));
                        }
                    }
                    effect => self.carry_out(shard, effect),
                }
            }
            let looked = self.auditor.look(self.now, shard, &self.shards[usize::from(shard)]);
            self.insist(looked);
            let from = self.places.id(shard);
            next = to_itself.pop_front().map(|envelope| Event::FromShard { from, envelope });
        }
        if let Some(scribe) = &mut self.scribe {
            scribe.done(shard);
        }
        for (who, connection) in closing {
            if self.people[who.0].connection == connection {
                self.disconnect(who);
            }
        }
    }

    /// Whose present connection this is.
    fn present(&self, link: Link) -> Option<Who> {
        let (who, connection) = of_link(link);
        let person = self.people.get(who.0)?;
        (person.connection == connection).then_some(who)
    }

    fn carry_out(&mut self, shard: u16, effect: Owned) {
        match effect {
            Owned::Opened { link, session } => {
                session.hash(&mut self.digest);
                let (who, connection) = of_link(link);
                let person = &mut self.people[who.0];
                let before = person.session.or(person.lost);
                match &mut person.landing {
                    Some(_) if before == Some(session) => {
                        (person.session, person.lost, person.deaf) = (Some(session), None, false);
                        (person.landing, person.connection) = (None, connection);
                        self.auditor.is_back(who);
                    }
                    Some(landing) => landing.fresh = Some(session),
                    None => {
                        person.session = Some(session);
                        let opened = self.auditor.opened(who, session);
                        self.insist(opened);
                    }
                }
            }
            Owned::Frame { link, frame } => {
                let (who, _) = of_link(link);
                (who, &frame).hash(&mut self.digest);
                if link == Link::NOBODYS {
                    return;
                }
                let person = &self.people[who.0];
                if self.present(link).is_none() {
                    // Whoever comes again is somebody else until they are known.
                    let heard = self.auditor.greets(who, person.landing.is_some());
                    return self.insist(heard);
                }
                let told = ServerMessage::decode(&frame).expect("what the engine encodes decodes");
                let heard = self.auditor.hears(self.now, who, &told);
                drop(told);
                self.insist(heard);
                if !self.people[who.0].deaf {
                    self.people[who.0].hears(frame);
                }
            }
            Owned::ToShard { to, envelope } => {
                (to, &envelope).hash(&mut self.digest);
                self.network.send(shard, self.places.place(to), envelope);
            }
            Owned::Reported { proved } => {
                proved.hash(&mut self.digest);
                self.reports.push(proved);
            }
            Owned::Close { .. } => {}
        }
    }

    fn insist(&self, outcome: Result<(), Violation>) {
        if let Err(violation) = outcome {
            let (seed, step, last) = (self.seed, self.steps, self.trace.tell().join("\n"));
            panic!("{violation} (seed {seed}, step {step}); the last events:\n{last}");
        }
    }

    fn note(&mut self, who: Who, what: What) {
        self.trace.note(self.now, self.people[who.0].shard.into(), what);
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

/// An effect that outlives the call it was pushed in.
enum Owned {
    Opened { link: Link, session: SessionId },
    Frame { link: Link, frame: Box<[u8]> },
    Close { link: Link, code: CloseCode },
    ToShard { to: ShardId, envelope: Envelope },
    Reported { proved: usize },
}

fn own(effect: Effect<'_>) -> Owned {
    match effect {
        Effect::Opened { link, session } => Owned::Opened { link, session },
        Effect::Send { link, message } => {
            let mut frame = Vec::new();
            message.encode(&mut frame);
            Owned::Frame { link, frame: frame.into() }
        }
        Effect::Forward { link, payload, .. } => Owned::Frame { link, frame: payload.into() },
        Effect::Close { link, code } => Owned::Close { link, code },
        Effect::ToShard { to, envelope } => Owned::ToShard { to, envelope },
        Effect::Reported { proved, .. } => Owned::Reported { proved: proved.len() },
        Effect::Answered { .. } | Effect::Remembered { .. } => {
            unreachable!("nobody knocks in a world")
        }
        Effect::Judged { .. } | Effect::Sentenced { .. } => unreachable!("no rules find anything"),
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
