//! The match queue of one shard: the home of its own people's tickets, and the owner of the waiting
//! lists that placement gives it.
//!
//! A connection's **home** is the only shard that knows whether its person is free. Every key (an
//! interest, or a lane) has an **owner** that keeps the waiting list for it. Owners know tickets,
//! homes know people, and they speak only by [`MatchMessage`]s:
//!
//! ```text
//! home(a) ── Post ──▶ owner ◀── Post ── home(b)        a < b: the older ticket is the lower
//!            owner ── Propose(a, b) ──▶ home(a)        both busy at the owner; a is held
//!                             home(a) ── Claim ──▶ home(b)
//!                             home(a) ◀─ Accept ── home(b)    b is matched at once, a now
//! home(a) ── Outcome ──▶ owner                         exactly one: matched, a gone, b gone, refused
//! ```
//!
//! Claims only ever go from the lower ticket to the higher, and what meets a held ticket waits
//! behind it; so what waits for what has no cycle, and needs no lock and no timeout. A hold outlives
//! its ticket: whoever leaves while held has left, and an Accept for them ends the room it opened.
//!
//! A shard never calls itself: messages to its own owner side go out through [`Host::send`] like any
//! other. What this module doesn't know: rooms, people's connections, clocks, rings.

mod cadence;
mod card;
mod fault;
mod home;
mod list;
mod message;
mod owner;

use std::hash::{Hash, Hasher};

use whisper_shard_router::{KeyHash, Placement, ShardId};

pub use cadence::{Cadence, Share, TierTimes};
pub use card::{Affinity, Card, Fit, KEYS_MAX, LANES, LaneId, Language, Level};
pub use fault::Fault;
pub use home::{Relaxation, Stay, Wish};
pub use message::{Accept, Claim, MatchMessage, Outcome};

use self::fault::Broken;
use self::home::Home;
use self::owner::Owner;
use crate::codec::{Damage, Reader, Writer};
use crate::ids::{RoomId, SessionId, Side, TicketId};
use crate::interests::Names;
use crate::time::{Micros, Span};

/// What the match queue asks of, and tells, the shard it works in.
pub trait Host {
    /// Sends to a shard; to this one too, by way of its local queue.
    fn send(&mut self, to: ShardId, message: MatchMessage);
    /// A fresh, random room id.
    fn new_room(&mut self) -> RoomId;
    /// Whether `person` won't have `stranger`: blocked, or met lately unless that is forgiven.
    fn refuses(&self, person: SessionId, stranger: SessionId, forgive: bool) -> bool;
    /// What `person` likes, in normalised forms.
    fn names(&self, person: SessionId) -> Names;
    /// The ticket of `person` began, or opened up.
    fn searching(&mut self, person: SessionId, search: Search);
    /// The person has a partner; their ticket is over.
    fn matched(&mut self, pairing: Pairing);
    /// Nobody came in time; the ticket is over.
    fn timed_out(&mut self, person: SessionId, waited: Span);
    /// `partner` was given a room with somebody who had already left the queue.
    fn left_before_room(&mut self, partner: SessionId, room: RoomId);
}

/// How the search of one person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// How far their ticket has opened up.
    pub level: Level,
    /// People ahead of them in the lane, estimated from those of this home.
    pub ahead: u32,
    /// The median wait of the lane's last matches here, in milliseconds; 0 before the first.
    pub median_wait_ms: u32,
}

/// One side of a match, as its home learns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// The person of this home.
    pub person: SessionId,
    /// Which side they are on: the older ticket is [`Side::First`].
    pub side: Side,
    /// How long they waited.
    pub waited: Span,
    /// The other person.
    pub partner: SessionId,
    /// What the other person likes.
    pub partner_names: Names,
    /// Their room.
    pub room: RoomId,
}

/// The match queue of one shard. Its state can be cloned, compared and hashed.
#[derive(Clone)]
pub struct MatchQueue {
    ground: Ground,
    home: Home,
    owner: Owner,
}

