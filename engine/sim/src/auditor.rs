//! Keeps the truth by itself, from what people do and are told, and compares the engine with it.
//!
//! Nothing here asks the engine whether two people fit, whether somebody waits, or who is where:
//! the rules are worked out a second time, from the wishes. What shards know is only ever looked
//! at to be compared.

mod apart;
mod lost;
mod rules;
mod settled;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;
use whisper_core::ids::{RoomId, SessionId};
use whisper_core::limits::SAID_REMEMBERED;
use whisper_core::settings::{OpenLanes, Settings, lane_id};
use whisper_core::shard::Shard;
use whisper_core::time::{Micros, Span};
use whisper_proto::{ClientMessage, ErrorCode, Matched, Mode, ServerMessage, Tier};
use whisper_shard_router::Placement;

pub(crate) use self::apart::Calm;
use self::lost::Loss;
pub(crate) use self::rules::Memory;
use self::rules::{Passed, Wish};
use crate::person::Who;
use crate::places::Places;
use crate::words::kind;

/// An invariant that doesn't hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Violation(String);

/// Leaves the function with a [`Violation`] unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(crate::auditor::Violation(format!($($why)+)));
        }
    };
}
use ensure;

pub(crate) type Verdict = Result<(), Violation>;

/// The truth about a world, and what must hold of it.
pub(crate) struct Auditor {
    settings: Arc<Settings>,
    places: Places,
    /// By node.
    placements: Vec<Placement>,
    /// Which lanes are open, as each shard was told.
    lanes: Vec<OpenLanes>,
    lives: Vec<Life>,
    // Looked up in, and never iterated.
    sessions: HashMap<SessionId, Who, RandomState>,
    rooms: HashMap<String, Room, RandomState>,
}

/// Where somebody is, by what they did and were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Idle,
    Queued { since: Micros, tier: Tier },
    Chatting { room: String },
    Gone,
}

struct Life {
    home: u16,
    standing: Standing,
    language: Option<String>,
    wish: Option<Wish>,
    /// What they have just asked to join for; their wish once the search begins.
    asked: Option<Wish>,
    /// What they are saying now may begin a new ticket.
    entering: bool,
    /// What they are saying now must begin a new ticket.
    must_enter: bool,
    /// An operator wants them gone.
    banned: bool,
    /// Whom they are in a room with, or were last.
    partner: Option<Who>,
    last_room: Option<String>,
    memory: Memory,
    /// When they last gave up a ticket, or it timed out.
    gave_up: Micros,
    session: Option<SessionId>,
    said_hello: bool,
    /// The numbers under which what they said is to be acknowledged next.
    acks: VecDeque<u64>,
    /// What becomes of them without a connection.
    loss: Loss,
}

/// A room, by what its two sides were told.
#[derive(Default)]
struct Room {
    /// The offering side last.
    guests: [Option<Guest>; 2],
    /// What each side said and the other hasn't heard.
    underway: [VecDeque<Passed>; 2],
    /// How many messages each side has said.
    said: [u64; 2],
    /// What each side was told, and didn't hear.
    unheard: [VecDeque<Passed>; 2],
    /// The ids of what each side said.
    ids: [Vec<(String, u64)>; 2],
}

/// One side of a room, as it was when they came in.
struct Guest {
    who: Who,
    here: bool,
    partner_id: String,
    wish: Wish,
    tier: Tier,
    since: Micros,
    waited: Span,
    memory: Memory,
    /// The chat outlives their connection.
    resumable: bool,
    /// They were without a connection: what is fleeting may not have come.
    was_lost: bool,
}

impl Life {
    /// Ends their ticket, if they have one, with nobody found.
    fn give_up(&mut self, now: Micros) {
        if matches!(self.standing, Standing::Queued { .. }) {
            self.standing = Standing::Idle;
            self.gave_up = now;
        }
    }

    fn lane_is_open(&self, lanes: &[OpenLanes]) -> bool {
        let open = lanes[usize::from(self.home)];
        self.wish.as_ref().is_some_and(|wish| open.contains(wish.lane))
    }

    /// They are told that a lane is closed: the one they want into, or else the one they wait in.
    fn lane_closed(&mut self, now: Micros, lanes: &[OpenLanes], who: Who) -> Verdict {
        if let Some(asked) = &self.asked {
            let open = lanes[usize::from(self.home)].contains(asked.lane);
            ensure!(!open, "{who:?} is kept out of an open lane");
            return Ok(());
        }
        ensure!(!self.lane_is_open(lanes), "{who:?} is sent out of an open lane");
        let waits = matches!(self.standing, Standing::Queued { .. });
        ensure!(waits || self.entering, "{who:?} wanted nothing, and is told of a closed lane");
        self.must_enter = false;
        self.give_up(now);
        Ok(())
    }
}

