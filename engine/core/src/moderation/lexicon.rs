//! Listed terms, all found in one walk over a folded message.
//!
//! The walk (Aho and Corasick, *Efficient string matching*, 1975) goes over letters alone; whether a
//! place where a term's letters stand is a hit is for the marks to say: does it begin and end where
//! words do, are letters doubled where the term doubles them, and is it one word, or pieces of
//! several that only happen to stand side by side (`the pen is`)?

use std::collections::HashSet;
use std::iter;
use std::ops::Range;

use arrayvec::ArrayVec;

use super::blur::{Blurred, alike};
use super::fold::{Folded, Letter, MASKED, mark};
use super::glyphs::Glyphs;
use super::walk::{Draft, Place, Walks};

/// The longest term, in folded bytes: as many as a word of marks has bits.
pub(super) const TERM_BYTES_MAX: usize = 64;

/// Terms of this many folded bytes are found across words that happen to be plain ones: nobody says
/// them by chance.
const SURELY_MEANT: usize = 10;

/// The least that must be left of a term whose `i` and `l` were read as one.
const BLURRED_MIN: usize = 5;

/// Disguised spellings of one term.
const DISGUISES_MAX: usize = 16;

/// Terms of several words that have so many letters are meant where each word begins, whatever else does.
const PHRASE_MIN: usize = 6;

/// Terms of several words that are shorter than this are others when written together.
const TOGETHER_MIN: usize = 8;

/// Terms, and what is not to be taken for one.
pub(super) struct Lexicon {
    /// What is found in some scopes only, where they know few terms, and in all others.
    few: Walks,
    all: Walks,
    /// Words that say nothing about what is split around them.
    harmless: HashSet<Box<[u8]>, ahash::RandomState>,
}

/// What a term belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A rule, by its place.
    Rule(u16),
    /// No rule: what it covers is no hit.
    Exception,
}

/// Terms on their way into a [`Lexicon`].
pub(super) struct Builder<'a> {
    glyphs: &'a Glyphs,
    folded: Folded,
    plain: Draft,
    disguised: Draft,
}

/// A term, by marks: bit `n` is about its `n`-th byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) owner: Owner,
    len: u8,
    shape: Shape,
    /// Where its letters are doubled.
    doubles: u64,
    /// Where its words begin, but for the first.
    gaps: u64,
    /// Where its letters carry accents.
    accents: u64,
}

/// How a term must stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// May begin within a word.
    pub(super) open_left: bool,
    /// May end within a word.
    pub(super) open_right: bool,
    /// Letters without an accent must be found without.
    pub(super) exact_accents: bool,
    /// Something in it must have been a sign or digit.
    disguised: bool,
}

/// Why a term is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTerm {
    /// No letter or digit is in it.
    #[error("nothing is left of this term when it is folded")]
    Empty,
    /// It has too many letters.
    #[error("this term has more than {TERM_BYTES_MAX} bytes when it is folded")]
    TooLong,
    /// It would be found everywhere.
    #[error("a term of one or two letters needs word bounds on both sides: take the `*` away")]
    TooOpen,
}

/// A place where a term stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) rule: u16,
    /// In folded bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(glyphs: &'a Glyphs) -> Self {
        Self {
            glyphs,
            folded: Folded::default(),
            plain: Draft::default(),
            disguised: Draft::default(),
        }
    }

    /// Adds a term: words, with a `*` where it may go on within a word.
    pub(super) fn add(
        &mut self,
        text: &str,
        owner: Owner,
        exact_accents: bool,
    ) -> Result<(), BadTerm> {
        let text = text.trim();
        let bare = text.trim_matches('*');
        self.folded.clear();
        self.folded.add(self.glyphs, bare);
        let bytes = &self.folded.bytes();
        match bytes.len() {
            0 => return Err(BadTerm::Empty),
            1..=TERM_BYTES_MAX => {}
            _ => return Err(BadTerm::TooLong),
        }
        // Scripts that leave no space between words have no bounds to look for.
        let running = bare.chars().all(|c| runs_on(c) || c == ' ');
        let shape = Shape {
            open_left: running || text.starts_with('*'),
            open_right: running || text.ends_with('*'),
            exact_accents,
            disguised: false,
        };
        if bytes.len() < 3 && (shape.open_left || shape.open_right) {
            return Err(BadTerm::TooOpen);
        }
        let term = Term::new(owner, shape, &self.folded.letters);
        self.plain.push(bytes.clone(), term);
        if owner == Owner::Exception {
            return Ok(());
        }
        if let Some(letters) = spelled_out(&self.folded.letters) {
            // Accents don't come into what is spelled out.
            let shape = Shape { exact_accents: false, ..shape };
            let term = Term::new(owner, shape, &letters);
            let term = Term { doubles: 0, accents: 0, ..term };
            self.plain.push(bytes_of(&letters), term);
        }
        let shape = Shape { disguised: true, exact_accents: false, ..shape };
        for letters in spellings(&self.folded.letters) {
            let term = Term { doubles: 0, accents: 0, ..Term::new(owner, shape, &letters) };
            self.disguised.push(bytes_of(&letters), term);
        }
        Ok(())
    }

    /// The lexicon, with the words that split nothing. `in_few` says which rules are of the scopes
    /// that know few.
    pub(super) fn build<'w>(
        mut self,
        harmless: impl Iterator<Item = &'w str>,
        in_few: impl Fn(u16) -> bool,
    ) -> Lexicon {
        let mut words = HashSet::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
        for word in harmless {
            self.folded.clear();
            self.folded.add(self.glyphs, word);
            words.insert(self.folded.bytes().into());
        }
        let is_few = |term: &Term| match term.owner {
            Owner::Rule(rule) => in_few(rule),
            Owner::Exception => true,
        };
        let few = Walks::new(self.plain.only(is_few), self.disguised.only(is_few));
        Lexicon { few, all: Walks::new(self.plain, self.disguised), harmless: words }
    }
}

