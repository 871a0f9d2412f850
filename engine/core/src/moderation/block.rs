//! Plain text by the block: letters of ASCII, and what stands between words there.
//!
//! That is most of what is written. Each step does the same to every byte of a block, whatever it is,
//! so that a compiler makes a few wide instructions of it; nothing branches by what people write.

use super::fold::{Letter, mark};

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 32;

/// Stands for the letter before, where there is none: neither a letter nor a gap.
pub(super) const NO_LETTER: u8 = 1;

/// Some text, as far as it is plain.
pub(super) struct Block {
    /// How many of its bytes are plain. Where the text ends within a block, what follows counts as
    /// spaces.
    pub(super) taken: usize,
    /// Each letter in lower case; 0 for what is none, and for all that isn't plain.
    pub(super) letters: [u8; BLOCK],
    /// 1 for each apostrophe, or what is used as one.
    apostrophes: [u8; BLOCK],
}

impl Block {
    /// The beginning of a text.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Self {
        // One more, to see what comes behind.
        let ahead: [u8; BLOCK + 1] = match text.first_chunk() {
            Some(whole) => *whole,
            None => {
                let mut padded = [b' '; BLOCK + 1];
                padded[..text.len()].copy_from_slice(text);
                padded
            }
        };
        let mut apostrophes = [0; BLOCK];
        let (mut letters, mut others) = ([0; BLOCK], [0; BLOCK]);
        for at in 0..BLOCK {
            let byte = ahead[at];
            let is = |it: u8| u8::from(byte == it);
            let lower = byte | 0x20;
            let letter = u8::from(lower.wrapping_sub(b'a') < 26);
            let apostrophe = is(b'\'') | is(b'`');
            let brackets = is(b'(') | is(b')') | is(b'"');
            let gap = is(b' ') | is(b':') | is(b';') | is(b'\n') | brackets;
            // Before a space they stand between words, and within none.
            let stops = is(b'.') | is(b'!') | is(b'?') | is(b',') | is(b'-');
            let stop = stops & u8::from(ahead[at + 1] == b' ');
            letters[at] = lower & letter.wrapping_neg();
            apostrophes[at] = apostrophe;
            others[at] = 1 ^ (letter | apostrophe | gap | stop);
        }
        let taken = first_set(&others);
        for (at, letter) in letters.iter_mut().enumerate() {
            *letter = if at < taken { *letter } else { 0 };
        }
        Self { taken, letters, apostrophes }
    }

    /// Whether the byte at a place is an apostrophe.
    pub(super) fn is_apostrophe(&self, at: usize) -> bool {
        self.apostrophes[at] != 0
    }

    /// Adds its letters, each run of the same as one, where the letter directly before the block is
    /// known; says how many. The first has no mark but that of being doubled, unless a gap within the
    /// block is before it.
    #[inline]
    pub(super) fn keep(&self, before: u8, out: &mut Vec<Letter>) -> usize {
        let letters = &self.letters;
        let mut ahead = [before; BLOCK];
        ahead[1..].copy_from_slice(&letters[..BLOCK - 1]);
        let mut behind = [0; BLOCK];
        behind[..BLOCK - 1].copy_from_slice(&letters[1..]);
        let mut apostrophes = [0; BLOCK];
        apostrophes[1..].copy_from_slice(&self.apostrophes[..BLOCK - 1]);
        let (mut marks, mut kept) = ([0; BLOCK], [0; BLOCK]);
        for at in 0..BLOCK {
            let letter = letters[at];
            let start = u8::from(ahead[at] == 0) * mark::START;
            let double = u8::from(behind[at] == letter) * mark::DOUBLE;
            marks[at] = start | double | (apostrophes[at] * mark::APOSTROPHE);
            kept[at] = u8::from((letter != 0) & (letter != ahead[at]));
        }
        let mut places = [Letter::default(); BLOCK];
        let mut end = 0;
        for at in 0..BLOCK {
            places[end % BLOCK] = Letter { byte: letters[at], marks: marks[at] };
            end += usize::from(kept[at]);
        }
        let from = out.len();
        // All of it: so long a copy is a few moves, one of any length a call.
        out.extend_from_slice(&places);
        out.truncate(from + end);
        end
    }
}

/// The first place that isn't 0, or the end.
fn first_set(bytes: &[u8; BLOCK]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        if word != 0 {
            return number * 8 + word.trailing_zeros() as usize / 8;
        }
    }
    BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::glyphs::{self, Glyph};

    #[test]
    fn what_is_plain_is_what_the_table_of_characters_has_it_for() {
        for byte in 0..=u8::MAX {
            let block = Block::of(&[byte, b'x']);
            let glyph = if byte.is_ascii() { glyphs::ascii(byte) } else { Glyph::Nothing };
            match (block.taken > 0, block.letters[0], block.is_apostrophe(0)) {
                (true, 0, false) => assert!(glyph == Glyph::Gap, "{byte}"),
                (true, 0, true) => assert!(glyph == Glyph::Apostrophe, "{byte}"),
                (true, letter, _) => assert!(glyph == Glyph::Letter(letter.into()), "{byte}"),
                (false, letter, _) => assert!(letter == 0 && !byte.is_ascii_alphabetic(), "{byte}"),
            }
        }
    }
}
