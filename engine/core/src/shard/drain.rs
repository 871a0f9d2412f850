//! Sending everybody elsewhere, at an even rate: first those who are in no chat, then the chats, and
//! of a chat both sides at the same moment.
//!
//! A moment follows from the person's place, or from the room's id, which both of its homes know:
//! nothing is listed, nobody is asked, and whoever's moment has passed by then (for their chat has
//! ended, or they came late) goes at once.

use whisper_proto::{CloseCode, Reconnect, ServerMessage};

use super::people::{Person, State};
use super::{Effect, Effects, Floor, Shard};
use crate::ids::SessionId;
use crate::limits::PLACES_DRAINED;
use crate::rooms::{Ending, Room};
use crate::settings::Drain;
use crate::time::{Micros, Span};

/// How finely a drain is spread over its time.
const STEP: Span = Span::millis(50);

/// How far a shard is with a drain.
#[derive(Clone, Debug)]
pub(super) struct Draining {
    drain: Drain,
    /// The next place to look at.
    place: usize,
    /// When to look.
    next: Micros,
}

impl Draining {
    pub(super) fn new(drain: Drain) -> Self {
        Self { drain, place: 0, next: drain.began }
    }

    pub(super) fn drain(&self) -> Drain {
        self.drain
    }

    /// When there is somebody to look at again.
    pub(super) fn next(&self) -> Micros {
        self.next
    }
}

impl Drain {
    /// When somebody goes who is in no chat. Any run of places is spread evenly by the golden ratio
    /// (Weyl's sequence), whoever of them is there.
    fn moment_at(&self, place: usize) -> Micros {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        between(self.began, self.chats_from, (place as u64).wrapping_mul(GOLDEN))
    }

    /// When a chat ends. Ids of rooms are random.
    fn moment_of(&self, room: &Room) -> Micros {
        let [a, b, c, d, e, f, g, h, ..] = room.id.0;
        between(self.chats_from, self.until, u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// The moment a part of the way from one to the other: `part` in 2^64ths.
fn between(from: Micros, to: Micros, part: u64) -> Micros {
    from + share(to.since(from), part)
}

/// A part of a span, in 2^64ths.
fn share(span: Span, part: u64) -> Span {
    let product = u128::from(span.0) * u128::from(part);
    Span((product >> 64) as u64)
}

impl Shard {
    /// Sends on whoever's moment has come, some places at a time.
    pub(super) fn send_on_those_due(&mut self, effects: &mut impl Effects) {
        let now = self.floor.now;
        let Some(Draining { drain, place: begin, next }) = self.floor.draining.take() else {
            return;
        };
        if now < next {
            self.floor.draining = Some(Draining { drain, place: begin, next });
            return;
        }
        let span = self.floor.people.span();
        let end = span.min(begin + PLACES_DRAINED);
        for slot in begin..end {
            let Some(person) = self.floor.people.at(slot) else { continue };
            if self.floor.moment(&drain, slot, person) <= now {
                let session = self.floor.people.session_at(slot);
                self.send_on(session, drain.jitter, effects);
            }
        }
        let (place, next) = if end < span { (end, now) } else { (0, now + STEP) };
        self.floor.draining = Some(Draining { drain, place, next });
    }

    fn send_on(&mut self, session: SessionId, jitter: Span, effects: &mut impl Effects) {
        match self.floor.people.get(session).map(|person| person.state) {
            None => return,
            Some(State::Idle | State::Stranded) => {}
            Some(State::Queued(_)) => self.unqueue(session, effects),
            Some(State::Chatting(place) | State::Absent(place)) => {
                // Another node stays: whoever is there has a partner who goes.
                let both_go = self.floor.rooms.at(place).partner.node == self.floor.me.node;
                let ending =
                    if both_go { Ending::Drained { jitter } } else { Ending::Disconnected };
                self.floor.part(session, place, ending, effects);
            }
        }
        self.floor.send_on(session, jitter, effects);
    }
}

impl Floor {
    /// Tells a person who is in no queue and no chat to come back elsewhere, and forgets them.
    pub(super) fn send_on(&mut self, session: SessionId, jitter: Span, effects: &mut impl Effects) {
        let Some(link) = self.forget(session).and_then(|person| person.present_link()) else {
            return;
        };
        let after_ms = share(jitter, self.random.next_u64()).as_millis();
        let message = ServerMessage::Reconnect(Reconnect { after_ms, url: None });
        effects.push(Effect::Send { link, message: &message });
        effects.push(Effect::Close { link, code: CloseCode::Restart });
    }

    fn moment(&self, drain: &Drain, slot: usize, person: &Person) -> Micros {
        match person.state {
            State::Idle | State::Queued(_) | State::Stranded => drain.moment_at(slot),
            State::Chatting(place) | State::Absent(place) => drain.moment_of(self.rooms.at(place)),
        }
    }
}
