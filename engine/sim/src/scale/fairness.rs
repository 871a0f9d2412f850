//! Whether anybody waits longer because of where they are, rather than of what they like.
//!
//! Homes and seats are dealt to people by chance. So within each tenth of the people by how common
//! their interests are, those of one group (a home shard, a range of seats) should wait as everybody
//! else in that tenth does. Two figures of a group are held against the same of everybody else:
//!
//! - its **mean wait**, which is what it costs, and tells of few who wait very long;
//! - the **share** of its waits above the tenth's median, which tells of many who wait a little longer.
//!
//! Either may hide what the other shows, so either suffices. A group *stands apart* where one of them
//! differs
//!
//! - **by more than chance explains.** The difference in standard errors, two-sided, at 1 % for all
//!   figures of all groups of a run together (Bonferroni). Waits aren't independent: those of one
//!   person are alike, and those at one home at one time share what that home believed of its lanes. So
//!   the variance is that of sums over people, and what sums over slices of time vary beyond their
//!   single waits is added (clustering two ways: Cameron, Gelbach and Miller, 2011; the second part is
//!   never taken for less than nothing). Waits that all homes share in a slice cancel out.
//! - **and by enough to matter**: by more than [`APART`] of everybody else's mean wait, or of all waits.
//!   Two spans of time that differ by less than some five per cent are told apart by nobody (Weber's
//!   law), and this is well below.
//! - **and not only by the distance between cores**: all this has to hold though each wait of the
//!   group is first taken to be nearer to the others by what the messages of a match take on average,
//!   the most that whoever shares a core with every owner can win. It is a tenth of a millisecond.

mod clusters;

pub use self::clusters::Difference;
use self::clusters::{Part, SLICES, Wait};
use super::plan::Plan;
use super::samples::{Sample, Tally, decile};

/// Groups with fewer samples in a tenth aren't judged.
pub const GROUP_MIN: usize = 1_000;

/// Nor those of fewer people: their variance would be a guess.
const PEOPLE_MIN: usize = 100;

/// Tenths with fewer samples aren't judged.
const DECILE_MIN: usize = 10_000;

/// The part by which a mean wait, or the share of waits above the median, may differ.
const APART: f64 = 0.03;

/// The chance that a run is called unfair which isn't.
const FALSE_ALARM: f64 = 0.01;

/// Messages of a match that follow one another: post, propose, claim, accept.
const MESSAGES: u64 = 4;

/// Standard errors by which four estimates of five don't fall below the truth.
const FOUR_OF_FIVE: f64 = 0.8416;

/// How people are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// By home shard.
    Shard,
    /// By place in the crowd, in 16 ranges of equal length: who got a low id, who a high one.
    Seat,
}

/// How fair waits were.
#[derive(Clone, Debug, PartialEq)]
pub struct Fairness {
    /// Groups judged, over all tenths.
    pub judged: usize,
    /// Those that chance doesn't explain, the least likely first.
    pub unlike: Vec<Group>,
    /// The number of standard errors that would be too many.
    pub threshold: f64,
    /// The part by which mean waits would have to differ for the group to stand apart four times of
    /// five: in the median group, and in the one of which least can be said.
    pub noticed: (f64, f64),
}

/// A group of people within a tenth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// In which tenth, from 0.
    pub tenth: usize,
    /// Which group.
    pub number: usize,
    /// The mean wait of everybody else in the tenth, in milliseconds.
    pub others_ms: f64,
    /// How much longer its own mean wait is, in milliseconds.
    pub longer_ms: Difference,
    /// How much greater its share of waits above the tenth's median is.
    pub share: Difference,
    /// Whether it stands apart.
    pub apart: bool,
}

impl Fairness {
    /// The groups that stand apart.
    pub fn apart(&self) -> impl Iterator<Item = &Group> {
        self.unlike.iter().filter(|group| group.apart)
    }
}

impl Group {
    /// How much longer its mean wait is, as a part of everybody else's.
    pub fn longer(&self) -> f64 {
        self.longer_ms.by / self.others_ms
    }

    fn errors(&self) -> f64 {
        self.longer_ms.errors().abs().max(self.share.errors().abs())
    }
}

/// Judges a run of `plan`.
pub fn fairness(tally: &Tally, grouping: Grouping, plan: &Plan) -> Fairness {
    let bounds = tally.deciles();
    let tenths = (0..10).filter_map(|number| {
        let within = |it: &&Sample| decile(&bounds, it.commonness) == number;
        let samples: Vec<_> = tally.samples.iter().filter(within).collect();
        (samples.len() >= DECILE_MIN).then(|| Tenth::new(number, &samples, grouping, plan))
    });
    let tenths: Vec<_> = tenths.collect();
    let judged: Vec<_> = tenths.iter().flat_map(Tenth::figures).collect();
    let threshold = two_sided(FALSE_ALARM / (2 * judged.len()).max(1) as f64);
    let mut noticed: Vec<_> = judged.iter().map(|it| it.noticed(threshold)).collect();
    noticed.sort_unstable_by(f64::total_cmp);
    let noticed_by = |place: usize| noticed.get(place).copied().unwrap_or(f64::INFINITY);
    let groups = judged.iter().map(|it| it.group(threshold));
    let mut unlike: Vec<_> =
        groups.filter(|group| group.apart || group.errors() > threshold).collect();
    unlike.sort_unstable_by(|one, other| other.errors().total_cmp(&one.errors()));
    Fairness {
        judged: judged.len(),
        unlike,
        threshold,
        noticed: (noticed_by(noticed.len() / 2), noticed_by(noticed.len().saturating_sub(1))),
    }
}

