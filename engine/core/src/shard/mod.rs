//! One shard: the only place where people, matching and rooms meet.
//!
//! [`Shard::handle`] takes one event and pushes its effects, at once and in order. Whoever drives it
//! (the reactor in production, a simulator in tests) carries effects out, brings messages between
//! shards in order, gives messages of a shard to itself back before the next event from outside,
//! and calls with [`Event::Tick`] when [`Shard::next_timeout`] has come.

mod auditing;
mod census;
mod chat;
mod door;
mod drain;
mod hashed;
mod judging;
mod liking;
mod message;
mod orders;
mod people;
mod queueing;
mod standing;
mod ticking;
mod welcome;

use std::sync::Arc;

use whisper_proto::{
    ClientMessage, CloseCode, DecodeError, ErrorCode, ErrorMessage, Evidence, Hello, Lane,
    ReportReason, Say, ServerMessage, Stats,
};
use whisper_shard_router::{KeyHash, Placement, ShardId};

pub use census::{Counts, Elsewhere, Turnover, Waits};
pub use door::DoorMessage;
pub use hashed::HashedJoin;
pub use judging::Offence;
pub use message::{Envelope, ShardMessage};
pub use orders::Order;
pub use standing::{Mark, Marks, StandingMessage, Traits};

use self::census::Census;
use self::drain::Draining;
use self::judging::{Found, Judge};
use self::people::{People, State};
use self::queueing::Asked;
use crate::evidence::Notary;
use crate::ids::{Link, RoomId, SessionId, Side};
use crate::limits::{Admission, Answer, Ask, Visitor};
#[cfg(feature = "faults")]
use crate::match_queue::Fault;
use crate::match_queue::{LANES, Language, MatchQueue, Share};
use crate::moderation::{Action, Moderator, Record, Rules, Severity, Standings};
use crate::random::Random;
use crate::resume::Mint;
use crate::rooms::{Ending, RoomMessage, Rooms};
use crate::settings::{OpenLanes, Settings};
use crate::sweep::Sweep;
use crate::time::{Micros, Span};

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
    /// A person's connection is gone.
    Disconnected {
        /// Who.
        session: SessionId,
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

/// What is to be done about it.
#[derive(Debug)]
pub enum Effect<'a> {
    /// The connection is this person's from now on.
    Opened {
        /// The connection.
        link: Link,
        /// The person.
        session: SessionId,
    },
    /// Say something to a person's client.
    Send {
        /// Their connection.
        link: Link,
        /// What to say.
        message: &'a ServerMessage<'a>,
    },
    /// The same, encoded by another shard.
    Forward {
        /// Their connection.
        link: Link,
        /// The encoded server message.
        payload: &'a [u8],
        /// May be dropped where the receiver is slow.
        fleeting: bool,
    },
    /// Close a connection. [`Event::Disconnected`] is expected to follow, and may find nobody.
    Close {
        /// The connection.
        link: Link,
        /// Why.
        code: CloseCode,
    },
    /// Send to a shard; to the shard itself through a queue of its own.
    ToShard {
        /// To whom.
        to: ShardId,
        /// What.
        envelope: Envelope,
    },
    /// The owner of a connection's address has answered.
    Answered {
        /// The connection, which may be gone; see [`crate::limits::unclaimed`].
        link: Link,
        /// Whose it is.
        visitor: Visitor,
        /// What it asked.
        ask: Ask,
        /// What the owner says.
        answer: Answer,
    },
    /// Something is held against somebody from before: to be told as [`Event::Remembered`].
    Remembered {
        /// Against whom.
        session: SessionId,
        /// What.
        record: Record,
    },
    /// Somebody was reported.
    Reported {
        /// By whom.
        reporter: SessionId,
        /// Who; perhaps of another shard, perhaps gone.
        accused: SessionId,
        /// Where.
        room: RoomId,
        /// The reporter's side of it.
        side: Side,
        /// For what.
        reason: ReportReason,
        /// What the reporter says to it.
        comment: Option<&'a str>,
        /// Of the messages brought as evidence, those that prove true.
        proved: &'a [Evidence<'a>],
    },
    /// Something was found in what somebody said or likes. Of what, by whom, and which rule it was,
    /// nobody is told here.
    Judged {
        /// Where it was found.
        offence: Offence,
        /// How bad it is.
        severity: Severity,
        /// What is done about it.
        action: Action,
    },
    /// Rules have somebody banned, who is being told and closed; whoever keeps bans has this one to
    /// keep.
    Sentenced {
        /// The connection, still there: what its person can be known by is to be read off it.
        link: Link,
        /// The person, gone with this event.
        session: SessionId,
        /// [`Severity::Zero`], or the fault that was one too many.
        severity: Severity,
        /// Why, in a word that clients know; empty where a log is run again.
        code: &'a str,
        /// Until when.
        until: Micros,
    },
}