impl Term {
    /// A term of at most [`TERM_BYTES_MAX`] bytes, as folded.
    fn new(owner: Owner, shape: Shape, letters: &[Letter]) -> Self {
        let bits = |mark: u8| {
            let places = letters.iter().enumerate().filter(move |(_, it)| it.has(mark));
            places.fold(0_u64, |bits, (place, _)| bits | 1 << place)
        };
        Self {
            owner,
            len: letters.len() as u8,
            shape,
            doubles: bits(mark::DOUBLE),
            gaps: bits(mark::START) & !bits(mark::APOSTROPHE) & !1,
            accents: bits(mark::ACCENT),
        }
    }
}

impl Term {
    /// How many letters it has.
    pub(super) fn len(&self) -> usize {
        self.len.into()
    }
}

/// The letters of a term said one by one, where some are doubled: each then stands for itself
/// (`a s s`), which folding does not draw together.
fn spelled_out(letters: &[Letter]) -> Option<Vec<Letter>> {
    let count = letters.iter().filter(|letter| letter.has(mark::DOUBLE)).count();
    let is_ascii = letters.iter().all(|letter| letter.byte.is_ascii());
    if count == 0 || letters.len() + count > TERM_BYTES_MAX || !is_ascii {
        return None;
    }
    let mut spelled = Vec::with_capacity(letters.len() + count);
    for &letter in letters {
        spelled.push(letter);
        if letter.has(mark::DOUBLE) {
            spelled.push(Letter { marks: 0, ..letter });
        }
    }
    Some(spelled)
}

/// What a term is spelled as with signs and digits among its letters, blurred.
fn spellings(letters: &[Letter]) -> Vec<Vec<Letter>> {
    // Said one by one, letters are not drawn together.
    let mut apart = spelled_out(letters).unwrap_or_else(|| letters.to_vec());
    apart.iter_mut().for_each(|letter| letter.byte = alike(letter.byte));
    let mut all = vec![apart];
    let mut blurred = Blurred::default();
    for letters in iter::once(letters.to_vec()).chain(masked(letters)) {
        blurred.read(&letters);
        // What little is left of a word may be anything.
        let is_shorter = blurred.letters.len() < letters.len();
        if !is_shorter || blurred.letters.len() >= BLURRED_MIN {
            all.push(blurred.letters.clone());
        }
    }
    all.dedup();
    all.retain(|letters| letters.len() > 2);
    all
}

/// The spellings of a term with masks for letters: vowels first.
fn masked(letters: &[Letter]) -> Vec<Vec<Letter>> {
    let len = letters.len();
    if len < 3 || !letters.iter().all(|letter| letter.byte.is_ascii()) {
        return Vec::new();
    }
    let mut all: Vec<Vec<Letter>> = Vec::new();
    let mut add = |hide: &dyn Fn(usize) -> bool| {
        let mut spelled: Vec<Letter> = Vec::with_capacity(len);
        for (place, &letter) in letters.iter().enumerate() {
            if !hide(place) {
                spelled.push(letter);
                continue;
            }
            // Any number of masks, from two on, is two.
            let is_third = spelled.len() > 1
                && spelled[spelled.len() - 2..].iter().all(|it| it.byte == MASKED);
            if !is_third || letter.has(mark::START) {
                spelled.push(Letter { byte: MASKED, ..letter });
            }
        }
        if all.len() < DISGUISES_MAX && spelled != letters && !all.contains(&spelled) {
            all.push(spelled);
        }
    };
    let is_vowel = |place: usize| b"aeiouy".contains(&letters[place].byte);
    // The first letter and the last are what readers go by.
    let inner = 1..len - 1;
    add(&|place| inner.contains(&place) && is_vowel(place));
    if len > 3 {
        let (vowels, others): (Vec<_>, Vec<_>) = inner.clone().partition(|place| is_vowel(*place));
        vowels.into_iter().chain(others).for_each(|hidden| add(&|place| place == hidden));
    }
    if len > 5 {
        for hidden in inner.start..inner.end - 1 {
            add(&|place| place == hidden || place == hidden + 1);
        }
    }
    all
}

