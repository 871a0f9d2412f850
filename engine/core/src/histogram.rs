//! How often a number was how great, in buckets of which each reaches twice as far as the one before.

/// Counts of whole numbers by magnitude.
///
/// Bucket `i` counts what is at most `2^(FIRST + i)` and more than the one before holds; the last
/// also what is greater. An array and a sum: copied as a whole, and a number takes a few
/// instructions and no branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram<const FIRST: u32, const BUCKETS: usize> {
    counts: [u64; BUCKETS],
    sum: u64,
}

impl<const FIRST: u32, const BUCKETS: usize> Default for Histogram<FIRST, BUCKETS> {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum: 0 }
    }
}

impl<const FIRST: u32, const BUCKETS: usize> Histogram<FIRST, BUCKETS> {
    /// Counts a number.
    pub fn record(&mut self, number: u64) {
        // The exponent of the least power of two that isn't below the number.
        let magnitude = u64::BITS - number.saturating_sub(1).leading_zeros();
        let bucket = magnitude.saturating_sub(FIRST) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.sum += number;
    }

    /// What all of them have counted.
    pub fn merged<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, one| {
            sum.merge(one);
            sum
        })
    }

    /// Adds what another has counted.
    fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.sum += other.sum;
    }

    /// The sum of all numbers.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bucket: the greatest number that belongs to it, None for the last; and how many did.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let last = BUCKETS - 1;
        let bound = move |bucket: usize| (bucket < last).then(|| 1 << (FIRST as usize + bucket));
        self.counts.into_iter().enumerate().map(move |(bucket, count)| (bound(bucket), count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Small = Histogram<2, 4>;

    fn counts(numbers: &[u64]) -> Vec<(Option<u64>, u64)> {
        let mut histogram = Small::default();
        numbers.iter().for_each(|&number| histogram.record(number));
        histogram.buckets().collect()
    }

    #[test]
    fn a_number_is_in_the_bucket_that_reaches_it() {
        let of = |counts: [u64; 4]| -> Vec<_> {
            [Some(4), Some(8), Some(16), None].into_iter().zip(counts).collect()
        };
        assert_eq!(counts(&[0, 1, 4]), of([3, 0, 0, 0]));
        assert_eq!(counts(&[5, 8, 9, 16]), of([0, 2, 2, 0]));
        assert_eq!(counts(&[17, 1 << 40]), of([0, 0, 0, 2]));
    }

    #[test]
    fn two_together_have_counted_what_each_did() {
        let (mut one, mut other) = (Small::default(), Small::default());
        one.record(3);
        other.record(6);
        other.record(20);
        let both = Small::merged([&one, &other]);
        assert_eq!((both.count(), both.sum()), (3, 29));
        assert_eq!(both.buckets().map(|(_, count)| count).collect::<Vec<_>>(), [1, 1, 0, 1]);
    }
}
