//! People who wait in the queue for somebody who comes later: in each round, one of two joins, and
//! the other a while after. Both say a word, and part. In the next round everybody meets somebody
//! else, since the engine avoids whom one has met.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::SmallRng;
use whisper_proto::ClientMessage;

use crate::driver::{PersonId, Scene};
use crate::record::{Count, Timing};
use crate::scenarios::{UNMODERATED, join};

/// Those of one reactor.
pub(super) struct Seekers {
    /// Both of each two of the first round.
    waiting: Vec<PersonId>,
    coming: Vec<PersonId>,
    /// Pairs of this round, by the place of who waits.
    pairs: Vec<Pair>,
    round: usize,
    /// Pairs that have not parted.
    left: usize,
    /// The longest that somebody waits for the other to come.
    wait_max: Duration,
    random: SmallRng,
    /// Of which pair the second joins when.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    /// What interests of this run and reactor begin with.
    mark: String,
    /// Words that are to be heard less words that were.
    pub(super) balance: i64,
}

/// Two people. Each fact is one of who waits, and one of who comes.
#[derive(Clone, Copy, Default)]
struct Pair {
    /// When the second joined.
    joined: Option<Instant>,
    heard: [bool; 2],
    parted: bool,
}

/// Where somebody stands.
struct Place {
    pair: usize,
    /// 0: who waits; 1: who comes.
    side: usize,
    partner: PersonId,
}

impl Seekers {
    pub(super) fn new(mark: String, wait_max: Duration, random: SmallRng) -> Self {
        Self {
            waiting: Vec::new(),
            coming: Vec::new(),
            pairs: Vec::new(),
            round: 0,
            left: 0,
            wait_max,
            random,
            due: BinaryHeap::new(),
            mark,
            balance: 0,
        }
    }

    /// Two more, before the first round.
    pub(super) fn add(&mut self, waits: PersonId, comes: PersonId) {
        self.waiting.push(waits);
        self.coming.push(comes);
    }

    /// Begins a round: those who wait join. After as many rounds as there are pairs everybody has
    /// met everybody, and there is none.
    pub(super) fn begin(&mut self, scene: &mut Scene<'_>) {
        let count = self.waiting.len();
        if self.round == count {
            return;
        }
        self.pairs = vec![Pair::default(); count];
        self.left = count;
        let now = Instant::now();
        for pair in 0..count {
            scene.say(self.waiting[pair], &join(UNMODERATED, &self.interest(pair)));
            let wait = self.wait_max.mul_f64(self.random.random_range(0.05..1.0));
            self.due.push(Reverse((now + wait, pair)));
        }
    }

    /// Has those join who are due.
    pub(super) fn come(&mut self, scene: &mut Scene<'_>, now: Instant) {
        while let Some(Reverse((at, pair))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            let comes = self.coming[(pair + self.round) % self.coming.len()];
            scene.say(comes, &join(UNMODERATED, &self.interest(pair)));
            self.pairs[pair].joined = Some(now);
            self.balance += 2;
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Nobody joins any more.
    pub(super) fn finish(&mut self) {
        self.due.clear();
    }

    /// Somebody is matched: the number of what they say to it.
    pub(super) fn matched(&self, scene: &mut Scene<'_>, person: PersonId) -> Option<u32> {
        let place = self.place(person)?;
        let Some(joined) = self.pairs[place.pair].joined else {
            scene.count(Count::Unexpected);
            return None;
        };
        if place.side == 1 {
            scene.time(Timing::Match, joined.elapsed());
        }
        Some(self.round as u32)
    }

    /// Somebody heard what another said with this number.
    pub(super) fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        from: u32,
        number: u32,
    ) {
        let Some(Place { pair, side, partner }) = self.place(person) else { return };
        if from != scene.name(partner) || number != self.round as u32 {
            return scene.count(Count::Foreign);
        }
        let heard = &mut self.pairs[pair].heard;
        if std::mem::replace(&mut heard[side], true) {
            return scene.count(Count::Doubled);
        }
        self.balance -= 1;
        scene.count(Count::Done);
        if *heard == [true; 2] {
            scene.say(self.waiting[pair], &ClientMessage::Leave);
        }
    }

    /// Somebody's partner is gone. Once all have parted, the next round begins.
    pub(super) fn parted(&mut self, scene: &mut Scene<'_>, person: PersonId) {
        let Some(Place { pair, side, .. }) = self.place(person) else { return };
        let Pair { heard, parted, .. } = &mut self.pairs[pair];
        if side == 0 || *heard != [true; 2] || std::mem::replace(parted, true) {
            return scene.count(Count::Unexpected);
        }
        self.left -= 1;
        if self.left == 0 && scene.is_loading() {
            self.round += 1;
            self.begin(scene);
        }
    }

    fn place(&self, person: PersonId) -> Option<Place> {
        let count = self.waiting.len();
        if let Ok(pair) = self.waiting.binary_search(&person) {
            return Some(Place {
                pair,
                side: 0,
                partner: self.coming[(pair + self.round) % count],
            });
        }
        let place = self.coming.binary_search(&person).ok()?;
        let pair = (place + count - self.round % count) % count;
        Some(Place { pair, side: 1, partner: self.waiting[pair] })
    }

    fn interest(&self, pair: usize) -> String {
        format!("{}r{}p{pair}", self.mark, self.round)
    }
}
