//! Whether anybody waits longer because of where they are, rather than of what they like.
//!
//! Within each tenth of the people by how common their interests are, those of one group (a home
//! shard, a range of seats) should exceed the median wait of the whole tenth as often as anybody:
//! half the time. Of a group two things are asked:
//!
//! - **Does chance explain it?** The share above the median against one half, in standard errors that
//!   allow for waits of one person being alike (a sum over people, not over waits: the «cluster-robust»
//!   variance of Liang and Zeger, 1986). Two-sided, at 1 % for all groups of a run together
//!   (Bonferroni). Where it doesn't, the group is *unlike* the others.
//! - **Does it matter?** The mean wait against that of the tenth: by more than [`APART`] of it, and by
//!   more than the messages of a match take, which is what the distance between cores can make.
//!
//! A group of which both are true *stands apart*.

use super::plan::Plan;
use super::samples::{Sample, Tally, decile};

/// Groups with fewer samples in a tenth aren't judged.
pub const GROUP_MIN: usize = 1_000;

/// Nor those of fewer people: their variance would be a guess.
const PEOPLE_MIN: usize = 100;

/// Tenths with fewer samples aren't judged.
const DECILE_MIN: usize = 10_000;

/// The part of a tenth's mean wait by which the mean of a group may differ.
const APART: f64 = 0.03;

/// Messages of a match that follow one another: post, propose, claim, accept.
const MESSAGES: u64 = 4;

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
}

/// A group of people within a tenth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// In which tenth, from 0.
    pub tenth: usize,
    /// Which group.
    pub number: usize,
    /// Its share above the tenth's median.
    pub share: f64,
    /// How far that is from one half, in standard errors.
    pub errors: f64,
    /// How much longer than the tenth's its own mean wait is, in milliseconds.
    pub longer_ms: f64,
    /// The same as a part of the tenth's mean wait.
    pub longer: f64,
    /// Whether it matters.
    pub apart: bool,
}

/// One wait within its tenth.
struct Wait {
    group: usize,
    person: u32,
    /// Above the tenth's median by half, or below by half; equal ones are shared out evenly.
    side: f64,
    waited_ms: f64,
}

impl Fairness {
    /// The groups that stand apart.
    pub fn apart(&self) -> impl Iterator<Item = &Group> {
        self.unlike.iter().filter(|group| group.apart)
    }
}

/// Judges a run of `plan`.
pub fn fairness(tally: &Tally, grouping: Grouping, plan: &Plan) -> Fairness {
    let group = |it: &Sample| match grouping {
        Grouping::Shard => usize::from(it.shard),
        Grouping::Seat => (u64::from(it.seat) * 16 / u64::from(plan.users.max(1))) as usize,
    };
    let distance_ms = (plan.latency.0 * MESSAGES) as f64 / 1_000.0;
    let bounds = tally.deciles();
    let mut judged = Vec::new();
    for tenth in 0..10 {
        let within = |it: &&Sample| decile(&bounds, it.commonness) == tenth;
        let waits = tally.waits(|it| within(&it));
        if waits.len() < DECILE_MIN {
            continue;
        }
        let (median, mean_ms) = (waits.quantile(500).0, waits.mean_ms());
        let wait = |it: &Sample| Wait {
            group: group(it),
            person: it.seat,
            side: f64::from(u64::from(it.waited).cmp(&median) as i8) / 2.0,
            waited_ms: f64::from(it.waited) / 1_000.0,
        };
        let mut waits: Vec<_> = tally.samples.iter().filter(within).map(wait).collect();
        waits.sort_unstable_by_key(|it| (it.group, it.person));
        let groups = waits.chunk_by(|one, other| one.group == other.group);
        judged.extend(groups.filter_map(|group| judge(tenth, group, mean_ms, distance_ms)));
    }
    let threshold = two_sided(0.01 / judged.len().max(1) as f64);
    let mut unlike = judged.clone();
    unlike.retain(|group| group.errors > threshold);
    unlike.sort_unstable_by(|one, other| other.errors.total_cmp(&one.errors));
    Fairness { judged: judged.len(), unlike, threshold }
}

/// What is to be said of the waits of one group, sorted by person; None where they are too few.
fn judge(tenth: usize, waits: &[Wait], mean_ms: f64, distance_ms: f64) -> Option<Group> {
    let people = || waits.chunk_by(|one, other| one.person == other.person);
    if waits.len() < GROUP_MIN || people().count() < PEOPLE_MIN {
        return None;
    }
    let count = waits.len() as f64;
    let off = waits.iter().map(|it| it.side).sum::<f64>() / count;
    let residual = |person: &[Wait]| person.iter().map(|it| it.side - off).sum::<f64>();
    let variance: f64 = people().map(residual).map(|it| it * it).sum();
    let longer_ms = waits.iter().map(|it| it.waited_ms).sum::<f64>() / count - mean_ms;
    let longer = longer_ms / mean_ms;
    Some(Group {
        tenth,
        number: waits[0].group,
        share: 0.5 + off,
        errors: off.abs() * count / variance.sqrt(),
        longer_ms,
        longer,
        apart: longer.abs() > APART && longer_ms.abs() > distance_ms,
    })
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
        assert_eq!(unfair.apart().filter(|it| it.number == 2 && it.longer_ms > 0.2).count(), 10);
    }

    #[test]
    fn what_the_distance_between_cores_makes_does_not_matter() {
        let near = judge(&town(|_, shard| if shard == 2 { 150 } else { 0 }), Grouping::Shard);
        assert!(near.unlike.iter().any(|it| it.number == 2 && it.longer > APART), "{near:?}");
        assert_eq!(near.apart().count(), 0);
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
