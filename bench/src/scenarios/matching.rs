//! `match`: people who join while their partner waits, at a given rate whatever the answers.
//!
//! A pair has an interest that nobody else has. One joins, waits a while, and then the other joins:
//! what is measured is the time from the *intended* moment of that second join to its `matched`, so
//! a generator that falls behind only makes the server look worse. It has in it both ways through
//! the kernel and the generator's own turn, so it is an upper bound for what the engine takes. The
//! engine's own word stands beside it: `waitedMs`, which it counts by its clock from the join it
//! received to the `matched` it writes, is 0 exactly where that took less than a millisecond.
//!
//! Partners are chosen from different shards, where the server has more than one.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use whisper_proto::{ClientMessage, ServerMessage};

use super::{Failed, interest, join, prepare};
use crate::cli;
use crate::driver::{self, DriveError, Net, News, Next, Outcome, PersonId, Scenario};
use crate::measure::{Meter, Readings};
use crate::plan::{Dialect, Phase, Phases, Plan, PlanError};
use crate::report::{self, Report};

/// How far to look for a partner not met before.
const CANDIDATES: usize = 64;

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Match) -> Result<Report, Failed> {
    prepare(&args.aim)?;
    if args.rate == 0 {
        let must_be = "at least 1".to_owned();
        return Err(PlanError::Number { name: "--rate", must_be }.into());
    }
    let people = args.people.unwrap_or(2 * args.rate as usize).max(4);
    let mut plan = Plan::new(&args.aim, Dialect::Whisper, people)?;
    plan.ask_shard = true;
    let mut matching = Matching::new(&plan, args);
    let outcome = driver::run(plan, &mut matching)?;
    Ok(matching.report(&outcome))
}

struct Matching {
    people: usize,
    seed: u64,
    lead: Duration,
    /// From one pair's join to the next one's.
    interval: Duration,
    idle: Idle,
    pairs: VecDeque<Pair>,
    /// The number of the first of `pairs`.
    first: usize,
    /// How many of the pairs so far had their second join.
    arrived: usize,
    /// The pair that somebody is in.
    engaged: Vec<Option<usize>>,
    /// When pair 0 waits.
    began: Option<Instant>,
    phases: Phases,
    meter: Meter,
    readings: Option<Readings>,
    tally: Tally,
    times: Times,
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
    across: bool,
    measured: bool,
    over: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Pairs of the measured window that were matched.
    pairs: u64,
    /// Those on two shards.
    across: u64,
    /// Those whose second join took the engine less than a millisecond, by its own clock.
    within_1ms: u64,
    /// Pairs that were not begun because nobody was free.
    dropped: u64,
    /// Second joins said before the first was known to wait.
    early: u64,
    /// Errors, timeouts and strangers.
    troubles: u64,
}

struct Times {
    /// From the intended second join to its `matched`.
    arriving: Histogram<u64>,
    /// From the intended second join to the `matched` of who waited.
    waiting: Histogram<u64>,
    /// From the intended second join to when it was said.
    lag: Histogram<u64>,
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

impl Matching {
    fn new(plan: &Plan, args: &cli::Match) -> Self {
        Self {
            people: plan.people,
            seed: plan.seed,
            lead: Duration::from_millis(args.lead_ms),
            interval: Duration::from_secs(2) / args.rate,
            idle: Idle::default(),
            pairs: VecDeque::new(),
            first: 0,
            arrived: 0,
            engaged: vec![None; plan.people],
            began: None,
            phases: Phases::new(args.warm_up, args.secs),
            meter: Meter::new(args.aim.pid),
            readings: None,
            tally: Tally::default(),
            times: Times {
                arriving: report::latencies(),
                waiting: report::latencies(),
                lag: report::latencies(),
            },
        }
    }

    /// Has the first of each pair join whose time has come, and the second. Says when the next of
    /// them is due.
    fn keep_pace(&mut self, net: &mut Net<'_>, began: Instant) -> Instant {
        let now = Instant::now();
        loop {
            let number = self.first + self.pairs.len() + self.tally.dropped as usize;
            let due = began + self.interval * number as u32;
            if due > now {
                self.second_joins(net, now);
                let second = self.pairs.get(self.arrived - self.first).map(|pair| pair.due);
                return second.map_or(due, |second| second.min(due));
            }
            self.first_join(net, due);
        }
    }

    fn first_join(&mut self, net: &mut Net<'_>, due: Instant) {
        let measured = self.phases.phase() == Phase::Measured;
        let Some((waiting, arriving)) = self.idle.take_pair() else {
            self.tally.dropped += 1;
            return;
        };
        let number = self.first + self.pairs.len();
        self.engaged[waiting] = Some(number);
        self.engaged[arriving] = Some(number);
        self.pairs.push_back(Pair {
            waiting,
            arriving,
            due: due + self.lead,
            waits: false,
            matched: 0,
            across: net.shard(waiting) != net.shard(arriving),
            measured,
            over: false,
        });
        net.say(waiting, &join(&interest(self.seed, number)));
    }

    fn second_joins(&mut self, net: &mut Net<'_>, now: Instant) {
        while let Some(pair) = self.pairs.get(self.arrived - self.first)
            && pair.due <= now
        {
            self.tally.early += u64::from(!pair.waits);
            if pair.measured {
                self.times.lag.saturating_record(pair.due.elapsed().as_nanos() as u64);
            }
            net.say(pair.arriving, &join(&interest(self.seed, self.arrived)));
            self.arrived += 1;
        }
    }

