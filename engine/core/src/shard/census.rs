//! The numbers people are shown: each shard counts its own and tells the others once a second.

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

/// The latest numbers of every shard of this node.
#[derive(Clone, Debug)]
pub(super) struct Census {
    by_shard: Vec<Counts>,
    matched: u32,
    waited_ms: u64,
    rooms_opened: u64,
    faded: Micros,
    next: Micros,
    told: Counts,
}

impl Census {
    pub(super) fn new(now: Micros, shards: usize) -> Self {
        Self {
            by_shard: vec![Counts::default(); shards],
            matched: 0,
            waited_ms: 0,
            rooms_opened: 0,
            faded: now,
            next: now + INTERVAL,
            told: Counts::default(),
        }
    }

    pub(super) fn shards(&self) -> u16 {
        self.by_shard.len() as u16
    }

    pub(super) fn next(&self) -> Micros {
        self.next
    }

    pub(super) fn matched(&mut self, waited: Span) {
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

    /// This shard's own numbers, with what only its tables know.
    pub(super) fn count(&mut self, me: u16, online: usize, queued: usize, chats: usize) -> Counts {
        let counts = Counts {
            online: online as u32,
            queued: queued as u32,
            chats: chats as u32,
            matched: self.matched,
            waited_ms: self.waited_ms,
            rooms_opened: self.rooms_opened,
        };
        self.heard(me, counts);
        counts
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
        self.by_shard.iter().fold(Counts::default(), |sum, counts| Counts {
            online: sum.online + counts.online,
            queued: sum.queued + counts.queued,
            chats: sum.chats + counts.chats,
            matched: sum.matched.saturating_add(counts.matched),
            waited_ms: sum.waited_ms + counts.waited_ms,
            rooms_opened: sum.rooms_opened + counts.rooms_opened,
        })
    }
}

impl Counts {
    /// The mean wait of those matched lately, in milliseconds; 0 where nobody was.
    pub fn mean_wait_ms(&self) -> u32 {
        let mean = self.waited_ms.checked_div(u64::from(self.matched)).unwrap_or(0);
        u32::try_from(mean).unwrap_or(u32::MAX)
    }
}
