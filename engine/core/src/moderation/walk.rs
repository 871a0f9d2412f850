//! The walk over folded letters that comes by every listed term.
//!
//! Aho and Corasick's automaton, three times over the same terms, by what a line asks for: most lines
//! are ASCII throughout, and for the terms that are, the automaton is made deterministic, one step a
//! letter. Where every state had a row for every byte of every script it would be many megabytes, so
//! a line with a letter of another script is walked with one that is not; so is the one for disguised
//! spellings, which few lines need.

use std::ops::Range;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind, dfa};

use super::fold::{Folded, Letter, Seen, mark};
use super::lexicon::Term;

/// The automata for some terms.
pub(super) struct Walks {
    /// Terms that begin with a letter of ASCII, for lines that are nothing else.
    ascii: Walk<dfa::DFA>,
    /// All terms, for other lines.
    any: Walk<NFA>,
    /// Spellings that only a message with signs or digits among its letters can have.
    disguised: Walk<NFA>,
}

/// Terms on their way into an automaton.
#[derive(Default)]
pub(super) struct Draft {
    keys: Vec<Vec<u8>>,
    terms: Vec<Term>,
}

/// A place where the letters of a term stand.
#[derive(Clone)]
pub(super) struct Place<'a> {
    /// The letters that were walked, and the place among them.
    pub(super) letters: &'a [Letter],
    pub(super) start: usize,
    pub(super) end: usize,
    /// The same among those that were folded, and those.
    pub(super) folded: Range<usize>,
    pub(super) of: &'a [Letter],
}

struct Walk<A> {
    automaton: Option<A>,
    terms: Vec<Term>,
    depths: Depths,
}

/// How many letters of a term each state stands for.
#[derive(Default)]
struct Depths {
    /// By the numbers of states, without the bits that are 0 in all.
    of: Box<[u8]>,
    zeros: u32,
}

impl Walks {
    pub(super) fn new(plain: Draft, disguised: Draft) -> Self {
        let ascii = plain.with(|key, _| key.first().is_some_and(u8::is_ascii));
        let deterministic = |keys: &[Vec<u8>]| {
            dfa::DFA::builder().match_kind(MatchKind::Standard).prefilter(false).build(keys)
        };
        let compact = |keys: &[Vec<u8>]| {
            NFA::builder().match_kind(MatchKind::Standard).prefilter(false).build(keys)
        };
        Self {
            ascii: Walk::new(ascii, deterministic),
            any: Walk::new(plain, compact),
            disguised: Walk::new(disguised, compact),
        }
    }

    /// Calls `at` with each term whose letters stand in what was folded and end behind the first
    /// `old`, and with that place. Returns how many of the last letters a term may begin with that
    /// isn't whole yet.
    #[inline]
    pub(super) fn walk(
        &self,
        folded: &mut Folded,
        old: usize,
        mut at: impl FnMut(&Term, Place<'_>),
    ) -> usize {
        let letters = &folded.letters;
        let mut plainly = |term: &Term, end: usize| {
            if end > old {
                let start = end - term.len();
                at(term, Place { letters, start, end, folded: start..end, of: letters });
            }
        };
        let begun = if folded.foreign {
            self.any.walk(letters, &mut plainly)
        } else {
            self.ascii.walk(letters, &mut plainly)
        };
        let disguised = folded.seen.has(Seen::DISGUISE);
        if !disguised && !folded.before().iter().any(|letter| letter.has(mark::SYMBOL)) {
            return begun;
        }
        folded.blur();
        let (letters, blurred) = (&folded.letters, &folded.blurred);
        let depth = self.disguised.walk(&blurred.letters, &mut |term, end| {
            let start = end - term.len();
            let of = blurred.place(start)..blurred.place(end);
            if disguised && of.end > old {
                let letters = &blurred.letters;
                at(term, Place { letters, start, end, folded: of, of: &folded.letters });
            }
        });
        begun.max(letters.len() - blurred.place(blurred.letters.len() - depth))
    }
}

impl<A: Automaton> Walk<A> {
    fn new<E: std::fmt::Debug>(draft: Draft, build: impl Fn(&[Vec<u8>]) -> Result<A, E>) -> Self {
        let Draft { keys, terms } = draft;
        if keys.is_empty() {
            return Self { automaton: None, terms, depths: Depths::default() };
        }
        let automaton = build(&keys)
            .expect("a few megabytes of terms are far from what an automaton can number");
        let depths = Depths::of(&automaton, &keys);
        Self { automaton: Some(automaton), terms, depths }
    }

    #[inline]
    fn walk(&self, letters: &[Letter], at: &mut impl FnMut(&Term, usize)) -> usize {
        let Some(automaton) = &self.automaton else { return 0 };
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return 0 };
        for (place, letter) in letters.iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, letter.byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            for number in 0..automaton.match_len(state) {
                let term = &self.terms[automaton.match_pattern(state, number).as_usize()];
                at(term, place + 1);
            }
        }
        self.depths.get(state)
    }
}