/// What both sides stand on: fixed for a run but for the time, which is that of the latest event, and
/// the share of the people.
#[derive(Clone)]
struct Ground {
    me: ShardId,
    share: Share,
    placement: Placement,
    lane_keys: [KeyHash; LANES],
    times: TierTimes,
    now: Micros,
    broken: Broken,
}

impl MatchQueue {
    /// An empty queue for shard `me` of `shards` on this node. Hash tables take their order from
    /// `seed`.
    pub fn new(
        me: ShardId,
        shards: usize,
        placement: Placement,
        times: TierTimes,
        seed: u64,
    ) -> Self {
        let lane_keys = std::array::from_fn(|lane| lane_key(&placement, LaneId(lane as u8)));
        let (now, broken) = (Micros(0), Broken::default());
        let share = Share::new(0, 0, shards);
        let ground = Ground { me, share, placement, lane_keys, times, now, broken };
        Self { ground, home: Home::default(), owner: Owner::new(seed) }
    }

    /// The same queue, where lanes are kept under these hashes: for whoever runs a shard again
    /// without the key of its placement.
    pub fn with_lane_keys(mut self, keys: [KeyHash; LANES]) -> Self {
        self.ground.lane_keys = keys;
        self
    }

    /// Tells what part of the people is at home here; until then all shards are taken for alike.
    pub fn weigh(&mut self, share: Share) {
        if !self.ground.broken.is(Fault::HomesTakenForEqual) {
            self.ground.share = share;
        }
    }

    /// A queue that doesn't keep one of its rules, to be caught at it.
    #[cfg(feature = "faults")]
    pub fn breaking(mut self, rule: Fault) -> Self {
        self.ground.broken.rule = Some(rule);
        self
    }

    /// The hash under which an interest is kept, from its normalised form.
    pub fn interest_key(&self, name: &str) -> KeyHash {
        interest_key(&self.ground.placement, name)
    }

    /// Queues a person who is not queued yet. They may be matched before this returns.
    pub fn join(&mut self, now: Micros, wish: Wish, host: &mut impl Host) -> Option<TicketId> {
        self.ground.now = now;
        self.home.join(&self.ground, wish, host)
    }

    /// The ticket at a place, see [`TicketId::slot`].
    pub fn ticket_at(&self, place: u32) -> Option<TicketId> {
        self.home.ticket_at(place)
    }

    /// Ends a ticket whose person leaves, joins anew, or is gone. Unknown tickets are ignored.
    pub fn leave(&mut self, now: Micros, ticket: TicketId, host: &mut impl Host) {
        self.ground.now = now;
        self.home.leave(&self.ground, ticket, host);
    }

    /// Takes a message from another shard, or from this one by way of its local queue.
    pub fn handle(
        &mut self,
        now: Micros,
        from: ShardId,
        message: MatchMessage,
        host: &mut impl Host,
    ) {
        self.ground.now = now;
        let ground = &self.ground;
        match message {
            MatchMessage::Post(card) => self.owner.post(ground, card, host),
            MatchMessage::Relax { ticket, level } => self.owner.relax(ground, ticket, level, host),
            MatchMessage::Withdraw { ticket } => self.owner.withdraw(ticket),
            MatchMessage::Outcome { a, b, outcome } => {
                self.owner.outcome(ground, (a, b), outcome, host);
            }
            MatchMessage::Propose { a, b, b_person, forgive } => {
                let proposal = home::Proposal { owner: from, a, b, b_person, forgive };
                self.home.propose(ground, proposal, host);
            }
            MatchMessage::Claim(claim) => self.home.claim(ground, claim, host),
            MatchMessage::Accept(accept) => self.home.accept(ground, *accept, host),
            MatchMessage::Refuse { a, b, owner, outcome } => {
                self.home.refused(ground, (a, b), owner, outcome, host);
            }
        }
    }

    /// When [`Self::wake`] has something to do: a tier to open, a scan to carry on.
    pub fn next_timeout(&self) -> Option<Micros> {
        if self.owner.owes() { Some(Micros(0)) } else { self.home.next_timeout() }
    }

