//! One pass over a message: what a reader takes it for, without what hides it.
//!
//! Case, accents, likenesses and invisible characters go. A letter said several times over is said
//! once, and marked. What stands between words goes too: where a word begins is a mark on its first
//! letter, so that `f u c k` and `fuck` are the same letters, and differ in their marks only. Digits
//! and signs become letters where they stand among letters (`sh1t`), and are marked.
//!
//! Linear, whatever the text: each character is looked at once, and runs of digits and of masks
//! once more.

use super::around::Around;
use super::bidi::OVERRIDE;
use super::block::{BLOCK, Block, NO_LETTER};
use super::blur::Blurred;
use super::glyphs::{DIGIT_LETTERS, Glyph, Glyphs};
use crate::codec::fields;

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
    /// Begins a word with no space before it: `f.u_c-k`.
    pub(crate) const JOINED: u8 = 64;
    /// Was a digit.
    pub(crate) const DIGIT: u8 = 128;
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
const EXCLAMATION_LETTER: u8 = b'i';

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
    /// What is shown in another order.
    pub(super) const TURNED: Self = Self(32);

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

fields! { struct Letter { byte, marks } }

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
    /// The letters as they are read where there are signs among them.
    pub(super) blurred: Blurred,
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

    /// Forgets the last message, and not what it has of earlier ones.
    pub(super) fn forget_latest(&mut self) {
        self.letters.truncate(self.old);
        self.seen = Seen::default();
        self.foreign = self.letters.iter().any(|letter| !letter.byte.is_ascii());
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

    /// Reads the letters once more, where there are signs among them.
    pub(super) fn blur(&mut self) {
        self.blurred.read(&self.letters);
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

    #[inline(never)]
    fn push_beyond_ascii(&mut self, c: char, marks: u8) {
        self.foreign = true;
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).bytes();
        let marks = std::iter::once(marks).chain(std::iter::repeat(0));
        self.letters.extend(bytes.zip(marks).map(|(byte, marks)| Letter { byte, marks }));
    }

    /// All that is new comes from a place.
    #[inline]
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
        let around = Around::new(glyphs, text);
        Folding { out: self, around, pending: mark::START | mark::LINE, last: None }.run();
    }
}

/// A message on the way through.
struct Folding<'a> {
    out: &'a mut Folded,
    around: Around<'a>,
    /// Marks that the next letter gets.
    pending: u8,
    /// The letter directly before, and where it lies.
    last: Option<(char, usize)>,
}