/// The waits of one tenth.
struct Tenth {
    number: usize,
    /// By group, then by person, then by slice of time.
    waits: Vec<Wait>,
    median: i64,
    /// What the messages of a match take on average.
    distance: i64,
}

impl Tenth {
    /// `samples` in the order in which they came.
    fn new(number: usize, samples: &[&Sample], grouping: Grouping, plan: &Plan) -> Self {
        let group = |it: &Sample| match grouping {
            Grouping::Shard => usize::from(it.shard),
            Grouping::Seat => (u64::from(it.seat) * 16 / u64::from(plan.users.max(1))) as usize,
        };
        let wait = |(place, it): (usize, &&Sample)| Wait {
            group: group(it),
            person: it.seat,
            slice: place * SLICES / samples.len(),
            waited: it.waited.into(),
        };
        let mut waits: Vec<_> = samples.iter().enumerate().map(wait).collect();
        let middle = waits.len() / 2;
        let median = waits.select_nth_unstable_by_key(middle, |it| it.waited).1.waited;
        waits.sort_unstable_by_key(|it| (it.group, it.person, it.slice));
        let distance = (plan.latency_mean().0 * MESSAGES) as i64;
        Self { number, waits, median, distance }
    }

    /// The figures of each group of which there is enough.
    fn figures(&self) -> Vec<Figures> {
        let length = |waited: i64| (waited - self.median) as f64 / 1_000.0;
        let side = |waited: i64| (waited - self.median).signum() as f64 / 2.0;
        let lengths = Part::of(&self.waits, length);
        let sides = Part::of(&self.waits, side);
        let groups = self.waits.chunk_by(|one, other| one.group == other.group);
        groups
            .filter(|group| {
                let people = group.chunk_by(|one, other| one.person == other.person);
                let others = self.waits.len() - group.len();
                group.len().min(others) >= GROUP_MIN && people.count() >= PEOPLE_MIN
            })
            .map(|group| Figures {
                tenth: self.number,
                number: group[0].group,
                distance_ms: self.distance as f64 / 1_000.0,
                median_ms: self.median as f64 / 1_000.0,
                longer_ms: Three::of(group, &lengths, length, self.distance),
                share: Three::of(group, &sides, side, self.distance),
            })
            .collect()
    }
}

/// What is known of one group.
struct Figures {
    tenth: usize,
    number: usize,
    distance_ms: f64,
    median_ms: f64,
    /// From the median on.
    longer_ms: Three,
    share: Three,
}

/// A difference as it is, and as it would be were each wait of the group shorter, or longer, by the
/// distance between cores.
struct Three {
    /// Of everybody else.
    others: f64,
    plain: Difference,
    shortened: Difference,
    lengthened: Difference,
}

impl Three {
    fn of(group: &[Wait], whole: &Part, figure: impl Fn(i64) -> f64, distance: i64) -> Self {
        let part = |by: i64| Part::of(group, |waited| figure(waited + by));
        let plain = part(0);
        let others = whole.without(&plain);
        Self {
            others: others.mean(),
            plain: plain.against(&others),
            shortened: part(-distance).against(&others),
            lengthened: part(distance).against(&others),
        }
    }

    fn apart(&self, threshold: f64, size: f64) -> bool {
        let Self { shortened: longer, lengthened: shorter, .. } = self;
        (longer.by > size && longer.errors() > threshold)
            || (shorter.by < -size && shorter.errors() < -threshold)
    }
}

impl Figures {
    fn group(&self, threshold: f64) -> Group {
        let Self { tenth, number, .. } = *self;
        let others_ms = self.others_ms();
        Group {
            tenth,
            number,
            others_ms,
            longer_ms: self.longer_ms.plain,
            share: self.share.plain,
            apart: self.longer_ms.apart(threshold, APART * others_ms)
                || self.share.apart(threshold, APART),
        }
    }

    fn others_ms(&self) -> f64 {
        self.median_ms + self.longer_ms.others
    }

    /// The part by which the mean wait has to be longer to be noticed four times of five.
    fn noticed(&self, threshold: f64) -> f64 {
        let (error, others_ms) = (self.longer_ms.plain.error, self.others_ms());
        let least = (threshold * error).max(APART * others_ms) + self.distance_ms;
        (least + FOUR_OF_FIVE * error) / others_ms
    }
}

