//! One pass over a message: what a reader takes it for, without what hides it.
//!
//! Case, accents, likenesses and invisible characters go. A letter said several times over is said
//! once, and marked. What stands between words goes too: where a word begins is a mark on its first
//! letter, so that `f u c k` and `fuck` are the same letters, and differ in their marks only. Digits
//! and signs become letters where they stand among letters (`sh1t`), and are marked.
//!
//! Linear, whatever the text: each character is looked at once, and runs of digits and of masks
//! once more.

use super::block::{BLOCK, Block, NO_LETTER};
use super::glyphs::{self, DIGIT_LETTERS, Glyph, Glyphs};

/// Marks of a folded byte. Those of a letter of several bytes stand on its first.
pub(super) mod mark {
    /// Begins a word.
    pub(crate) const START: u8 = 1;
    /// The letter stood there twice or more.
    pub(crate) const DOUBLE: u8 = 2;
    /// Was a digit or a sign.
    pub(crate) const SYMBOL: u8 = 4;
    /// Carried an accent.
    pub(crate) const ACCENT: u8 = 8;
    /// Begins a line.
    pub(crate) const LINE: u8 = 16;
    /// Follows an apostrophe: `i'm`, which many write as one word.
    pub(crate) const APOSTROPHE: u8 = 32;
}

/// Stands for a letter that was masked: `f*ck`.
pub(super) const MASKED: u8 = b'*';

/// Plain bytes from which on a [`Block`] costs less than one by one. Where there were fewer, those that
/// follow are taken one by one: a text full of signs must not cost a block for each.
const BLOCK_WORTH: usize = 12;

/// So many of the same, one between each two letters, stand for no letters: signs and masks.
const SIGNS_BETWEEN: usize = 3;
const MASKS_BETWEEN: usize = 2;

/// What `@`, `$` and `+` are meant for.
const AT_LETTER: u8 = b'a';
const DOLLAR_LETTER: u8 = b's';
const PLUS_LETTER: u8 = b't';

/// What was seen on the way: which of the costlier questions are worth asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(pub(super) u8);

impl Seen {
    /// A digit.
    pub(super) const DIGIT: Self = Self(1);
    /// `@`.
    pub(super) const AT: Self = Self(2);
    /// A dot between two letters or digits.
    pub(super) const DOT: Self = Self(4);
    /// A slash.
    pub(super) const SLASH: Self = Self(8);
    /// A digit or sign among letters, or a mask.
    pub(super) const DISGUISE: Self = Self(16);

    /// What is in a text as patterns see it.
    pub(super) fn of_plain(text: &str) -> Self {
        let mut seen = Self::default();
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => seen.add(Self::DIGIT),
                b'@' => seen.add(Self::AT),
                b'.' => seen.add(Self::DOT),
                b'/' => seen.add(Self::SLASH),
                _ => {}
            }
        }
        seen
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A folded byte, and its [marks](mark).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) byte: u8,
    pub(super) marks: u8,
}

impl Letter {
    pub(super) fn has(self, marks: u8) -> bool {
        self.marks & marks != 0
    }
}

/// A folded message, with the end of those before it.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) letters: Vec<Letter>,
    pub(super) seen: Seen,
    /// Some letter is no ASCII.
    pub(super) foreign: bool,
    /// How much of it is of earlier messages.
    old: usize,
    origins: Option<Vec<u32>>,
}

impl Folded {
    /// Nothing yet, and to know where all that comes comes from.
    pub(super) fn traced() -> Self {
        Self { origins: Some(Vec::new()), ..Self::default() }
    }

    /// Where in the message each folded byte comes from, if it is [`Self::traced`].
    pub(super) fn origins(&self) -> &[u32] {
        self.origins.as_deref().unwrap_or_default()
    }

    /// Forgets what it held.
    pub(super) fn clear(&mut self) {
        self.letters.clear();
        self.origins.iter_mut().for_each(Vec::clear);
        self.seen = Seen::default();
        self.foreign = false;
        self.old = 0;
    }

    /// What it has of the last message.
    pub(super) fn latest(&self) -> &[Letter] {
        &self.letters[self.old..]
    }

