//! The hot path: a line in, a verdict out.

use std::ops::Range;
use std::sync::Arc;

use arrayvec::ArrayVec;

use super::bidi::as_shown;
use super::fold::{Folded, Seen};
use super::glyphs::Glyphs;
use super::lately::{Lately, Said};
use super::lexicon::Found;
use super::memory::Tail;
use super::rules::{RULES_MAX, Rules};
use super::{Scope, Severity, patterns};

/// A composed rule looks at this many bytes at a time: what is further apart is of different things.
const WINDOW_BYTES: usize = 240;

/// Hits that are left out when the rest of a line is scored.
const PARTS_MAX: usize = 16;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'r> {
    /// The rule.
    pub rule: &'r str,
    /// How bad it is.
    pub severity: Severity,
    /// For the client's own words.
    pub code: &'r str,
    /// For the person.
    pub message: &'r str,
}

/// Rules, and room to work in. One for each shard.
#[derive(Debug)]
pub struct Moderator {
    rules: Arc<Rules>,
    scratch: Scratch,
}

/// Room to work in, used again for each line.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) folded: Folded,
    pub(super) found: Found,
    pub(super) plain: String,
    pub(super) hit: RuleSet,
    /// How many of the last letters a term may have begun with.
    begun: usize,
    /// The same message folded again, where places in it matter.
    traced: Option<Folded>,
}

impl Moderator {
    /// A moderator that knows these rules.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { rules, scratch: Scratch::default() }
    }

    /// Goes by other rules from here on.
    pub fn replace_rules(&mut self, rules: Arc<Rules>) {
        self.rules = rules;
    }

    /// The rules it goes by.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What is wrong with what somebody says to their partner, after the lines whose end this is;
    /// takes note of how it ends.
    pub fn hear(&mut self, scope: Scope, text: &str, tail: &mut Tail) -> Option<Finding<'_>> {
        let rules = &*self.rules;
        let scratch = &mut self.scratch;
        scratch.folded.clear();
        scratch.folded.resume(tail.get());
        let finding = rules.find(scope, text, scratch);
        tail.keep(&scratch.folded, scratch.begun, finding.is_some());
        finding
    }

    /// Whether what was said before can make a line a fault in a scope: [`Self::recall`] is for those.
    pub fn remembers(&self, scope: Scope) -> bool {
        self.rules.worth[scope as usize].is_remembered
    }

    /// What is wrong with the line just heard, in which by itself nothing is, beside what the same
    /// person said lately; takes note of it.
    pub fn recall(&mut self, scope: Scope, text: &str, lately: &mut Lately) -> Option<Finding<'_>> {
        let (rules, scratch) = (&*self.rules, &mut self.scratch);
        let shown = scratch.folded.seen.has(Seen::TURNED).then(|| as_shown(text));
        let text = shown.as_deref().unwrap_or(text);
        let said = match scope {
            Scope::Unmoderated => Said::default(),
            Scope::Adult | Scope::Teen => lately.say(scratch.folded.latest()),
        };
        let spelt = lately.spell(text, |text| {
            patterns::plain(rules.glyphs, text, &mut scratch.plain);
            &scratch.plain
        });
        scratch.hit.clear();
        scratch.found.hits.clear();
        rules.recall(scope, said, spelt.as_ref(), scratch);
        if scratch.hit.is_empty() {
            return None;
        }
        let all = spelt.as_ref().map_or(text, |[apart, _]| apart);
        let finding = rules.conclude(scope, all, scratch);
        if finding.is_some() {
            lately.forget_pieces();
        }
        finding
    }

    /// What is wrong with a text that stands by itself, such as an interest.
    pub fn find(&mut self, scope: Scope, text: &str) -> Option<Finding<'_>> {
        self.scratch.folded.clear();
        self.rules.find(scope, text, &mut self.scratch)
    }

    /// What is wrong with an interest. It stays for everybody to see, so it is refused where a
    /// message would only be warned about; mere profanity is let pass.
    pub fn find_in_interest(&mut self, scope: Scope, interest: &str) -> Option<Finding<'_>> {
        self.find(scope, interest).filter(|finding| finding.severity > Severity::Low)
    }
}

