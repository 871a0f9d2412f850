//! The people at home in a shard.

use arrayvec::ArrayVec;
use whisper_proto::Lane;
use whisper_shard_router::{KeyHash, ShardId};

use super::HashedJoin;
use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::ids::{Link, RoomId, SessionId, Side};
use crate::interests::Names;
use crate::limits::PARTNERS_REMEMBERED;
use crate::match_queue::{Language, MatchQueue, Relaxation, Stay, Wish};
use crate::moderation::{Lately, Standing};
use crate::resume::Kept;
use crate::rooms::Ending;
use crate::settings::lane_id;
use crate::slots::Slots;
use crate::time::Micros;

/// A person: 32 bytes, and a box for what few have.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) link: Link,
    pub(super) state: State,
    /// When they last did something, in seconds since the Unix epoch.
    pub(super) active: u32,
    pub(super) generation: u32,
    pub(super) extra: Option<Box<Extra>>,
}

/// Where a person is. One ticket, one room at most, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// In the queue with the ticket at this place.
    Queued(u32),
    /// In the room at this place.
    Chatting(u32),
    /// The same, and their connection is lost: [`Person::link`] is nobody's.
    Absent(u32),
    /// Their connection is lost, and the chat ended meanwhile, which they have yet to learn.
    Stranded,
}

/// What a person has who said `hello` or ever joined. A million of them do: what is known from
/// elsewhere, or needed seldom and found again, doesn't stand here.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) language: Option<Language>,
    pub(super) wishes: Option<Wishes>,
    pub(super) last: Option<Box<LastRoom>>,
    /// Whom they met before that, as far as they are remembered.
    earlier: Partners,
    /// What is held against them.
    pub(super) standing: Standing,
    /// They said `hello`: a chat of theirs outlives its connection.
    pub(super) said_hello: bool,
    /// How often they were brought back. Their token says so, and is good for once.
    pub(super) uses: u32,
    /// The token before is good too: nothing says yet that they have the latest.
    pub(super) old_token: bool,
    /// What they said lately.
    pub(super) lately: Lately,
}

/// What a person joined for, kept for the next skip.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) lane: Lane,
    pub(super) names: Names,
    pub(super) relaxation: Relaxation,
    pub(super) same_language: bool,
    /// The names stand in for hashes: a log is run again.
    pub(super) hashed: bool,
}

/// The room a person was in last, so that somebody who left can still be reported.
#[derive(Clone, Debug)]
pub(super) struct LastRoom {
    pub(super) id: RoomId,
    pub(super) side: Side,
    pub(super) partner: SessionId,
    pub(super) ended: Micros,
    /// The other side ended it.
    pub(super) by_partner: bool,
    /// They never want to meet that partner again.
    pub(super) blocked: bool,
    /// What they may not know of it, where their partner ended it.
    pub(super) missed: Option<Box<Missed>>,
}

/// What somebody may have missed of a chat that is over.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    pub(super) kept: Box<Kept>,
    pub(super) ending: Ending,
}

/// Some people, the oldest acquaintance first.
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "it is mostly not there, and then two words less")]
struct Partners(Option<Box<Vec<Partner>>>);

#[derive(Clone, Copy, Debug)]
struct Partner {
    session: SessionId,
    blocked: bool,
}

const _: () = assert!(size_of::<Option<Person>>() <= 32);
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Extra>() <= 72, "with its header, the allocator's class of 80");

fields! {
    struct Extra {
        language, wishes, last, earlier, standing, said_hello, uses, old_token, lately
    }
    struct Wishes { lane, names, relaxation, same_language, hashed }
    struct LastRoom { id, side, partner, ended, by_partner, blocked, missed }
    struct Missed { kept, ending }
    struct Partner { session, blocked }
}

impl Field for Partners {
    fn put(&self, w: &mut Writer<'_>) {
        w.list(self.0.iter().flat_map(|partners| partners.iter()).collect::<Vec<_>>().into_iter());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let partners: ArrayVec<Partner, PARTNERS_REMEMBERED> = Field::get(r)?;
        Ok(Self((!partners.is_empty()).then(|| Box::new(partners.to_vec()))))
    }
}

impl Person {
    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(super) fn last_room(&self) -> Option<&LastRoom> {
        self.extra()?.last.as_deref()
    }

    /// Whether they have a connection.
    pub(super) fn is_here(&self) -> bool {
        !matches!(self.state, State::Absent(_) | State::Stranded)
    }

    /// Their connection, as long as they have one.
    pub(super) fn present_link(&self) -> Option<Link> {
        self.is_here().then_some(self.link)
    }

    /// The place of the room they are in.
    pub(super) fn place(&self) -> Option<u32> {
        match self.state {
            State::Chatting(place) | State::Absent(place) => Some(place),
            State::Idle | State::Queued(_) | State::Stranded => None,
        }
    }

