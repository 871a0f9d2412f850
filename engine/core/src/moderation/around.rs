//! What stands around a place in a text that is being folded.

use std::cell::Cell;

use super::glyphs::{self, Glyph, Glyphs};

/// So many characters around a letter that stands alone are its word.
const NEAR_MAX: usize = 12;

/// So many signs, or characters that can't be seen, may stand before a letter that counts.
const SKIPPED_MAX: usize = 4;

/// So many that stand alone are looked at on either side of one that does.
const LONE_MAX: usize = 3;

/// A text, to be looked at around any place of it.
pub(super) struct Around<'a> {
    pub(super) glyphs: &'a Glyphs,
    pub(super) text: &'a str,
    /// Every byte is a character, and counts as seen.
    is_ascii: bool,
    /// Whether there are letters of several alphabets in it, once somebody has asked.
    is_mixed: Cell<Option<bool>>,
    /// The last word that was looked at as a whole, and whether it is to be read as Latin.
    word: Cell<(usize, usize, bool)>,
}

impl<'a> Around<'a> {
    pub(super) fn new(glyphs: &'a Glyphs, text: &'a str) -> Self {
        let is_ascii = text.is_ascii();
        Self { glyphs, text, is_ascii, is_mixed: Cell::default(), word: Cell::default() }
    }

    /// What stands at a place, and how many bytes it takes.
    #[inline]
    pub(super) fn glyph(&self, at: usize) -> (Glyph, usize) {
        let byte = self.text.as_bytes()[at];
        if byte.is_ascii() { (glyphs::ascii(byte), 1) } else { self.glyph_beyond_ascii(at) }
    }

    #[inline(never)]
    fn glyph_beyond_ascii(&self, at: usize) -> (Glyph, usize) {
        let bytes = self.text.as_bytes();
        let c = self.text[at..].chars().next().unwrap_or('\0');
        let width = c.len_utf8();
        let among = if is_of_alphabet(c) {
            self.is_mixed() && self.is_in_latin(at)
        } else {
            at > 0 && bytes[at - 1].is_ascii_alphabetic()
                || bytes.get(at + width).is_some_and(u8::is_ascii_alphabetic)
        };
        (self.glyphs.get(c, among), width)
    }

    /// Whether the text has letters of several alphabets: most have not, and need no closer look.
    fn is_mixed(&self) -> bool {
        if let Some(is_mixed) = self.is_mixed.get() {
            return is_mixed;
        }
        // By the first bytes of what UTF-8 makes of a letter: ASCII, or Latin with more to it; Greek;
        // Cyrillic; Armenian, where a few letters of Cyrillic are as well.
        let alphabets = self.text.bytes().fold(0_u8, |alphabets, byte| {
            alphabets
                | match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | 0xC3..=0xCA => 1,
                    0xCD..=0xCF => 2,
                    0xD0..=0xD3 => 4,
                    0xD4..=0xD6 => 8,
                    _ => 0,
                }
        });
        let is_mixed = alphabets.count_ones() > 1;
        self.is_mixed.set(Some(is_mixed));
        is_mixed
    }

    /// Whether a letter of another alphabet stands in a word that is meant to be read as Latin: of
    /// several alphabets, and mostly of letters that are drawn like Latin ones. For a letter that stands
    /// alone, what is near counts as its word.
    fn is_in_latin(&self, at: usize) -> bool {
        let (from, to, is_latin) = self.word.get();
        if (from..to).contains(&at) {
            return is_latin;
        }
        let is_of_word = |c: &char| c.is_alphanumeric() || !self.can_be_seen(*c);
        let size = |c: char| c.len_utf8();
        let before = self.text[..at].chars().rev().take_while(is_of_word).map(size).sum::<usize>();
        let after = self.text[at..].chars().take_while(is_of_word).map(size).sum::<usize>();
        let word = &self.text[at - before..at + after];
        let mut reading = Reading::default();
        if word.chars().nth(1).is_some() {
            word.chars().for_each(|c| reading.take(c, self.glyphs));
        } else {
            let near = self.text[..at].chars().rev().take(NEAR_MAX);
            near.chain(self.text[at..].chars().take(NEAR_MAX))
                .for_each(|c| reading.take(c, self.glyphs));
        }
        let is_latin = reading.is_latin();
        self.word.set((at - before, at + after, is_latin));
        is_latin
    }

    /// Whether a letter, or a digit that may be one, stands at a place.
    pub(super) fn is_letter(&self, at: usize) -> bool {
        self.is_letter_behind(at, |glyph| matches!(glyph, Glyph::Accent | Glyph::Nothing))
    }

    /// The same behind some signs: `1!f3`.
    pub(super) fn leads_to_letter(&self, at: usize) -> bool {
        let is_skipped = |glyph| matches!(glyph, Glyph::Accent | Glyph::Nothing | Glyph::Sign(_));
        self.is_letter_behind(at, is_skipped)
    }

    /// Whether a letter or digit stands at a place, or behind a few others there.
    fn is_letter_behind(&self, mut at: usize, is_skipped: impl Fn(Glyph) -> bool) -> bool {
        for _ in 0..SKIPPED_MAX {
            if at >= self.text.len() {
                return false;
            }
            let (glyph, width) = self.glyph(at);
            if !is_skipped(glyph) {
                return matches!(
                    glyph,
                    Glyph::Letter(_) | Glyph::Accented(_) | Glyph::Ligature(_) | Glyph::Digit(_)
                );
            }
            at += width;
        }
        false
    }

    pub(super) fn ends_sentence(&self, end: usize) -> bool {
        matches!(self.text.as_bytes().get(end), None | Some(b' '))
    }

    /// Whether a single sign stands where a word begins, and directly before a letter.
    pub(super) fn begins_word(&self, at: usize, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        end == at + 1
            && at.checked_sub(1).is_none_or(|before| bytes[before] == b' ')
            && bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
    }

    /// Whether `!`, `$`, `@` or `+` stands at a place.
    pub(super) fn is_sign(&self, at: usize) -> bool {
        self.text.as_bytes().get(at).is_some_and(|byte| matches!(byte, b'!' | b'$' | b'@' | b'+'))
    }

    /// Whether the same sign stands behind every letter around, so often that it is there to stand
    /// between them: `f*u*c*k`.
    pub(super) fn alternates(&self, at: usize, width: usize, least: usize) -> bool {
        if self.is_ascii {
            let (before, after) = self.text.as_bytes().split_at(at);
            let sign = after.first();
            let after = every_other(sign, least, after[1..].iter());
            return every_other(sign, least, before.iter().rev()) + after + 1 >= least;
        }
        let sign = self.text[at..].chars().next();
        let after = every_other(sign, least, self.seen_from(at + width));
        let before = every_other(sign, least, self.seen_back_from(at));
        before + after + 1 >= least
    }

    /// Whether a sign or digit stands alone among letters that stand alone too: `s h 1 t`. A digit is one
    /// of at least as many letters.
    pub(super) fn is_spelled(&self, at: usize, end: usize, is_digit: bool) -> bool {
        let (mut letters, mut others) = (0, 1);
        let mut take = |c: char| match c.is_alphabetic() {
            true => letters += 1,
            false => others += 1,
        };
        lone(self.seen_from(end), &mut take);
        lone(self.seen_back_from(at), &mut take);
        letters + others > 2 && letters > 0 && (!is_digit || letters >= others || letters > 2)
    }

    /// What can be seen from a place on.
    fn seen_from(&self, at: usize) -> impl Iterator<Item = char> {
        self.text[at..].chars().filter(|c| self.can_be_seen(*c))
    }

    /// The same towards the beginning.
    fn seen_back_from(&self, at: usize) -> impl Iterator<Item = char> {
        self.text[..at].chars().rev().filter(|c| self.can_be_seen(*c))
    }

    fn can_be_seen(&self, c: char) -> bool {
        c.is_ascii() || !matches!(self.glyphs.get(c, false), Glyph::Accent | Glyph::Nothing)
    }
}