impl Depths {
    /// Of all states: each is where some beginning of some term leads.
    fn of(automaton: &impl Automaton, keys: &[Vec<u8>]) -> Self {
        let mut all = Vec::new();
        for key in keys {
            let Ok(mut state) = automaton.start_state(Anchored::No) else { continue };
            all.push((state, 0));
            for (depth, &byte) in (1..).zip(key) {
                state = automaton.next_state(Anchored::No, state, byte);
                all.push((state, depth));
            }
        }
        let number = |it: &(StateID, u8)| it.0.as_usize();
        let bits = all.iter().map(number).fold(0, |bits, number| bits | number);
        let zeros = bits.trailing_zeros().min(usize::BITS - 1);
        let len = all.iter().map(number).max().map_or(0, |most| (most >> zeros) + 1);
        let mut of = vec![0; len].into_boxed_slice();
        all.iter().for_each(|it| of[number(it) >> zeros] = it.1);
        Self { of, zeros }
    }

    fn get(&self, state: StateID) -> usize {
        self.of.get(state.as_usize() >> self.zeros).copied().unwrap_or_default().into()
    }
}

impl Draft {
    pub(super) fn push(&mut self, key: Vec<u8>, term: Term) {
        self.keys.push(key);
        self.terms.push(term);
    }

    /// Those of some terms.
    pub(super) fn only(&self, of: impl Fn(&Term) -> bool) -> Self {
        self.with(|_, term| of(term))
    }

    fn with(&self, of: impl Fn(&[u8], &Term) -> bool) -> Self {
        let both = self.keys.iter().zip(&self.terms).filter(|(key, term)| of(key, term));
        let (keys, terms) = both.map(|(key, term)| (key.clone(), *term)).unzip();
        Self { keys, terms }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::moderation::glyphs::Glyphs;
    use crate::moderation::lexicon::{Found, Owner};
    use crate::moderation::{Rules, Scope};

    const PIECES: &[&str] = &[
        "child",
        "p0rn",
        "porn",
        "p",
        "orn",
        "i'm",
        "14",
        "underage",
        "nudes",
        "jail",
        "bait",
        "l o l i",
        "girls",
        "fuck",
        "sh1t",
        "f*ck",
        "the pen is",
        "moby dick",
        "dick",
        "ass",
        "aassss",
        "kill your",
        "self",
        "hello",
        "scunthorpe",
        "essex",
        "c",
        "u",
        "k",
        "$",
        "!",
        "*",
        "\u{200b}",
        "\u{441}hild",
        "привет",
        "ſ",
    ];

    fn said() -> impl Strategy<Value = Vec<String>> {
        let piece = prop::sample::select(PIECES).prop_map(str::to_owned);
        let between = prop::sample::select(&["", " ", ".", " ... ", "-"]);
        let line =
            (prop::collection::vec(prop_oneof![9 => piece, 1 => "[a-z ]{0,6}"], 0..6), between)
                .prop_map(|(pieces, between)| pieces.join(between));
        prop::collection::vec(line, 1..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whatever is walked by a table made for fewer terms, or for ASCII, comes to what the walk
        /// comes to that knows all.
        #[test]
        fn shorter_ways_come_to_the_same(lines in said()) {
            let rules = shipped();
            let mut folded = Folded::default();
            for line in &lines {
                folded.add(Glyphs::table(), line);
            }
            let is_few = |rule: u16| {
                let it = &rules.rules[usize::from(rule)];
                it.scopes & Scope::Unmoderated.bit() != 0
            };
            let [mut few, mut all] = [Found::default(), Found::default()];
            let begun_few = rules.lexicon.find(true, &mut folded, 0, &mut few, is_few);
            let begun_all = rules.lexicon.find(false, &mut folded, 0, &mut all, is_few);
            prop_assert_eq!(few.hits, all.hits);
            prop_assert!(begun_few <= begun_all);
            if !folded.foreign {
                let walks = rules.lexicon.all();
                let short = places(&walks.ascii, &folded);
                let long = places(&walks.any, &folded);
                prop_assert_eq!(short, long);
            }
        }
    }

    /// Where the letters of terms stand, and what a walk returns.
    fn places(walk: &Walk<impl Automaton>, folded: &Folded) -> (Vec<(usize, Owner)>, usize) {
        let mut places = Vec::new();
        let begun = walk.walk(&folded.letters, &mut |term, end| places.push((end, term.owner)));
        places.sort_by_cached_key(|place| format!("{place:?}"));
        (places, begun)
    }

    fn shipped() -> &'static Rules {
        static RULES: std::sync::LazyLock<Rules> = std::sync::LazyLock::new(Rules::shipped);
        &RULES
    }
}
