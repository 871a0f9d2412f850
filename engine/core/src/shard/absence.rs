//! People whose connection is lost in a chat: it waits for them for a while, and what they are told
//! meanwhile is kept. So is, for whoever said `hello`, what they were told and have not acknowledged:
//! a connection may be lost long before anybody notices.

use whisper_proto::{ErrorCode, ServerMessage};

use super::judging::BLOCKED;
use super::people::{Person, State};
use super::{Effect, Effects, Floor, Seat, Shard, ShardMessage};
use crate::ids::{Link, RoomId, SessionId};
use crate::limits::ABSENT_ENDED;
#[cfg(feature = "faults")]
use crate::resume::Lapse;
use crate::resume::{Partner, Repeat};
use crate::rooms::{RoomMessage, Worth};
use crate::time::{Micros, Span};

/// Something for a person, as it reached their home.
#[derive(Clone, Copy)]
pub(super) enum Words<'a> {
    /// From somebody of the same shard.
    Plain(&'a ServerMessage<'a>),
    /// From another.
    Encoded(&'a [u8]),
}

impl Words<'_> {
    /// What keeping it costs, in bytes: about as many as it has, and without those of a client's id,
    /// which no event log has.
    fn weight(self) -> u32 {
        const BESIDES_CONTENT: usize = 128;
        const SMALL: usize = 32;
        let bytes = match self {
            Self::Encoded(payload) => payload.len(),
            Self::Plain(ServerMessage::Message(said)) => BESIDES_CONTENT + said.content.len(),
            // A log has no map of exactly so few bytes.
            Self::Plain(ServerMessage::Signal(signal)) => SMALL.max(signal.body.len()),
            Self::Plain(_) => SMALL,
        };
        bytes as u32
    }

    fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(message) => message.encode(out),
            Self::Encoded(payload) => out.extend_from_slice(payload),
        }
    }

    fn push(self, link: Link, fleeting: bool, effects: &mut impl Effects) {
        effects.push(match self {
            Self::Plain(message) => Effect::Send { link, message },
            Self::Encoded(payload) => Effect::Forward { link, payload, fleeting },
        });
    }
}

impl Shard {
    /// People who are waited for.
    pub fn absent(&self) -> usize {
        self.floor.absent.len()
    }

    /// Whether somebody is waited for.
    pub fn is_absent(&self, person: SessionId) -> bool {
        self.floor.people.get(person).is_some_and(|person| !person.is_here())
    }

    /// Bytes kept for people who may have missed them.
    pub fn kept_bytes(&self) -> usize {
        self.floor.shelf.bytes()
    }

    /// Somebody's connection is gone.
    pub(super) fn lost(&mut self, session: SessionId, broken: bool, effects: &mut impl Effects) {
        if !(broken && self.floor.waits_for(session, effects)) {
            self.depart(session, effects);
        }
    }

    /// Takes leave of those who were waited for long enough.
    pub(super) fn take_leave(&mut self, effects: &mut impl Effects) {
        for _ in 0..ABSENT_ENDED {
            let Some(slot) = self.floor.absent.take_due(self.floor.now) else { return };
            self.depart(self.floor.people.session_at(slot as usize), effects);
        }
    }
}

impl Floor {
    /// Begins to wait for somebody whose connection is lost; false where that is of no use.
    fn waits_for(&mut self, session: SessionId, effects: &mut impl Effects) -> bool {
        let (now, grace) = (self.now, self.settings.resume_grace);
        if grace == Span::default() || self.absent.len() >= self.settings.absent_max as usize {
            return false;
        }
        let Some(person) = self.people.get_mut(session) else { return false };
        match person.state {
            State::Chatting(place) if self.rooms.at(place).kept.is_some() => {
                person.state = State::Absent(place);
                self.tell_partner(place, Some(grace), effects);
            }
            // They may not have heard that the chat is over.
            State::Idle if person.misses_an_end(now, grace) => person.state = State::Stranded,
            _ => return false,
        }
        self.absent.set(session.slot, now + grace);
        self.census.turnover.absences += 1;
        true
    }

    /// Tells the partner that somebody in the room at a place is away for so long at the most, or
    /// back.
    pub(super) fn tell_partner(
        &mut self,
        place: u32,
        away: Option<Span>,
        effects: &mut impl Effects,
    ) {
        let room = self.rooms.at(place);
        let (to, room) = (room.partner, room.id);
        if to.home() == self.me && self.in_room(to, room).is_some() {
            return self.partner_away(to, room, away, effects);
        }
        let message = RoomMessage::Away { to, room, grace: away };
        self.to_shard(to.home(), ShardMessage::Room(message), effects);
    }

