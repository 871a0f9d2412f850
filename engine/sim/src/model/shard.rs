//! One shard of a world: the real match queue, and the least of what surrounds it.

use std::collections::VecDeque;

use whisper_core::ids::{RoomId, SessionId, TicketId};
use whisper_core::interests::Names;
use whisper_core::match_queue::{
    Fault, Host, MatchMessage, MatchQueue, Pairing, Search, TierTimes,
};
use whisper_core::time::{Micros, Span};
use whisper_shard_router::ShardId;

use super::rules::{Property, Violation};
use super::scene::{Acts, Broken, Role, SHARDS, Stage, place};

/// Messages that one thing that happens makes a shard send to itself, at most.
const SAID_TO_ITSELF_MAX: usize = 1_000;

/// More than there is to do at a time among so few people.
const STEPS_AT_ONCE: usize = 100;

/// Time passes for leases and proposals only: tiers open whenever they like.
const TIERS: TierTimes = TierTimes {
    single: Span::secs(3_600),
    any: Span::secs(3_600),
    again: Span::secs(3_600),
    timeout: Span::secs(3_600),
    patience: Span::secs(10),
};

/// A shard with its people.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Shard {
    me: u16,
    pub(super) queue: MatchQueue,
    /// Everybody of the scene; those at home elsewhere stay as they are.
    pub(super) people: Vec<Person>,
    rooms: u8,
    /// The scene's lanes that are closed here, by bits.
    closed: u8,
    /// How often time may still pass here.
    waits: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Person {
    pub(super) standing: Standing,
    /// Which of their desires they have now.
    pub(super) desire: usize,
    /// What they may still do.
    may: Acts,
    /// Whom they have met, by bits.
    met: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    Idle,
    /// The ticket is unknown only while it is being made.
    Queued(Option<TicketId>),
    Chatting {
        room: RoomId,
        partner: usize,
    },
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Join,
    Leave,
    Vanish,
    Skip,
    Replace,
    OpenUp,
    Say,
    CloseLane,
    /// Nobody's: time passes.
    Wait,
}

/// What shards say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Message {
    Match(MatchMessage),
    Ended {
        to: SessionId,
        room: RoomId,
    },
    Said {
        to: SessionId,
        room: RoomId,
    },
    /// By the link itself: it is another from here on.
    Lost,
}

/// What can happen at a shard.
pub(super) enum Input {
    Act { who: usize, act: Act },
    Message { from: u16, message: Message },
}

type Sent = Vec<(u16, Message)>;

impl Shard {
    pub(super) fn new(stage: &Stage<'_>, me: u16) -> Self {
        let shards = if stage.scene.apart.is_some() { 1 } else { SHARDS };
        let (id, placement) = (stage.shard_id(me), stage.at_home(me));
        let mut queue = MatchQueue::new(id, shards, placement, TIERS, u64::from(me));
        if stage.scene.apart.is_some() {
            queue.replace_map(stage.placement.clone());
            let others = (0..SHARDS as u16).filter(|other| *other != me);
            others.for_each(|other| queue.linked(stage.shard_id(other).node));
        }
        if let Some(Broken::Queue(rule)) = stage.broken {
            queue = queue.breaking(rule);
        }
        let person =
            |role: &Role| Person { standing: Standing::Idle, desire: 0, may: role.may, met: 0 };
        let people = stage.scene.people.iter().map(person).collect();
        let waits = stage.scene.apart.map_or(0, |it| it.waits);
        Self { me, queue, people, rooms: 0, closed: 0, waits }
    }

    /// What the people of this home may do next.
    pub(super) fn acts(&self, stage: &Stage<'_>) -> Vec<(usize, Act)> {
        let mut acts = Vec::new();
        for (who, Person { standing, may, .. }) in self.people.iter().enumerate() {
            if stage.scene.people[who].home != self.me {
                continue;
            }
            let able: &[(u8, Act)] = match standing {
                Standing::Idle => &[(may.joins, Act::Join)],
                Standing::Queued(_) => &[
                    (may.leaves, Act::Leave),
                    (may.vanishes, Act::Vanish),
                    (may.replaces, Act::Replace),
                    (may.opens, Act::OpenUp),
                    (may.closes, Act::CloseLane),
                ],
                Standing::Chatting { .. } => &[
                    (may.leaves, Act::Leave),
                    (may.vanishes, Act::Vanish),
                    (may.skips, Act::Skip),
                    (may.says, Act::Say),
                ],
                Standing::Gone => &[],
            };
            acts.extend(able.iter().filter(|(left, _)| *left > 0).map(|&(_, act)| (who, act)));
        }
        if self.waits > 0 && self.awaits_something(stage) {
            acts.push((0, Act::Wait));
        }
        acts
    }

