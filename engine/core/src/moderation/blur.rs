//! Folded letters once more, as somebody reads them who takes `1` for `l` as well as for `i`.
//!
//! Only for text with digits or signs among its letters: `i` and `l` are one letter, several of them one
//! letter too (`k111`), and a digit that stands alone is the letter it is drawn like (`1 w111`).

use super::fold::{Letter, mark};
use super::glyphs::DIGIT_LETTERS;

/// Letters that are read so, and where each lies among those that were folded.
#[derive(Debug, Default)]
pub(super) struct Blurred {
    pub(super) letters: Vec<Letter>,
    places: Vec<u32>,
    folded: usize,
}

impl Blurred {
    /// Reads letters.
    pub(super) fn read(&mut self, folded: &[Letter]) {
        self.letters.clear();
        self.places.clear();
        self.folded = folded.len();
        for (place, &letter) in (0..).zip(folded) {
            let byte = alike(letter.byte);
            match self.letters.last_mut() {
                Some(last) if byte == b'i' && last.byte == byte && !letter.has(mark::START) => {
                    last.marks |= letter.marks;
                }
                _ => {
                    self.letters.push(Letter { byte, ..letter });
                    self.places.push(place);
                }
            }
        }
    }

    /// Where a letter lies that is read here, or the end, among those that were folded.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places.get(at).map_or(self.folded, |place| *place as usize)
    }
}

/// What stands for a letter and for those it can't be told from.
pub(super) fn alike(byte: u8) -> u8 {
    match byte {
        b'l' => b'i',
        digit @ b'0'..=b'9' => DIGIT_LETTERS[usize::from(digit - b'0')],
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::fold::Folded;
    use crate::moderation::glyphs::Glyphs;

    #[test]
    fn what_may_be_meant_for_the_same_is_read_alike() {
        let read = |text: &str| {
            let (mut folded, mut blurred) = (Folded::default(), Blurred::default());
            folded.add(Glyphs::table(), text);
            blurred.read(&folded.letters);
            let letters = blurred.letters.iter().map(|letter| char::from(letter.byte));
            (letters.collect::<String>(), blurred.place(blurred.letters.len()))
        };
        assert_eq!(read("1 w!11 k1ll"), ("iwiki".to_owned(), 6));
        assert_eq!(read("i will kill").0, read("1 w111 k111").0);
        assert_eq!(read("70 be").0, "tobe");
    }
}
