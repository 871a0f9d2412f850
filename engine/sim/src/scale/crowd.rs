//! The people of a town, and what they do next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use whisper_core::ids::SessionId;
use whisper_core::time::{Micros, Span};
use whisper_proto::{
    AgeCategory, ErrorCode, Join, Lane, LanguageWish, Matched, Mode, QueueType, Relax,
    ServerMessage,
};

use super::plan::Plan;
use super::tastes::{Likes, Tastes};
use crate::dice::Dice;
use crate::person::Who;

/// What people speak, the first most of them.
const LANGUAGES: [&str; 4] = ["en", "pt-BR", "de", "fil"];

/// The lane of those who don't care.
const PLAZA: Lane = Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Moderated };

/// Everybody, by seat. A seat is taken by one person after another.
pub(super) struct Crowd {
    dice: Dice,
    tastes: Arc<Tastes>,
    habits: Habits,
    mixed: bool,
    shards: u16,
    lopsided: bool,
    seats: Vec<Seat>,
    /// The seat of everybody who ever came.
    seat_of: Vec<u32>,
    agenda: BinaryHeap<Reverse<Entry>>,
}

/// How long things take on average.
struct Habits {
    chat: Span,
    think: Span,
    react: Span,
}

/// One place in the crowd.
pub(super) struct Seat {
    pub(super) who: Who,
    pub(super) shard: u16,
    pub(super) session: Option<SessionId>,
    pub(super) standing: Standing,
    pub(super) wish: Wish,
    /// When the present ticket began, by the clock.
    pub(super) since: Micros,
    /// The same in virtual time.
    pub(super) joined: Micros,
    /// Counts up with each plan made; what was planned before is off.
    plans: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Away,
    Idle,
    Queued,
    Chatting,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) likes: Likes,
    /// How common these are; see [`Tastes::commonness`].
    pub(super) commonness: u32,
    pub(super) lane: Lane,
    pub(super) relax: Relax,
    pub(super) same_language: bool,
    /// Which of [`LANGUAGES`].
    pub(super) language: u8,
}

/// What somebody does at a time they planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// Connects.
    Arrive,
    /// Joins; where they are queued, a second click.
    Join,
    /// Next, please.
    Skip,
    /// Leaves the queue or the chat.
    Leave,
    /// Is gone without a word.
    Vanish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Micros,
    seat: u32,
    plans: u32,
    deed: Deed,
}

impl Deed {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Arrive => "comes",
            Self::Join => "join",
            Self::Skip => "skip",
            Self::Leave => "leave",
            Self::Vanish => "goes",
        }
    }
}

impl Wish {
    /// What a client sends.
    pub(super) fn join<'a>(&self, tastes: &'a Tastes) -> Join<'a> {
        let language = if self.same_language { LanguageWish::Same } else { LanguageWish::Any };
        let interests = self.likes.iter().map(|&like| tastes.name(like)).collect();
        Join { lane: self.lane, interests, relax: self.relax, language }
    }

    /// What they speak.
    pub(super) fn speaks(&self) -> &'static str {
        LANGUAGES[usize::from(self.language)]
    }
}

impl Crowd {
    /// Everybody is away, and will come before long.
    pub(super) fn new(plan: &Plan, tastes: Arc<Tastes>, now: Micros) -> Self {
        let cycle = (f64::from(plan.users) / plan.rate * 1e6) as u64;
        // Of an average round through the queue these are the parts; see `told` for the shares.
        let habits = Habits {
            chat: Span(cycle - cycle / 11),
            think: Span(cycle / 5),
            react: Span(cycle / 24),
        };
        let mut crowd = Self {
            dice: Dice::new(plan.seed ^ 0xC503D),
            tastes,
            habits,
            mixed: plan.mixed,
            shards: plan.places().len(),
            lopsided: plan.lopsided,
            seats: Vec::with_capacity(plan.users as usize),
            seat_of: Vec::with_capacity(plan.users as usize),
            agenda: BinaryHeap::with_capacity(2 * plan.users as usize),
        };
        for seat in 0..plan.users {
            let wish = crowd.invent_wish();
            let (who, standing) = (Who(0), Standing::Away);
            let (since, joined) = (now, now);
            let (shard, session, plans) = (0, None, 0);
            crowd.seats.push(Seat { who, shard, session, standing, wish, since, joined, plans });
            // As if they had been chatting for some time.
            let at = now + crowd.dice.lapse(Span(cycle));
            crowd.agenda.push(Reverse(Entry { at, seat, plans: 0, deed: Deed::Arrive }));
        }
        crowd
    }

    /// When somebody does something next.
    pub(super) fn next(&self) -> Option<Micros> {
        self.agenda.peek().map(|entry| entry.0.at)
    }

    /// What is planned next, if it is still on.
    pub(super) fn take_next(&mut self) -> Option<(u32, Deed)> {
        let Reverse(Entry { seat, plans, deed, .. }) = self.agenda.pop()?;
        (self.seats[seat as usize].plans == plans).then_some((seat, deed))
    }

    pub(super) fn plan(&mut self, seat: u32, at: Micros, deed: Deed) {
        let plans = &mut self.seats[seat as usize].plans;
        *plans += 1;
        self.agenda.push(Reverse(Entry { at, seat, plans: *plans, deed }));
    }

    pub(super) fn seat(&self, seat: u32) -> &Seat {
        &self.seats[seat as usize]
    }

    pub(super) fn seat_mut(&mut self, seat: u32) -> &mut Seat {
        &mut self.seats[seat as usize]
    }

    pub(super) fn seat_of(&self, who: Who) -> u32 {
        self.seat_of[who.0]
    }