fn bytes_of(letters: &[Letter]) -> Vec<u8> {
    letters.iter().map(|letter| letter.byte).collect()
}

/// Letters of scripts that leave no space between words.
fn runs_on(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{FF66}'..='\u{FF9F}'
        | '\u{2_0000}'..='\u{3_FFFF}'
    )
}

impl Lexicon {
    /// Finds the terms that end behind the first `old` letters, each place as soon as it is sure that
    /// no exception covers it. `wants` says which rules are of interest, which all are `in_few` scopes
    /// or not. Returns how many of the last letters a term may begin with that goes on from here.
    pub(super) fn find(
        &self,
        in_few: bool,
        folded: &mut Folded,
        old: usize,
        found: &mut Found,
        wants: impl Fn(u16) -> bool,
    ) -> usize {
        found.clear();
        let walks = if in_few { &self.few } else { &self.all };
        let begun = walks.walk(folded, old, |term, place| {
            let wanted = match term.owner {
                Owner::Rule(rule) => wants(rule),
                Owner::Exception => true,
            };
            if wanted && self.stands(term, &place) {
                found.add(term, place.of, place.folded);
            }
        });
        found.settle();
        begun
    }
}

#[cfg(test)]
impl Lexicon {
    pub(super) fn all(&self) -> &Walks {
        &self.all
    }
}

impl Lexicon {
    /// Whether a term whose letters are at a place stands there.
    fn stands(&self, term: &Term, place: &Place<'_>) -> bool {
        let &Place { letters, start, end, .. } = place;
        let is_symbol = |at: usize| letters.get(at).is_some_and(|it| it.has(mark::SYMBOL));
        let is_start = |at: usize| letters.get(at).is_none_or(|it| it.has(mark::START));
        let begins = is_start(start) || start > 0 && is_symbol(start - 1);
        if !begins && !term.shape.open_left {
            return false;
        }
        let ends = |at: usize| is_start(at) || is_symbol(at);
        let plural =
            matches!(letters.get(end), Some(Letter { byte: b's' | b'z', .. })) && term.len > 3;
        let finishes = ends(end) || is_symbol(end - 1) || plural && ends(end + 1);
        if !finishes && !term.shape.open_right {
            return false;
        }
        let (mut doubles, mut starts, mut accents) = (0_u64, 0_u64, 0_u64);
        let (mut symbols, mut digits, mut joined) = (0_u64, 0_u64, 0_u64);
        // `i'm` is as good as `im` in what is said in several words; `he'll` is no `hell`.
        let apart = if term.gaps == 0 { mark::START } else { mark::START | mark::APOSTROPHE };
        for (at, it) in letters[start..end].iter().enumerate() {
            let bit = |mark: u8| u64::from(it.has(mark)) << at;
            doubles |= bit(mark::DOUBLE);
            starts |= u64::from(it.marks & apart == mark::START) << at;
            symbols |= bit(mark::SYMBOL);
            digits |= bit(mark::DIGIT);
            accents |= bit(mark::ACCENT);
            joined |= bit(mark::JOINED);
        }
        if term.doubles & !doubles != 0 || term.shape.disguised && symbols == 0 {
            return false;
        }
        // `f46` is somebody's age, and a number by itself no word.
        if digits.count_ones() > 1 && (term.len < 4 || digits.count_ones() >= u32::from(term.len)) {
            return false;
        }
        if term.shape.exact_accents && accents & !term.accents != 0 {
            return false;
        }
        let split = starts & !1 & !term.gaps;
        let all_gaps = term.gaps & !starts == 0;
        if usize::from(term.len) < TOGETHER_MIN && !all_gaps {
            return false;
        }
        // A number is a word of its own, or none at all.
        if split != 0 && place.of[place.folded.clone()].iter().any(|it| it.byte.is_ascii_digit()) {
            return false;
        }
        match term.owner {
            Owner::Exception => split == 0 && all_gaps,
            Owner::Rule(_) if split == 0 => !crosses_lines(&letters[start..end]),
            Owner::Rule(_) if !(begins && finishes) => false,
            Owner::Rule(_) => {
                let is_joined = |at: usize| letters.get(at).is_some_and(|it| it.has(mark::JOINED));
                end - start >= SURELY_MEANT
                    || term.gaps != 0 && all_gaps && end - start >= PHRASE_MIN
                    || split & !joined == 0 && !is_joined(start) && !is_joined(end)
                    || self.is_meant(&letters[start..end], starts)
                    || end == letters.len() && is_line_by_line(&letters[start..end], split)
            }
        }
    }

