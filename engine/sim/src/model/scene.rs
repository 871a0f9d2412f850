//! Who is there, what they want, and what they may do.

use whisper_core::ids::SessionId;
use whisper_core::match_queue::{Fault, LaneId, Relaxation, Wish, interest_key, lane_key};
use whisper_shard_router::{KeyHash, Lodging, Placement, ShardId};

/// Shards of every scene. Some may have nothing to do.
pub const SHARDS: usize = 3;

/// The node of every shard, or of the first; not 0, so that a node forgotten somewhere shows.
const NODE: u16 = 7;

const KEY: [u8; 16] = *b"every order of 3";

/// Where a walk begins: who is there, and where what they want is owned.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What it is called, and shows.
    pub name: &'static str,
    /// The owner of each interest. Their hashes ascend.
    pub interests: &'static [u16],
    /// The owner of each lane.
    pub lanes: &'static [u16],
    /// What each shard's clock says, which is how old its tickets seem to be.
    pub clocks: [u64; SHARDS],
    /// Everybody, at most eight.
    pub people: Vec<Role>,
    /// Each shard is a node of its own, and what happens between them; None: all are one node.
    pub apart: Option<Apart>,
}

/// What happens to and between nodes.
#[derive(Clone, Copy, Debug)]
pub struct Apart {
    /// How often a link between two may be lost, with all that is under way on it.
    pub losses: u8,
    /// How often, at each, time may pass until what is due there next: until a lease ends, or a
    /// proposal lapses.
    pub waits: u8,
}

/// One person.
#[derive(Clone, Debug)]
pub struct Role {
    /// Their home shard.
    pub home: u16,
    /// What they want, and what they want when they have [replaced](Acts::replaces) that.
    pub desires: [Desire; 2],
    /// Whom they will never have, by number.
    pub refuses: &'static [usize],
    /// How often they may do what.
    pub may: Acts,
}

/// What somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Desire {
    /// Which of the scene's lanes.
    pub lane: usize,
    /// Which of the scene's interests.
    pub likes: &'static [usize],
    /// How far they open up.
    pub relaxation: Relaxation,
}

/// How often somebody may do each thing that can be done, whenever it can be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Acts {
    /// Come into the queue, where they are idle.
    pub joins: u8,
    /// Leave the queue or the chat. A ticket that times out ends in the same way.
    pub leaves: u8,
    /// Vanish from the queue or the chat.
    pub vanishes: u8,
    /// Move on to the next partner.
    pub skips: u8,
    /// Want their other desire instead, while queued.
    pub replaces: u8,
    /// Have their ticket open one tier more.
    pub opens: u8,
    /// Say something to the partner.
    pub says: u8,
    /// Have an operator close their lane at their home while they wait in it. Being banned is
    /// [vanishing](Self::vanishes).
    pub closes: u8,
}

/// A rule that is broken to see that it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// One of the match queue's.
    Queue(Fault),
    /// What a shard sends to itself takes effect before what it sent earlier to others. (It can't
    /// take effect in the middle of a handler: a host has no way back into the queue.)
    SelfMessageInline,
    /// What is said between two shards about a room is believed whichever room it is about.
    AnyRoomBelieved,
}

impl Broken {
    /// Every rule there is to break that the scenes can show.
    pub const ALL: [Self; 14] = [
        Self::Queue(Fault::TicketIdReused),
        Self::Queue(Fault::ReplacedInPlace),
        Self::Queue(Fault::HoldDiesWithTicket),
        Self::Queue(Fault::OneSideRescanned),
        Self::Queue(Fault::RefusalForgotten),
        Self::Queue(Fault::HeldIsGone),
        Self::Queue(Fault::WithdrawForgotten),
        Self::Queue(Fault::OrderSwapped),
        Self::Queue(Fault::KeyUnposted),
        Self::Queue(Fault::LeaseNeverEnds),
        Self::Queue(Fault::EnteredUnconfirmed),
        Self::Queue(Fault::LostIgnored),
        Self::SelfMessageInline,
        Self::AnyRoomBelieved,
    ];
}

impl Scene {
    /// The scene with its people at home wherever they could be.
    pub fn everywhere(self) -> impl Iterator<Item = Self> {
        let count = SHARDS.pow(self.people.len() as u32);
        (0..count).map(move |mut places| {
            let mut scene = self.clone();
            for person in &mut scene.people {
                person.home = (places % SHARDS) as u16;
                places /= SHARDS;
            }
            scene
        })
    }
}

impl Role {
    /// Somebody at a shard who comes once into the first lane, liking these.
    pub fn at(home: u16, likes: &'static [usize]) -> Self {
        let desire = Desire { lane: 0, likes, relaxation: Relaxation::Gradual };
        let may = Acts { joins: 1, ..Acts::default() };
        Self { home, desires: [desire; 2], refuses: &[], may }
    }