    /// One thing that happens here, and all that the shard says to itself because of it. Returns
    /// what it says to others, in order.
    pub(super) fn step(&mut self, stage: &Stage<'_>, input: Input) -> Result<Sent, Violation> {
        let mut pending = VecDeque::from(self.take(stage, input)?);
        if stage.scene.apart.is_some() {
            // What is due at once: to post a ticket to the cluster.
            let now = self.now(stage);
            pending.extend(self.wake(stage, now)?);
        }
        let mut to_others = Vec::new();
        let mut said = 0;
        while let Some((to, message)) = pending.pop_front() {
            if to != self.me {
                to_others.push((to, message));
                continue;
            }
            said += 1;
            if said > SAID_TO_ITSELF_MAX {
                return Err(Property::Livelock.broken_by(format!("shard {} by itself", self.me)));
            }
            let sent = self.take(stage, Input::Message { from: to, message })?;
            if stage.breaks(Broken::SelfMessageInline) {
                sent.into_iter().rev().for_each(|it| pending.push_front(it));
            } else {
                pending.extend(sent);
            }
        }
        self.agrees_with_its_people()?;
        Ok(to_others)
    }

    fn now(&self, stage: &Stage<'_>) -> Micros {
        Micros(stage.scene.clocks[usize::from(self.me)])
    }

    /// When something is due that isn't now, if it isn't a tier.
    fn due(&self, stage: &Stage<'_>) -> Option<Micros> {
        self.queue.next_timeout().filter(|at| *at < self.now(stage) + TIERS.single)
    }

    fn awaits_something(&self, stage: &Stage<'_>) -> bool {
        self.due(stage).is_some()
    }

    /// Time passes until something is due here; then it is before that again, as everywhere.
    fn wait(&mut self, stage: &Stage<'_>) -> Result<Sent, Violation> {
        self.waits -= 1;
        let due = self.due(stage).unwrap_or(self.now(stage));
        let sent = self.wake(stage, due)?;
        let overdue = self.queue.leases().into_iter().find(|&(_, until)| until <= due);
        overdue.map_or(Ok(sent), |(ticket, _)| {
            Err(Property::HeldForEver.broken_by(super::story::ticket(ticket)))
        })
    }

    fn wake(&mut self, stage: &Stage<'_>, at: Micros) -> Result<Sent, Violation> {
        self.with_desk(stage, |queue, desk| queue.wake(at, STEPS_AT_ONCE, desk))
    }

    fn take(&mut self, stage: &Stage<'_>, input: Input) -> Result<Sent, Violation> {
        if let Input::Act { act: Act::Wait, .. } = input {
            return self.wait(stage);
        }
        let now = self.now(stage);
        self.with_desk(stage, |queue, desk| match input {
            Input::Act { who, act } => desk.act(queue, now, who, act),
            Input::Message { from, message: Message::Match(message) } => {
                queue.handle(now, stage.shard_id(from), message, desk);
            }
            Input::Message { from, message: Message::Lost } => {
                let node = stage.shard_id(from).node;
                queue.lost(now, node, desk);
                queue.linked(node);
                desk.lost(from);
            }
            Input::Message { message: Message::Ended { to, room }, .. } => desk.ended(to, room),
            Input::Message { message: Message::Said { to, room }, .. } => desk.said(to, room),
        })
    }