/// Takes effects as they come, in order.
pub trait Effects {
    /// Takes one.
    fn push(&mut self, effect: Effect<'_>);
}

impl<F: FnMut(Effect<'_>)> Effects for F {
    fn push(&mut self, effect: Effect<'_>) {
        self(effect);
    }
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
    epoch: u32,
    now: Micros,
    settings: Arc<Settings>,
    /// The lanes open now.
    lanes: OpenLanes,
    /// The place up to which people were taken out of lanes closed since.
    clearing: Option<usize>,
    /// Everybody is being sent elsewhere.
    draining: Option<Draining>,
    random: Random,
    notary: Notary,
    mint: Mint,
    people: People,
    rooms: Rooms,
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
        let queue = MatchQueue::new(me, shards, placement.clone(), settings.tiers, queue_seed);
        let floor = Floor {
            me,
            epoch,
            now,
            notary: Notary::new(evidence_secret),
            mint: Mint::new(session_secret),
            people: People::new(me),
            rooms: Rooms::default(),
            census: Census::new(now, shards),
            sweep: Sweep::new(now, SWEEP_STEP),
            random,
            lanes: settings.lanes,
            clearing: None,
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
            Event::Disconnected { session } => self.depart(session, effects),
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
        if floor.clearing.is_some() {
            return floor.now;
        }
        let mut next = floor.census.next();
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
        self.floor.mint.public_id(session)
    }

    /// The lanes that people may join.
    pub fn open_lanes(&self) -> impl Iterator<Item = Lane> + use<> {
        self.floor.lanes.iter()
    }

    /// The connection of a person of this shard, while they are here.
    pub fn link_of(&self, person: SessionId) -> Option<Link> {
        Some(self.floor.people.get(person)?.link)
    }

    /// This shard's own numbers.
    pub fn counts(&mut self) -> Counts {
        let floor = &mut self.floor;
        let (online, chats) = (floor.people.len(), floor.rooms.chats());
        floor.census.count(floor.me.shard, online, self.queue.queued(), chats)
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
                floor.pass_on(session, room, &message, true, effects);
            }
            // What was not acknowledged is not kept, so nothing can be forgotten.
            ClientMessage::Ack { .. } => {}
            ClientMessage::Read { seq, room } => {
                let message = ServerMessage::PartnerRead { seq };
                floor.pass_on(session, room, &message, true, effects);
            }
            ClientMessage::VideoToggle { enabled, room } => {
                let message = ServerMessage::PartnerVideoToggle { enabled };
                floor.pass_on(session, room, &message, false, effects);
            }
            ClientMessage::AudioToggle { enabled, room } => {
                let message = ServerMessage::PartnerAudioToggle { enabled };
                floor.pass_on(session, room, &message, false, effects);
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
            State::Idle => {}
            State::Queued => self.unqueue(session, effects),
            State::Chatting(place) => {
                self.floor.part(session, place, Ending::Disconnected, effects);
            }
        }
        self.floor.people.leave(session);
    }

    fn heard(&mut self, from: ShardId, envelope: Envelope, effects: &mut impl Effects) {
        debug_assert_eq!(envelope.epoch, self.floor.epoch, "one box has one map of keys");
        match envelope.message {
            ShardMessage::Match(message) => {
                let now = self.floor.now;
                let (queue, mut desk) = self.desk(effects);
                queue.handle(now, from, message, &mut desk);
            }
            ShardMessage::Room(RoomMessage::Deliver { to, room, payload, fleeting }) => {
                if let Some((link, _)) = self.floor.in_room(to, room) {
                    effects.push(Effect::Forward { link, payload: &payload, fleeting });
                }
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

    fn hello(&mut self, session: SessionId, hello: &Hello<'_>) {
        let Some(person) = self.people.get_mut(session) else { return };
        if let Some(language) = hello.language.and_then(Language::parse) {
            person.extra_mut().language = Some(language);
        }
    }

    fn malformed(&self, session: SessionId, error: &DecodeError, effects: &mut impl Effects) {
        let message = error.to_string();
        self.refuse(session, ErrorCode::from(error), &message, None, effects);
    }

    fn tell(&self, session: SessionId, message: &ServerMessage<'_>, effects: &mut impl Effects) {
        if let Some(person) = self.people.get(session) {
            effects.push(Effect::Send { link: person.link, message });
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

    /// The connection of a person and the place of their room, if that is the room they are in.
    fn in_room(&self, person: SessionId, room: RoomId) -> Option<(Link, u32)> {
        let person = self.people.get(person)?;
        match person.state {
            State::Chatting(place) if self.rooms.at(place).id == room => Some((person.link, place)),
            _ => None,
        }
    }
}
