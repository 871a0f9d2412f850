//! A hash that is the same on every machine.

use std::hash::Hasher;

/// Hashes what is written in little-endian words of 64 bits, whatever the machine's own are.
///
/// Not meant against anybody: it tells runs apart.
#[derive(Clone, Debug, Default)]
pub struct Digest(u64);

impl Digest {
    fn mix(&mut self, word: u64) {
        // An odd multiplier and a fold, so that each bit of a word reaches every bit of the state.
        let product = u128::from(self.0 ^ word ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
        self.0 =
            (product as u64) ^ ((product >> 64) as u64).rotate_left(23) ^ self.0.rotate_left(7);
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.mix(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hash;

    use super::*;

    fn digest(value: impl Hash) -> u64 {
        let mut digest = Digest::default();
        value.hash(&mut digest);
        digest.finish()
    }

    #[test]
    fn it_is_what_it_was() {
        assert_eq!(digest((7u16, "whisper", [1u64, 2], Some(false))), 5_362_781_865_086_247_672);
    }

    #[test]
    fn order_and_length_count() {
        assert_ne!(digest([1u8, 2]), digest([2u8, 1]));
        assert_ne!(digest(("ab", "c")), digest(("a", "bc")));
        assert_ne!(digest([0u64; 3]), digest([0u64; 4]));
    }
}