    /// They want this instead when they replace what they want, which they may do once.
    pub fn or(mut self, lane: usize, likes: &'static [usize]) -> Self {
        self.desires[1] = Desire { lane, likes, ..self.desires[0] };
        self.may.replaces = 1;
        self
    }

    /// They come so often.
    pub fn joins(mut self, times: u8) -> Self {
        self.may.joins = times;
        self
    }

    /// They may leave so often.
    pub fn leaves(mut self, times: u8) -> Self {
        self.may.leaves = times;
        self
    }

    /// They may vanish.
    pub fn vanishes(mut self) -> Self {
        self.may.vanishes = 1;
        self
    }

    /// They may skip so often.
    pub fn skips(mut self, times: u8) -> Self {
        self.may.skips = times;
        self
    }

    /// They may open up by so many tiers.
    pub fn opens(mut self, tiers: u8) -> Self {
        self.may.opens = tiers;
        self
    }

    /// They may say so much.
    pub fn says(mut self, lines: u8) -> Self {
        self.may.says = lines;
        self
    }

    /// Their lane may be closed while they wait.
    pub fn closes(mut self) -> Self {
        self.may.closes = 1;
        self
    }

    /// They open up so.
    pub fn opening(mut self, relaxation: Relaxation) -> Self {
        self.desires.iter_mut().for_each(|desire| desire.relaxation = relaxation);
        self
    }

    /// They won't have these.
    pub fn refusing(mut self, strangers: &'static [usize]) -> Self {
        self.refuses = strangers;
        self
    }
}

/// A scene with everything found that it names.
pub(super) struct Stage<'a> {
    pub(super) scene: &'a Scene,
    pub(super) broken: Option<Broken>,
    /// Whose a key is: among the shards of the one node, or in the cluster.
    pub(super) placement: Placement,
    interests: Vec<KeyHash>,
    lanes: Vec<LaneId>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(scene: &'a Scene, broken: Option<Broken>) -> Self {
        let mut placement = Placement::single_node(KEY, NODE, SHARDS as u16);
        if scene.apart.is_some() {
            let nodes = [0, 1, 2].map(|place| Lodging { node: NODE + place, weight: 1, shards: 1 });
            placement = placement.over(1, &nodes);
        }
        let interests = scene.interests.iter().enumerate();
        let interests = interests.map(|(part, &owner)| find_interest(&placement, part, owner));
        let mut lanes: Vec<LaneId> = Vec::new();
        for &owner in scene.lanes {
            let mut all = (0..).map(LaneId);
            let owned =
                |&lane: &LaneId| place(placement.owner(lane_key(&placement, lane))) == owner;
            let found = all.find(|lane| owned(lane) && !lanes.contains(lane));
            lanes.push(found.expect("each shard owns some lanes"));
        }
        Self { scene, broken, interests: interests.collect(), lanes, placement }
    }

    pub(super) fn session(&self, who: usize) -> SessionId {
        let ShardId { node, shard } = self.shard_id(self.scene.people[who].home);
        SessionId { node, shard, slot: who as u32, generation: 0 }
    }

    /// Whose a key is within its node.
    pub(super) fn at_home(&self, place: u16) -> Placement {
        match self.scene.apart {
            None => self.placement.clone(),
            Some(_) => Placement::single_node(KEY, NODE + place, 1),
        }
    }

    pub(super) fn shard_id(&self, place: u16) -> ShardId {
        match self.scene.apart {
            None => ShardId { node: NODE, shard: place },
            Some(_) => ShardId { node: NODE + place, shard: 0 },
        }
    }

    pub(super) fn wish(&self, who: usize, desire: usize) -> Wish {
        let Desire { lane, likes, relaxation } = self.scene.people[who].desires[desire];
        Wish {
            person: self.session(who),
            lane: self.lanes[lane],
            language: None,
            same_language: false,
            keys: likes.iter().map(|&interest| self.interests[interest]).collect(),
            relaxation,
            priority: 1,
        }
    }

    pub(super) fn name(&self, person: SessionId) -> &'static str {
        super::story::name(person.slot as usize)
    }

    pub(super) fn breaks(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }
}

/// The number of a shard in its scene.
pub(super) fn place(shard: ShardId) -> u16 {
    shard.node - NODE + shard.shard
}

/// An interest that `owner` owns, whose hash lies in the `part`th eighth of all there are.
fn find_interest(placement: &Placement, part: usize, owner: u16) -> KeyHash {
    let keys = (0..).map(|number| interest_key(placement, &format!("interest {number}")));
    let wanted = |key: &KeyHash| (key.0 >> 61) as usize == part;
    keys.filter(wanted).find(|&key| place(placement.owner(key)) == owner).expect("there are many")
}
