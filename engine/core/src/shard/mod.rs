//! One shard: the only place where people, matching and rooms meet.
//!
//! [`Shard::handle`] takes one event and pushes its effects, at once and in order. Whoever drives it
//! (the reactor in production, a simulator in tests) carries effects out, brings messages between
//! shards in order, gives messages of a shard to itself back before the next event from outside,
//! and calls with [`Event::Tick`] when [`Shard::next_timeout`] has come.

mod absence;
mod auditing;
mod census;
mod chat;
mod crossing;
mod door;
mod drain;
mod effect;
mod estate;
mod hashed;
mod judging;
mod liking;
mod message;
mod orders;
mod people;
mod queueing;
mod resuming;
mod standing;
mod ticking;
mod welcome;

use std::collections::VecDeque;
use std::sync::Arc;

use whisper_proto::{
    ClientMessage, DecodeError, ErrorCode, ErrorMessage, Hello, Lane, Say, ServerMessage, Stats,
};
use whisper_shard_router::{KeyHash, Placement, ShardId};

pub use census::{Counts, Elsewhere, Turnover, Waits};
pub use door::DoorMessage;
pub use effect::{Effect, Effects};
pub use hashed::HashedJoin;
pub use judging::Offence;
pub use message::{Envelope, ShardMessage};
pub use orders::Order;
pub use resuming::Bearer;
pub use standing::{Mark, Marks, StandingMessage, Traits};

use self::absence::Words;
use self::census::Census;
use self::drain::Draining;
use self::estate::Arrears;
use self::judging::{Found, Judge};
use self::people::{People, Person, State};
use self::queueing::Asked;
use crate::evidence::Notary;
use crate::ids::{Link, RoomId, SessionId};
use crate::limits::{Admission, Ask, Visitor};
#[cfg(feature = "faults")]
use crate::match_queue::Fault;
use crate::match_queue::{LANES, Language, MatchQueue, Share};
use crate::moderation::{Moderator, Record, Rules, Severity, Standings};
use crate::random::Random;
#[cfg(feature = "faults")]
use crate::resume::Lapse;
use crate::resume::{Claim, Mint, Shelf};
use crate::rooms::{Ending, RoomMessage, Rooms, Worth};
use crate::settings::{OpenLanes, Settings};
use crate::succession::Renaming;
use crate::sweep::Sweep;
use crate::time::{Micros, Span};
use crate::timers::Timers;

/// Where somebody is in a room, and how they are reached, if they are.
type Seat = (Option<Link>, u32);

