//! Pairs with an interest that nobody else has. One joins, waits a while, and then the other joins:
//! what is measured is the time from when that second join was *due* to its `matched`, so a
//! generator that falls behind only makes the server look worse. It has in it both ways through the
//! kernel and the generator's own turn, so it is an upper bound for what the engine takes. The
//! engine's own word stands beside it: `waitedMs`, which it counts by its clock from the join it
//! received to the `matched` it writes, is 0 exactly where that took less than a millisecond.
//!
//! Partners are chosen from different shards, where the server has more than one.

use std::collections::{HashSet, VecDeque};
use std::iter::Peekable;
use std::time::{Duration, Instant};

use whisper_proto::{ClientMessage, ServerMessage};

use crate::cli;
use crate::driver::{DriveError, Gathered, News, PersonId, Scenario, Scene};
use crate::plan::{Arrivals, Plan};
use crate::record::{Count, Timing};
use crate::scenarios::{UNMODERATED, interest, join};

/// How far to look for a partner not met before.
const CANDIDATES: usize = 64;

/// The people of one reactor, who only meet each other.
pub(super) struct Rendezvous {
    people: usize,
    seed: u64,
    lead: Duration,
    /// When pairs begin.
    arrivals: Peekable<Arrivals>,
    idle: Idle,
    pairs: VecDeque<Pair>,
    /// The number of the first of `pairs`.
    first: usize,
    /// How many of the pairs so far had their second join.
    arrived: usize,
    /// From the number of a pair to the number of its interest: no two reactors have the same.
    interests: (usize, usize),
    /// The pair that somebody is in.
    engaged: Vec<Option<usize>>,
}

struct Pair {
    waiting: PersonId,
    arriving: PersonId,
    /// When the second join should be said.
    due: Instant,
    /// Whether the first join is known to be in the queue.
    waits: bool,
    /// How many of the two were matched.
    matched: u8,
    over: bool,
}

/// People in no pair, by shard.
#[derive(Default)]
struct Idle {
    by_shard: Vec<VecDeque<PersonId>>,
    /// Who met whom: the engine remembers partners too, and would not pair them again.
    met: HashSet<(PersonId, PersonId)>,
}

impl Idle {
    fn add(&mut self, person: PersonId, shard: u16) {
        let shard = usize::from(shard);
        if self.by_shard.len() <= shard {
            self.by_shard.resize_with(shard + 1, VecDeque::new);
        }
        self.by_shard[shard].push_back(person);
    }

    /// Two who never met, of the two shards with the most people; of one where there is but one.
    fn take_pair(&mut self) -> Option<(PersonId, PersonId)> {
        let mut shards: Vec<usize> = (0..self.by_shard.len()).collect();
        shards.sort_by_key(|&shard| std::cmp::Reverse(self.by_shard[shard].len()));
        let here = *shards.first()?;
        let there = *shards.get(1).unwrap_or(&here);
        let one = self.by_shard[here].pop_front()?;
        let met = |other: &PersonId| self.met.contains(&ordered(one, *other));
        let place = self.by_shard[there].iter().take(CANDIDATES).position(|other| !met(other));
        let Some(other) = place.and_then(|place| self.by_shard[there].remove(place)) else {
            self.by_shard[here].push_back(one);
            return None;
        };
        self.met.insert(ordered(one, other));
        Some((one, other))
    }
}

fn ordered(one: PersonId, other: PersonId) -> (PersonId, PersonId) {
    (one.min(other), one.max(other))
}

impl Rendezvous {
    pub(super) fn new(plan: &Plan, reactor: usize, args: &cli::Match) -> Self {
        let people = plan.share(reactor).len();
        // Two joins make a pair, and each reactor's part is as large as its part of the people.
        let rate = args.rate / 2.0 * people as f64 / plan.people as f64;
        let offset = reactor as f64 / plan.reactors as f64;
        let seed = plan.seed.wrapping_add(reactor as u64);
        Self {
            people,
            seed: plan.seed,
            lead: args.lead,
            arrivals: Arrivals::new(&plan.load, rate, offset, args.spacing, seed).peekable(),
            idle: Idle::default(),
            pairs: VecDeque::new(),
            first: 0,
            arrived: 0,
            interests: (plan.reactors, reactor),
            engaged: vec![None; people],
        }
    }

    fn first_join(&mut self, scene: &mut Scene<'_>, due: Instant) {
        scene.count(Count::Requested);
        let Some((waiting, arriving)) = self.idle.take_pair() else {
            return scene.count(Count::Dropped);
        };
        let number = self.first + self.pairs.len();
        self.engaged[waiting] = Some(number);
        self.engaged[arriving] = Some(number);
        let due = due + self.lead;
        self.pairs.push_back(Pair {
            waiting,
            arriving,
            due,
            waits: false,
            matched: 0,
            over: false,
        });
        self.join(scene, waiting, number);
    }