    /// What it has of earlier messages.
    pub(super) fn before(&self) -> &[Letter] {
        &self.letters[..self.old]
    }

    /// The bytes, for whoever keeps them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.letters.iter().map(|letter| letter.byte).collect()
    }

    /// Takes the end of an earlier message, folded then.
    pub(super) fn resume(&mut self, letters: &[Letter]) {
        if letters.is_empty() {
            return;
        }
        self.letters.extend_from_slice(letters);
        self.foreign = letters.iter().any(|letter| !letter.byte.is_ascii());
        self.old = self.letters.len();
        self.trace(0);
    }

    /// All that is new comes from a place.
    fn trace(&mut self, at: usize) {
        if let Some(origins) = &mut self.origins {
            origins.resize(self.letters.len(), at as u32);
        }
    }

    /// For people to read: the letters, with `·` between words.
    pub(super) fn in_words(&self) -> String {
        let mut bytes = Vec::with_capacity(self.letters.len() * 2);
        for (at, letter) in self.letters.iter().enumerate() {
            if at > 0 && letter.has(mark::START) {
                bytes.extend_from_slice("·".as_bytes());
            }
            bytes.push(letter.byte);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Adds a message, as a line of its own.
    pub(super) fn add(&mut self, glyphs: &Glyphs, text: &str) {
        let folding =
            Folding { out: self, glyphs, text, pending: mark::START | mark::LINE, last: None };
        folding.run();
    }
}

/// A message on the way through.
struct Folding<'a> {
    out: &'a mut Folded,
    glyphs: &'a Glyphs,
    text: &'a str,
    /// Marks that the next letter gets.
    pending: u8,
    /// The letter directly before, and where it lies.
    last: Option<(char, usize)>,
}