    pub(super) fn seats(&self) -> std::ops::Range<u32> {
        0..self.seats.len() as u32
    }

    /// Somebody, if the seat that comes to mind is taken.
    pub(super) fn anybody(&mut self) -> Option<&Seat> {
        let seat = self.dice.below(self.seats.len());
        Some(&self.seats[seat]).filter(|seat| seat.session.is_some())
    }

    /// A lane that somebody could want.
    pub(super) fn lane(&mut self) -> Lane {
        self.invent_wish().lane
    }

    pub(super) fn language(&self, seat: u32) -> Option<&'static str> {
        self.mixed.then(|| self.seat(seat).wish.speaks())
    }

    /// Somebody new takes a seat.
    pub(super) fn arrives(&mut self, seat: u32) -> (Who, u16) {
        let who = Who(self.seat_of.len());
        self.seat_of.push(seat);
        let first = self.lopsided && self.dice.chance(50);
        let shard = if first { 0 } else { self.dice.below(usize::from(self.shards)) as u16 };
        let wish = self.invent_wish();
        let it = self.seat_mut(seat);
        (it.who, it.shard, it.wish, it.standing) = (who, shard, wish, Standing::Idle);
        (who, shard)
    }

    /// Somebody is gone; the seat is taken again before long.
    pub(super) fn departs(&mut self, seat: u32, now: Micros) {
        let it = self.seat_mut(seat);
        (it.standing, it.session) = (Standing::Away, None);
        let at = now + self.dice.lapse(self.habits.think);
        self.plan(seat, at, Deed::Arrive);
    }

    /// Somebody clicks twice at once, now and then.
    pub(super) fn clicks_twice(&mut self) -> bool {
        self.dice.below(50) == 0
    }

    /// Somebody's search begins; they may tire of it. Returns when, and what they do then.
    pub(super) fn enters(&mut self, seat: u32, now: Micros, clock: Micros) -> Option<Micros> {
        let it = self.seat_mut(seat);
        (it.standing, it.since, it.joined) = (Standing::Queued, clock, now);
        it.plans += 1;
        let (after, deed) = match self.dice.below(100) {
            0..2 => (Span(self.dice.below(50_000) as u64), Deed::Join),
            2..4 => (Span(self.dice.below(10_000_000) as u64), Deed::Leave),
            4 => (Span(self.dice.below(10_000_000) as u64), Deed::Vanish),
            5 => (Span(self.dice.below(1_000) as u64), Deed::Vanish),
            _ => return None,
        };
        self.plan(seat, now + after, deed);
        Some(clock + after)
    }

    /// Somebody left the queue or the chat.
    pub(super) fn rests(&mut self, seat: u32, now: Micros) {
        self.seat_mut(seat).standing = Standing::Idle;
        let at = now + self.dice.lapse(self.habits.think);
        self.plan(seat, at, Deed::Join);
    }

    /// Somebody reacts to what they are told.
    pub(super) fn told(&mut self, seat: u32, now: Micros, message: &ServerMessage<'_>) {
        match message {
            ServerMessage::Matched(matched) => {
                self.seat_mut(seat).standing = Standing::Chatting;
                let (after, deed) = self.ends_chat(matched);
                self.plan(seat, now + after, deed);
            }
            ServerMessage::MatchTimeout { .. } => self.rests(seat, now),
            ServerMessage::Error(error) if error.code == ErrorCode::LaneClosed => {
                self.rests(seat, now);
            }
            ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected => {
                self.rests(seat, now);
                if self.dice.chance(70) {
                    let at = now + self.dice.lapse(self.habits.react);
                    self.plan(seat, at, Deed::Join);
                }
            }
            _ => {}
        }
    }

    /// When and how this side would end a chat, if the other doesn't before.
    fn ends_chat(&mut self, matched: &Matched<'_>) -> (Span, Deed) {
        // Now and then both want to move on at the same moment. The room tells them.
        let sign: u64 =
            matched.room_id.bytes().fold(7, |sign, it| sign * 31 % 65_521 + u64::from(it));
        if sign.is_multiple_of(20) {
            return (Span(self.habits.chat.0 / 1_000 * (sign % 1_000)), Deed::Skip);
        }
        // The sooner of two such ends comes after the mean.
        let after = self.dice.lapse(Span(2 * self.habits.chat.0));
        let deed = match self.dice.below(10) {
            0..7 => Deed::Skip,
            7..9 => Deed::Leave,
            _ => Deed::Vanish,
        };
        (after, deed)
    }

    fn invent_wish(&mut self) -> Wish {
        let likes = self.tastes.draw(&mut self.dice);
        let mut wish = Wish {
            likes,
            commonness: 0,
            lane: PLAZA,
            relax: Relax::Gradual,
            same_language: false,
            language: 0,
        };
        if self.mixed {
            wish.lane = match self.dice.below(20) {
                0 => Lane { age: AgeCategory::Teen, ..PLAZA },
                1 => Lane { queue: QueueType::Unmoderated, ..PLAZA },
                2..4 => Lane { mode: Mode::Video, ..PLAZA },
                _ => PLAZA,
            };
            wish.relax = match self.dice.below(20) {
                0..2 => Relax::Strict,
                2..5 => Relax::Anyone,
                _ => Relax::Gradual,
            };
            wish.language =
                self.dice.below(2 * LANGUAGES.len()).saturating_sub(LANGUAGES.len()) as u8;
            wish.same_language = self.dice.chance(10);
            if self.dice.chance(10) {
                wish.likes.clear();
            }
        }
        wish.commonness = self.tastes.commonness(&wish.likes);
        wish
    }
}