/// How finely the telling of numbers is spread over its interval.
const SWEEP_STEP: Span = Span::millis(100);

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A WebSocket was opened. Answered with [`Effect::Opened`].
    Connected {
        /// The connection.
        link: Link,
    },
    /// A person's client said something.
    Message {
        /// Who.
        session: SessionId,
        /// What.
        message: ClientMessage<'a>,
    },
    /// A person joined. In the place of [`Event::Message`] where a log is run again, which has the
    /// hashes of interests alone: names that stand in for them are shown then.
    HashedJoin {
        /// Who.
        session: SessionId,
        /// What they asked for.
        join: HashedJoin,
        /// What was found in the names.
        found: Option<Severity>,
    },
    /// A person said something in which this was found. In the place of [`Event::Message`] where a
    /// log is run again, which has no words to find anything in.
    Faulty {
        /// Who.
        session: SessionId,
        /// What stands in for what they said.
        say: Say<'a>,
        /// What was found in it.
        found: Severity,
    },
    /// A person's client said something that is no message.
    Malformed {
        /// Who.
        session: SessionId,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The connection that a person has now ([`Shard::link_of`]) is gone. Of one that they had
    /// before, nothing is told.
    Disconnected {
        /// Who.
        session: SessionId,
        /// It was lost: neither side said that it ends.
        broken: bool,
    },
    /// Somebody brings a token that says this, see [`Shard::claim`], of a session at home here.
    /// Either the connection is that person's from now on, and [`Effect::Opened`] says so; or they
    /// are told `connected` as somebody else, unless that is for [another node](Bearer::Abroad).
    Resume {
        /// Who brings it.
        bearer: Bearer,
        /// What it says.
        claim: Claim,
        /// The number of the last message of their partner that they have.
        last_seq: u64,
    },
    /// Another shard, or this one, has sent a message.
    FromShard {
        /// Who sent it.
        from: ShardId,
        /// What it says.
        envelope: Envelope,
    },
    /// The time of [`Shard::next_timeout`] has come.
    Tick,
    /// A connection asks the owner of its address for something, or tells it. What is answered
    /// comes as [`Effect::Answered`].
    Asked {
        /// The connection.
        link: Link,
        /// Whose it is, see [`Shard::visitor`].
        visitor: Visitor,
        /// What it asks.
        ask: Ask,
    },
    /// Those who keep what is held against somebody are asked about them. What they answer comes as
    /// [`Effect::Remembered`].
    Known {
        /// Who.
        session: SessionId,
        /// What they are known by, see [`Shard::marks`].
        marks: Marks,
        /// What they were just found at fault for, see [`Effect::Judged`].
        fault: Option<Severity>,
    },
    /// What was answered.
    Remembered {
        /// About whom.
        session: SessionId,
        /// What is held against them.
        record: Record,
    },
    /// An operator wants something.
    Order(Order<'a>),
}

/// What a shard is made from.
#[derive(Clone)]
pub struct Setup {
    /// Which shard this is.
    pub me: ShardId,
    /// How many shards its node has.
    pub shards: usize,
    /// Who owns which key.
    pub placement: Placement,
    /// What the operator set.
    pub settings: Arc<Settings>,
    /// What may be said.
    pub rules: Arc<Rules>,
    /// The secret that evidence tags derive from; the same on every node and after every start.
    pub evidence_secret: [u8; 32],
    /// The secret of this process's tokens and ids.
    pub session_secret: [u8; 32],
    /// Where this shard's randomness comes from.
    pub seed: [u8; 32],
}

/// A slice of the people and of the waiting lists.
pub struct Shard {
    queue: MatchQueue,
    floor: Floor,
}

/// All of a shard but its match queue.
struct Floor {
    me: ShardId,
    epoch: u64,
    now: Micros,
    settings: Arc<Settings>,
    /// The lanes open now.
    lanes: OpenLanes,
    /// The place up to which people were taken out of lanes closed since.
    clearing: Option<usize>,
    /// What was left to this shard and isn't settled yet.
    arrears: Option<Arrears>,
    /// People whose partner was on a node that is lost, and where: their chats are ended by ticks.
    bereft: VecDeque<(SessionId, RoomId)>,
    /// Everybody is being sent elsewhere.
    draining: Option<Draining>,
    random: Random,
    notary: Notary,
    mint: Mint,
    /// How people are named who came in an earlier process.
    renaming: Renaming,
    people: People,
    /// By which time each of those must be back whose connection is lost, by their place.
    absent: Timers,
    rooms: Rooms,
    /// What is kept of chats, for people who may lose their connection.
    shelf: Shelf,
    census: Census,
    sweep: Sweep,
    placement: Placement,
    admission: Admission,
    standings: Standings,
    judge: Judge,
}

impl Shard {
    /// A shard with nobody in it.
    pub fn new(now: Micros, setup: Setup) -> Self {
        let Setup { me, shards, placement, settings, rules, evidence_secret, session_secret, seed } =
            setup;
        let mut random = Random::new(seed);
        // Drawn before any id is: what people see of an id tells nothing of the hash tables.
        let queue_seed = random.next_u64();
        let epoch = placement.epoch();
        let admission = Admission::new(settings.admission, !queue_seed);
        let queue = MatchQueue::new(me, shards, placement.clone(), settings.tiers, queue_seed)
            .asking_the_cluster_after(settings.cluster_after);
        let floor = Floor {
            me,
            epoch,
            now,
            notary: Notary::new(evidence_secret),
            mint: Mint::new(session_secret),
            renaming: Renaming::default(),
            people: People::new(me, now),
            absent: Timers::default(),
            rooms: Rooms::default(),
            shelf: Shelf::default(),
            census: Census::new(now, shards),
            sweep: Sweep::new(now, SWEEP_STEP),
            random,
            lanes: settings.lanes,
            clearing: None,
            arrears: None,
            bereft: VecDeque::new(),
            draining: None,
            settings,
            placement,
            admission,
            standings: Standings::new(queue_seed.rotate_left(32)),
            judge: Judge::new(Moderator::new(rules)),
        };
        Self { queue, floor }
    }

    /// The same shard, where lanes are kept under these hashes; see
    /// [`MatchQueue::with_lane_keys`].
    #[must_use]
    pub fn with_lane_keys(mut self, keys: [KeyHash; LANES]) -> Self {
        self.queue = self.queue.with_lane_keys(keys);
        self
    }

    /// Makes room for so many people, so that no table is copied while they are there.
    pub fn reserve(&mut self, people: usize) {
        self.floor.people.reserve(people);
        self.floor.rooms.reserve(people);
        self.floor.judge.reserve(people);
    }

    /// Has the match queue break a rule from here on.
    #[cfg(feature = "faults")]
    pub fn break_rule(&mut self, rule: Fault) {
        self.queue = self.queue.clone().breaking(rule);
    }

    /// Leaves out a rule of how chats survive lost connections from here on.
    #[cfg(feature = "faults")]
    pub fn lapses(&mut self, rule: Lapse) {
        self.floor.shelf.lapses(rule);
    }

    /// Takes one event. Times handed in never go backwards.
    pub fn handle(&mut self, now: Micros, event: Event<'_>, effects: &mut impl Effects) {
        self.floor.now = now;
        match event {
            Event::Connected { link } => self.connected(link, effects),
            Event::Message { session, message } => self.said(session, message, effects),
            Event::HashedJoin { session, join, found } => {
                if self.floor.is_active(session) {
                    self.join(session, &Asked::hashed(&join, found.map(Found::unworded)), effects);
                }
            }
            Event::Faulty { session, say, found } => {
                if self.floor.is_active(session) {
                    self.say(session, &say, Some(Found::unworded(found)), effects);
                }
            }
            Event::Malformed { session, error } => self.floor.malformed(session, &error, effects),
            Event::Disconnected { session, broken } => self.lost(session, broken, effects),
            Event::Resume { bearer, claim, last_seq } => {
                self.resume(bearer, (claim, last_seq), effects);
            }
            Event::FromShard { from, envelope } => self.heard(from, envelope, effects),
            Event::Tick => self.tick(effects),
            Event::Asked { link, visitor, ask } => self.floor.ask(link, visitor, ask, effects),
            Event::Known { session, marks, fault } => {
                self.floor.ask_standing(session, marks, fault, effects);
            }
            Event::Remembered { session, record } => self.floor.remembered(session, record),
            Event::Order(order) => self.ordered(order, effects),
        }
    }

    /// When [`Event::Tick`] is due.
    pub fn next_timeout(&self) -> Micros {
        let floor = &self.floor;
        let behind = floor.clearing.is_some() || floor.arrears.is_some();
        if behind || !floor.bereft.is_empty() {
            return floor.now;
        }
        let mut next = floor.census.next();
        next = floor.absent.next().map_or(next, |at| at.min(next));
        if floor.people.len() > 0 {
            next = next.min(floor.sweep.next());
            next = floor.draining.as_ref().map_or(next, |it| it.next().min(next));
        }
        self.queue.next_timeout().map_or(next, |at| at.min(next))
    }

    /// Which shard this is.
    pub fn id(&self) -> ShardId {
        self.floor.me
    }

    /// The `userId` of a session.
    pub fn public_id(&self, session: SessionId) -> arrayvec::ArrayString<16> {
        self.floor.public_id(session)
    }

    /// The lanes that people may join.
    pub fn open_lanes(&self) -> impl Iterator<Item = Lane> + use<> {
        self.floor.lanes.iter()
    }

    /// The connection of a person of this shard, while they are here.
    pub fn link_of(&self, person: SessionId) -> Option<Link> {
        self.floor.people.get(person)?.present_link()
    }

    /// This shard's own numbers.
    pub fn counts(&mut self) -> Counts {
        let counts = self.tally();
        self.floor.census.heard(self.floor.me.shard, counts);
        counts
    }

    fn tally(&self) -> Counts {
        let floor = &self.floor;
        let (online, chats) = (floor.people.len() - floor.absent.len(), floor.rooms.chats());
        floor.census.tally(online, self.queue.queued(), chats)
    }

    /// How many nodes the numbers are of.
    pub fn nodes(&self) -> u32 {
        self.floor.census.nodes()
    }

    /// The numbers people are shown: this shard's as they are, the others' as last heard.
    pub fn stats(&mut self) -> Stats {
        self.counts();
        self.floor.census.stats()
    }

    fn said(&mut self, session: SessionId, message: ClientMessage<'_>, effects: &mut impl Effects) {
        let floor = &mut self.floor;
        if !floor.is_active(session) {
            return;
        }
        match message {
            ClientMessage::Message(say) => self.say(session, &say, None, effects),
            ClientMessage::Typing { is_typing, room } => {
                let message = ServerMessage::PartnerTyping { is_typing };
                floor.pass_on(session, room, &message, Worth::Fleeting, effects);
            }
            ClientMessage::Ack { seq } => floor.acknowledged(session, seq),
            ClientMessage::Read { seq, room } => {
                let message = ServerMessage::PartnerRead { seq };
                floor.pass_on(session, room, &message, Worth::Fleeting, effects);
            }
            ClientMessage::VideoToggle { enabled, room } => {
                let message = ServerMessage::PartnerVideoToggle { enabled };
                floor.pass_on(session, room, &message, Worth::Step, effects);
            }
            ClientMessage::AudioToggle { enabled, room } => {
                let message = ServerMessage::PartnerAudioToggle { enabled };
                floor.pass_on(session, room, &message, Worth::Step, effects);
            }
            ClientMessage::Signal(signal) => floor.signal(session, signal, effects),
            ClientMessage::Report(report) => floor.report(session, &report, effects),
            ClientMessage::Hello(hello) => floor.hello(session, &hello),
            ClientMessage::Join(join) => self.join(session, &Asked::from(&join), effects),
            ClientMessage::Skip(skip) => self.skip(session, skip.room, effects),
            ClientMessage::Leave => self.leave(session, effects),
            ClientMessage::Ping => {
                let timestamp = floor.now.unix_millis();
                floor.tell(session, &ServerMessage::Pong { timestamp }, effects);
            }
        }
    }

    /// Ends all that a person is in, and forgets them.
    fn depart(&mut self, session: SessionId, effects: &mut impl Effects) {
        let Some(person) = self.floor.people.get(session) else { return };
        match person.state {
            State::Idle | State::Stranded => {}
            State::Queued(_) => self.unqueue(session, effects),
            State::Chatting(place) | State::Absent(place) => {
                self.floor.part(session, place, Ending::Disconnected, effects);
            }
        }
        self.floor.forget(session);
    }

    fn heard(&mut self, from: ShardId, envelope: Envelope, effects: &mut impl Effects) {
        debug_assert_eq!(envelope.epoch, self.floor.epoch, "one box has one map of keys");
        match envelope.message {
            ShardMessage::Match(message) => {
                let now = self.floor.now;
                let (queue, mut desk) = self.desk(effects);
                queue.handle(now, from, message, &mut desk);
            }
            ShardMessage::Room(RoomMessage::Deliver { to, room, payload, worth }) => {
                if let Some(seat) = self.floor.in_room(to, room) {
                    let words = Words::Encoded(&payload);
                    self.floor.hand_over(seat, words, worth, effects);
                }
            }
            ShardMessage::Room(RoomMessage::Away { to, room, grace }) => {
                self.floor.partner_away(to, room, grace, effects);
            }
            ShardMessage::Room(RoomMessage::Ended { to, room, ending }) => {
                self.floor.partner_left(to, room, ending, effects);
            }
            ShardMessage::Census(counts) => {
                self.floor.census.heard(from.shard, counts);
                let here = self.counts().online;
                let census = &self.floor.census;
                let shards = census.shards().into();
                self.queue.weigh(Share::new(here, census.sum().online, shards));
            }
            ShardMessage::Door(message) => self.floor.at_the_door(from, message, effects),
            ShardMessage::Standing(message) => self.floor.about_standing(from, message, effects),
        }
    }
}

impl Floor {
    /// Notes that somebody does something; false if they are gone.
    fn is_active(&mut self, session: SessionId) -> bool {
        let Some(person) = self.people.get_mut(session) else { return false };
        person.active = people::seconds(self.now);
        true
    }

    fn public_id(&self, session: SessionId) -> arrayvec::ArrayString<16> {
        self.mint.public_id(self.renaming.original(session))
    }

    fn hello(&mut self, session: SessionId, hello: &Hello<'_>) {
        let Some(person) = self.people.get_mut(session) else { return };
        let extra = person.extra_mut();
        extra.said_hello = true;
        if let Some(language) = hello.language.and_then(Language::parse) {
            extra.language = Some(language);
        }
    }

    fn malformed(&self, session: SessionId, error: &DecodeError, effects: &mut impl Effects) {
        let message = error.to_string();
        self.refuse(session, ErrorCode::from(error), &message, None, effects);
    }

    fn tell(&self, session: SessionId, message: &ServerMessage<'_>, effects: &mut impl Effects) {
        if let Some(link) = self.people.get(session).and_then(Person::present_link) {
            effects.push(Effect::Send { link, message });
        }
    }

    /// Tells a person that what they said had no effect, and why.
    fn refuse(
        &self,
        session: SessionId,
        code: ErrorCode,
        message: &str,
        id: Option<&str>,
        effects: &mut impl Effects,
    ) {
        let error = ErrorMessage { code, message, id, retry_after_ms: None };
        self.tell(session, &ServerMessage::Error(error), effects);
    }

    fn to_shard(&self, to: ShardId, message: ShardMessage, effects: &mut impl Effects) {
        let envelope = Envelope { epoch: self.epoch, message };
        effects.push(Effect::ToShard { to, envelope });
    }

    /// The connection of a person, while they have one, and the place of their room, if that is the
    /// room they are in.
    fn in_room(&self, person: SessionId, room: RoomId) -> Option<Seat> {
        let person = self.people.get(person)?;
        let place = person.place()?;
        (self.rooms.at(place).id == room).then(|| (person.present_link(), place))
    }
}
