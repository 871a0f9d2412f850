//! How one process follows another: what its shards leave ([`Shard::bequeath`]), and how the shards of
//! the next take it on ([`Shard::inherit`]), as many as before or another number.
//!
//! ```text
//! Shard::bequeath ─ bytes ─┐
//! Shard::bequeath ─ bytes ─┼─▶ Succession::read ─▶ Shard::inherit, one after another or at once
//! Shard::bequeath ─ bytes ─┘
//! ```
//!
//! A shard is left when nothing is underway between it and others: then no ticket is held, and what
//! owners list is nothing but what homes have posted, who post it again. All of a person stands in
//! one place: their ticket, their side of a room, what is kept for them. What is counted by key
//! (addresses, marks) goes to whoever owns the key among the new shards.
//!
//! # What goes along, and what doesn't
//! Everything that somebody could miss goes along: people, tickets, rooms, what was told and isn't
//! acknowledged, who is waited for and until when, partners met, what is held against whom, rates,
//! seats, how often lanes are joined, the numbers that people are shown, lanes and drains as they were
//! ordered, and the secret of tokens.
//! What begins anew: settings and rules, which are those of the next process; counters since the
//! start, for so do all counters of a process; where sweeps stand; hash tables' seeds; the randomness
//! of rooms' ids, which must not be foretold by who knew the last process's.
//!
//! # Form
//! A line of magic, the number of the format, a head (all that is known of a shard before its people
//! are), and parts, each with its length before it. Values are written as [`codec`](crate::codec) has
//! it, by one line next to each type. Whoever changes what such a type holds changes the format: the
//! tests keep what format 1 looked like, and each build reads its own format and the one before.
//! Whether bytes arrived as they were sent is for the bearer to know; here, they make sense or they
//! don't.

mod renaming;

use std::ops::RangeInclusive;

use thiserror::Error;
use whisper_shard_router::{KeyHash, Placement, ShardId};

pub(crate) use self::renaming::Renaming;
use crate::codec::{Damage, Field as _, Reader, Writer, fields};
use crate::ids::SessionId;
use crate::match_queue::{LaneId, lane_key};
use crate::settings::{Drain, OpenLanes};
#[cfg(doc)]
use crate::shard::Shard;
use crate::shard::{Counts, Elsewhere};
use crate::time::Micros;

/// The formats that this build reads. It writes the latest.
pub const FORMATS: RangeInclusive<u16> = 1..=1;

/// What every shard's state begins with.
const MAGIC: &[u8] = b"whisper shard\n";

/// Places that the table of people of one shard may have: four times as many as one process has
/// descriptors.
const SPAN_MAX: u64 = 1 << 22;

/// Why a process can't follow the one before. Nothing is lost by that: the one before goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It writes a format that this build doesn't read: too old, or too new.
    #[error("state of format {0}, of which this build reads {first} to {last}", first = FORMATS.start(), last = FORMATS.end())]
    Format(u16),
    /// The shards aren't those of one process, each once.
    #[error("not every shard of the process before has left its state, each once")]
    Incomplete,
    /// Interests, lanes and addresses are hashed under another secret than here.
    #[error("the process before has another cluster secret")]
    OtherSecret,
    /// It was another node of the cluster, which everybody in it is named by.
    #[error("the process before was node {before} of the cluster, and this is node {now}")]
    OtherNode {
        /// Which it was.
        before: u16,
        /// Which this is.
        now: u16,
    },
    /// They have more places than there can be, by number.
    #[error("more places than {shards} shards have", shards = .0)]
    TooFew(u16),
    /// Something else is written there.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// A shard isn't to be left yet: a message about a ticket is underway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a ticket is held, or an outcome awaited: messages between shards are still underway")]
pub struct Unsettled;

/// What is known of a shard before its people are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) me: ShardId,
    /// How many shards its node has.
    pub(crate) shards: u16,
    pub(crate) now: Micros,
    /// The key of a lane: what the secret of the placement makes of it.
    pub(crate) lane_key: KeyHash,
    pub(crate) session_secret: [u8; 32],
    /// Places of its table of people, taken and free.
    pub(crate) span: u32,
    /// The generation given last.
    pub(crate) arrivals: u32,
    pub(crate) renaming: Renaming,
    pub(crate) counts: Counts,
    pub(crate) elsewhere: Elsewhere,
    pub(crate) lanes: OpenLanes,
    pub(crate) drain: Option<Drain>,
}

fields! {
    struct Head {
        me, shards, now, lane_key, session_secret, span, arrivals, renaming, counts, elsewhere, lanes,
        drain
    }
}

/// What one shard left.
#[derive(Clone, Debug)]
pub(crate) struct Estate<'a> {
    pub(crate) head: Head,
    pub(crate) queue: Reader<'a>,
    pub(crate) people: Reader<'a>,
    pub(crate) admission: Reader<'a>,
    pub(crate) standings: Reader<'a>,
}

/// What all shards of a process left, for those of the next. Reading it is cheap: people are read by
/// whoever takes them on.
#[derive(Clone, Debug)]
pub struct Succession<'a> {
    /// By the number of the shard.
    estates: Vec<Estate<'a>>,
    /// How many there are now.
    shards: u16,
    renaming: Renaming,
    arrivals: u32,
    #[cfg(feature = "faults")]
    oversight: Option<Oversight>,
}

/// Something that is left out, to see that it is missed.
#[cfg(feature = "faults")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversight {
    /// Nobody posts tickets again.
    TicketsUnposted,
    /// Who met whom.
    Partners,
    /// What is kept of chats.
    Kept,
    /// Until when somebody is waited for.
    Deadlines,
    /// Whose connection is gone by now.
    Unlinked,
    /// Which generations were given.
    Generations,
    /// That people have other names in another number of shards.
    Names,
    /// That their tokens have not.
    Tokens,
    /// Which lanes are open.
    Lanes,
}

