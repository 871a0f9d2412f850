//! Rules as they are written: a TOML file.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::lexicon::BadTerm;
use super::{Ladder, Severity, Trigger};

/// A rules file, read but not yet checked as a whole.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Rules that these are added to.
    #[serde(default)]
    pub(super) base: Base,
    /// Rules of the base that are left out.
    #[serde(default)]
    pub(super) disable: Vec<Spanned<String>>,
    pub(super) ladder: Option<Ladder>,
    pub(super) score: Option<ScoreRow>,
    /// What people are told, by code.
    #[serde(default)]
    pub(super) code: BTreeMap<String, CodeRow>,
    /// Terms that no rule is about, whatever they contain.
    #[serde(default)]
    pub(super) except: Vec<Spanned<String>>,
    /// Words that are words: what is split around them isn't taken for one.
    #[serde(default)]
    pub(super) harmless: Vec<String>,
    #[serde(default)]
    pub(super) rule: Vec<RuleRow>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Base {
    /// The rules that come with the engine.
    #[default]
    Shipped,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoreRow {
    /// From this probability on, a fault is one step worse than its rule says.
    pub(super) raise: f32,
    /// From this on, a line that rules suspect is at fault.
    pub(super) convict: f32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRow {
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRow {
    pub(super) id: Spanned<String>,
    /// None for what only counts together with something else.
    pub(super) severity: Option<Severity>,
    /// What people are told; the id where there is none.
    pub(super) code: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) lanes: LanesRow,
    #[serde(default)]
    pub(super) accents: Accents,
    #[serde(default)]
    pub(super) terms: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) except: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) patterns: Vec<PatternRow>,
    /// It is hit by what was said so many times lately, to whomever.
    pub(super) repeated: Option<Spanned<u8>>,
    /// The same of what was said to so many partners.
    pub(super) partners: Option<Spanned<u8>>,
    /// Rules that must all have hit.
    #[serde(default)]
    pub(super) when: Vec<Spanned<String>>,
    /// Rules of which none may have hit.
    #[serde(default)]
    pub(super) unless: Vec<Spanned<String>>,
    /// The score decides, and nothing else.
    #[serde(default)]
    pub(super) suspect: bool,
    /// Where its terms are from.
    #[serde(default)]
    #[expect(dead_code, reason = "for the reader of the file")]
    pub(super) source: Option<String>,
    /// Under which licence.
    #[serde(default)]
    #[expect(dead_code, reason = "for the reader of the file")]
    pub(super) licence: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternRow {
    pub(super) text: Spanned<String>,
    pub(super) trigger: Trigger,
}

/// The lanes that a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LanesRow {
    /// All, unmoderated ones too.
    All,
    /// All that are moderated.
    #[default]
    Moderated,
    /// Moderated ones of adults.
    Adult,
    /// Those of teens.
    Teen,
}

/// How a rule's terms take accents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Accents {
    /// An accent changes nothing: where the language has none, it is there to deceive.
    #[default]
    Any,
    /// A letter with an accent is another letter.
    Exact,
}

/// What is wrong in a rules file, and where. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct RulesError {
    /// The line.
    pub line: usize,
    /// The column in it.
    pub column: usize,
    /// What is wrong there.
    pub fault: RulesFault,
}

/// What can be wrong in a rules file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RulesFault {
    /// It is no TOML, or a key or value is none that we know.
    #[error("{0}")]
    Syntax(String),
    /// A term can't be looked for.
    #[error("{0}")]
    Term(#[from] BadTerm),
    /// A pattern can't be looked for.
    #[error("not a pattern that we can look for: {0}")]
    Pattern(String),
    /// Another rule has the name.
    #[error("a rule of this name is there already")]
    Duplicate,
    /// No rule before this one has the name.
    #[error("no rule above has this name")]
    Unknown,
    /// No text for the person.
    #[error("this code has no message: add `[code.{0}]` with `message = \"…\"`")]
    NoMessage(String),
    /// It says nothing to look for.
    #[error("a rule needs `terms`, `patterns`, `repeated`, `partners` or `when`")]
    Idle,
    /// What is said once was never said before.
    #[error("what is repeated was said twice at least, and in a moderated lane")]
    Repeated,
    /// A rule for unmoderated lanes that isn't about what is never tolerated.
    #[error("only zero tolerance, and what it is made of, is looked for in unmoderated lanes")]
    Overreach,
    /// There are more rules than that.
    #[error("more than {} rules", super::RULES_MAX)]
    TooMany,
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<File, RulesError> {
    toml::from_str(text).map_err(|error| {
        let fault = RulesFault::Syntax(error.message().to_owned());
        RulesError::at(text, error.span().unwrap_or_default(), fault)
    })
}

impl RulesError {
    pub(super) fn at(text: &str, span: Range<usize>, fault: RulesFault) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { line, column, fault }
    }
}