impl Auditor {
    pub(crate) fn new(settings: Arc<Settings>, placements: Vec<Placement>, places: Places) -> Self {
        Self {
            lanes: vec![settings.lanes; places.len().into()],
            settings,
            places,
            placements,
            lives: Vec::new(),
            sessions: HashMap::with_hasher(hasher()),
            rooms: HashMap::with_hasher(hasher()),
        }
    }

    pub(crate) fn standing(&self, who: Who) -> &Standing {
        &self.lives[who.0].standing
    }

    pub(crate) fn arrives(&mut self, who: Who, home: u16) {
        assert_eq!(who.0, self.lives.len(), "people are numbered as they come");
        self.lives.push(Life {
            home,
            standing: Standing::Idle,
            language: None,
            wish: None,
            asked: None,
            entering: false,
            must_enter: false,
            banned: false,
            partner: None,
            last_room: None,
            memory: Memory::default(),
            gave_up: Micros(0),
            session: None,
            said_hello: false,
            acks: VecDeque::new(),
            loss: Loss::default(),
        });
    }

    pub(crate) fn opened(&mut self, who: Who, session: SessionId) -> Verdict {
        let before = self.sessions.insert(session, who);
        ensure!(before.is_none(), "{who:?} is {session:?}, who was {before:?}");
        self.lives[who.0].session = Some(session);
        Ok(())
    }

    /// Another process follows, of so many shards, in which people are named otherwise.
    pub(crate) fn follows(
        &mut self,
        placements: &[Placement],
        places: Places,
        name: impl Fn(SessionId) -> SessionId,
    ) -> Verdict {
        (self.placements, self.places) = (placements.to_vec(), places);
        self.lanes.resize(places.len().into(), self.lanes[0]);
        for (number, life) in self.lives.iter_mut().enumerate() {
            life.home %= places.len();
            // Of those who are gone as well, whom others may not know to be gone.
            if let Some(session) = &mut life.session {
                let who = Who(number);
                *session = name(*session);
                life.home = places.place(session.home());
                let before = self.sessions.insert(*session, who).filter(|it| *it != who);
                ensure!(before.is_none(), "{who:?} is {session:?}, who was {before:?}");
            }
        }
        Ok(())
    }

    pub(crate) fn departs(&mut self, now: Micros, who: Who) {
        self.lives[who.0].give_up(now);
        self.leave_room(who);
        let life = &mut self.lives[who.0];
        life.standing = Standing::Gone;
        life.loss = Loss::default();
        // Nobody asks for these of somebody gone, and there may be millions.
        (life.wish, life.memory) = (None, Memory::default());
    }

    /// A shard is told which lanes are open from now on.
    pub(crate) fn opens(&mut self, shard: u16, lanes: OpenLanes) {
        self.lanes[usize::from(shard)] = lanes;
    }

    /// Somebody's home is told to ban them.
    pub(crate) fn bans(&mut self, who: Who) {
        self.lives[who.0].banned = true;
    }

    /// The ban has been heard.
    pub(crate) fn has_banned(&self, who: Who) -> Verdict {
        let standing = self.standing(who);
        ensure!(*standing == Standing::Gone, "{who:?} is banned, and {standing:?}");
        Ok(())
    }

    /// Somebody says something; the engine hears it next.
    pub(crate) fn says(&mut self, now: Micros, who: Who, message: &ClientMessage<'_>) {
        let life = &mut self.lives[who.0];
        let current = match &life.standing {
            Standing::Chatting { room } => Some(room.as_str()),
            _ => None,
        };
        match message {
            ClientMessage::Hello(hello) => {
                life.said_hello = true;
                if let Some(tag) = hello.language {
                    life.language = tag.split('-').next().map(str::to_lowercase);
                }
            }
            ClientMessage::Join(join) => {
                life.asked = Some(Wish::new(join, life.language.as_deref()));
                life.entering = true;
            }
            ClientMessage::Skip(skip) => match current {
                Some(room) if skip.room.is_none_or(|it| it == room) => {
                    self.leave_room(who);
                    let life = &mut self.lives[who.0];
                    (life.entering, life.must_enter) = (true, true);
                }
                Some(_) => {}
                None => life.entering = life.standing == Standing::Idle,
            },
            ClientMessage::Leave => {
                self.lives[who.0].give_up(now);
                self.leave_room(who);
            }
            ClientMessage::Report(_) => {
                if let Some(partner) = life.partner {
                    life.memory.block(partner);
                }
            }
            other => self.passes_on(now, who, other),
        }
    }