impl<'a> Succession<'a> {
    /// Reads what the shards of a process left, in any order, for so many.
    ///
    /// # Errors
    /// [`Refused`].
    ///
    /// # Panics
    /// Where `shards` is 0.
    pub fn read(estates: &[&'a [u8]], shards: u16, placement: &Placement) -> Result<Self, Refused> {
        assert!(shards > 0, "a node has at least one shard");
        let mut estates =
            estates.iter().map(|bytes| Estate::read(bytes)).collect::<Result<Vec<_>, _>>()?;
        estates.sort_by_key(|estate| estate.head.me);
        let first = &estates.first().ok_or(Refused::Incomplete)?.head;
        if first.lane_key != lane_key(placement, LaneId(0)) {
            return Err(Refused::OtherSecret);
        }
        let (before, now) = (first.me.node, placement.owner(first.lane_key).node);
        if before != now {
            return Err(Refused::OtherNode { before, now });
        }
        let is_one_of = |(shard, Estate { head, .. }): (usize, &Estate<'_>)| {
            let me = ShardId { shard: shard as u16, ..first.me };
            let process = |it: &Head| (it.lane_key, it.session_secret, it.renaming.clone());
            head.me == me
                && usize::from(head.shards) == estates.len()
                && process(head) == process(first)
        };
        if !estates.iter().enumerate().all(is_one_of) {
            return Err(Refused::Incomplete);
        }
        let arrivals = estates.iter().map(|estate| estate.head.arrivals).reduce(renaming::later);
        let arrivals = arrivals.expect("there is a first");
        let spans: Vec<_> = estates.iter().map(|estate| estate.head.span).collect();
        let renaming = first.renaming.followed(&spans, shards, arrivals);
        let succession = Self {
            renaming: renaming.ok_or(Refused::TooFew(shards))?,
            estates,
            shards,
            arrivals,
            #[cfg(feature = "faults")]
            oversight: None,
        };
        let fits = |shard| {
            succession.left_to(shard).map(|it| u64::from(it.1.head.span)).sum::<u64>() <= SPAN_MAX
        };
        if !(0..shards).all(fits) {
            return Err(Refused::TooFew(shards));
        }
        Ok(succession)
    }

    /// The latest time that any of the shards knew. Those that follow must not be told an earlier one.
    pub fn now(&self) -> Micros {
        self.estates.iter().map(|estate| estate.head.now).max().unwrap_or_default()
    }

    /// How somebody of the process before is named now, and so at which shard they are at home.
    /// Whoever is of another node has the name that they had.
    pub fn home_of(&self, session: SessionId) -> SessionId {
        if session.node != self.estates[0].head.me.node {
            return session;
        }
        #[cfg(feature = "faults")]
        if self.overlooks(Oversight::Names) {
            return session;
        }
        self.renaming.current(session)
    }

    /// What is left to a shard, and at which place of it the people begin.
    pub(crate) fn left_to(&self, shard: u16) -> impl Iterator<Item = (u32, &Estate<'a>)> {
        let begin = usize::from(shard).min(self.estates.len());
        let mut place = 0;
        self.estates[begin..].iter().step_by(self.shards.into()).map(move |estate| {
            let offset = place;
            place += estate.head.span;
            (offset, estate)
        })
    }

    /// Every estate, for what is owned by key.
    pub(crate) fn all(&self) -> &[Estate<'a>] {
        &self.estates
    }

    /// The orders that a shard goes on under: its own, or those of the first.
    pub(crate) fn head_for(&self, shard: u16) -> &Head {
        &self.estates.get(usize::from(shard)).unwrap_or(&self.estates[0]).head
    }

    /// The numbers of the shards as they will be.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u16, Counts)> {
        (0..self.shards).map(|shard| {
            let all = self.left_to(shard).map(|(_, estate)| estate.head.counts);
            (shard, all.fold(Counts::default(), Counts::and))
        })
    }

    /// How ids that earlier processes gave are read.
    pub(crate) fn renaming(&self) -> Renaming {
        #[cfg(feature = "faults")]
        if self.overlooks(Oversight::Tokens) {
            return Renaming::default();
        }
        self.renaming.clone()
    }

    /// The generation that all that were given come before.
    pub(crate) fn arrivals(&self) -> u32 {
        #[cfg(feature = "faults")]
        if self.overlooks(Oversight::Generations) {
            return 0;
        }
        self.arrivals
    }

    /// The secret of tokens, which stays the same.
    pub(crate) fn session_secret(&self) -> [u8; 32] {
        self.estates[0].head.session_secret
    }

    /// The same, with something left out.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn overlooking(mut self, oversight: Option<Oversight>) -> Self {
        self.oversight = oversight;
        self
    }

    #[cfg(feature = "faults")]
    pub(crate) fn overlooks(&self, oversight: Oversight) -> bool {
        self.oversight == Some(oversight)
    }
}

/// Begins to write what a shard leaves.
pub(crate) fn begin(out: &mut Vec<u8>) -> Writer<'_> {
    let mut w = Writer::new(out);
    w.bytes(MAGIC);
    w.number((*FORMATS.end()).into());
    w
}

impl<'a> Estate<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        let mut r = Reader::new(bytes);
        if r.bytes(MAGIC.len())? != MAGIC {
            return Err(Damage.into());
        }
        let format = u16::get(&mut r)?;
        if !FORMATS.contains(&format) {
            return Err(Refused::Format(format));
        }
        let estate = Self {
            head: Head::get(&mut r)?,
            queue: r.part()?,
            people: r.part()?,
            admission: r.part()?,
            standings: r.part()?,
        };
        r.end()?;
        Ok(estate)
    }
}
