//! Whether anybody waits longer because of where they are, rather than of what they like.
//!
//! Within each tenth of the people by how common their interests are, those of one group (a home
//! shard, a range of seats) should exceed the median wait of the whole tenth as often as anybody:
//! half the time. A group stands apart where both hold:
//!
//! - Its share above the median differs from one half by more than chance explains: a binomial test
//!   by the normal approximation, two-sided, at 1 % for all groups of a run together (Bonferroni).
//!   Waits within a run aren't independent (two who meet have waited for each other), so with many
//!   samples this alone sounds the alarm too often.
//! - The share differs by more than [`APART`].

use super::samples::{Sample, Tally, decile};

/// Groups with fewer samples in a tenth aren't judged.
pub const GROUP_MIN: usize = 1_000;

/// Tenths with fewer samples aren't judged.
const DECILE_MIN: usize = 10_000;

/// How far a share above the median may be from one half.
const APART: f64 = 0.05;

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
    /// Those that stand apart.
    pub apart: Vec<Apart>,
    /// The greatest distance of a share from one half, apart or not.
    pub farthest: f64,
    /// The number of standard deviations that would be too many.
    pub threshold: f64,
}

/// A group that stands apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    /// In which tenth, from 0.
    pub tenth: usize,
    /// Which group.
    pub group: usize,
    /// Its share above the tenth's median.
    pub share: f64,
    /// How much longer than the tenth's its own median is, in milliseconds.
    pub longer_ms: f64,
}

/// Judges a run of `shards` shards and `users` people.
pub fn fairness(tally: &Tally, grouping: Grouping, shards: u16, users: u32) -> Fairness {
    let groups = match grouping {
        Grouping::Shard => usize::from(shards),
        Grouping::Seat => 16,
    };
    let group = |it: &Sample| match grouping {
        Grouping::Shard => usize::from(it.shard),
        Grouping::Seat => (u64::from(it.seat) * 16 / u64::from(users.max(1))) as usize,
    };
    let bounds = tally.deciles();
    let tenth = |it: &Sample| decile(&bounds, it.commonness);
    let medians: [_; 10] = std::array::from_fn(|number| {
        let waits = tally.waits(|it| tenth(it) == number);
        (waits.len() >= DECILE_MIN).then(|| waits.quantile(500).0)
    });
    // Waits equal to the median are shared out evenly.
    let mut above = vec![0.0; 10 * groups];
    let mut all = vec![0usize; 10 * groups];
    for sample in &tally.samples {
        let tenth = tenth(sample);
        let (Some(median), place) = (medians[tenth], tenth * groups + group(sample)) else {
            continue;
        };
        all[place] += 1;
        above[place] += match u64::from(sample.waited).cmp(&median) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 1.0,
        };
    }
    let judged: Vec<_> = (0..all.len()).filter(|&place| all[place] >= GROUP_MIN).collect();
    let threshold = two_sided(0.01 / judged.len().max(1) as f64);
    let share = |place: usize| above[place] / all[place] as f64;
    let farthest = judged.iter().map(|&place| (share(place) - 0.5).abs()).fold(0.0, f64::max);
    let stands_apart = |&place: &usize| {
        let distance = (share(place) - 0.5).abs();
        distance > APART && distance * 2.0 * (all[place] as f64).sqrt() > threshold
    };
    let apart = judged.iter().copied().filter(stands_apart);
    let apart = apart.map(|place| {
        let (number, its) = (place / groups, place % groups);
        let own = tally.waits(|it| tenth(it) == number && group(it) == its).quantile(500).0;
        let whole = medians[number].unwrap_or(own);
        let longer_ms = (own as f64 - whole as f64) / 1_000.0;
        Apart { tenth: number, group: its, share: share(place), longer_ms }
    });
    Fairness { judged: judged.len(), apart: apart.collect(), farthest, threshold }
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

    fn waits(slow_shard: Option<u16>) -> Tally {
        let sample = |number: u32| {
            let shard = (number % 4) as u16;
            let penalty = if Some(shard) == slow_shard { 300 } else { 0 };
            Sample {
                waited: number.wrapping_mul(2_654_435_761) % 1_000 + penalty,
                commonness: number % 1_000,
                seat: number % 16_000,
                shard,
                tier: Tier::Single,
                shared: 1,
            }
        };
        Tally { samples: (0..200_000).map(sample).collect(), timeouts: 0 }
    }

    #[test]
    fn one_per_cent_is_two_and_a_half_deviations() {
        assert!((two_sided(0.01) - 2.5758).abs() < 0.001);
    }

    #[test]
    fn like_waits_are_fair() {
        for grouping in [Grouping::Shard, Grouping::Seat] {
            let fair = fairness(&waits(None), grouping, 4, 16_000);
            assert!(fair.judged >= 40 && fair.apart.is_empty(), "{fair:?}");
        }
    }

    #[test]
    fn a_shard_where_people_wait_longer_stands_apart() {
        let unfair = fairness(&waits(Some(2)), Grouping::Shard, 4, 16_000);
        assert!(
            unfair.apart.iter().any(|it| it.group == 2 && it.share > 0.55 && it.longer_ms > 0.0)
        );
    }
}