impl Folding<'_> {
    fn run(mut self) {
        let mut at = 0;
        let mut blocks_from = 0;
        while at < self.text.len() {
            if self.out.origins.is_none() && at >= blocks_from {
                let begun = at;
                at = self.plain(at);
                if at - begun < BLOCK_WORTH {
                    blocks_from = at + BLOCK;
                }
            }
            if at < self.text.len() {
                at = self.other(at);
            }
        }
    }

    /// Takes letters of ASCII, and what stands between words there, as far as they go, and says
    /// where to go on. That is most of what is written, so it goes by [blocks](Block).
    fn plain(&mut self, mut at: usize) -> usize {
        while at < self.text.len() {
            let block = Block::of(&self.text.as_bytes()[at..]);
            self.block(&block);
            at += block.taken;
            if block.taken < BLOCK {
                break;
            }
        }
        at.min(self.text.len())
    }

    fn block(&mut self, block: &Block) {
        let Some(end) = block.taken.checked_sub(1) else { return };
        let letters = &block.letters;
        let before = match self.last {
            Some((last, place)) => {
                let again = letters[0] != 0 && u32::from(letters[0]) == u32::from(last);
                self.out.letters[place].marks |= u8::from(again) * mark::DOUBLE;
                if again { letters[0] } else { NO_LETTER }
            }
            None => NO_LETTER,
        };
        let from = self.out.letters.len();
        let kept = block.keep(before, &mut self.out.letters);
        if kept > 0 {
            // Whatever stood before the block says nothing of an apostrophe that isn't next to it.
            let gone = if letters[0] == 0 { mark::APOSTROPHE } else { 0 };
            self.out.letters[from].marks |= self.pending & !gone;
            self.pending = 0;
        }
        let last = letters[end];
        if last != 0 {
            self.last = Some((char::from(last), self.out.letters.len() - 1));
        } else {
            let apostrophe = if block.is_apostrophe(end) { mark::APOSTROPHE } else { 0 };
            self.pending = self.pending & mark::LINE | mark::START | apostrophe;
            self.last = None;
        }
    }

    /// Takes whatever stands at a place, and says where to go on.
    fn other(&mut self, at: usize) -> usize {
        let (glyph, width) = self.glyph(at);
        match glyph {
            Glyph::Letter(c) => self.letter(c, 0, at, width),
            Glyph::Accented(c) => self.letter(c, mark::ACCENT, at, width),
            Glyph::Ligature(place) => {
                let glyphs = self.glyphs;
                for c in glyphs.ligature(place).chars() {
                    self.letter(c, 0, at, width);
                }
                at + width
            }
            Glyph::Digit(_) => self.digits(at),
            Glyph::Sign(letter) => self.sign(letter, at, width),
            Glyph::Mask => self.masks(at),
            Glyph::Apostrophe => {
                self.gap(at, width);
                self.pending |= mark::APOSTROPHE;
                at + width
            }
            Glyph::Gap => {
                self.notice(at);
                self.gap(at, width)
            }
            Glyph::Accent => {
                if let Some((_, place)) = self.last {
                    self.out.letters[place].marks |= mark::ACCENT;
                }
                at + width
            }
            Glyph::Nothing => at + width,
        }
    }

    /// What stands at a place, and how many bytes it takes.
    fn glyph(&self, at: usize) -> (Glyph, usize) {
        let bytes = self.text.as_bytes();
        let byte = bytes[at];
        if byte.is_ascii() {
            return (glyphs::ascii(byte), 1);
        }
        let c = self.text[at..].chars().next().unwrap_or('\0');
        let width = c.len_utf8();
        let before = at > 0 && bytes[at - 1].is_ascii_alphabetic();
        let after = bytes.get(at + width).is_some_and(u8::is_ascii_alphabetic);
        (self.glyphs.get(c, before || after), width)
    }

    #[inline]
    fn letter(&mut self, c: char, marks: u8, at: usize, width: usize) -> usize {
        match self.last {
            Some((last, place)) if last == c => {
                self.out.letters[place].marks |= mark::DOUBLE | marks;
            }
            _ => self.push(c, marks, at),
        }
        at + width
    }

    #[inline]
    fn push(&mut self, c: char, marks: u8, at: usize) {
        let out = &mut *self.out;
        self.last = Some((c, out.letters.len()));
        let marks = marks | std::mem::take(&mut self.pending);
        if c.is_ascii() {
            out.letters.push(Letter { byte: c as u8, marks });
        } else {
            out.foreign = true;
            let mut buffer = [0; 4];
            let (first, rest) = match c.encode_utf8(&mut buffer).as_bytes() {
                [first, rest @ ..] => (*first, rest),
                [] => return,
            };
            out.letters.push(Letter { byte: first, marks });
            out.letters.extend(rest.iter().map(|&byte| Letter { byte, marks: 0 }));
        }
        out.trace(at);
    }

    #[inline]
    fn gap(&mut self, at: usize, width: usize) -> usize {
        self.pending = self.pending & !mark::APOSTROPHE | mark::START;
        self.last = None;
        at + width
    }

    /// Remembers signs that patterns wait for.
    fn notice(&mut self, at: usize) {
        let bytes = self.text.as_bytes();
        let seen = match bytes[at] {
            b'.' => {
                let before = at.checked_sub(1).is_some_and(|it| bytes[it].is_ascii_alphanumeric());
                let after = bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
                if before && after { Seen::DOT } else { return }
            }
            b'/' => Seen::SLASH,
            _ => return,
        };
        self.out.seen.add(seen);
    }

    /// Takes a run of digits: letters beside a letter, themselves where they stand alone.
    fn digits(&mut self, at: usize) -> usize {
        self.out.seen.add(Seen::DIGIT);
        let mut end = at;
        while end < self.text.len()
            && let (Glyph::Digit(_), width) = self.glyph(end)
        {
            end += width;
        }
        let spelled = self.last.is_some() || self.is_letter(end) || self.is_spelled(at, end);
        if spelled {
            self.out.seen.add(Seen::DISGUISE);
        }
        let mut at = at;
        while at < end {
            let (glyph, width) = self.glyph(at);
            let Glyph::Digit(digit) = glyph else { break };
            if spelled {
                self.letter(DIGIT_LETTERS[usize::from(digit)].into(), mark::SYMBOL, at, width);
            } else {
                self.push(char::from(b'0' + digit), mark::SYMBOL, at);
                self.last = None;
            }
            at += width;
        }
        end
    }

    /// Takes a sign: a letter between letters, and at some ends of a word.
    fn sign(&mut self, letter: u8, at: usize, width: usize) -> usize {
        if letter == AT_LETTER {
            self.out.seen.add(Seen::AT);
        }
        // The same sign once more is the same letter once more: `a$$`.
        let mut end = at + width;
        while end < self.text.len() && self.glyph(end) == (Glyph::Sign(letter), width) {
            end += width;
        }
        let (before, after) = (self.last.is_some(), self.is_letter(end) || self.is_sign(end));
        // Some end a word, and some begin one: `$hit`, `shi+`; others have other uses there.
        let meant = match letter {
            AT_LETTER | DOLLAR_LETTER => before || after,
            PLUS_LETTER => before,
            _ => before && after,
        };
        if !meant || end == at + width && self.alternates(at, width, SIGNS_BETWEEN) {
            return self.gap(at, end - at);
        }
        self.out.seen.add(Seen::DISGUISE);
        self.letter(letter.into(), mark::SYMBOL, at, width);
        if end > at + width {
            self.letter(letter.into(), mark::SYMBOL, at, width);
        }
        end
    }

    /// Takes a run of masks: letters that are hidden, or what stands between them.
    fn masks(&mut self, at: usize) -> usize {
        let mut end = at;
        let mut count = 0;
        while end < self.text.len()
            && let (Glyph::Mask, width) = self.glyph(end)
        {
            end += width;
            count += 1;
        }
        let between = self.last.is_some() && self.is_letter(end);
        if !between || count == 1 && self.alternates(at, end - at, MASKS_BETWEEN) {
            return self.gap(at, end - at);
        }
        self.out.seen.add(Seen::DISGUISE);
        for _ in 0..count.min(2) {
            self.last = None;
            self.push(MASKED.into(), mark::SYMBOL, at);
        }
        end
    }

    /// Whether a letter, or a digit that may be one, stands at a place.
    fn is_letter(&self, at: usize) -> bool {
        if at >= self.text.len() {
            return false;
        }
        matches!(
            self.glyph(at).0,
            Glyph::Letter(_) | Glyph::Accented(_) | Glyph::Ligature(_) | Glyph::Digit(_)
        )
    }

    /// Whether `!`, `$`, `@` or `+` stands at a place.
    fn is_sign(&self, at: usize) -> bool {
        self.text.as_bytes().get(at).is_some_and(|byte| matches!(byte, b'!' | b'$' | b'@' | b'+'))
    }

    /// Whether the same sign stands behind every letter around, so often that it is there to stand
    /// between them: `f*u*c*k`.
    fn alternates(&self, at: usize, width: usize, least: usize) -> bool {
        let bytes = self.text.as_bytes();
        let sign = &bytes[at..at + width];
        let is_sign = |from: usize| bytes.get(from..from + width) == Some(sign);
        let step = width + 1;
        let after = (1..least).take_while(|times| is_sign(at + times * step)).count();
        let before = (1..least)
            .take_while(|times| at.checked_sub(times * step).is_some_and(is_sign))
            .count();
        before + after + 1 >= least
    }

    /// Whether a digit stands alone where letters stand alone too: `s h 1 t`.
    fn is_spelled(&self, at: usize, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let lone = |letter: Option<usize>, beyond: Option<usize>| {
            let is_alone =
                beyond.is_none_or(|at| !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric));
            letter.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic) && is_alone
        };
        end == at + 1
            && lone(at.checked_sub(2), at.checked_sub(3))
            && lone(Some(end + 1), Some(end + 2))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is taken at once is taken as it is one by one.
        #[test]
        fn the_short_way_comes_to_the_same(
            lines in prop::collection::vec("[a-cA-C '.,!?@$10*\u{301}é\u{200b}-]{0,80}|[abC' ]{100,300}|[a-c .,?!']{0,100}|.{0,30}", 1..3),
        ) {
            let (mut short, mut long) = (Folded::default(), Folded::traced());
            for line in &lines {
                short.add(Glyphs::table(), line);
                long.add(Glyphs::table(), line);
            }
            prop_assert_eq!(&short.letters, &long.letters);
            prop_assert_eq!(short.seen, long.seen);
            prop_assert_eq!(long.origins().len(), long.letters.len());
        }
    }
}
