//! Whether a line can hold any of a few terms at all: most can't, and that is told without walking.
//!
//! Of each term one run of three letters is listed, the one that is rarest in ordinary words; a line
//! that has none of those has none of the terms. Letters are told apart by five bits, so that a
//! list has 4 KiB: what is taken for another only opens the gate once more.

use std::collections::BTreeMap;

use super::fold::{Folded, Seen};

const LETTER_BITS: u32 = 5;
const RUNS: usize = 1 << (3 * LETTER_BITS);

/// A list of runs of three letters, and of what else makes a line worth a closer look.
pub(super) struct Gate {
    runs: Box<[u64; RUNS / 64]>,
    seen: Seen,
}

/// How often runs of three letters stand in ordinary words.
#[derive(Default)]
pub(super) struct Usage(BTreeMap<usize, u32>);

impl Gate {
    /// A gate that opens to what was seen, and to no term yet.
    pub(super) fn new(seen: Seen) -> Self {
        Self { runs: Box::new([0; RUNS / 64]), seen }
    }

    /// Opens to a term, by its folded bytes.
    pub(super) fn add(&mut self, term: &[u8], usage: &Usage) {
        let rarest = runs(term).skip(2).min_by_key(|run| usage.0.get(run).copied());
        match (rarest, term) {
            (Some(run), _) => self.list(run),
            // Whatever stands before.
            (None, short) => {
                let known = LETTER_BITS * short.len() as u32;
                let end = runs(short).last().unwrap_or_default();
                (0..RUNS >> known).for_each(|before| self.list((before << known) | end));
            }
        }
    }

    /// Whether a term may be in a line, and the end of those before it.
    pub(super) fn opens(&self, folded: &Folded) -> bool {
        let listed = |run: usize| self.runs[run / 64] >> (run % 64);
        // No branch for each letter: hardly any is listed.
        folded.seen.has(self.seen)
            || runs(&folded.bytes).fold(0, |any, run| any | listed(run)) & 1 == 1
    }

    fn list(&mut self, run: usize) {
        self.runs[run / 64] |= 1 << (run % 64);
    }
}

impl Usage {
    /// Counts the runs of an ordinary word, by its folded bytes.
    pub(super) fn count(&mut self, word: &[u8]) {
        runs(word).skip(2).for_each(|run| *self.0.entry(run).or_default() += 1);
    }
}

/// For each byte, the run that ends with it.
fn runs(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.iter().scan(0, |run, &byte| {
        *run = ((*run << LETTER_BITS) | (usize::from(byte) % (1 << LETTER_BITS))) % RUNS;
        Some(*run)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::moderation::glyphs::Glyphs;
    use crate::moderation::{Moderator, Rules, Scope, Tail};

    fn folded(text: &str) -> Folded {
        let mut folded = Folded::default();
        folded.add(Glyphs::table(), text);
        folded
    }

    fn opens(gate: &Gate, text: &str) -> bool {
        gate.opens(&folded(text))
    }

    #[test]
    fn a_gate_opens_to_its_terms_however_short_and_wherever_they_stand() {
        let mut usage = Usage::default();
        ["cabin", "cabinet", "abbey"].iter().for_each(|word| usage.count(word.as_bytes()));
        let mut gate = Gate::new(Seen::DIGIT);
        for term in ["cabage", "xy", "ло"] {
            gate.add(&folded(term).bytes, &usage);
        }
        for line in ["Cabbage", "c a b a g e soup", "xy", "oxy", "fo xy", "около", "hello 4"] {
            assert!(opens(&gate, line), "{line}");
        }
        for line in ["", "x", "cabin", "cab age", "hello there", "yx"] {
            assert_eq!(opens(&gate, line), line == "cab age", "{line}");
        }
    }

    #[test]
    fn nothing_is_found_behind_a_gate_that_stays_shut() {
        let mut open = Rules::shipped();
        open.unmoderated.add(b"", &Usage::default());
        let moderators = [Rules::shipped(), open].map(|rules| Moderator::new(Arc::new(rules)));
        let [mut shut, mut open] = moderators;
        let words = [
            "child",
            "p0rn",
            "porn",
            "p",
            "orn",
            "i'm",
            "14",
            "fourteen",
            "underage",
            "send",
            "nudes",
            "jail",
            "bait",
            "l o l i",
            "any",
            "girls",
            "under",
            "lolli",
            "pedo",
            "hello",
            "p3do",
            "c",
            "p",
            "cp",
            "trade",
            "want",
            "sex",
            "teen",
            "\u{200b}",
            "\u{441}hild",
        ];
        let mut random = 1_u64;
        let mut pick = |from: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % from
        };
        let mut faults = 0;
        for _ in 0..2_000 {
            let mut tails = [Tail::default(), Tail::default()];
            for _ in 0..3 {
                let line: Vec<_> = (0..=pick(4)).map(|_| words[pick(words.len())]).collect();
                let line = line.join(["", " ", ".", " ... "][pick(4)]);
                let [by_shut, by_open] = &mut tails;
                let found = open.hear(Scope::Unmoderated, &line, by_open);
                faults += u32::from(found.is_some());
                assert_eq!(shut.hear(Scope::Unmoderated, &line, by_shut), found, "{line}");
            }
            assert_eq!(tails[0], tails[1]);
        }
        assert!(faults > 100, "{faults}");
    }

    #[test]
    fn few_ordinary_lines_open_the_gate() {
        let rules = Rules::shipped();
        let lines = include_str!("../../tests/moderation/clean.tsv").lines();
        let lines: Vec<_> = lines.filter_map(|line| line.rsplit('\t').next()).collect();
        let opening = lines.iter().filter(|line| opens(&rules.unmoderated, line)).count();
        assert!(opening * 2 < lines.len(), "{opening} of {}", lines.len());
    }

    #[test]
    fn a_gate_without_terms_stays_shut() {
        assert!(!opens(&Gate::new(Seen::DIGIT), "cabbage? yes!"));
    }
}
