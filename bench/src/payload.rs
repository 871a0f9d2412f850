//! What is said: text that proves where it belongs, and when it was due.
//!
//! The first [`BYTES_MIN`] characters hold the channel, the number within it, the time, and a keyed
//! hash of these, of the room and of the words that follow. The key is this run's, so that nothing
//! said in another run, by another generator, or cut, altered or mixed up on its way, passes for
//! ours. They are 16 different consonants, and the words, apart from them, are harmless: moderation
//! has to read it all, and finds nothing.

use std::hash::Hasher as _;
use std::time::Duration;

use siphasher::sip::SipHasher13;

/// The shortest text, in bytes.
pub(crate) const BYTES_MIN: usize = 2 * HEAD;

/// Channel, number, time and hash.
const HEAD: usize = 4 + 4 + TIME + 8;

/// Nanoseconds in so many bytes: three days.
const TIME: usize = 6;

const LETTERS: &[u8; 16] = b"bdghjlmnpqrtvxyz";

const WORDS: &[u8] = b" so how was the day over there and what do you like to do in the \
evening when it rains we went up the hill this morning to see the old tower and had bread with \
cheese on a bench in the sun then a train home and a good book about birds of the northern sea";

/// Writes and reads the texts of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    key: u64,
}

/// Where a text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Who said it, as all reactors together number people.
    pub(crate) channel: u32,
    /// Which of theirs it is.
    pub(crate) seq: u32,
    /// When it was due, counted from the beginning of the plan.
    pub(crate) due: Duration,
}

impl Seal {
    /// The seal of the run with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { key: seed }
    }

    /// Replaces `out` by a text of `bytes` bytes, at least [`BYTES_MIN`], that is good in one room
    /// only.
    pub(crate) fn write(self, stamp: Stamp, room: u64, bytes: usize, out: &mut Vec<u8>) {
        out.clear();
        out.resize(BYTES_MIN, 0);
        // A space, or else the letters and half a word might come to something together.
        out.resize(bytes.clamp(BYTES_MIN, BYTES_MIN + 1), b' ');
        let mut missing = bytes.saturating_sub(out.len());
        let mut words = &WORDS[stamp.seq as usize % WORDS.len()..];
        while missing > 0 {
            let more = words.len().min(missing);
            out.extend_from_slice(&words[..more]);
            missing -= more;
            words = WORDS;
        }
        let hash = self.hash(stamp, room, &out[BYTES_MIN..]);
        spell(&head(stamp, hash), &mut out[..BYTES_MIN]);
    }

    /// Where a text belongs that was heard in a room; None where it is none of this run's.
    pub(crate) fn read(self, text: &[u8], room: u64) -> Option<Stamp> {
        let (letters, words) = text.split_at_checked(BYTES_MIN)?;
        let [c0, c1, c2, c3, s0, s1, s2, s3, t0, t1, t2, t3, t4, t5, hash @ ..] = unspell(letters)?;
        let nanos = u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]);
        let stamp = Stamp {
            channel: u32::from_be_bytes([c0, c1, c2, c3]),
            seq: u32::from_be_bytes([s0, s1, s2, s3]),
            due: Duration::from_nanos(nanos),
        };
        (u64::from_be_bytes(hash) == self.hash(stamp, room, words)).then_some(stamp)
    }

    fn hash(self, stamp: Stamp, room: u64, words: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key, room);
        hasher.write_u32(stamp.channel);
        hasher.write_u32(stamp.seq);
        hasher.write_u64(nanos(stamp));
        hasher.write(words);
        hasher.finish()
    }
}

fn head(stamp: Stamp, hash: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&stamp.channel.to_be_bytes());
    head[4..8].copy_from_slice(&stamp.seq.to_be_bytes());
    let [_, _, time @ ..] = nanos(stamp).to_be_bytes();
    head[8..8 + TIME].copy_from_slice(&time);
    head[8 + TIME..].copy_from_slice(&hash.to_be_bytes());
    head
}

/// The time as it is written: it begins anew every three days.
fn nanos(stamp: Stamp) -> u64 {
    stamp.due.as_nanos() as u64 & ((1 << (8 * TIME)) - 1)
}

/// Two letters for each byte.
fn spell(bytes: &[u8], letters: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(letters.chunks_exact_mut(2)) {
        pair[0] = LETTERS[usize::from(byte >> 4)];
        pair[1] = LETTERS[usize::from(byte & 15)];
    }
}

/// Back again; None where a letter is none of ours.
fn unspell(letters: &[u8]) -> Option<[u8; HEAD]> {
    const VALUES: [u8; 256] = {
        let mut values = [u8::MAX; 256];
        let mut value = 0;
        while value < LETTERS.len() {
            values[LETTERS[value] as usize] = value as u8;
            value += 1;
        }
        values
    };
    let mut bytes = [0; HEAD];
    let mut wrong = 0;
    for (byte, pair) in bytes.iter_mut().zip(letters.chunks_exact(2)) {
        let [high, low] = [VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]];
        wrong |= (high | low) & 0xf0;
        *byte = high << 4 | low & 15;
    }
    (wrong == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { channel: 7, seq: 300_000, due: Duration::from_nanos(1 << 40) };

    fn text(bytes: usize) -> Vec<u8> {
        let mut text = Vec::new();
        Seal::new(1).write(STAMP, 9, bytes, &mut text);
        text
    }

    #[test]
    fn texts_have_the_length_asked_for_and_come_back() {
        for bytes in [BYTES_MIN, BYTES_MIN + 1, 64, 2000] {
            let text = text(bytes);
            assert_eq!(text.len(), bytes);
            assert!(text.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b' '));
            assert_eq!(Seal::new(1).read(&text, 9), Some(STAMP));
        }
    }

    #[test]
    fn whatever_was_touched_is_foreign() {
        let text = text(64);
        assert_eq!(Seal::new(2).read(&text, 9), None, "another run");
        assert_eq!(Seal::new(1).read(&text, 8), None, "another room");
        assert_eq!(Seal::new(1).read(&text[..63], 9), None, "cut");
        assert_eq!(Seal::new(1).read(&text[..20], 9), None, "cut within its head");
        for place in 0..64 {
            for bit in 0..8 {
                let mut touched = text.clone();
                touched[place] ^= 1 << bit;
                assert_eq!(Seal::new(1).read(&touched, 9), None, "byte {place}, bit {bit}");
            }
        }
    }
}
