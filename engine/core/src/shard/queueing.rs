//! Into the queue, out of it, and from it into a room.

use arrayvec::ArrayVec;
use whisper_proto::{
    ErrorCode, Join, Lane, LanguageWish, Matched, Names, Relax, Searching, ServerMessage, Tier,
};
use whisper_shard_router::{KeyHash, ShardId};

use super::judging::Found;
use super::orders::LANE_CLOSED;
use super::people::{LastRoom, State, Wishes, seconds};
use super::standing::day;
use super::{Effect, Effects, Floor, HashedJoin, Shard, ShardMessage};
use crate::ids::{RoomId, SessionId, Side};
use crate::interests::{self, BadInterest, Names as OwnedNames};
use crate::limits::SKIP_GRACE;
use crate::match_queue::{
    Affinity, Host, KEYS_MAX, Level, MatchMessage, MatchQueue, Pairing, Relaxation, Search, Wish,
};
use crate::rooms::{Ending, Room, RoomMessage};
use crate::settings::lane_id;
use crate::time::{Micros, Span};

/// The match queue's host: this shard's people and rooms, and the way out.
pub(super) struct Desk<'a, E> {
    floor: &'a mut Floor,
    effects: &'a mut E,
}

type Keys = ArrayVec<KeyHash, KEYS_MAX>;

/// A join, whichever way its interests are known.
pub(super) struct Asked<'a> {
    lane: Lane,
    relax: Relax,
    language: LanguageWish,
    likes: Likes<'a>,
    /// What was found in their interests, where that is known already.
    known: Option<Found>,
}

enum Likes<'a> {
    Named(&'a [&'a str]),
    Hashed(&'a Result<Keys, BadInterest>),
}

/// What somebody likes: by name for the partner to see, by hash for owners to match.
pub(super) struct Interests {
    pub(super) names: OwnedNames,
    pub(super) keys: Keys,
}

