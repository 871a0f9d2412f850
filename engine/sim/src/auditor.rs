//! Keeps the truth by itself, from what people do and are told, and compares the engine with it.
//!
//! Nothing here asks the engine whether two people fit, whether somebody waits, or who is where:
//! the rules are worked out a second time, from the wishes. What shards know is only ever looked
//! at to be compared.

mod apart;
mod lost;
mod rules;
mod settled;
mod talk;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;
use whisper_core::ids::{RoomId, SessionId, TicketId};
use whisper_core::settings::{OpenLanes, Settings, lane_id};
use whisper_core::shard::Shard;
use whisper_core::time::{Micros, Span};
use whisper_proto::{ClientMessage, ErrorCode, ServerMessage, Tier};
use whisper_shard_router::Placement;

use self::apart::Apart;
pub(crate) use self::apart::Calm;
use self::lost::Loss;
pub(crate) use self::rules::Memory;
use self::rules::{Passed, Wish};
use self::talk::Room;
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
    apart: Apart,
}

/// Whose ticket is whose.
type Tickets = BTreeMap<TicketId, Who>;

/// Where somebody is, by what they did and were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Idle,
    Queued { since: Micros, tier: Tier, opened: Micros },
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
    /// Since when they are in a room with nobody within reach, in calm time.
    alone: Option<Span>,
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
            apart: Apart::default(),
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
            alone: None,
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
                    life.standing = Standing::Queued { since: now, tier, opened: now };
                } else if let Standing::Queued { tier: before, opened, .. } = &mut life.standing {
                    ensure!(tier > *before, "{who:?} opened from {before} to {tier}");
                    (*before, *opened) = (tier, now);
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

    fn whose(&self, session: SessionId) -> Result<Who, Violation> {
        let unknown = || Violation(format!("{session:?} is nobody's"));
        self.sessions.get(&session).copied().ok_or_else(unknown)
    }
}

fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}