    /// Opens what tiers are due and carries on scans that were broken off, `budget` steps at most.
    pub fn wake(&mut self, now: Micros, budget: usize, host: &mut impl Host) {
        self.ground.now = now;
        for _ in 0..budget {
            let opened = self.home.open_next(&self.ground, host);
            if !opened && !self.owner.owes() {
                return;
            }
            self.owner.carry_on(&self.ground, host);
        }
    }

    /// Opens the next tier of a ticket now, whatever its time; false if it is no more.
    ///
    /// For model checkers, which explore time as an order of events.
    pub fn open_up(&mut self, now: Micros, ticket: TicketId, host: &mut impl Host) -> bool {
        self.ground.now = now;
        self.home.open_up(&self.ground, ticket, host)
    }

    /// What must never be done instead of [`Self::leave`] and [`Self::join`]: gives a ticket, which
    /// may be held, another wish.
    #[cfg(feature = "faults")]
    pub fn replace_in_place(&mut self, ticket: TicketId, wish: Wish, host: &mut impl Host) {
        self.home.replace_in_place(&self.ground, ticket, wish, host);
    }

    /// Whether nothing is underway between this and other queues: no proposal, hold or outcome.
    pub fn is_settled(&self) -> bool {
        self.home.is_settled() && self.owner.is_settled()
    }

    /// Writes what is to be known of this queue but its tickets, each of which is a [`Stay`]. Lists
    /// are nothing that isn't posted.
    pub fn bequeath(&self, w: &mut Writer<'_>) {
        self.home.bequeath(w);
    }

    /// Goes on from where another queue was.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn inherit(&mut self, r: Reader<'_>) -> Result<(), Damage> {
        self.home.inherit(r)
    }

    /// What the ticket at a place is beyond what its person wished; None where there is none.
    pub fn stay(&self, place: u32) -> Option<Stay> {
        self.home.stay(place)
    }

    /// Makes a ticket again for what it was made for, under another name. Owners don't know it until
    /// it is [posted](Self::post_anew).
    pub fn take_in(&mut self, wish: Wish, stay: Stay) -> TicketId {
        self.home.take_in(&self.ground, wish, stay)
    }

    /// Posts the ticket at a place to all who list it.
    pub fn post_anew(&mut self, now: Micros, place: u32, host: &mut impl Host) {
        self.ground.now = now;
        self.home.post(&self.ground, place, host);
    }

    /// People of this home in the queue.
    pub fn queued(&self) -> usize {
        self.home.len()
    }

    /// People of this home in the queue, by how far their ticket has opened up.
    pub fn queued_by_level(&self) -> [u32; Level::COUNT] {
        self.home.per_level()
    }

    /// For auditors: the tickets of this home, and whether each is held.
    pub fn tickets(&self) -> Vec<(Card, bool)> {
        self.home.tickets()
    }

    /// For auditors: the tickets listed here as an owner, and whether each is busy.
    pub fn listed(&self) -> Vec<(TicketId, bool)> {
        self.owner.listed()
    }

    /// Tickets listed here as an owner.
    pub fn listed_len(&self) -> usize {
        self.owner.len()
    }
}

/// The hash under which an interest is kept on every node.
pub fn interest_key(placement: &Placement, name: &str) -> KeyHash {
    let mut bytes = arrayvec::ArrayVec::<u8, 160>::new();
    bytes.push(b'I');
    // A normalised interest is at most 32 characters of at most 4 bytes.
    bytes.extend(name.bytes().take(159));
    placement.hash(&bytes)
}

/// The hash under which a lane is kept on every node.
pub fn lane_key(placement: &Placement, lane: LaneId) -> KeyHash {
    placement.hash(&[b'L', lane.0])
}

impl Ground {
    fn lane_key(&self, lane: LaneId) -> KeyHash {
        self.lane_keys[usize::from(lane.0)]
    }

    fn owner(&self, key: KeyHash) -> ShardId {
        self.placement.owner(key)
    }
}

impl PartialEq for MatchQueue {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home && self.owner == other.owner
    }
}

impl Eq for MatchQueue {}

impl Hash for MatchQueue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.home.hash(state);
        self.owner.hash(state);
    }
}
