//! How somebody's last lines ended, so that what is split over several is read as one.

use arrayvec::ArrayVec;

use super::fold::{Folded, Letter, mark};
use crate::codec::{Damage, Field, Reader, Writer};

/// Letters of the last lines. What is split over more is split too finely to be read.
const LETTERS_MAX: usize = 31;

/// So many lie in the tail itself; most need no more.
const SHORT: usize = 7;

/// The end of what a person said last in a chat, folded: the letters that some term begins with, which
/// the next line may go on from, and no others. They are few, and mostly none, so this has 16 bytes;
/// where they are more than 7 there is a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    Short(u8, [Letter; SHORT]),
    Long(Box<ArrayVec<Letter, LETTERS_MAX>>),
}

const _: () = assert!(size_of::<Tail>() == 16);

impl Default for Tail {
    fn default() -> Self {
        Self(Kept::Short(0, [Letter::default(); SHORT]))
    }
}

impl Tail {
    pub(super) fn get(&self) -> &[Letter] {
        match &self.0 {
            Kept::Short(len, letters) => &letters[..usize::from(*len)],
            Kept::Long(letters) => letters,
        }
    }

    /// Keeps the end of what was folded, as far as a term may have been `begun` there: nothing of it
    /// where it was found at fault, so that nobody is found at fault for the same words twice.
    pub(super) fn keep(&mut self, folded: &Folded, begun: usize, at_fault: bool) {
        let letters = &folded.letters;
        let begun = if at_fault { 0 } else { begun.min(LETTERS_MAX) };
        let mut from = letters.len() - begun;
        // Not within a letter; and no word is taken to begin where the cut was made.
        while letters.get(from).is_some_and(|letter| letter.byte & 0xC0 == 0x80) {
            from += 1;
        }
        // A sign before a term lets it begin within a word.
        if begun > 0 && begun < LETTERS_MAX && from > 0 && letters[from - 1].has(mark::SYMBOL) {
            from -= 1;
        }
        *self = Self::of(&letters[from..]);
    }

    /// Of these letters, which are at most [`LETTERS_MAX`].
    fn of(letters: &[Letter]) -> Self {
        if letters.len() > SHORT {
            return Self(Kept::Long(Box::new(letters.iter().copied().collect())));
        }
        let mut kept = [Letter::default(); SHORT];
        kept[..letters.len()].copy_from_slice(letters);
        Self(Kept::Short(letters.len() as u8, kept))
    }
}

impl Field for Tail {
    fn put(&self, w: &mut Writer<'_>) {
        w.list(self.get().iter());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let letters: ArrayVec<Letter, LETTERS_MAX> = Field::get(r)?;
        Ok(Self::of(&letters))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::moderation::{Moderator, Rules, Scope};

    fn left_by(moderator: &mut Moderator, line: &str) -> usize {
        let mut tail = Tail::default();
        moderator.hear(Scope::Adult, line, &mut tail);
        tail.get().len()
    }

    #[test]
    fn a_line_leaves_what_a_term_may_go_on_from_and_mostly_that_is_little() {
        let mut moderator = Moderator::new(Arc::new(Rules::shipped()));
        for (line, left) in
            [("we met at noon, f", 1), ("oh f.u c", 3), ("", 0), ("go and kill your", 7)]
        {
            assert_eq!(left_by(&mut moderator, line), left, "{line}");
        }
        let lines = include_str!("../../tests/moderation/clean.tsv").lines();
        let left: Vec<_> = lines
            .filter_map(|line| line.rsplit('\t').next())
            .map(|line| left_by(&mut moderator, line))
            .collect();
        let long = left.iter().filter(|left| **left > SHORT).count();
        assert!(long * 20 < left.len(), "{long} of {} lines need a box", left.len());
    }
}
