//! The same, slowly and in words: for whoever writes rules.

use std::sync::Arc;

use super::bidi::as_shown;
use super::judge::Scratch;
use super::rules::Rules;
use super::{Moderator, Scope, Severity};

/// What rules see in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The letters that a reader takes it for; `·` between words.
    pub folded: String,
    /// Every rule that was hit, in their order, those that count only together with others too.
    pub evidence: Vec<Evidence>,
    /// How likely people would call it toxic, from 0 to 1.
    pub toxicity: f32,
    /// The severity in the end, of which rule, and its code; None where nothing is wrong.
    pub outcome: Option<(Severity, String, String)>,
}

/// A rule that was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its name.
    pub rule: String,
    /// Its severity; None for what only counts together with others.
    pub severity: Option<Severity>,
    /// The parts of the text that hit it; none for patterns, and for what is composed of others.
    pub parts: Vec<String>,
}

impl Rules {
    /// Says what these rules see in a text, and why.
    pub fn explain(self: &Arc<Self>, scope: Scope, text: &str) -> Explanation {
        let text = &*as_shown(text);
        let mut scratch = Scratch::traced();
        self.collect(scope, text, &mut scratch);
        let mut hit = scratch.hit;
        self.compose(scope, text, &mut hit);
        let evidence = hit.iter().map(|place| {
            let rule = &self.rules[usize::from(place)];
            let hits = scratch.found.hits.iter().filter(|hit| hit.rule == place);
            let parts = hits.map(|hit| part(text, scratch.folded.origins(), hit.start, hit.end));
            Evidence { rule: rule.id.clone(), severity: rule.severity, parts: parts.collect() }
        });
        let evidence = evidence.collect();
        let outcome = Moderator::new(Arc::clone(self))
            .find(scope, text)
            .map(|it| (it.severity, it.rule.to_owned(), it.code.to_owned()));
        let folded = scratch.folded.in_words();
        Explanation { folded, evidence, toxicity: self.toxicity.without(text, &[]), outcome }
    }
}

/// The part of a text that a range of folded bytes comes from.
fn part(text: &str, origins: &[u32], start: usize, end: usize) -> String {
    let from = origins[start] as usize;
    let to = origins.get(end).map_or(text.len(), |origin| *origin as usize);
    text[from..to].trim().to_owned()
}
