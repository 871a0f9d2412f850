//! The numbers people are shown: each shard counts its own and tells the others once a second; and
//! those for who runs the engine, which no shard tells another.

use whisper_proto::Stats;

use super::Shard;
use crate::codec::fields;
use crate::histogram::Histogram;
use crate::match_queue::{Affinity, Level};
use crate::time::{Micros, Span};

/// How often a shard tells the others its numbers.
pub(super) const INTERVAL: Span = Span::secs(1);

/// Waits older than a few of these no longer count in the average.
const FADE: Span = Span::secs(10);

/// One shard's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// People connected.
    pub online: u32,
    /// People in the queue.
    pub queued: u32,
    /// Chats whose first side is at home there.
    pub chats: u32,
    /// Matched people lately, fading.
    pub matched: u32,
    /// Their waits together, in milliseconds.
    pub waited_ms: u64,
    /// Rooms opened since the start, each counted where its id was made.
    pub rooms_opened: u64,
}

fields! {
    struct Counts { online, queued, chats, matched, waited_ms, rooms_opened }
    struct Elsewhere { online, queued, chats, matched, waited_ms, nodes, stale }
}

impl Counts {
    /// Those of two shards together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            online: self.online.saturating_add(other.online),
            queued: self.queued.saturating_add(other.queued),
            chats: self.chats.saturating_add(other.chats),
            matched: self.matched.saturating_add(other.matched),
            waited_ms: self.waited_ms.saturating_add(other.waited_ms),
            rooms_opened: self.rooms_opened.saturating_add(other.rooms_opened),
        }
    }
}

/// Waits in milliseconds, from 1 ms to 32.768 s and above.
pub type Waits = Histogram<0, 17>;

/// What a shard has done for its own people since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Tickets begun: joins, and skips that search again.
    pub tickets: u64,
    /// Tickets that ended because nobody was found in time.
    pub timeouts: u64,
    /// How long those waited who were matched, by what they have in common: as [`Affinity`] has it,
    /// the least first.
    pub waits: [Waits; 4],
    /// What was passed on to partners who are at home here.
    pub relayed_here: u64,
    /// What was passed on to partners who are at home in another shard.
    pub relayed_away: u64,
    /// Sessions brought back by a token.
    pub resumed: u64,
    /// Tokens of sessions that had forgotten what their person missed.
    pub resumes_gapped: u64,
    /// Tokens of sessions that are over, or in no chat, or were brought back by a later token.
    pub resumes_late: u64,
    /// People who lost their connection in a chat, and had time to come back.
    pub absences: u64,
}

/// The latest numbers of all other nodes together; of none, where there is only this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// People connected.
    pub online: u64,
    /// People in the queue.
    pub queued: u64,
    /// Chats.
    pub chats: u64,
    /// Matched people lately.
    pub matched: u64,
    /// Their waits together, in milliseconds.
    pub waited_ms: u64,
    /// How many nodes there are.
    pub nodes: u32,
    /// They can't be heard at present.
    pub stale: bool,
}

/// The latest numbers of every shard of this node, and of the other nodes.
#[derive(Clone, Debug)]
pub(super) struct Census {
    by_shard: Vec<Counts>,
    elsewhere: Elsewhere,
    matched: u32,
    waited_ms: u64,
    rooms_opened: u64,
    faded: Micros,
    next: Micros,
    told: Counts,
    pub(super) turnover: Turnover,
}

impl Shard {
    /// What this shard has done for its people.
    pub fn turnover(&self) -> &Turnover {
        &self.floor.census.turnover
    }

    /// People of this shard in the queue, by how far their ticket has opened up.
    pub fn queued_by_level(&self) -> [u32; Level::COUNT] {
        self.queue.queued_by_level()
    }

    /// People of this shard in a chat.
    pub fn chatting(&self) -> usize {
        self.floor.rooms.len()
    }
}

impl Census {
    pub(super) fn new(now: Micros, shards: usize) -> Self {
        Self {
            by_shard: vec![Counts::default(); shards],
            elsewhere: Elsewhere::default(),
            matched: 0,
            waited_ms: 0,
            rooms_opened: 0,
            faded: now,
            next: now + INTERVAL,
            told: Counts::default(),
            turnover: Turnover::default(),
        }
    }

    pub(super) fn shards(&self) -> u16 {
        self.by_shard.len() as u16
    }

    pub(super) fn next(&self) -> Micros {
        self.next
    }

    pub(super) fn matched(&mut self, affinity: Affinity, waited: Span) {
        self.turnover.waits[affinity as usize].record(waited.as_millis().into());
        self.matched = self.matched.saturating_add(1);
        self.waited_ms += u64::from(waited.as_millis());
    }

    pub(super) fn room_opened(&mut self) {
        self.rooms_opened += 1;
    }

    pub(super) fn heard(&mut self, shard: u16, counts: Counts) {
        if let Some(place) = self.by_shard.get_mut(usize::from(shard)) {
            *place = counts;
        }
    }

    pub(super) fn heard_elsewhere(&mut self, elsewhere: Elsewhere) {
        self.elsewhere = elsewhere;
    }

    /// This node, and those heard of.
    pub(super) fn nodes(&self) -> u32 {
        self.elsewhere.nodes.saturating_add(1)
    }

    /// What people are shown.
    pub(super) fn stats(&self) -> Stats {
        let (here, there) = (self.sum(), &self.elsewhere);
        let matched = u64::from(here.matched).saturating_add(there.matched);
        let waited_ms = here.waited_ms.saturating_add(there.waited_ms);
        let mean = waited_ms.checked_div(matched).unwrap_or(0);
        Stats {
            total_online: u64::from(here.online).saturating_add(there.online),
            in_queue: u64::from(here.queued).saturating_add(there.queued),
            active_chats: u64::from(here.chats).saturating_add(there.chats),
            avg_match_ms: u32::try_from(mean).unwrap_or(u32::MAX),
            stale: there.stale,
        }
    }

    /// This shard's own numbers, with what only its tables know.
    pub(super) fn tally(&self, online: usize, queued: usize, chats: usize) -> Counts {
        Counts {
            online: online as u32,
            queued: queued as u32,
            chats: chats as u32,
            matched: self.matched,
            waited_ms: self.waited_ms,
            rooms_opened: self.rooms_opened,
        }
    }

    pub(super) fn elsewhere(&self) -> Elsewhere {
        self.elsewhere
    }

    /// Goes on from these numbers of each shard, of which one is this. Rooms are counted anew.
    pub(super) fn inherit(&mut self, me: u16, all: impl Iterator<Item = (u16, Counts)>) {
        for (shard, counts) in all {
            if shard == me {
                (self.matched, self.waited_ms) = (counts.matched, counts.waited_ms);
            }
            self.heard(shard, Counts { rooms_opened: 0, ..counts });
        }
    }

    /// What is to be told to the others now, if anything.
    pub(super) fn news(&mut self, now: Micros, mine: Counts) -> Option<Counts> {
        if now < self.next {
            return None;
        }
        self.next = now + INTERVAL;
        if now.since(self.faded) >= FADE {
            self.faded = now;
            self.matched /= 2;
            self.waited_ms /= 2;
        }
        (std::mem::replace(&mut self.told, mine) != mine).then_some(mine)
    }

    /// The sum over the shards.
    pub(super) fn sum(&self) -> Counts {
        self.by_shard.iter().copied().fold(Counts::default(), Counts::and)
    }
}