    /// Whether the pieces of a term are no words by themselves, so that somebody took it apart.
    fn is_meant(&self, letters: &[Letter], starts: u64) -> bool {
        let bytes: ArrayVec<u8, TERM_BYTES_MAX> = letters.iter().map(|it| it.byte).collect();
        let (mut pieces, mut singles, mut odd, mut strange) = (0, 0, false, false);
        let mut begin = 0;
        let places = (1..bytes.len()).filter(|place| starts >> place & 1 == 1);
        for end in places.chain([bytes.len()]) {
            let piece = &bytes[begin..end];
            pieces += 1;
            singles += usize::from(piece.len() == 1);
            // `doesn't` leaves a `t`.
            let is_cut = matches!(piece, [byte] if !b"aeiouy".contains(byte));
            odd |= is_cut && !letters[begin].has(mark::APOSTROPHE);
            strange |= !self.harmless.contains(piece);
            begin = end;
        }
        strange || singles > 2 || pieces > 2 && odd
    }
}

/// Whether these are whole lines, three or more, broken off within words.
fn is_line_by_line(letters: &[Letter], split: u64) -> bool {
    let begins = |it: &Letter| it.has(mark::LINE);
    let lines = letters.iter().filter(|it| begins(it)).count();
    let at_lines = (0..letters.len()).all(|at| split >> at & 1 == 0 || begins(&letters[at]));
    begins(&letters[0]) && lines > 2 && at_lines
}

fn crosses_lines(letters: &[Letter]) -> bool {
    letters[1..].iter().any(|it| it.has(mark::LINE)) && letters.len() < SURELY_MEANT
}

/// What was found so far. Exceptions may come up after what they cover, so hits wait until the end,
/// or until there are very many.
#[derive(Debug, Default)]
pub(super) struct Found {
    waiting: Vec<Hit>,
    exceptions: Vec<Covered>,
    /// Hits that are sure.
    pub(super) hits: Vec<Hit>,
}

/// Where an exception stands.
#[derive(Clone, Copy, Debug)]
struct Covered {
    /// With the rest of the word, where it may begin within one.
    start: usize,
    end: usize,
    /// With the rest of the word, where it may end within one.
    reach: usize,
}

/// Hits that wait for their exceptions.
const WAITING_MAX: usize = 128;

impl Found {
    fn clear(&mut self) {
        self.waiting.clear();
        self.exceptions.clear();
        self.hits.clear();
    }

    fn add(&mut self, term: &Term, letters: &[Letter], Range { start, end }: Range<usize>) {
        match term.owner {
            Owner::Rule(rule) => {
                if self.waiting.len() == WAITING_MAX {
                    self.settle();
                }
                self.waiting.push(Hit { rule, start, end });
            }
            Owner::Exception => {
                let begins = |at: &usize| {
                    let it = letters[*at].marks & (mark::START | mark::APOSTROPHE);
                    it == mark::START
                };
                let (mut from, mut reach) = (start, end);
                if term.shape.open_left {
                    let mut word = start.saturating_sub(TERM_BYTES_MAX)..=start;
                    let first = *word.start();
                    // A word that was begun before what is left of earlier lines is all of it.
                    let unseen = if first == 0 { 0 } else { start };
                    from = word.rfind(begins).unwrap_or(unseen);
                }
                if term.shape.open_right {
                    let mut word = end..letters.len().min(end + TERM_BYTES_MAX);
                    let last = word.end;
                    reach = word.find(begins).unwrap_or(last);
                }
                self.exceptions.push(Covered { start: from, end, reach });
            }
        }
    }

    /// Drops what an exception covers, and takes the rest for sure.
    fn settle(&mut self) {
        let Self { waiting, exceptions, hits } = self;
        let covered = |hit: &Hit| {
            // They are sorted by their ends, and reach no further than a term may.
            let from = exceptions.partition_point(|it| it.end + TERM_BYTES_MAX < hit.end);
            let near =
                exceptions[from..].iter().take_while(|it| it.end <= hit.start + 2 * TERM_BYTES_MAX);
            near.into_iter().any(|it| it.start <= hit.start && it.reach >= hit.end)
        };
        hits.extend(waiting.drain(..).filter(|hit| !covered(hit)));
    }
}
