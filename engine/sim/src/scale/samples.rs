//! What came of searches, and what can be said about them.

use whisper_core::time::Span;
use whisper_proto::Tier;

use crate::dice::Dice;

/// One side of a match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Microseconds waited.
    pub waited: u32,
    /// How common what they like is: the more, the easier to be matched.
    pub commonness: u32,
    /// The seat of the person in the crowd.
    pub seat: u32,
    /// The home.
    pub shard: u16,
    /// What it was matched by.
    pub tier: Tier,
    /// Interests in common.
    pub shared: u8,
    /// The partner is of another node.
    pub across: bool,
}

/// How searches ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Everybody who was matched.
    pub samples: Vec<Sample>,
    /// Searches that ended with nobody found in time.
    pub timeouts: u64,
}

/// The tiers, best first.
pub const TIERS: [Tier; 4] = [Tier::Exact, Tier::Overlap, Tier::Single, Tier::Any];

impl Tally {
    /// The share of matches in each of [`TIERS`].
    pub fn shares(&self) -> [f64; 4] {
        TIERS.map(|tier| self.mean(|sample| f64::from(u8::from(sample.tier == tier))))
    }

    /// The mean number of interests that two who meet share.
    pub fn mean_shared(&self) -> f64 {
        self.mean(|sample| sample.shared.into())
    }

    /// The mean wait in milliseconds.
    pub fn mean_wait_ms(&self) -> f64 {
        self.mean(|sample| f64::from(sample.waited) / 1_000.0)
    }

    /// The share of searches that timed out.
    pub fn timeout_share(&self) -> f64 {
        self.timeouts as f64 / (self.samples.len() as u64 + self.timeouts).max(1) as f64
    }

    /// The waits in order.
    pub fn waits(&self, which: impl Fn(&Sample) -> bool) -> Waits {
        let mut sorted: Vec<_> =
            self.samples.iter().filter(|it| which(it)).map(|it| it.waited).collect();
        sorted.sort_unstable();
        Waits { sorted }
    }

    /// The greatest commonness of each tenth of the samples, the rarest first.
    pub fn deciles(&self) -> [u32; 10] {
        let mut all: Vec<_> = self.samples.iter().map(|it| it.commonness).collect();
        all.sort_unstable();
        let last = all.len().saturating_sub(1);
        std::array::from_fn(|tenth| {
            all.get((tenth + 1) * all.len() / 10).or(all.get(last)).copied().unwrap_or(0)
        })
    }

    /// The same waits, with homes and seats dealt anew among people: nobody waits as they do for where
    /// they are any more. As many are at home on each shard as before.
    pub fn dealt_anew(&self, dice: &mut Dice) -> Self {
        let person = |it: &Sample| (it.seat, it.shard);
        let mut people: Vec<_> = self.samples.iter().map(person).collect();
        people.sort_unstable();
        people.dedup();
        let mut places = people.clone();
        for last in (1..places.len()).rev() {
            places.swap(last, dice.below(last + 1));
        }
        let mut dealt = self.clone();
        for it in &mut dealt.samples {
            let number = people.binary_search(&person(it)).expect("everybody is listed");
            (it.seat, it.shard) = places[number];
        }
        dealt
    }

    fn mean(&self, what: impl Fn(&Sample) -> f64) -> f64 {
        self.samples.iter().map(what).sum::<f64>() / self.samples.len().max(1) as f64
    }
}

/// Which tenth a commonness is in, of [`Tally::deciles`].
pub fn decile(bounds: &[u32; 10], commonness: u32) -> usize {
    bounds.partition_point(|&bound| bound < commonness).min(9)
}

/// Waits in order.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    sorted: Vec<u32>,
}

impl Waits {
    /// How many.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The wait that a share of `per_mille` of all don't exceed; 1000 for the longest.
    pub fn quantile(&self, per_mille: usize) -> Span {
        let place = (self.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        Span(self.sorted.get(place).copied().unwrap_or(0).into())
    }

    /// The mean, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        let sum: u64 = self.sorted.iter().map(|&it| u64::from(it)).sum();
        sum as f64 / 1_000.0 / self.len().max(1) as f64
    }
}