/// The number of standard deviations that a normal variable exceeds, on either side, with this
/// chance.
fn two_sided(chance: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if libm::erfc(middle / std::f64::consts::SQRT_2) > chance {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use whisper_proto::Tier;

    use super::*;

    const PEOPLE: u32 = 16_000;

    /// 25 waits of each person, from 0 to 1,000 µs and what `more` adds for a seat and a shard.
    fn town(more: impl Fn(u32, u16) -> u32) -> Tally {
        let sample = |number: u32| {
            let (seat, shard) = (number % PEOPLE, (number % 4) as u16);
            Sample {
                waited: scatter(number) % 1_000 + more(seat, shard),
                commonness: scatter(seat) % 1_000,
                seat,
                shard,
                tier: Tier::Single,
                shared: 1,
                across: false,
            }
        };
        Tally { samples: (0..25 * PEOPLE).map(sample).collect(), timeouts: 0 }
    }

    fn scatter(number: u32) -> u32 {
        let mixed = (number ^ number >> 15).wrapping_mul(0x2C1B_3C6D);
        let mixed = (mixed ^ mixed >> 12).wrapping_mul(0x297A_2D39);
        mixed ^ mixed >> 15
    }

    fn judge(tally: &Tally, grouping: Grouping) -> Fairness {
        fairness(tally, grouping, &Plan { shards: 4, users: PEOPLE, ..Plan::default() })
    }

    #[test]
    fn one_per_cent_is_two_and_a_half_deviations() {
        assert!((two_sided(0.01) - 2.5758).abs() < 0.001);
    }

    #[test]
    fn like_waits_are_fair() {
        for grouping in [Grouping::Shard, Grouping::Seat] {
            let fair = judge(&town(|_, _| 0), grouping);
            assert!(fair.judged >= 40 && fair.unlike.is_empty(), "{fair:?}");
        }
    }

    #[test]
    fn a_shard_where_people_wait_longer_stands_apart() {
        let unfair = judge(&town(|_, shard| if shard == 2 { 300 } else { 0 }), Grouping::Shard);
        assert_eq!(unfair.apart().filter(|it| it.number == 2 && it.longer() > 0.4).count(), 10);
    }

    /// The median doesn't show it.
    #[test]
    fn a_shard_where_few_wait_very_long_stands_apart() {
        let mut unfair = town(|_, _| 0);
        for (number, sample) in unfair.samples.iter_mut().enumerate() {
            if sample.shard == 2 && scatter(number as u32 ^ 0x7A11).is_multiple_of(50) {
                sample.waited += 30_000;
            }
        }
        let unfair = judge(&unfair, Grouping::Shard);
        assert_eq!(unfair.apart().filter(|it| it.number == 2 && it.share.by < 0.03).count(), 10);
    }

    /// The mean doesn't show it.
    #[test]
    fn a_shard_where_most_wait_a_little_longer_stands_apart() {
        let mut unfair = town(|_, _| 0);
        for sample in unfair.samples.iter_mut().filter(|it| it.shard == 2) {
            sample.waited = if sample.waited % 10 < 3 { 0 } else { 715 };
        }
        let unfair = judge(&unfair, Grouping::Shard);
        assert_eq!(unfair.apart().filter(|it| it.number == 2 && it.longer() < 0.03).count(), 10);
    }

    #[test]
    fn what_the_distance_between_cores_makes_does_not_matter() {
        let near = judge(&town(|_, shard| if shard == 2 { 100 } else { 0 }), Grouping::Shard);
        assert!(near.unlike.iter().any(|it| it.number == 2 && it.longer() > 0.1), "{near:?}");
        assert_eq!(near.apart().count(), 0);
    }

    /// What a home believes of its lanes holds for all its people of that time.
    #[test]
    fn many_waits_of_one_moment_are_no_crowd() {
        let mut shared = town(|_, _| 0);
        for (number, sample) in shared.samples.iter_mut().enumerate() {
            let moment = (number / 4_000) as u32;
            sample.waited += scatter(moment * 4 + u32::from(sample.shard)) % 2 * 600;
        }
        assert_eq!(judge(&shared, Grouping::Shard).unlike, []);
    }

    /// Somebody who likes what few like waits long each time. Taken for so many people, such waits
    /// would seem more than chance.
    #[test]
    fn many_waits_of_one_person_are_no_crowd() {
        let mut alike = town(|seat, _| scatter(seat ^ 0xA11CE) % 2 * 2_000);
        for grouping in [Grouping::Shard, Grouping::Seat] {
            assert_eq!(judge(&alike, grouping).unlike, []);
        }
        for (number, sample) in alike.samples.iter_mut().enumerate() {
            sample.seat = number as u32;
        }
        assert_ne!(judge(&alike, Grouping::Shard).unlike, []);
    }
}