    fn pair_of(&mut self, person: PersonId) -> Option<&mut Pair> {
        let number = self.engaged[person]?;
        self.pairs.get_mut(number - self.first)
    }

    fn matched(&mut self, net: &mut Net<'_>, person: PersonId, waited_ms: u32) {
        let now = Instant::now();
        let Some(pair) = self.pair_of(person) else {
            self.tally.troubles += 1;
            return;
        };
        pair.matched += 1;
        let (both, arriving) = (pair.matched == 2, pair.arriving);
        let (measured, across) = (pair.measured, pair.across);
        let took = now.saturating_duration_since(pair.due).as_nanos() as u64;
        if measured && person == arriving {
            self.tally.pairs += 1;
            self.tally.across += u64::from(across);
            self.tally.within_1ms += u64::from(waited_ms == 0);
            self.times.arriving.saturating_record(took);
        } else if measured {
            self.times.waiting.saturating_record(took);
        }
        if both {
            net.say(arriving, &ClientMessage::Leave);
        }
    }

    /// The chat ended, as it should: both are free again.
    fn parted(&mut self, net: &Net<'_>, person: PersonId) {
        let Some(pair) = self.pair_of(person).filter(|pair| pair.matched == 2) else {
            self.tally.troubles += 1;
            return;
        };
        pair.over = true;
        for free in [pair.waiting, pair.arriving] {
            self.engaged[free] = None;
            self.idle.add(free, net.shard(free).unwrap_or_default());
        }
        while self.pairs.front().is_some_and(|pair| pair.over) {
            self.pairs.pop_front();
            self.first += 1;
        }
    }

    fn report(&self, outcome: &Outcome) -> Report {
        let mut report = Report::new("match");
        let tally = self.tally;
        report.count("pairs", tally.pairs);
        report.count("pairs_across_shards", tally.across);
        if let Some(readings) = &self.readings {
            let joins = 2.0 * tally.pairs as f64;
            report.figure("joins_per_second", joins / readings.elapsed.as_secs_f64(), "");
            report.latency("match", &self.times.arriving);
            report.latency("partners_match", &self.times.waiting);
            let share = tally.within_1ms as f64 / tally.pairs.max(1) as f64 * 100.0;
            report.figure("engine_says_within_1ms_percent", share, "%");
            report.latency("generator_lag", &self.times.lag);
            report.cpu(readings, tally.pairs, "pair");
            report.judge_generator(readings);
        }
        report.count("joins_before_partner_waits", tally.early);
        report.count("pairs_dropped", tally.dropped);
        report.invalid_if(tally.dropped > 0, || {
            format!("{} pairs not begun, because nobody was free", tally.dropped)
        });
        let unmatched = self.pairs.iter().filter(|pair| pair.matched < 2).count();
        report.count("pairs_unmatched", unmatched);
        report.fault_if(unmatched > 0, || format!("{unmatched} pairs not matched"));
        report.count("troubles", tally.troubles);
        report.fault_if(tally.troubles > 0, || format!("{} unexpected answers", tally.troubles));
        report.fault_if(tally.pairs == 0, || "nobody was matched".to_owned());
        report.judge_people(outcome);
        report
    }
}

impl Scenario for Matching {
    fn heard(
        &mut self,
        net: &mut Net<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready => self.idle.add(person, net.shard(person).unwrap_or_default()),
            News::Message(ServerMessage::Searching(_)) => {
                if let Some(pair) = self.pair_of(person) {
                    pair.waits |= pair.waiting == person;
                }
            }
            News::Message(ServerMessage::Matched(matched)) => {
                self.matched(net, person, matched.waited_ms);
            }
            News::Message(ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected) => {
                self.parted(net, person)
            }
            News::Message(ServerMessage::Error(_) | ServerMessage::MatchTimeout { .. }) => {
                self.tally.troubles += 1;
            }
            News::Message(_) | News::Frame(_) | News::Ping => {}
        }
        Ok(())
    }

    fn turn(&mut self, net: &mut Net<'_>) -> Result<Next, DriveError> {
        net.want(self.people);
        let complete = match self.phases.phase() {
            Phase::Gathering => net.ready() == self.people,
            _ => self.pairs.is_empty(),
        };
        match self.phases.advance(Instant::now(), complete) {
            Some(Phase::WarmUp) => self.began = Some(Instant::now()),
            Some(Phase::Measured) => self.meter.begin()?,
            Some(Phase::Draining) => self.readings = self.meter.end()?,
            Some(Phase::Gathering | Phase::Over) | None => {}
        }
        let paced = match (self.phases.phase(), self.began) {
            (Phase::Gathering, _) | (_, None) => return Ok(Next::News),
            (Phase::Over, _) => return Ok(Next::Done),
            (Phase::WarmUp | Phase::Measured, Some(began)) => self.keep_pace(net, began),
            (Phase::Draining, _) => {
                self.second_joins(net, Instant::now());
                let next = self.pairs.get(self.arrived - self.first);
                next.map_or(Instant::now() + self.lead, |pair| pair.due)
            }
        };
        Ok(Next::At(self.phases.until().map_or(paced, |until| until.min(paced))))
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
