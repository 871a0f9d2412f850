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
//! Who has found nobody on their own node is posted to owners of the whole cluster too; what homes
//! of different nodes then say to each other stands in `lease`.
//!
//! A shard never calls itself: messages to its own owner side go out through [`Host::send`] like any
//! other. What this module doesn't know: rooms, people's connections, clocks, rings.

mod broker;
mod cadence;
mod card;
mod fault;
mod home;
mod lease;
mod list;
mod message;
mod owner;
mod wish;

use std::hash::{Hash, Hasher};

use whisper_shard_router::{KeyHash, Placement, ShardId};

pub use broker::LAPSE;
pub use cadence::{Cadence, Share, TierTimes};
pub use card::{Affinity, Card, Fit, KEYS_MAX, LANES, LaneId, Language, Level};
pub use fault::Fault;
pub use lease::LEASE;
pub use message::{Accept, Claim, ClusterMessage, MatchMessage, Outcome, Pair};
pub use wish::{Relaxation, Stay, Wish};

use self::broker::Broker;
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
    broker: Broker,
}

/// What both sides stand on: fixed for a run but for the time, which is that of the latest event, and
/// the share of the people.
#[derive(Clone)]
struct Ground {
    me: ShardId,
    share: Share,
    placement: Placement,
    /// The cluster's map, once there was one.
    cluster: Option<Placement>,
    cluster_after: Span,
    lane_keys: [KeyHash; LANES],
    times: TierTimes,
    now: Micros,
    broken: Broken,
}

/// How far somebody is looked for, and so by which map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reach {
    /// On this node.
    Node,
    /// On all nodes.
    Cluster,
}

/// What a ticket waits for somebody of its own node before others are asked, unless told otherwise.
pub const CLUSTER_AFTER: Span = Span::millis(500);

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
        let (cluster, cluster_after) = (None, CLUSTER_AFTER);
        let ground =
            Ground { me, share, placement, cluster, cluster_after, lane_keys, times, now, broken };
        let (owner, broker) = (Owner::new(seed, Reach::Node), Broker::new(!seed));
        Self { ground, home: Home::default(), owner, broker }
    }

    /// The same queue, whose tickets wait so long for somebody of their own node.
    pub fn asking_the_cluster_after(mut self, span: Span) -> Self {
        self.ground.cluster_after = span;
        self
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

    /// The cluster has another map. What was listed by the one before is forgotten, and all who wait
    /// are posted again by the next wakes.
    pub fn replace_map(&mut self, map: Placement) {
        self.ground.cluster = Some(map);
        self.broker.forget();
        self.home.go_round();
    }

    /// A link to a node is up: what is sent there from here on arrives, in order, until it is
    /// [lost](Self::lost).
    pub fn linked(&mut self, node: u16) {
        self.home.linked(node);
    }

    /// The link to a node is over, and what was under way on it is gone.
    pub fn lost(&mut self, now: Micros, node: u16, host: &mut impl Host) {
        self.ground.now = now;
        self.broker.lost(&self.ground, node, host);
        self.home.lost(&self.ground, node, host);
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
            MatchMessage::Post(card) => self.owner.post(ground, *card, host),
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
            MatchMessage::Cluster(message) => self.handle_abroad(*message, host),
        }
    }

    fn handle_abroad(&mut self, message: ClusterMessage, host: &mut impl Host) {
        let (ground, home) = (&self.ground, &mut self.home);
        match message {
            ClusterMessage::Post { epoch, card } if ground.epoch() == Some(epoch) => {
                self.broker.post(ground, card, host);
            }
            ClusterMessage::Post { epoch: _, card } => {
                let stale = ClusterMessage::Stale { ticket: card.ticket };
                host.send(card.ticket.home(), MatchMessage::Cluster(Box::new(stale)));
            }
            ClusterMessage::Stale { ticket } => home.stale(ground, ticket),
            ClusterMessage::Withdraw { ticket } => self.broker.withdraw(ticket),
            ClusterMessage::Propose { pair, b_person, forgive } => {
                home.propose_abroad(ground, pair, (b_person, forgive), host);
            }
            ClusterMessage::Claim { pair, a_person, a_names, forgive } => {
                home.claim_abroad(ground, pair, (a_person, a_names, forgive), host);
            }
            ClusterMessage::Accept { pair, b_person, b_names, room } => {
                home.accept_abroad(ground, pair, (b_person, b_names, room), host);
            }
            ClusterMessage::Refuse { pair, room, outcome } => {
                home.refuse_abroad(ground, pair, (room, outcome), host);
            }
            ClusterMessage::Confirm { pair, room } => home.confirm(ground, pair, room, host),
            ClusterMessage::Confirmed { pair, b_person, room } => {
                home.confirmed(ground, pair, (b_person, room), host);
            }
            ClusterMessage::Release { pair, room } => home.release(ground, pair, room, host),
            ClusterMessage::Outcome { pair, outcome } => {
                self.broker.outcome(ground, pair, outcome, host);
            }
        }
    }

    /// When [`Self::wake`] has something to do: a tier to open, a scan to carry on.
    pub fn next_timeout(&self) -> Option<Micros> {
        if self.owner.owes() {
            return Some(Micros(0));
        }
        let here = self.home.next_timeout();
        if self.ground.cluster.is_none() {
            return here;
        }
        [here, self.home.abroad.next_timeout(), self.broker.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Opens what tiers are due and carries on scans that were broken off, `budget` steps at most.
    pub fn wake(&mut self, now: Micros, budget: usize, host: &mut impl Host) {
        self.ground.now = now;
        for _ in 0..budget {
            let opened = self.home.open_next(&self.ground, host);
            if !opened && !self.owner.owes() {
                break;
            }
            self.owner.carry_on(&self.ground, host);
        }
        if self.ground.cluster.is_some() {
            self.home.wake_abroad(&self.ground, budget, host);
            self.broker.wake(&self.ground, budget, host);
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

    /// Whether nothing is underway between this and other queues of its node: no proposal, hold or
    /// outcome. A lease is no hindrance: whoever has one is free once it is over.
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

    /// For auditors: the tickets of this home that are leased to another node, and until when.
    pub fn leases(&self) -> Vec<(TicketId, Micros)> {
        self.home.abroad.leases().collect()
    }

    /// For auditors: the tickets listed here as a cluster owner, and whether each is busy.
    pub fn cluster_listed(&self) -> Vec<(TicketId, bool)> {
        self.broker.listed()
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

    fn map(&self, reach: Reach) -> &Placement {
        match (reach, &self.cluster) {
            (Reach::Cluster, Some(cluster)) => cluster,
            _ => &self.placement,
        }
    }

    /// The cluster's map, where there is anybody else on it.
    fn cluster_map(&self) -> Option<&Placement> {
        self.cluster.as_ref().filter(|map| map.nodes().len() > 1)
    }

    /// The name of the cluster's map.
    fn epoch(&self) -> Option<u64> {
        self.cluster.as_ref().map(Placement::epoch)
    }
}

impl PartialEq for MatchQueue {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home && self.owner == other.owner && self.broker == other.broker
    }
}

impl Eq for MatchQueue {}

impl Hash for MatchQueue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.home.hash(state);
        self.owner.hash(state);
        self.broker.hash(state);
    }
}