impl Folding<'_> {
    fn run(mut self) {
        let mut at = 0;
        let mut blocks_from = 0;
        while at < self.around.text.len() {
            if self.out.origins.is_none() && at >= blocks_from {
                let begun = at;
                at = self.plain(at);
                if at - begun < BLOCK_WORTH {
                    blocks_from = at + BLOCK;
                }
            }
            if at < self.around.text.len() {
                at = self.other(at);
            }
        }
    }

    /// Takes letters of ASCII, and what stands between words there, as far as they go, and says
    /// where to go on. That is most of what is written, so it goes by [blocks](Block).
    fn plain(&mut self, mut at: usize) -> usize {
        while at < self.around.text.len() {
            let block = Block::of(&self.around.text.as_bytes()[at..]);
            self.block(&block);
            at += block.taken;
            if block.taken < BLOCK {
                break;
            }
        }
        at.min(self.around.text.len())
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
            let gone = if letters[0] == 0 { mark::APOSTROPHE | mark::JOINED } else { 0 };
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
        let (glyph, width) = self.around.glyph(at);
        match glyph {
            Glyph::Letter(c) => self.letter(c, 0, at, width),
            Glyph::Accented(c) => self.letter(c, mark::ACCENT, at, width),
            Glyph::Ligature(place) => {
                let glyphs = self.around.glyphs;
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
                match joins(self.around.text.as_bytes()[at]) {
                    true => self.joint(at, width),
                    false => self.gap(at, width),
                }
            }
            Glyph::Accent => {
                if let Some((_, place)) = self.last {
                    self.out.letters[place].marks |= mark::ACCENT;
                }
                at + width
            }
            Glyph::Nothing => {
                if self.around.text[at..].starts_with(OVERRIDE) {
                    self.out.seen.add(Seen::TURNED);
                }
                at + width
            }
        }
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
            out.push_beyond_ascii(c, marks);
        }
        out.trace(at);
    }

    #[inline]
    fn gap(&mut self, at: usize, width: usize) -> usize {
        self.pending = self.pending & !(mark::APOSTROPHE | mark::JOINED) | mark::START;
        self.last = None;
        at + width
    }

    /// The same where it is no space that stands there.
    fn joint(&mut self, at: usize, width: usize) -> usize {
        let joined = self.last.is_some() || self.pending & mark::JOINED != 0;
        self.gap(at, width);
        self.pending |= u8::from(joined) * mark::JOINED;
        at + width
    }

    /// Remembers signs that patterns wait for.
    fn notice(&mut self, at: usize) {
        let bytes = self.around.text.as_bytes();
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
        let (mut end, mut count) = (at, 0);
        while end < self.around.text.len()
            && let (Glyph::Digit(_), width) = self.around.glyph(end)
        {
            end += width;
            count += 1;
        }
        let among = self.last.is_some() || self.around.leads_to_letter(end);
        let spelled = among || count == 1 && self.around.is_spelled(at, end, true);
        if spelled {
            self.out.seen.add(Seen::DISGUISE);
        }
        let mut at = at;
        while at < end {
            let (glyph, width) = self.around.glyph(at);
            let Glyph::Digit(digit) = glyph else { break };
            if spelled {
                let letter = DIGIT_LETTERS[usize::from(digit)].into();
                self.letter(letter, mark::SYMBOL | mark::DIGIT, at, width);
            } else {
                self.push(char::from(b'0' + digit), mark::SYMBOL | mark::DIGIT, at);
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
        while end < self.around.text.len() && self.around.glyph(end) == (Glyph::Sign(letter), width)
        {
            end += width;
        }
        let (before, after) =
            (self.last.is_some(), self.around.is_letter(end) || self.around.is_sign(end));
        // Some end a word, and some begin one: `$hit`, `shi+`, `!diot`; others have other uses there.
        let meant = match letter {
            AT_LETTER | DOLLAR_LETTER => before || after,
            PLUS_LETTER => before || self.around.begins_word(at, end),
            EXCLAMATION_LETTER => before && after || self.around.begins_word(at, end),
            _ => before && after,
        };
        // Before a space `!` ends a sentence, as a block has it.
        let ends = letter == EXCLAMATION_LETTER && self.around.ends_sentence(end);
        let meant = meant || !before && !after && !ends && self.around.is_spelled(at, end, false);
        if !meant || end == at + width && self.around.alternates(at, width, SIGNS_BETWEEN) {
            return self.joint(at, end - at);
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
        while end < self.around.text.len()
            && let (Glyph::Mask, width) = self.around.glyph(end)
        {
            end += width;
            count += 1;
        }
        let between = self.last.is_some() && self.around.is_letter(end);
        if !between || count == 1 && self.around.alternates(at, end - at, MASKS_BETWEEN) {
            return self.joint(at, end - at);
        }
        self.out.seen.add(Seen::DISGUISE);
        for _ in 0..count.min(2) {
            self.last = None;
            self.push(MASKED.into(), mark::SYMBOL, at);
        }
        end
    }
}

/// Whether what begins with a byte stands between pieces of a word rather than between words. Not for
/// what [`Block`]s take.
fn joins(byte: u8) -> bool {
    matches!(byte, b'.' | b',' | b'-' | b'_' | b'/' | b'\\' | b'=' | b'<' | b'>')
        || !byte.is_ascii()
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