impl Shard {
    pub(super) fn desk<'a, E: Effects>(
        &'a mut self,
        effects: &'a mut E,
    ) -> (&'a mut MatchQueue, Desk<'a, E>) {
        (&mut self.queue, Desk { floor: &mut self.floor, effects })
    }

    pub(super) fn join(
        &mut self,
        session: SessionId,
        join: &Asked<'_>,
        effects: &mut impl Effects,
    ) {
        let (wishes, keys) = match self.wishes(session, join) {
            Ok(wishes) => wishes,
            Err((code, why)) => return self.floor.refuse(session, code, &why, None, effects),
        };
        let interests = wishes.names.iter().zip(keys.iter().copied());
        let found = join.known.clone();
        let found = found.or_else(|| self.floor.find_in_interests(join.lane, interests));
        if let Some(fault) = found {
            return self.refuse_interests(session, &fault, effects);
        }
        let Some(person) = self.floor.people.get_mut(session) else { return };
        person.extra_mut().wishes = Some(wishes);
        self.unqueue(session, effects);
        self.enqueue(session, Some(keys), effects);
    }

    pub(super) fn skip(
        &mut self,
        session: SessionId,
        room: Option<&str>,
        effects: &mut impl Effects,
    ) {
        let Some(person) = self.floor.people.get(session) else { return };
        let now = self.floor.now;
        match person.state {
            State::Chatting(place) => {
                if room.is_some_and(|room| !self.floor.rooms.at(place).id.is(room)) {
                    return;
                }
                self.floor.part(session, place, Ending::Skipped, effects);
                self.enqueue(session, None, effects);
            }
            // Both skipped at once: this one was on its way when the room ended.
            State::Idle if person.last_room().is_some_and(|last| crossed(last, room, now)) => {
                self.enqueue(session, None, effects);
            }
            _ => self.floor.no_chat(session, room, None, effects),
        }
    }

    pub(super) fn leave(&mut self, session: SessionId, effects: &mut impl Effects) {
        let Some(person) = self.floor.people.get(session) else { return };
        match person.state {
            State::Chatting(place) => self.floor.part(session, place, Ending::Skipped, effects),
            State::Queued(_) => self.unqueue(session, effects),
            State::Absent(_) | State::Stranded => {}
            State::Idle => {
                let why = "You are in no queue and in no chat.";
                self.floor.refuse(session, ErrorCode::NotInQueue, why, None, effects);
            }
        }
    }

    /// Puts a person who is idle into the queue with the wishes they have, if that lane is open;
    /// `keys` are the hashes of their interests, where these are at hand.
    fn enqueue(&mut self, session: SessionId, keys: Option<Keys>, effects: &mut impl Effects) {
        let (now, lanes) = (self.floor.now, self.floor.lanes);
        let Some(person) = self.floor.people.get_mut(session) else { return };
        let extra = person.extra_mut();
        let language = extra.language;
        // Whoever goes on knows that the last chat is over.
        self.floor.shelf.free(extra.take_missed().map(|missed| missed.kept));
        let Some(wishes) = &extra.wishes else { return };
        if !lanes.contains(wishes.lane) {
            return self.floor.refuse_lane(session, effects);
        }
        let wish = Wish {
            person: session,
            lane: lane_id(wishes.lane),
            language,
            same_language: wishes.same_language,
            keys: keys.unwrap_or_else(|| wishes.keys(&self.queue).collect()),
            relaxation: wishes.relaxation,
            priority: extra.standing.on(day(now)).priority(),
        };
        self.floor.census.turnover.tickets += 1;
        let (queue, mut desk) = self.desk(effects);
        // None: matched at once, on this core.
        if let Some(ticket) = queue.join(now, wish, &mut desk) {
            let person = self.floor.people.get_mut(session).expect("they just joined");
            person.state = State::Queued(ticket.slot);
        }
    }

    /// Takes a person out of the queue, if they are in it.
    pub(super) fn unqueue(&mut self, session: SessionId, effects: &mut impl Effects) {
        let now = self.floor.now;
        let Some(person) = self.floor.people.get_mut(session) else { return };
        let State::Queued(place) = person.state else { return };
        person.state = State::Idle;
        person.active = seconds(now);
        let (queue, mut desk) = self.desk(effects);
        if let Some(ticket) = queue.ticket_at(place) {
            queue.leave(now, ticket, &mut desk);
        }
    }

    /// What a join asks for, or why it can't be had.
    fn wishes(
        &self,
        session: SessionId,
        join: &Asked<'_>,
    ) -> Result<(Wishes, Keys), (ErrorCode, String)> {
        let floor = &self.floor;
        let person = floor.people.get(session);
        if person.is_some_and(|person| person.place().is_some()) {
            return Err((ErrorCode::InChat, "End this chat before you join again.".into()));
        }
        if !floor.lanes.contains(join.lane) {
            return Err((ErrorCode::LaneClosed, LANE_CLOSED.into()));
        }
        let same_language = join.language == LanguageWish::Same;
        let language = person.and_then(|person| person.extra()?.language);
        if same_language && language.is_none() {
            let why = "A partner of the same language needs your language, in hello.";
            return Err((ErrorCode::BadMessage, why.into()));
        }
        let interests = match join.likes {
            Likes::Named(names) => self.interests(names),
            Likes::Hashed(hashes) => hashes.clone().map(Interests::stand_ins),
        };
        let Interests { names, keys } =
            interests.map_err(|error| (ErrorCode::BadInterests, error.to_string()))?;
        let wishes = Wishes {
            lane: join.lane,
            names,
            relaxation: match join.relax {
                Relax::Strict => Relaxation::Strict,
                Relax::Gradual => Relaxation::Gradual,
                Relax::Anyone => Relaxation::Anyone,
            },
            same_language,
            hashed: matches!(join.likes, Likes::Hashed(_)),
        };
        Ok((wishes, keys))
    }

    /// What is matched by, of interests as typed.
    pub(super) fn interests(&self, typed: &[&str]) -> Result<Interests, BadInterest> {
        let names = interests::normalise_all(typed, &self.floor.settings.aliases)?;
        let keys = names.iter().map(|name| self.queue.interest_key(name)).collect();
        Ok(Interests { names: names.iter().collect(), keys })
    }
}

impl<'a> From<&'a Join<'_>> for Asked<'a> {
    fn from(join: &'a Join<'_>) -> Self {
        let Join { lane, relax, language, interests } = join;
        let likes = Likes::Named(interests);
        Self { lane: *lane, relax: *relax, language: *language, likes, known: None }
    }
}

