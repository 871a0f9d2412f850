//! Patterns: what no list of terms can hold, such as telephone numbers.
//!
//! Regular expressions over a message in lower case, without what is invisible, and with digits and
//! signs of every width as ASCII ones. They are made deterministic when the rules are read, so that a
//! message costs one step a byte, whatever it is; one that would take too many states is refused.
//! `\d`, `\w` and `\b` know ASCII only.

use regex_automata::Input;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::fold::Seen;
use super::glyphs::{Glyph, Glyphs};

/// What a pattern may take, in bytes.
const AUTOMATON_BYTES_MAX: usize = 1 << 20;

/// What must be in a message for a pattern to be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// A digit.
    Digit,
    /// `@`.
    At,
    /// A dot between two letters or digits.
    Dot,
    /// A slash.
    Slash,
}

impl Trigger {
    fn seen(self) -> Seen {
        match self {
            Self::Digit => Seen::DIGIT,
            Self::At => Seen::AT,
            Self::Dot => Seen::DOT,
            Self::Slash => Seen::SLASH,
        }
    }
}

/// The patterns of all rules. Each is walked by itself: together they would have a hundred times the
/// states.
#[derive(Default)]
pub(super) struct Patterns {
    patterns: Vec<Pattern>,
}

struct Pattern {
    trigger: Trigger,
    rule: u16,
    automaton: dense::DFA<Vec<u32>>,
}

impl Patterns {
    /// Adds a pattern of a rule.
    ///
    /// # Errors
    /// Where it is none, or has too many states, in words.
    pub(super) fn add(&mut self, text: &str, trigger: Trigger, rule: u16) -> Result<(), String> {
        self.patterns.push(Pattern { trigger, rule, automaton: compile(text)? });
        Ok(())
    }

    /// What must be seen of for some rules' patterns to match.
    pub(super) fn seen(&self, of: impl Fn(u16) -> bool) -> Seen {
        let mut seen = Seen::default();
        let patterns = self.patterns.iter().filter(|pattern| of(pattern.rule));
        patterns.for_each(|pattern| seen.add(pattern.trigger.seen()));
        seen
    }

    /// Whether a message that was seen to hold something may match those of some rules.
    pub(super) fn may_match(&self, seen: Seen, wants: impl Fn(u16) -> bool) -> bool {
        let mut patterns = self.patterns.iter();
        patterns.any(|pattern| seen.has(pattern.trigger.seen()) && wants(pattern.rule))
    }

    /// The rules, of those wanted, whose patterns are in a text, as [`plain`] makes it.
    pub(super) fn find(
        &self,
        seen: Seen,
        text: &str,
        wants: impl Fn(u16) -> bool,
        mut hit: impl FnMut(u16),
    ) {
        let input = Input::new(text).earliest(true);
        for pattern in &self.patterns {
            if !seen.has(pattern.trigger.seen()) || !wants(pattern.rule) {
                continue;
            }
            let found = pattern.automaton.try_search_fwd(&input);
            debug_assert!(found.is_ok(), "nothing makes these automata give up");
            if matches!(found, Ok(Some(_))) {
                hit(pattern.rule);
            }
        }
    }
}

fn compile(text: &str) -> Result<dense::DFA<Vec<u32>>, String> {
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(AUTOMATON_BYTES_MAX))
        .determinize_size_limit(Some(2 * AUTOMATON_BYTES_MAX));
    dense::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(text)
        .map_err(|error| {
            // The reason proper is what the error stems from.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            cause.unwrap_or_else(|| error.to_string())
        })
}

/// Writes a message as patterns are to see it.
pub(super) fn plain(glyphs: &Glyphs, text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        out.push_str(text);
        return out.make_ascii_lowercase();
    }
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
            continue;
        }
        match glyphs.get(c, false) {
            Glyph::Letter(letter) | Glyph::Accented(letter) => out.push(letter),
            Glyph::Ligature(place) => out.push_str(glyphs.ligature(place)),
            Glyph::Digit(digit) => out.push(char::from(b'0' + digit)),
            Glyph::Accent | Glyph::Nothing => {}
            Glyph::Apostrophe => out.push('\''),
            Glyph::Sign(_) | Glyph::Mask | Glyph::Gap => {
                let plain = std::iter::once(c).nfkc().next().filter(char::is_ascii);
                out.push(plain.unwrap_or(' '));
            }
        }
    }
}