    fn with_desk(
        &mut self,
        stage: &Stage<'_>,
        work: impl FnOnce(&mut MatchQueue, &mut Desk<'_>),
    ) -> Result<Sent, Violation> {
        let mut desk = Desk {
            me: self.me,
            stage,
            people: &mut self.people,
            rooms: &mut self.rooms,
            closed: &mut self.closed,
            sent: Vec::new(),
            violation: None,
        };
        work(&mut self.queue, &mut desk);
        let Desk { sent, violation, .. } = desk;
        violation.map_or(Ok(sent), Err)
    }

    /// Whoever is queued has the one ticket that the queue has for them.
    fn agrees_with_its_people(&self) -> Result<(), Violation> {
        let tickets = self.queue.tickets();
        let queued = self.people.iter().filter(|it| matches!(it.standing, Standing::Queued(_)));
        let known = queued.clone().all(|person| {
            tickets.iter().any(|(card, _)| person.standing == Standing::Queued(Some(card.ticket)))
        });
        if known && queued.count() == tickets.len() {
            return Ok(());
        }
        Err(Property::LostTicket.broken_by(format!("shard {} has other tickets", self.me)))
    }
}

/// The match queue's host, and the people's way in.
struct Desk<'a> {
    me: u16,
    stage: &'a Stage<'a>,
    people: &'a mut Vec<Person>,
    rooms: &'a mut u8,
    closed: &'a mut u8,
    sent: Sent,
    violation: Option<Violation>,
}

impl Desk<'_> {
    fn act(&mut self, queue: &mut MatchQueue, now: Micros, who: usize, act: Act) {
        let person = &mut self.people[who];
        match act {
            Act::Join => {
                person.may.joins -= 1;
                self.enqueue(queue, now, who);
            }
            Act::Leave => {
                person.may.leaves -= 1;
                self.go(queue, now, who, Standing::Idle);
            }
            Act::Vanish => {
                // Of no more use, and so not to be told from others'.
                person.may = Acts::default();
                self.go(queue, now, who, Standing::Gone);
            }
            Act::Skip => {
                person.may.skips -= 1;
                self.go(queue, now, who, Standing::Idle);
                self.enqueue(queue, now, who);
            }
            Act::Replace => {
                person.may.replaces -= 1;
                self.replace(queue, now, who);
            }
            Act::OpenUp => {
                let Standing::Queued(Some(ticket)) = person.standing else { return };
                // It counts where there is a tier to open.
                if queue.open_up(now, ticket, self) {
                    self.people[who].may.opens -= 1;
                }
            }
            Act::Say => {
                person.may.says -= 1;
                let Standing::Chatting { room, partner } = person.standing else { return };
                let to = self.stage.session(partner);
                self.send_home(to, Message::Said { to, room });
            }
            Act::Wait => unreachable!("that is the shard's"),
            Act::CloseLane => {
                person.may.closes -= 1;
                self.close_lane(queue, now, self.lane(who));
            }
        }
    }

    /// Which of the scene's lanes somebody wants.
    fn lane(&self, who: usize) -> usize {
        self.stage.scene.people[who].desires[self.people[who].desire].lane
    }

    /// Everybody of this home who waits in a lane leaves it, and nobody comes back.
    fn close_lane(&mut self, queue: &mut MatchQueue, now: Micros, lane: usize) {
        *self.closed |= 1 << lane;
        for who in 0..self.people.len() {
            let waits = matches!(self.people[who].standing, Standing::Queued(_));
            if waits && self.lane(who) == lane {
                self.go(queue, now, who, Standing::Idle);
            }
        }
    }

    fn enqueue(&mut self, queue: &mut MatchQueue, now: Micros, who: usize) {
        if *self.closed >> self.lane(who) & 1 == 1 {
            return;
        }
        let person = &mut self.people[who];
        person.standing = Standing::Queued(None);
        let wish = self.stage.wish(who, person.desire);
        // None: matched at once, on this shard.
        if let Some(ticket) = queue.join(now, wish, self) {
            self.people[who].standing = Standing::Queued(Some(ticket));
        }
    }

    /// Ends what somebody is in.
    fn go(&mut self, queue: &mut MatchQueue, now: Micros, who: usize, to: Standing) {
        match std::mem::replace(&mut self.people[who].standing, to) {
            Standing::Queued(Some(ticket)) => queue.leave(now, ticket, self),
            Standing::Chatting { room, partner } => {
                let to = self.stage.session(partner);
                self.send_home(to, Message::Ended { to, room });
            }
            _ => {}
        }
    }

    fn replace(&mut self, queue: &mut MatchQueue, now: Micros, who: usize) {
        let person = &mut self.people[who];
        person.desire = 1 - person.desire;
        if self.stage.breaks(Broken::Queue(Fault::ReplacedInPlace)) {
            let wish = self.stage.wish(who, person.desire);
            let Standing::Queued(Some(ticket)) = person.standing else { return };
            return queue.replace_in_place(ticket, wish, self);
        }
        self.go(queue, now, who, Standing::Idle);
        self.enqueue(queue, now, who);
    }

    /// Whether somebody is in this room, as far as they care which.
    fn is_about(&mut self, to: SessionId, room: RoomId) -> bool {
        let Standing::Chatting { room: mine, .. } = self.people[to.slot as usize].standing else {
            return false;
        };
        let believed = mine == room || self.stage.breaks(Broken::AnyRoomBelieved);
        if believed && mine != room {
            self.violate(Property::OtherRoomTouched, format!("{}'s", self.stage.name(to)));
        }
        believed
    }

    fn ended(&mut self, to: SessionId, room: RoomId) {
        if self.is_about(to, room) {
            self.people[to.slot as usize].standing = Standing::Idle;
        }
    }

    fn send_home(&mut self, to: SessionId, message: Message) {
        self.sent.push((place(to.home()), message));
    }

    /// Whoever chats with somebody there doesn't any more.
    fn lost(&mut self, home: u16) {
        if self.stage.breaks(Broken::Queue(Fault::LostIgnored)) {
            return;
        }
        for person in &mut *self.people {
            if let Standing::Chatting { partner, .. } = person.standing
                && self.stage.scene.people[partner].home == home
            {
                person.standing = Standing::Idle;
            }
        }
    }

    fn said(&mut self, to: SessionId, room: RoomId) {
        // Nothing comes of it but that it must be for this room.
        self.is_about(to, room);
    }

    fn violate(&mut self, property: Property, by: String) {
        self.violation.get_or_insert(property.broken_by(by));
    }
}