    /// Somebody's partner is away for so long at the most, or back.
    pub(super) fn partner_away(
        &mut self,
        session: SessionId,
        room: RoomId,
        grace: Option<Span>,
        effects: &mut impl Effects,
    ) {
        let Some((link, place)) = self.in_room(session, room) else { return };
        let partner = grace.map_or(Partner::Back, |grace| Partner::Away(self.now + grace));
        if let Some(kept) = &mut self.rooms.at_mut(place).kept {
            kept.partner = partner;
        }
        if let (Some(link), Some(message)) = (link, news_of(partner, self.now)) {
            effects.push(Effect::Send { link, message: &message });
        }
    }

    /// Tells somebody again where their partner is, as far as that ever changed.
    pub(super) fn tell_of_partner(
        &self,
        session: SessionId,
        partner: Partner,
        effects: &mut impl Effects,
    ) {
        if let Some(message) = news_of(partner, self.now) {
            self.tell(session, &message, effects);
        }
    }

    /// Brings a message to a person in a room: to their connection, and to what is kept for them.
    pub(super) fn hand_over(
        &mut self,
        (link, place): Seat,
        words: Words<'_>,
        worth: Worth,
        effects: &mut impl Effects,
    ) {
        let fleeting = worth == Worth::Fleeting;
        // Without a number nobody can say what they have: it is kept for who can't have it.
        let lasts = worth == Worth::Line || link.is_none() && !fleeting;
        let kept = self.rooms.at_mut(place).kept.as_mut().filter(|_| lasts);
        let payload = kept.and_then(|kept| {
            let is_numbered = worth == Worth::Line;
            self.shelf.keep(kept, (is_numbered, words.weight()), |out| words.encode(out))
        });
        match (link, payload) {
            (Some(link), Some(payload)) => {
                effects.push(Effect::Forward { link, payload, fleeting: false });
            }
            (Some(link), None) => words.push(link, fleeting, effects),
            (None, _) => {}
        }
    }

    /// Somebody has their partner's messages up to this number. So they have their token, too.
    pub(super) fn acknowledged(&mut self, session: SessionId, seq: u64) {
        let Some(person) = self.people.get_mut(session) else { return };
        let place = person.place();
        let Some(extra) = person.extra_if_any() else { return };
        extra.old_token = false;
        let kept = match place {
            Some(place) => self.rooms.at_mut(place).kept.as_mut(),
            None => extra.missed_mut().map(|missed| &mut missed.kept),
        };
        if let Some(kept) = kept {
            self.shelf.acknowledged(kept, seq);
        }
    }

    /// Answers somebody who says a message again, as it was answered the first time; false where it
    /// is new.
    pub(super) fn answers_repeat(
        &self,
        session: SessionId,
        place: u32,
        id: Option<(&str, u64)>,
        effects: &mut impl Effects,
    ) -> bool {
        let room = self.rooms.at(place);
        let (Some((id, hash)), Some(kept)) = (id, &room.kept) else { return false };
        #[cfg(feature = "faults")]
        if self.shelf.has(Lapse::HearsAgain) {
            return false;
        }
        match kept.repeats(hash, room.said) {
            None => return false,
            Some(Repeat::Delivered(seq)) => {
                self.tell(session, &ServerMessage::MessageAck { id, seq }, effects);
            }
            Some(Repeat::Blocked) => {
                self.refuse(session, ErrorCode::Blocked, BLOCKED, Some(id), effects);
            }
        }
        true
    }

    /// What a message of this id is remembered by in the room at a place; None where it isn't.
    pub(super) fn remembered_by(&self, place: u32, id: Option<&str>) -> Option<u64> {
        self.rooms.at(place).kept.as_ref()?;
        id.map(|id| self.hash_of(id))
    }

    /// The message of the person in the room at a place wasn't delivered.
    pub(super) fn remember_blocked(&mut self, place: u32, hash: Option<u64>) {
        if let (Some(hash), Some(kept)) = (hash, &mut self.rooms.at_mut(place).kept) {
            kept.blocked(hash);
        }
    }

    /// What stands for a client's id, here and in an event log.
    pub(super) fn hash_of(&self, id: &str) -> u64 {
        self.placement.hash(id.as_bytes()).0
    }

    /// Forgets a person who is in no queue and no chat.
    pub(super) fn forget(&mut self, session: SessionId) -> Option<Person> {
        let mut person = self.people.leave(session)?;
        self.absent.cancel(session.slot);
        let missed = person.extra_if_any().and_then(|extra| extra.take_missed());
        self.shelf.free(missed.map(|missed| missed.kept));
        Some(person)
    }
}

impl Person {
    /// Whether they may have missed that their chat has ended, not long ago.
    fn misses_an_end(&self, now: Micros, grace: Span) -> bool {
        self.last_room().is_some_and(|last| last.missed.is_some() && now.since(last.ended) <= grace)
    }
}

/// What somebody is told of where their partner is.
fn news_of(partner: Partner, now: Micros) -> Option<ServerMessage<'static>> {
    match partner {
        Partner::There => None,
        Partner::Away(until) => {
            Some(ServerMessage::PartnerReconnecting { grace_ms: until.since(now).as_millis() })
        }
        Partner::Back => Some(ServerMessage::PartnerResumed),
    }
}
