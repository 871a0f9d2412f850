//! What is said: text that proves where it belongs.
//!
//! The first 32 characters name, in hex, the channel, the number within it, and a keyed hash of
//! both and of the filler that follows. The key is this run's, so that nothing said in another run,
//! by another generator, or cut or mixed on its way, passes for ours.

use std::hash::Hasher as _;

use data_encoding::HEXLOWER;
use siphasher::sip::SipHasher13;

/// The shortest text, in bytes.
pub(crate) const BYTES_MIN: usize = 32;

const ALPHABET: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";

/// Writes and reads the texts of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    key: u64,
}

/// Where a text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Who said it, as the generator numbers people.
    pub(crate) channel: u32,
    /// Which of theirs it is, from 0.
    pub(crate) seq: u32,
}

impl Seal {
    /// The seal of the run with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { key: seed }
    }

    /// Replaces `out` by a text of `bytes` bytes, at least [`BYTES_MIN`].
    pub(crate) fn write(self, stamp: Stamp, bytes: usize, out: &mut Vec<u8>) {
        out.clear();
        out.resize(BYTES_MIN, 0);
        let shift = (stamp.seq % 26) as usize;
        let filler = ALPHABET.iter().cycle().skip(shift);
        out.extend(filler.take(bytes.saturating_sub(BYTES_MIN)));
        let hash = self.hash(stamp, &out[BYTES_MIN..]);
        HEXLOWER.encode_mut(&head(stamp, hash), &mut out[..BYTES_MIN]);
    }

    /// Where a text belongs; None where it is none of this run's.
    pub(crate) fn read(self, text: &[u8]) -> Option<Stamp> {
        let (hex, filler) = text.split_at_checked(BYTES_MIN)?;
        let mut head = [0; BYTES_MIN / 2];
        HEXLOWER.decode_mut(hex, &mut head).ok()?;
        let [c0, c1, c2, c3, s0, s1, s2, s3, hash @ ..] = head;
        let stamp = Stamp {
            channel: u32::from_be_bytes([c0, c1, c2, c3]),
            seq: u32::from_be_bytes([s0, s1, s2, s3]),
        };
        (u64::from_be_bytes(hash) == self.hash(stamp, filler)).then_some(stamp)
    }

    fn hash(self, stamp: Stamp, filler: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key, 0);
        hasher.write_u32(stamp.channel);
        hasher.write_u32(stamp.seq);
        hasher.write(filler);
        hasher.finish()
    }
}

fn head(stamp: Stamp, hash: u64) -> [u8; BYTES_MIN / 2] {
    let mut head = [0; BYTES_MIN / 2];
    head[..4].copy_from_slice(&stamp.channel.to_be_bytes());
    head[4..8].copy_from_slice(&stamp.seq.to_be_bytes());
    head[8..].copy_from_slice(&hash.to_be_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { channel: 7, seq: 300_000 };

    #[test]
    fn texts_have_the_length_asked_for_and_come_back() {
        for bytes in [BYTES_MIN, 33, 64, 2000] {
            let mut text = Vec::new();
            Seal::new(1).write(STAMP, bytes, &mut text);
            assert_eq!(text.len(), bytes);
            assert!(text.is_ascii());
            assert_eq!(Seal::new(1).read(&text), Some(STAMP));
        }
    }

    #[test]
    fn whatever_was_touched_is_foreign() {
        let mut text = Vec::new();
        Seal::new(1).write(STAMP, 64, &mut text);
        assert_eq!(Seal::new(2).read(&text), None, "another run");
        assert_eq!(Seal::new(1).read(&text[..63]), None, "cut");
        assert_eq!(Seal::new(1).read(&text[..20]), None, "cut within its head");
        for place in 0..64 {
            let mut touched = text.clone();
            touched[place] ^= 1;
            assert_eq!(Seal::new(1).read(&touched), None, "byte {place}");
        }
    }
}