impl<'a> Asked<'a> {
    /// A join by hashes, and what was found in the names.
    pub(super) fn hashed(join: &'a HashedJoin, known: Option<Found>) -> Self {
        let HashedJoin { lane, relax, language, interests } = join;
        let likes = Likes::Hashed(interests);
        Self { lane: *lane, relax: *relax, language: *language, likes, known }
    }
}

impl Interests {
    fn stand_ins(keys: Keys) -> Self {
        Self { names: keys.iter().copied().map(HashedJoin::stand_in).collect(), keys }
    }
}

impl<E: Effects> Host for Desk<'_, E> {
    fn send(&mut self, to: ShardId, message: MatchMessage) {
        self.floor.to_shard(to, ShardMessage::Match(message), self.effects);
    }

    fn new_room(&mut self) -> RoomId {
        self.floor.census.room_opened();
        RoomId(self.floor.random.bytes())
    }

    fn refuses(&self, person: SessionId, stranger: SessionId, forgive: bool) -> bool {
        let person = self.floor.people.get(person);
        person.and_then(|it| it.extra()).is_some_and(|extra| extra.refuses(stranger, forgive))
    }

    fn names(&self, person: SessionId) -> OwnedNames {
        let person = self.floor.people.get(person);
        let wishes = person.and_then(|it| it.extra()?.wishes.as_ref());
        wishes.map(|wishes| wishes.names.clone()).unwrap_or_default()
    }

    fn searching(&mut self, person: SessionId, search: Search) {
        let searching = Searching {
            position: search.ahead,
            estimated_ms: search.median_wait_ms,
            tier: match search.level {
                Level::Overlap => Tier::Overlap,
                Level::Single => Tier::Single,
                Level::Any | Level::Again => Tier::Any,
            },
        };
        self.floor.tell(person, &ServerMessage::Searching(searching), self.effects);
    }

    fn matched(&mut self, pairing: Pairing) {
        let Pairing { person: session, side, waited, partner, partner_names, room } = pairing;
        let floor = &mut *self.floor;
        let person = floor.people.get_mut(session).expect("a ticket ends with its person");
        let link = person.link;
        let extra = person.extra_mut();
        extra.lately.meet();
        let kept = extra.said_hello.then(Box::default);
        let wishes = extra.wishes.as_ref().expect("whoever is matched has joined");
        let lane = wishes.lane;
        let mode = lane.mode;
        let theirs: Names<'_> = partner_names.iter().collect();
        let shared: Names<'_> = theirs
            .iter()
            .copied()
            .filter(|name| wishes.names.iter().any(|it| it == *name))
            .collect();
        let affinity = Affinity::of(shared.len(), wishes.names.count(), theirs.len());
        let matched = ServerMessage::Matched(Matched {
            room_id: &room.encode(),
            partner_id: &side.other().public_id(&room),
            mode,
            is_initiator: side == Side::Second,
            interests: theirs,
            shared,
            tier: match affinity {
                Affinity::Exact => Tier::Exact,
                Affinity::Overlap => Tier::Overlap,
                Affinity::Single => Tier::Single,
                Affinity::Any => Tier::Any,
            },
            waited_ms: waited.as_millis(),
        });
        self.effects.push(Effect::Send { link, message: &matched });
        let place = floor.rooms.open(Room { id: room, side, lane, partner, said: 0, kept });
        floor.judge.attend(place);
        let person = floor.people.get_mut(session).expect("still there");
        person.state = State::Chatting(place);
        floor.census.matched(affinity, waited);
    }

    fn timed_out(&mut self, person: SessionId, waited: Span) {
        self.floor.census.turnover.timeouts += 1;
        let Some(there) = self.floor.people.get_mut(person) else { return };
        there.state = State::Idle;
        there.active = seconds(self.floor.now);
        let message = ServerMessage::MatchTimeout { waited_ms: waited.as_millis() };
        self.floor.tell(person, &message, self.effects);
    }

    fn left_before_room(&mut self, partner: SessionId, room: RoomId) {
        let ended = RoomMessage::Ended { to: partner, room, ending: Ending::Disconnected };
        self.floor.to_shard(partner.home(), ShardMessage::Room(ended), self.effects);
    }
}

/// Whether a skip that finds its sender idle was meant for the chat the partner just ended.
fn crossed(last: &LastRoom, room: Option<&str>, now: Micros) -> bool {
    last.by_partner
        && now.since(last.ended) <= SKIP_GRACE
        && room.is_none_or(|room| last.id.is(room))
}