    fn second_joins(&mut self, scene: &mut Scene<'_>, now: Instant) {
        while let Some(pair) = self.pairs.get(self.arrived - self.first)
            && pair.due <= now
        {
            let (arriving, due) = (pair.arriving, pair.due);
            if !pair.waits {
                scene.count(Count::Early);
            }
            scene.time(Timing::Lag, due.elapsed());
            self.join(scene, arriving, self.arrived);
            self.arrived += 1;
        }
    }

    fn join(&self, scene: &mut Scene<'_>, person: PersonId, number: usize) {
        let (times, plus) = self.interests;
        let interest = interest(self.seed, number * times + plus);
        scene.say(person, &join(UNMODERATED, &interest));
    }

    fn pair_of(&mut self, person: PersonId) -> Option<&mut Pair> {
        let number = self.engaged[person]?;
        self.pairs.get_mut(number - self.first)
    }

    fn matched(&mut self, scene: &mut Scene<'_>, person: PersonId, waited_ms: u32) {
        let now = Instant::now();
        let Some(pair) = self.pair_of(person) else {
            return scene.count(Count::Unexpected);
        };
        pair.matched += 1;
        let (both, waiting, arriving) = (pair.matched == 2, pair.waiting, pair.arriving);
        let took = now.saturating_duration_since(pair.due);
        if person == arriving {
            scene.count(Count::Done);
            scene.count_many(Count::Across, (scene.shard(waiting) != scene.shard(arriving)).into());
            scene.count_many(Count::Within1ms, (waited_ms == 0).into());
            scene.time(Timing::Match, took);
        } else {
            scene.time(Timing::PartnersMatch, took);
        }
        if both {
            scene.say(arriving, &ClientMessage::Leave);
        }
    }

    /// The chat ended, as it should: both are free again.
    fn parted(&mut self, scene: &mut Scene<'_>, person: PersonId) {
        let Some(pair) = self.pair_of(person).filter(|pair| pair.matched == 2) else {
            return scene.count(Count::Unexpected);
        };
        pair.over = true;
        for free in [pair.waiting, pair.arriving] {
            self.engaged[free] = None;
            self.idle.add(free, scene.shard(free).unwrap_or_default());
        }
        while self.pairs.front().is_some_and(|pair| pair.over) {
            self.pairs.pop_front();
            self.first += 1;
        }
    }
}

impl Scenario for Rendezvous {
    /// Pairs that were not matched.
    type Rest = usize;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready => self.idle.add(person, scene.shard(person).unwrap_or_default()),
            News::Message(ServerMessage::Searching(_)) => {
                if let Some(pair) = self.pair_of(person) {
                    pair.waits |= pair.waiting == person;
                }
            }
            News::Message(ServerMessage::Matched(matched)) => {
                self.matched(scene, person, matched.waited_ms);
            }
            News::Message(ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected) => {
                self.parted(scene, person);
            }
            News::Message(ServerMessage::Error(_) | ServerMessage::MatchTimeout { .. }) => {
                scene.count(Count::Unexpected);
            }
            News::Opened | News::Message(_) | News::Frame(_) | News::Ping => {}
        }
        Ok(())
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        Gathered::of(scene.ready(), self.people, "people are there")
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        let Some(began) = scene.began() else {
            scene.want(self.people);
            return Ok(None);
        };
        let now = Instant::now();
        while scene.is_loading()
            && let Some(at) = self.arrivals.next_if(|at| began + *at <= now)
        {
            self.first_join(scene, began + at);
        }
        self.second_joins(scene, now);
        let next = self.arrivals.peek().filter(|_| scene.is_loading()).map(|at| began + *at);
        let second = self.pairs.get(self.arrived - self.first).map(|pair| pair.due);
        Ok(next.into_iter().chain(second).min())
    }

    fn balance(&self) -> i64 {
        self.pairs.len() as i64
    }

    fn rest(self) -> usize {
        self.pairs.iter().filter(|pair| pair.matched < 2).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_meets_twice_and_shards_meet_each_other() {
        let mut idle = Idle::default();
        for person in 0..8 {
            idle.add(person, (person % 2) as u16);
        }
        let mut meetings = HashSet::new();
        for _ in 0..4 {
            let taken: Vec<_> = std::iter::from_fn(|| idle.take_pair()).collect();
            assert!(!taken.is_empty());
            for (one, other) in taken {
                assert_ne!(one % 2, other % 2, "of different shards");
                assert!(meetings.insert(ordered(one, other)), "for the first time");
                idle.add(one, (one % 2) as u16);
                idle.add(other, (other % 2) as u16);
            }
        }
    }

    #[test]
    fn one_shard_meets_itself() {
        let mut idle = Idle::default();
        (0..2).for_each(|person| idle.add(person, 0));
        assert_eq!(idle.take_pair(), Some((0, 1)));
        assert_eq!(idle.take_pair(), None);
    }
}