    /// What somebody said has been heard.
    pub(crate) fn has_said(&mut self, who: Who) -> Verdict {
        let life = &mut self.lives[who.0];
        life.asked = None;
        life.entering = false;
        let entered = !std::mem::take(&mut life.must_enter) || life.standing != Standing::Idle;
        ensure!(entered, "{who:?} skipped, and isn't in the queue");
        Ok(())
    }

    /// Somebody is told something.
    pub(crate) fn hears(&mut self, now: Micros, who: Who, message: &ServerMessage<'_>) -> Verdict {
        let times = self.settings.tiers;
        let life = &mut self.lives[who.0];
        let told = kind(message);
        ensure!(life.standing != Standing::Gone, "{who:?} is gone, and told {told}");
        ensure!(!life.loss.is_absent(), "{who:?} has no connection, and is told {told}");
        match message {
            ServerMessage::Searching(searching) => {
                let tier = searching.tier;
                if std::mem::take(&mut life.entering) {
                    life.wish = life.asked.take().or(life.wish.take());
                    let chatting = matches!(life.standing, Standing::Chatting { .. });
                    ensure!(!chatting, "{who:?} is in a chat, and searching");
                    ensure!(life.wish.is_some(), "{who:?} never joined, and is searching");
                    ensure!(life.lane_is_open(&self.lanes), "{who:?} came into a closed lane");
                    life.give_up(now);
                    life.standing = Standing::Queued { since: now, tier };
                } else if let Standing::Queued { tier: before, .. } = &mut life.standing {
                    ensure!(tier > *before, "{who:?} opened from {before} to {tier}");
                    *before = tier;
                } else {
                    ensure!(false, "{who:?} has no ticket, and is searching");
                }
                Ok(())
            }
            ServerMessage::Matched(matched) => self.matched(now, who, matched),
            ServerMessage::MatchTimeout { .. } => {
                let Standing::Queued { since, .. } = life.standing else {
                    ensure!(false, "{who:?} has no ticket, and it timed out");
                    return Ok(());
                };
                ensure!(now.since(since) >= times.timeout, "{who:?} timed out too early");
                life.give_up(now);
                Ok(())
            }
            ServerMessage::Error(error) if error.code == ErrorCode::LaneClosed => {
                life.lane_closed(now, &self.lanes, who)
            }
            ServerMessage::Banned(_) => {
                ensure!(life.banned, "{who:?} is banned, and nobody wanted that");
                self.departs(now, who);
                Ok(())
            }
            ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected => {
                if self.hears_the_end_again(who, told)? {
                    return Ok(());
                }
                self.partner_left(now, who, told)
            }
            ServerMessage::PartnerReconnecting { grace_ms } => {
                self.partner_wavers(who, Some(*grace_ms))
            }
            ServerMessage::PartnerResumed => self.partner_wavers(who, None),
            ServerMessage::MessageAck { seq, .. } => {
                let said = life.acks.pop_front();
                ensure!(Some(*seq) == said, "{who:?} said message {said:?}, acknowledged as {seq}");
                Ok(())
            }
            ServerMessage::Stats(_) => {
                let chatting = matches!(life.standing, Standing::Chatting { .. });
                ensure!(!chatting, "{who:?} is in a chat, and told the numbers");
                Ok(())
            }
            other => match Passed::heard(other) {
                Some(passed) => self.delivered(who, &passed),
                None => Ok(()),
            },
        }
    }