    /// What they have beyond a connection, if anything.
    pub(super) fn extra_if_any(&mut self) -> Option<&mut Extra> {
        self.extra.as_deref_mut()
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}

impl Extra {
    /// What they may have missed of the last room.
    pub(super) fn missed(&self) -> Option<&Missed> {
        self.last.as_ref()?.missed.as_deref()
    }

    pub(super) fn missed_mut(&mut self) -> Option<&mut Missed> {
        self.last.as_mut()?.missed.as_deref_mut()
    }

    pub(super) fn take_missed(&mut self) -> Option<Missed> {
        self.last.as_mut()?.missed.take().map(|missed| *missed)
    }

    /// Comes out of a room. Its partner is remembered as the latest; past the bound the oldest that
    /// isn't blocked is forgotten.
    pub(super) fn come_out_of(&mut self, mut room: LastRoom) {
        room.blocked = self.has_blocked(room.partner);
        self.earlier.forget(room.partner);
        let partner = room.partner;
        if let Some(before) = self.last.replace(Box::new(room))
            && before.partner != partner
        {
            self.earlier.add(Partner { session: before.partner, blocked: before.blocked });
        }
    }

    /// Never again, whatever either wishes.
    pub(super) fn block(&mut self, session: SessionId) {
        match &mut self.last {
            Some(last) if last.partner == session => last.blocked = true,
            _ => {
                self.earlier.forget(session);
                self.earlier.add(Partner { session, blocked: true });
            }
        }
    }

    /// Others are named like this from now on.
    pub(super) fn rename(&mut self, name: impl Fn(SessionId) -> SessionId) {
        let last = self.last.iter_mut().map(|last| &mut last.partner);
        let earlier = self.earlier.0.iter_mut().flat_map(|partners| partners.iter_mut());
        for other in last.chain(earlier.map(|partner| &mut partner.session)) {
            *other = name(*other);
        }
    }

    /// Forgets whom they have met, to see that it is missed.
    #[cfg(feature = "faults")]
    pub(super) fn forget_partners(&mut self) {
        self.earlier = Partners::default();
        self.last.iter_mut().for_each(|last| last.blocked = false);
    }

    /// Whether they won't meet somebody: blocked, or met before unless that is forgiven.
    pub(super) fn refuses(&self, session: SessionId, forgive: bool) -> bool {
        self.acquaintance(session).is_some_and(|it| it.blocked || !forgive)
    }

    fn has_blocked(&self, session: SessionId) -> bool {
        self.refuses(session, true)
    }

    fn acquaintance(&self, session: SessionId) -> Option<Partner> {
        let last = self.last.as_ref().filter(|last| last.partner == session);
        let last = last.map(|last| Partner { session, blocked: last.blocked });
        last.or_else(|| self.earlier.get(session))
    }
}

impl Wishes {
    /// The hashes of the interests, in the order of their names.
    pub(super) fn keys(&self, queue: &MatchQueue) -> impl Iterator<Item = KeyHash> {
        self.names.iter().map(|name| {
            let stood_for = if self.hashed { HashedJoin::stood_for(name) } else { None };
            stood_for.unwrap_or_else(|| queue.interest_key(name))
        })
    }
}

impl Wishes {
    /// What the queue was asked for when a stay in it began.
    pub(super) fn wish(&self, person: SessionId, stay: Stay, queue: &MatchQueue) -> Option<Wish> {
        let mut keys = ArrayVec::new();
        for key in self.keys(queue) {
            keys.try_push(key).ok()?;
        }
        Some(Wish {
            person,
            lane: lane_id(self.lane),
            language: stay.language,
            same_language: self.same_language,
            keys,
            relaxation: self.relaxation,
            priority: stay.priority,
        })
    }
}

impl Partners {
    fn get(&self, session: SessionId) -> Option<Partner> {
        self.0.as_ref()?.iter().find(|it| it.session == session).copied()
    }

    fn forget(&mut self, session: SessionId) {
        if let Some(partners) = &mut self.0 {
            partners.retain(|it| it.session != session);
        }
    }

