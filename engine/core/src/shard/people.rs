//! The people at home in a shard.

use std::ops::Deref;

use whisper_proto::Lane;
use whisper_shard_router::{KeyHash, ShardId};

use crate::ids::{Link, RoomId, SessionId, Side, TicketId};
use crate::interests::Names;
use crate::limits::PARTNERS_REMEMBERED;
use crate::match_queue::{Language, Relaxation};
use crate::moderation::{Lately, Standing};
use crate::resume::Kept;
use crate::rooms::Ending;
use crate::slots::Slots;
use crate::time::Micros;

/// A person: 32 bytes, and a box for what few have.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) link: Link,
    pub(super) state: State,
    /// When they last did something, in seconds since the Unix epoch.
    pub(super) active: u32,
    generation: u32,
    extra: Option<Box<Extra>>,
}

/// Where a person is. One ticket, one room at most, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// In the queue; the ticket stands in [`Extra::ticket`].
    Queued,
    /// In the room at this place.
    Chatting(u32),
    /// The same, and their connection is lost: [`Person::link`] is nobody's.
    Absent(u32),
    /// Their connection is lost, and the chat ended meanwhile, which they have yet to learn.
    Stranded,
}

/// What a person has who said `hello` or ever joined.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) language: Option<Language>,
    pub(super) wishes: Option<Wishes>,
    pub(super) ticket: Option<TicketId>,
    pub(super) last: Option<Box<LastRoom>>,
    /// What is held against them.
    pub(super) standing: Standing,
    /// What they may not know of the last chat, which their partner ended.
    pub(super) missed: Option<Box<Missed>>,
    /// They said `hello`: a chat of theirs outlives its connection.
    pub(super) said_hello: bool,
    /// How often they were brought back. Their token says so, and is good for once.
    pub(super) uses: u32,
    /// The token before is good too: nothing says yet that they have the latest.
    pub(super) old_token: bool,
    /// What they said lately.
    lately: Option<Box<Lately>>,
    partners: Partners,
}

/// What a person joined for, kept for the next skip.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) lane: Lane,
    pub(super) names: Names,
    pub(super) keys: Keys,
    pub(super) relaxation: Relaxation,
    pub(super) same_language: bool,
}

/// The room a person was in last, so that somebody who left can still be reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastRoom {
    pub(super) id: RoomId,
    pub(super) side: Side,
    pub(super) partner: SessionId,
    pub(super) ended: Micros,
    /// The other side ended it.
    pub(super) by_partner: bool,
}

/// What somebody may have missed of a chat that is over.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    pub(super) kept: Box<Kept>,
    pub(super) ending: Ending,
}

/// The hashes of a person's interests. Many have one, which takes no allocation.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    One(KeyHash),
    Others(Box<[KeyHash]>),
}

/// Whom a person has met, as far as they are remembered. Most meet few, and everybody who chats has
/// met one: that one takes no allocation.
#[derive(Clone, Debug, Default)]
struct Partners {
    latest: Option<Partner>,
    /// Those before, the oldest first.
    #[expect(clippy::box_collection, reason = "it is mostly not there, and then two words less")]
    earlier: Option<Box<Vec<Partner>>>,
}

#[derive(Clone, Copy, Debug)]
struct Partner {
    session: SessionId,
    blocked: bool,
}

const _: () = assert!(size_of::<Option<Person>>() <= 32);
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Keys>() == 16 && size_of::<Partners>() == 24);

impl Person {
    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(super) fn last_room(&self) -> Option<LastRoom> {
        self.extra()?.last.as_deref().copied()
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
            State::Idle | State::Queued | State::Stranded => None,
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
    /// What they said lately; nothing yet, where this is their first line.
    pub(super) fn lately_mut(&mut self) -> &mut Lately {
        self.lately.get_or_insert_default()
    }

    /// Remembers a partner as the latest; past the bound the oldest that isn't blocked is
    /// forgotten.
    pub(super) fn met(&mut self, session: SessionId) {
        self.lately.iter_mut().for_each(|lately| lately.meet());
        self.partners.meet(session);
    }

    /// Never again, whatever either wishes.
    pub(super) fn block(&mut self, session: SessionId) {
        self.partners.meet(session).blocked = true;
    }

    pub(super) fn refuses(&self, session: SessionId, forgive: bool) -> bool {
        self.partners.iter().any(|it| it.session == session && (it.blocked || !forgive))
    }
}

impl Partners {
    fn iter(&self) -> impl Iterator<Item = &Partner> {
        self.earlier.iter().flat_map(|earlier| earlier.iter()).chain(&self.latest)
    }

    fn meet(&mut self, session: SessionId) -> &mut Partner {
        let mut partner = Partner { session, blocked: false };
        match self.latest {
            Some(latest) if latest.session == session => partner = latest,
            Some(latest) => {
                let earlier = self.earlier.get_or_insert_default();
                if let Some(place) = earlier.iter().position(|it| it.session == session) {
                    partner = earlier.remove(place);
                } else if earlier.len() + 1 == PARTNERS_REMEMBERED {
                    let oldest = earlier.iter().position(|partner| !partner.blocked);
                    earlier.remove(oldest.unwrap_or(0));
                }
                earlier.reserve_exact(1);
                earlier.push(latest);
            }
            None => {}
        }
        self.latest.insert(partner)
    }
}

impl Deref for Keys {
    type Target = [KeyHash];

    fn deref(&self) -> &[KeyHash] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Others(keys) => keys,
        }
    }
}

impl From<&[KeyHash]> for Keys {
    fn from(keys: &[KeyHash]) -> Self {
        match keys {
            [key] => Self::One(*key),
            others => Self::Others(others.into()),
        }
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
    pub(super) fn new(me: ShardId) -> Self {
        Self { me, people: Slots::default(), arrivals: 0 }
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