/// What a word is made of.
#[derive(Default)]
struct Reading {
    latin: bool,
    greek: bool,
    cyrillic: bool,
    armenian: bool,
    /// Letters that are Latin, or drawn like it in every font.
    sure: usize,
    others: usize,
}

impl Reading {
    fn take(&mut self, c: char, glyphs: &Glyphs) {
        match c {
            'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{2AF}' | '\u{2170}'..='\u{217F}' => {
                self.latin = true
            }
            '\u{370}'..='\u{3FF}' => self.greek = true,
            '\u{400}'..='\u{52F}' => self.cyrillic = true,
            '\u{530}'..='\u{58F}' => self.armenian = true,
            _ => return,
        }
        let is_sure = c.is_ascii()
            || matches!(glyphs.get(c, false), Glyph::Letter(it) | Glyph::Accented(it) if it.is_ascii());
        *(if is_sure { &mut self.sure } else { &mut self.others }) += 1;
    }

    fn is_latin(&self) -> bool {
        let alphabets = [self.latin, self.greek, self.cyrillic, self.armenian];
        alphabets.into_iter().filter(|it| *it).count() > 1 && self.sure >= self.others
    }
}

/// Of an alphabet that has letters drawn like Latin ones: Greek, Cyrillic, Armenian.
fn is_of_alphabet(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58F}')
}

/// How often a sign comes again with one character between, up to so many but one.
#[inline]
fn every_other<T: PartialEq>(
    sign: Option<T>,
    most: usize,
    mut seen: impl Iterator<Item = T>,
) -> usize {
    (1..most).take_while(|_| seen.nth(1) == sign && sign.is_some()).count()
}

/// Takes the next few letters, digits and signs, as far as each stands alone.
fn lone(mut seen: impl Iterator<Item = char>, take: &mut impl FnMut(char)) {
    let first = seen.next();
    let is_sign = |c: char| matches!(c, '@' | '$' | '!' | '+' | '|');
    // A sign that stands between all of them is none for a letter.
    let is_gap = |c: char| !c.is_alphanumeric() && (!is_sign(c) || Some(c) == first);
    let mut between = first;
    for _ in 0..LONE_MAX {
        let (Some(gap), Some(c)) = (between, seen.next()) else { return };
        between = seen.next();
        if !is_gap(gap) || is_gap(c) || between.is_some_and(|it| !is_gap(it)) {
            return;
        }
        take(c);
    }
}