    /// Compares what a shard knows of its people, after each of its steps.
    pub(crate) fn look(&mut self, now: Micros, home: u16, shard: &Shard) -> Verdict {
        let mut queued = BTreeSet::new();
        for (card, _) in shard.tickets() {
            let who = self.whose(card.person)?;
            let life = &self.lives[who.0];
            ensure!(queued.insert(who), "{who:?} has two tickets");
            let Standing::Queued { since, .. } = life.standing else {
                ensure!(false, "{who:?} is {:?}, and has a ticket", life.standing);
                continue;
            };
            let lane = life.wish.as_ref().map(|wish| lane_id(wish.lane));
            ensure!(lane == Some(card.lane), "{who:?} waits in another lane than asked for");
            // Two tickets of one microsecond are told apart by a later one.
            let drift = Micros(card.ticket.at).since(since);
            ensure!(
                drift <= Span::millis(1) && card.ticket.at >= since.0,
                "{who:?}'s ticket is old"
            );
            ensure!(now.0 + drift.0 >= card.ticket.at, "{who:?}'s ticket is of the future");
        }
        let mut chatting = BTreeSet::new();
        for (session, room, partner) in shard.rooms() {
            let who = self.whose(session)?;
            ensure!(chatting.insert(who), "{who:?} is in two rooms");
            self.sees(who, room, partner)?;
        }
        self.look_at_the_lost(now, home, shard)?;
        for (number, life) in self.lives.iter().enumerate().filter(|(_, life)| life.home == home) {
            let who = Who(number);
            let should = |queued: bool, chatting: bool| match life.standing {
                Standing::Chatting { .. } if self.may_have_ended(who) => !queued,
                Standing::Idle | Standing::Gone => !queued && !chatting,
                Standing::Queued { .. } => queued && !chatting,
                Standing::Chatting { .. } => chatting && !queued,
            };
            let holds = should(queued.contains(&who), chatting.contains(&who));
            ensure!(holds, "{who:?} is {:?}, and their home knows it otherwise", life.standing);
        }
        Ok(())
    }

    /// A home says that somebody is in a room, and with whom.
    pub(crate) fn sees(&mut self, who: Who, room: RoomId, partner: SessionId) -> Verdict {
        let partner = self.whose(partner)?;
        let room = room.encode();
        let life = &mut self.lives[who.0];
        let there = matches!(&life.standing, Standing::Chatting { room: it } if **it == *room);
        ensure!(there, "{who:?} is {:?}, and in room {room}", life.standing);
        if life.last_room.as_deref() != Some(room.as_str()) {
            life.last_room = Some(room.as_str().into());
            life.partner = Some(partner);
            life.memory.meet(partner);
        }
        Ok(())
    }

    fn matched(&mut self, now: Micros, who: Who, matched: &Matched<'_>) -> Verdict {
        let life = &mut self.lives[who.0];
        let Standing::Queued { since, tier } = life.standing else {
            ensure!(false, "{who:?} is {:?}, and matched", life.standing);
            return Ok(());
        };
        let wish = life.wish.clone().expect("whoever is queued has a wish");
        ensure!(matched.mode == wish.lane.mode, "{who:?} is matched in another mode");
        let waited = now.since(since);
        ensure!(waited.as_millis().abs_diff(matched.waited_ms) <= 1, "{who:?} waited {waited:?}");
        let theirs = matched.interests.iter().copied().map(String::from).collect();
        let shared: BTreeSet<_> = matched.shared.iter().copied().map(String::from).collect();
        ensure!(wish.shared_with(&theirs) == shared, "{who:?} is told other shared interests");
        ensure!(wish.tier_with(&theirs) == matched.tier, "{who:?} is told another tier");
        ensure!(matched.tier <= tier, "{who:?} met in {}, and opened {tier} only", matched.tier);

        let room = matched.room_id.to_owned();
        life.standing = Standing::Chatting { room: room.clone() };
        let side = usize::from(matched.is_initiator);
        let guest = Guest {
            who,
            here: true,
            partner_id: matched.partner_id.into(),
            wish,
            tier,
            since,
            waited,
            memory: life.memory.clone(),
            resumable: life.said_hello,
            was_lost: false,
        };
        life.loss = Loss::default();
        let room = self.rooms.entry(room).or_default();
        ensure!(room.guests[side].is_none(), "two people on one side of a room");
        if let Some(partner) = &room.guests[1 - side] {
            ensure!(partner.who != who, "{who:?} met themselves");
            ensure!(partner.wish.likes == theirs, "{who:?} is told other interests of the partner");
            ensure!(
                partner.tier >= matched.tier,
                "{:?} hadn't opened {}",
                partner.who,
                matched.tier
            );
            ensure!(partner.partner_id != guest.partner_id, "two people of one name");
            let lane = guest.wish.admits(&partner.wish);
            ensure!(lane, "{who:?} and {:?} are of different lanes", partner.who);
            let patient = guest.waited >= self.settings.tiers.again
                && partner.waited >= self.settings.tiers.again;
            let forgive = patient && guest.wish.forgives() && partner.wish.forgives();
            let strangers = !guest.memory.refuses(partner.who, forgive)
                && !partner.memory.refuses(who, forgive);
            ensure!(strangers, "{who:?} met {:?} again", partner.who);
        }
        room.guests[side] = Some(guest);
        Ok(())
    }

