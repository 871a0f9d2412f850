//! A set of small numbers: one bit for each port of a mesh.

/// How many words hold one bit for each port.
pub(crate) const WORDS: usize = 2;

/// A set of numbers below [`Bits::CAPACITY`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits([u64; WORDS]);

impl Bits {
    pub(crate) const CAPACITY: usize = WORDS * u64::BITS as usize;

    pub(crate) fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.0[index / 64] &= !(1 << (index % 64));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// Adds the 64 numbers from `word * 64` whose bits are set in `bits`.
    pub(crate) fn insert_word(&mut self, word: usize, bits: u64) {
        self.0[word] |= bits;
    }

    /// The smallest member that is `start` or greater.
    pub(crate) fn first_from(&self, start: usize) -> Option<usize> {
        let mut word = start / 64;
        let mut bits = *self.0.get(word)? & (u64::MAX << (start % 64));
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// The members, ascending. The set may change meanwhile: this walks a copy.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let index = self.first_from(start)?;
            start = index + 1;
            Some(index)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_across_words() {
        let members = [0, 1, 63, 64, 100, 127];
        let mut bits = Bits::default();
        for index in members {
            bits.insert(index);
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), members);
        assert_eq!(bits.first_from(65), Some(100));
        assert_eq!(bits.first_from(128), None);
        for index in members {
            bits.remove(index);
        }
        assert!(bits.is_empty());
    }
}