impl Host for Desk<'_> {
    fn send(&mut self, to: ShardId, message: MatchMessage) {
        if let MatchMessage::Propose { a, b, .. } = message
            && a >= b
        {
            let pair = [a, b].map(super::story::ticket).join(" before ");
            self.violate(Property::OutOfOrder, pair);
        }
        self.sent.push((place(to), Message::Match(message)));
    }

    fn new_room(&mut self) -> RoomId {
        *self.rooms += 1;
        let mut id = [0; 16];
        (id[0], id[1]) = (self.me as u8, *self.rooms);
        RoomId(id)
    }

    fn refuses(&self, person: SessionId, stranger: SessionId, forgive: bool) -> bool {
        self.people[person.slot as usize].refuses(self.stage, person, stranger, forgive)
    }

    /// All that travels with a claim of what somebody wants; here it is the lane.
    fn names(&self, person: SessionId) -> Names {
        let lane = self.lane(person.slot as usize);
        [format!("lane {lane}")].into_iter().collect()
    }

    fn searching(&mut self, _: SessionId, _: Search) {}

    fn matched(&mut self, pairing: Pairing) {
        let Pairing { person, partner, partner_names, room, .. } = pairing;
        if partner_names != self.names(person) {
            let [one, other] = [person, partner].map(|it| self.stage.name(it));
            self.violate(Property::MixedLane, format!("{one} and {other}"));
        }
        let them = &mut self.people[person.slot as usize];
        them.met |= 1 << partner.slot;
        let chatting = Standing::Chatting { room, partner: partner.slot as usize };
        let before = std::mem::replace(&mut them.standing, chatting);
        if !matches!(before, Standing::Queued(_)) {
            let name = self.stage.name(person);
            self.violate(Property::DoubleRoom, format!("{name}, who was {before:?}"));
        }
    }

    fn timed_out(&mut self, _: SessionId, _: Span) {
        unreachable!("time stands still");
    }

    fn left_before_room(&mut self, partner: SessionId, room: RoomId) {
        self.send_home(partner, Message::Ended { to: partner, room });
    }
}

impl Person {
    /// Whether this person won't have `stranger`, who may be forgiven for having been met.
    pub(super) fn refuses(
        &self,
        stage: &Stage<'_>,
        me: SessionId,
        stranger: SessionId,
        forgive: bool,
    ) -> bool {
        let role = &stage.scene.people[me.slot as usize];
        let met = self.met >> stranger.slot & 1 == 1;
        role.refuses.contains(&(stranger.slot as usize)) || met && !forgive
    }
}