    fn add(&mut self, partner: Partner) {
        let partners = self.0.get_or_insert_default();
        // The latest stands by itself.
        if partners.len() + 1 == PARTNERS_REMEMBERED {
            let oldest = partners.iter().position(|partner| !partner.blocked);
            partners.remove(oldest.unwrap_or(0));
        }
        partners.reserve_exact(1);
        partners.push(partner);
    }
}

/// The table of people.
#[derive(Clone, Debug)]
pub(super) struct People {
    me: ShardId,
    people: Slots<Person>,
    /// Counts up with each arrival, so that no session id is given twice.
    arrivals: u32,
}

impl People {
    /// A table with nobody in it, in a process that began now.
    ///
    /// Generations begin at that millisecond: a node that has started again gives no id that it gave
    /// before, as long as no shard has more than a thousand arrivals a second on average. Other nodes
    /// may still know somebody by such an id, and somebody may still have a token of it.
    pub(super) fn new(me: ShardId, now: Micros) -> Self {
        Self { me, people: Slots::default(), arrivals: (now.0 / 1_000) as u32 }
    }

    /// People at these places, where `arrivals` was given last as a generation.
    pub(super) fn inherit(&mut self, places: Vec<Option<Person>>, arrivals: u32) {
        (self.people, self.arrivals) = (places.into(), arrivals);
    }

    /// The generation given last.
    pub(super) fn arrivals(&self) -> u32 {
        self.arrivals
    }

    pub(super) fn reserve(&mut self, people: usize) {
        self.people.reserve(people);
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    /// One past the highest slot ever taken.
    pub(super) fn span(&self) -> usize {
        self.people.span()
    }

    pub(super) fn arrive(&mut self, now: Micros, link: Link) -> SessionId {
        self.arrivals = self.arrivals.wrapping_add(1);
        let generation = self.arrivals;
        let slot = self.people.insert_with(|_| Person {
            link,
            state: State::Idle,
            active: seconds(now),
            generation,
            extra: None,
        });
        SessionId { node: self.me.node, shard: self.me.shard, slot, generation }
    }

    pub(super) fn leave(&mut self, session: SessionId) -> Option<Person> {
        self.get(session)?;
        self.people.remove(session.slot)
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Person> {
        debug_assert!(session.home() == self.me, "people are looked up at home");
        self.people.get(session.slot).filter(|person| person.generation == session.generation)
    }

    pub(super) fn get_mut(&mut self, session: SessionId) -> Option<&mut Person> {
        debug_assert!(session.home() == self.me, "people are looked up at home");
        let person = self.people.get_mut(session.slot)?;
        (person.generation == session.generation).then_some(person)
    }

    /// The session of whoever is in a slot that is taken.
    pub(super) fn session_at(&self, slot: usize) -> SessionId {
        let slot = slot as u32;
        let generation = self.people[slot].generation;
        SessionId { node: self.me.node, shard: self.me.shard, slot, generation }
    }

    /// Whoever is in a slot.
    pub(super) fn at(&self, slot: usize) -> Option<&Person> {
        self.people.get(u32::try_from(slot).ok()?)
    }
}

/// Whole seconds since the Unix epoch; enough until 2106.
pub(super) fn seconds(now: Micros) -> u32 {
    (now.0 / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner(slot: u32) -> SessionId {
        SessionId { node: 0, shard: 0, slot, generation: 1 }
    }

    fn come_out(extra: &mut Extra, slot: u32) {
        extra.come_out_of(LastRoom {
            id: RoomId([0; 16]),
            side: Side::First,
            partner: partner(slot),
            ended: Micros(0),
            by_partner: false,
            blocked: false,
            missed: None,
        });
    }

    #[test]
    fn a_process_that_follows_a_dead_one_gives_none_of_its_names() {
        let me = ShardId { node: 3, shard: 1 };
        let begun = Micros(1_800_000_000_000_000);
        let names = |begun: Micros| {
            let mut people = People::new(me, begun);
            (0..1_000).map(move |link| people.arrive(begun, Link(link))).collect::<Vec<_>>()
        };
        let before = names(begun);
        let after = names(Micros(begun.0 + 1_000_000));
        assert!(after.iter().all(|name| !before.contains(name)));
    }

    #[test]
    fn partners_are_remembered_the_latest_longest_and_the_blocked_for_good() {
        let mut extra = Extra::default();
        extra.block(partner(1));
        come_out(&mut extra, 1);
        come_out(&mut extra, 2);
        extra.block(partner(2));
        come_out(&mut extra, 3);
        for slot in 1..=3 {
            assert!(extra.refuses(partner(slot), false));
            assert_eq!(extra.refuses(partner(slot), true), slot < 3, "forgiven unless blocked");
        }
        come_out(&mut extra, 2);
        come_out(&mut extra, 2);
        let others = 4..PARTNERS_REMEMBERED as u32 + 2;
        others.clone().for_each(|slot| come_out(&mut extra, slot));
        let kept = |slot: &u32| extra.refuses(partner(*slot), false);
        assert_eq!((1..=3).filter(kept).collect::<Vec<_>>(), [1, 2], "3 was the oldest");
        assert!(others.into_iter().all(|slot| kept(&slot)) && extra.refuses(partner(2), true));
    }
}