    fn partner_left(&mut self, now: Micros, who: Who, told: &'static str) -> Verdict {
        let (room, side) = self.side_of(who, told)?;
        self.partner_may_be_given_up(now, &room, side);
        let [me, partner] = [side, 1 - side].map(|side| self.rooms[&room].guests[side].as_ref());
        if let Some(partner) = partner {
            ensure!(!partner.here, "{who:?} was told {told}, and the partner is there");
        } else {
            // They never came in: then they gave up while they were held for this one.
            let since = me.expect("whoever chats is a guest").since;
            let partner = self.lives[who.0].partner.map(|partner| self.lives[partner.0].gave_up);
            ensure!(partner >= Some(since), "{who:?} was matched with somebody who wasn't free");
        }
        self.keeps_what_was_unheard(who, told);
        self.leave_room(who);
        Ok(())
    }

    /// Notes what somebody says to their partner, to be heard in this order.
    fn passes_on(&mut self, now: Micros, who: Who, message: &ClientMessage<'_>) {
        let Ok((id, side)) = self.side_of(who, "") else { return };
        let room = self.rooms.get_mut(&id).expect("people chat in rooms");
        let guest = room.guests[side].as_ref().expect("whoever chats is a guest");
        let calls = guest.wish.lane.mode != Mode::Text;
        let seq = room.said[side] + 1;
        let Some((meant, passed)) = Passed::said(message, now, seq) else { return };
        if meant.is_some_and(|meant| meant != id) || (passed.is_signal() && !calls) {
            return;
        }
        if let (ClientMessage::Message(say), true) = (message, passed.is_line()) {
            let ids = &mut room.ids[side];
            let last = ids.len().saturating_sub(SAID_REMEMBERED);
            let again = ids[last..].iter().find(|(id, _)| Some(id.as_str()) == say.id);
            if let (Some((_, before)), true) = (again, guest.resumable) {
                self.lives[who.0].acks.push_back(*before);
                return;
            }
            ids.push((say.id.unwrap_or_default().to_owned(), seq));
            self.lives[who.0].acks.extend(say.id.map(|_| seq));
        }
        room.said[side] += u64::from(passed.is_line());
        room.underway[side].push_back(passed);
    }

    fn delivered(&mut self, who: Who, passed: &Passed) -> Verdict {
        if let Some(next) = self.lives[who.0].loss.heard_late() {
            ensure!(next == *passed, "{who:?} hears {passed:?} late, and not {next:?}");
            return Ok(());
        }
        let (id, side) = self.side_of(who, "what a partner says")?;
        let room = self.rooms.get_mut(&id).expect("people chat in rooms");
        let was_lost = room.guests[side].as_ref().is_some_and(|guest| guest.was_lost);
        let underway = &mut room.underway[1 - side];
        let mut next = underway.pop_front();
        while was_lost && next.as_ref().is_some_and(|it| it.is_fleeting() && it != passed) {
            next = underway.pop_front();
        }
        if self.lives[who.0].loss.is_deaf() && passed.is_line() {
            room.unheard[side].push_back(passed.clone());
        }
        ensure!(next.as_ref() == Some(passed), "{who:?} hears {passed:?}, and not {next:?}");
        let guest = room.guests[side].as_ref().expect("whoever chats is a guest");
        if let Passed::Line { sender_id: Some(sender), .. } = passed {
            ensure!(*sender == guest.partner_id, "{who:?} hears somebody else than the partner");
        }
        Ok(())
    }

    fn leave_room(&mut self, who: Who) {
        let Ok((id, side)) = self.side_of(who, "") else { return };
        let room = self.rooms.get_mut(&id).expect("people chat in rooms");
        if let Some(guest) = &mut room.guests[side] {
            guest.here = false;
        }
        // Nobody comes into a room that both have left; one that only one came into is kept.
        if room.guests.iter().all(|guest| guest.as_ref().is_some_and(|guest| !guest.here)) {
            self.rooms.remove(&id);
        }
        self.lives[who.0].standing = Standing::Idle;
    }

    /// The room that somebody is in and their side of it.
    fn side_of(&self, who: Who, told: &str) -> Result<(String, usize), Violation> {
        let standing = &self.lives[who.0].standing;
        let Standing::Chatting { room } = standing else {
            return Err(Violation(format!("{who:?} is {standing:?}, and told {told}")));
        };
        let sits = |guest: &Option<Guest>| guest.as_ref().is_some_and(|guest| guest.who == who);
        let side = self.rooms[room].guests.iter().position(sits);
        Ok((room.clone(), side.expect("whoever chats is a guest")))
    }

    fn whose(&self, session: SessionId) -> Result<Who, Violation> {
        let unknown = || Violation(format!("{session:?} is nobody's"));
        self.sessions.get(&session).copied().ok_or_else(unknown)
    }
}

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}