impl Rules {
    /// The worst that is wrong with a line, whose beginning (the end of earlier ones) may be in
    /// `scratch` already.
    fn find(&self, scope: Scope, text: &str, scratch: &mut Scratch) -> Option<Finding<'_>> {
        self.collect_terms(scope, text, scratch);
        let shown;
        let mut text = text;
        if scratch.folded.seen.has(Seen::TURNED) {
            shown = as_shown(text);
            text = &shown;
            scratch.folded.forget_latest();
            self.collect_terms(scope, text, scratch);
            scratch.folded.seen.add(Seen::TURNED);
        }
        let worth = &self.worth[scope as usize];
        if !scratch.hit.meets(&worth.rules) && !scratch.folded.seen.has(worth.seen) {
            return None;
        }
        self.collect_patterns(scope, text, scratch);
        if scratch.hit.is_empty() {
            return None;
        }
        self.conclude(scope, text, scratch)
    }

    /// Which rules a line hits, but for composed ones.
    pub(super) fn collect(&self, scope: Scope, text: &str, scratch: &mut Scratch) {
        self.collect_terms(scope, text, scratch);
        self.collect_patterns(scope, text, scratch);
    }

    fn collect_terms(&self, scope: Scope, text: &str, scratch: &mut Scratch) {
        let Scratch { folded, found, hit, begun, .. } = scratch;
        let old = folded.letters.len();
        folded.add(self.glyphs, text);
        hit.clear();
        let in_few = scope == Scope::Unmoderated;
        *begun = self.lexicon.find(in_few, folded, old, found, |rule| self.counts(rule, scope));
        found.hits.iter().for_each(|found| hit.add(found.rule));
    }

    fn collect_patterns(&self, scope: Scope, text: &str, scratch: &mut Scratch) {
        let Scratch { folded, plain, hit, .. } = scratch;
        let wants = |rule| self.counts(rule, scope);
        if self.patterns.may_match(folded.seen, wants) {
            patterns::plain(self.glyphs, text, plain);
            self.patterns.find(folded.seen, plain, wants, |rule| hit.add(rule));
        }
    }

    /// Which rules are hit by what was said so often, and by what was spelt out in pieces.
    fn recall(&self, scope: Scope, said: Said, spelt: Option<&[String; 2]>, scratch: &mut Scratch) {
        let wants = |rule| self.counts(rule, scope);
        if said.times > 1 {
            for (place, rule) in (0..).zip(&self.rules) {
                if wants(place) && rule.least.is_some_and(|least| said.is_at_least(least)) {
                    scratch.hit.add(place);
                }
            }
        }
        for text in spelt.into_iter().flatten() {
            let seen = Seen::of_plain(text);
            self.patterns.find(seen, text, wants, |rule| scratch.hit.add(rule));
        }
    }

    fn counts(&self, rule: u16, scope: Scope) -> bool {
        self.rules[usize::from(rule)].scopes & scope.bit() != 0
    }

    /// Adds composed rules to those that were hit, and finds the worst of all.
    fn conclude(&self, scope: Scope, text: &str, scratch: &mut Scratch) -> Option<Finding<'_>> {
        let hit = &mut scratch.hit;
        self.compose(scope, text, hit);
        // Of two alike, one that is sure.
        let mut worst: Option<(Severity, bool, u16)> = None;
        let mut score = None;
        for rule in hit.iter() {
            let it = &self.rules[usize::from(rule)];
            let Some(severity) = it.severity else { continue };
            if it.suspect
                && *score.get_or_insert_with(|| self.toxicity.without(text, &[]))
                    < self.score.convict
            {
                continue;
            }
            if worst.is_none_or(|(other, sure, _)| (severity, !it.suspect) > (other, sure)) {
                worst = Some((severity, !it.suspect, rule));
            }
        }
        let (mut severity, sure, rule) = worst?;
        let it = &self.rules[usize::from(rule)];
        if severity == Severity::Low && sure {
            // By what else is said: the words found are low, and no worse for being found twice.
            let is_sure = |rule: u16| !self.rules[usize::from(rule)].suspect;
            let rest = self.toxicity.without(text, &scratch.parts(self.glyphs, text, is_sure));
            if rest >= self.score.raise {
                severity = Severity::Medium;
            }
        }
        let message = self.message(&it.code);
        Some(Finding { rule: &it.id, severity, code: &it.code, message })
    }

    pub(super) fn compose(&self, scope: Scope, text: &str, hit: &mut RuleSet) {
        for (place, rule) in (0..).zip(&self.rules) {
            let all = |hit: &RuleSet| {
                rule.when.iter().all(|it| hit.has(*it))
                    && !rule.unless.iter().any(|it| hit.has(*it))
            };
            let composed = !rule.when.is_empty() && rule.scopes & scope.bit() != 0;
            if composed
                && all(hit)
                && (text.len() <= WINDOW_BYTES || self.is_near(scope, text, rule))
            {
                hit.add(place);
            }
        }
    }

    /// Whether some part of a long text has all that a composed rule asks for.
    fn is_near(&self, scope: Scope, text: &str, rule: &super::rules::Rule) -> bool {
        let mut scratch = Scratch::default();
        let mut from = 0;
        loop {
            let to = text.ceil_char_boundary(from + WINDOW_BYTES);
            scratch.folded.clear();
            self.collect(scope, &text[from..to], &mut scratch);
            let hit = &scratch.hit;
            // What speaks against it may stand anywhere.
            if rule
                .when
                .iter()
                .all(|it| hit.has(*it) || !self.rules[usize::from(*it)].when.is_empty())
            {
                return true;
            }
            if to == text.len() {
                return false;
            }
            from = text.floor_char_boundary(from + WINDOW_BYTES / 2);
        }
    }
}

impl Scratch {
    /// To know where in a message everything was found.
    pub(super) fn traced() -> Self {
        Self { folded: Folded::traced(), ..Self::default() }
    }

    /// Where in a message terms of some rules were found; the first of them.
    fn parts(
        &mut self,
        glyphs: &Glyphs,
        text: &str,
        of: impl Fn(u16) -> bool,
    ) -> ArrayVec<Range<usize>, PARTS_MAX> {
        let traced = self.traced.get_or_insert_with(Folded::traced);
        traced.clear();
        traced.resume(self.folded.before());
        traced.add(glyphs, text);
        let origins = traced.origins();
        let place = |at: usize| origins.get(at).map_or(text.len(), |origin| *origin as usize);
        let hits = self.found.hits.iter().filter(|hit| of(hit.rule)).take(PARTS_MAX);
        hits.map(|hit| place(hit.start)..place(hit.end)).collect()
    }
}

/// A set of rules, by their places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RuleSet([u64; RULES_MAX / 64]);

impl RuleSet {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn add(&mut self, rule: u16) {
        self.0[usize::from(rule) / 64] |= 1 << (rule % 64);
    }

    pub(super) fn has(&self, rule: u16) -> bool {
        self.0[usize::from(rule) / 64] >> (rule % 64) & 1 == 1
    }

    /// Whether the two have any in common.
    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// In the order of the rules.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        (0..RULES_MAX as u16).filter(|rule| self.has(*rule))
    }
}
