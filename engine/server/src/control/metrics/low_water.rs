//! The lowest of what was told lately, so that a scrape sees what happened between two of them.

/// Numbers that are remembered at least, and twice as many at most: half a minute of reports.
const KEPT: u32 = 30;

/// The lowest of the latest numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct LowWater {
    before: u64,
    now: u64,
    taken: u32,
}

impl Default for LowWater {
    fn default() -> Self {
        Self { before: u64::MAX, now: u64::MAX, taken: 0 }
    }
}

impl LowWater {
    /// Takes the next number; answers the lowest of the latest.
    pub(super) fn take(&mut self, number: u64) -> u64 {
        if self.taken == KEPT {
            *self = Self { before: self.now, now: u64::MAX, taken: 0 };
        }
        self.taken += 1;
        self.now = self.now.min(number);
        self.now.min(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_is_remembered_for_a_while() {
        let mut low = LowWater::default();
        assert_eq!((low.take(9), low.take(2), low.take(9)), (9, 2, 2));
        let remembered = (0..3 * KEPT).take_while(|_| low.take(9) == 2).count() as u32;
        assert!((KEPT..2 * KEPT).contains(&remembered), "{remembered}");
    }
}
