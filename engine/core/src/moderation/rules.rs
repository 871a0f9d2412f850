//! Rules, ready to be asked.

use std::collections::BTreeMap;
use std::fmt;

use toml::Spanned;

use super::file::{Accents, Base, File, LanesRow, RuleRow, RulesError, RulesFault, ScoreRow};
use super::fold::Seen;
use super::glyphs::Glyphs;
use super::judge::RuleSet;
use super::ladder::Ladder;
use super::lately::Said;
use super::lexicon::{Builder, Lexicon, Owner};
use super::patterns::Patterns;
use super::score::Toxicity;
use super::{Scope, Severity, file};

/// The most rules; as many as a set of them has bits.
pub const RULES_MAX: usize = 256;

/// The files that come with the engine; together they are one.
const SHIPPED: &[&str] = &[
    include_str!("../../data/rules/rules.toml"),
    include_str!("../../data/rules/innocent.toml"),
    include_str!("../../data/rules/english.toml"),
    include_str!("../../data/rules/languages.toml"),
];

/// What is looked for, compiled. Never changes: new rules are a new one of these, swapped in whole.
pub struct Rules {
    pub(super) glyphs: &'static Glyphs,
    pub(super) lexicon: Lexicon,
    pub(super) patterns: Patterns,
    /// What makes a closer look worth while, by scope.
    pub(super) worth: [Worth; 3],
    pub(super) toxicity: &'static Toxicity,
    pub(super) score: ScoreRow,
    pub(super) rules: Vec<Rule>,
    pub(super) ladder: Ladder,
    messages: BTreeMap<String, String>,
    terms: usize,
    digest: RulesDigest,
}

/// What there must be in a line that is to be at fault: a rule hit, or something seen that patterns
/// wait for.
#[derive(Debug)]
pub(super) struct Worth {
    pub(super) rules: RuleSet,
    pub(super) seen: Seen,
    /// What was said before may be it: patterns wait for something, or what is repeated is a fault.
    pub(super) is_remembered: bool,
}

/// What tells rules from others: a hash of all that they were read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RulesDigest(pub [u8; 16]);

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) severity: Option<Severity>,
    pub(super) code: String,
    /// The scopes in which it counts, by their bits.
    pub(super) scopes: u8,
    pub(super) when: Vec<u16>,
    pub(super) unless: Vec<u16>,
    pub(super) suspect: bool,
    /// It is hit by what was said so often, or to so many.
    pub(super) least: Option<Said>,
    /// How many terms and patterns of its own it has.
    looks_for: usize,
}

impl Rules {
    /// The rules that come with the engine.
    pub fn shipped() -> Self {
        Self::compile(&[]).expect("the rules that we ship are good, as a test sees to")
    }

    /// Reads a rules file. It adds to the rules that come with the engine, unless it says
    /// `base = "none"`. Takes some tenths of a second: never on a reactor.
    ///
    /// # Errors
    /// The first [`RulesError`] that is found.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        Self::compile(&[text])
    }

    /// Rules that find nothing, and hold people to a ladder for what was found otherwise.
    pub fn none(ladder: Ladder) -> Self {
        let files = [("", File { ladder: Some(ladder), ..File::default() })];
        Compiler::default().compile(&files).expect("an empty file is a good one")
    }

    /// What tells these rules from others.
    pub fn digest(&self) -> RulesDigest {
        self.digest
    }

    /// How long people are put up with.
    pub fn ladder(&self) -> Ladder {
        self.ladder
    }

    /// How many rules there are, and how many terms in them.
    pub fn len(&self) -> (usize, usize) {
        (self.rules.len(), self.terms)
    }

    /// What to tell a person, by code.
    pub(super) fn message(&self, code: &str) -> &str {
        self.messages.get(code).map_or("", String::as_str)
    }

    fn compile(own: &[&str]) -> Result<Self, RulesError> {
        let own: Vec<_> =
            own.iter().map(|text| Ok((*text, file::parse(text)?))).collect::<Result<_, _>>()?;
        let from_nothing = own.iter().any(|(_, file)| file.base == Base::None);
        let shipped = SHIPPED.iter().filter(|_| !from_nothing);
        let mut files =
            shipped.map(|text| Ok((*text, file::parse(text)?))).collect::<Result<Vec<_>, _>>()?;
        files.extend(own);
        Compiler::default().compile(&files)
    }
}

/// By their digests: rules read from the same are the same.
impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Rules {}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rules, terms) = self.len();
        let digest = self.digest;
        f.debug_struct("Rules")
            .field("rules", &rules)
            .field("terms", &terms)
            .field("digest", &format_args!("{digest}"))
            .finish()
    }
}

impl fmt::Display for RulesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Files on their way to becoming rules.
#[derive(Default)]
struct Compiler {
    places: BTreeMap<String, u16>,
    rules: Vec<Rule>,
    messages: BTreeMap<String, String>,
}

impl Compiler {
    fn compile(mut self, files: &[(&str, File)]) -> Result<Rules, RulesError> {
        let glyphs = Glyphs::table();
        let mut builder = Builder::new(glyphs);
        let mut patterns = Patterns::default();
        let (mut ladder, mut score) = (Ladder::default(), ScoreRow { raise: 2.0, convict: 2.0 });
        let mut terms = 0;
        let disabled = disabled(files)?;
        for (_, file) in files {
            let messages = file.code.iter().map(|(code, row)| (code.clone(), row.message.clone()));
            self.messages.extend(messages);
            ladder = file.ladder.unwrap_or(ladder);
            score = file.score.unwrap_or(score);
        }
        for (text, file) in files {
            let at = |span, fault| RulesError::at(text, span, fault);
            let mut add = |term: &Spanned<String>, owner, exact| {
                terms += usize::from(owner != Owner::Exception);
                let added = builder.add(term.get_ref(), owner, exact);
                added.map_err(|bad| at(term.span(), bad.into()))
            };
            for term in &file.except {
                add(term, Owner::Exception, false)?;
            }
            for row in &file.rule {
                if disabled.contains(&row.id.get_ref().as_str()) {
                    continue;
                }
                let place = self.rule(text, row, &disabled)?;
                let exact = row.accents == Accents::Exact;
                for term in &row.terms {
                    add(term, Owner::Rule(place), exact)?;
                }
                for term in &row.except {
                    add(term, Owner::Exception, exact)?;
                }
                for pattern in &row.patterns {
                    patterns
                        .add(pattern.text.get_ref(), pattern.trigger, place)
                        .map_err(|why| at(pattern.text.span(), RulesFault::Pattern(why)))?;
                }
            }
        }
        let harmless = files.iter().flat_map(|(_, file)| &file.harmless);
        let worth = [Scope::Unmoderated, Scope::Adult, Scope::Teen].map(|scope| {
            let rules = deciding(&self.rules, scope);
            let seen = patterns.seen(|rule| rules.has(rule));
            let repeats = |(place, rule): (u16, &Rule)| rules.has(place) && rule.least.is_some();
            let is_remembered = seen != Seen::default() || (0..).zip(&self.rules).any(repeats);
            Worth { rules, seen, is_remembered }
        });
        let is_unmoderated =
            |rule: u16| self.rules[usize::from(rule)].scopes & Scope::Unmoderated.bit() != 0;
        let lexicon = builder.build(harmless.map(String::as_str), is_unmoderated);
        let toxicity = Toxicity::shipped();
        let digest = digest(files, ladder);
        let Self { rules, messages, .. } = self;
        Ok(Rules {
            glyphs,
            lexicon,
            patterns,
            worth,
            toxicity,
            score,
            rules,
            ladder,
            messages,
            terms,
            digest,
        })
    }

    /// Checks a rule and gives it a place.
    fn rule(&mut self, text: &str, row: &RuleRow, disabled: &[&str]) -> Result<u16, RulesError> {
        let at = |span, fault| Err(RulesError::at(text, span, fault));
        let (id, span) = (row.id.get_ref(), row.id.span());
        let place = self.rules.len() as u16;
        if self.rules.len() == RULES_MAX {
            return at(span, RulesFault::TooMany);
        }
        if self.places.insert(id.clone(), place).is_some() {
            return at(span, RulesFault::Duplicate);
        }
        let looks_for = row.terms.len() + row.patterns.len();
        let often = [&row.repeated, &row.partners];
        if looks_for == 0 && row.when.is_empty() && often.iter().all(|it| it.is_none()) {
            return at(span, RulesFault::Idle);
        }
        for times in often.into_iter().flatten() {
            if *times.get_ref() < 2 || row.lanes == LanesRow::All {
                return at(times.span(), RulesFault::Repeated);
            }
        }
        let tolerated = !matches!(row.severity, None | Some(Severity::Zero));
        if row.lanes == LanesRow::All && tolerated {
            return at(span, RulesFault::Overreach);
        }
        let (code, code_span) = match &row.code {
            Some(code) => (code.get_ref(), code.span()),
            None => (id, span),
        };
        if row.severity.is_some() && !self.messages.contains_key(code) {
            return at(code_span, RulesFault::NoMessage(code.clone()));
        }
        let places = |names: &[Spanned<String>]| {
            let known = names.iter().filter(|name| !disabled.contains(&name.get_ref().as_str()));
            known
                .map(|name| match self.places.get(name.get_ref()) {
                    Some(&other) if other != place => Ok(other),
                    _ => Err(RulesError::at(text, name.span(), RulesFault::Unknown)),
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let (when, unless) = (places(&row.when)?, places(&row.unless)?);
        let scopes = match row.lanes {
            LanesRow::All => Scope::Unmoderated.bit() | Scope::Adult.bit() | Scope::Teen.bit(),
            LanesRow::Moderated => Scope::Adult.bit() | Scope::Teen.bit(),
            LanesRow::Adult => Scope::Adult.bit(),
            LanesRow::Teen => Scope::Teen.bit(),
        };
        let (severity, suspect) = (row.severity, row.suspect);
        let [times, partners] = often.map(|it| it.as_ref().map_or(0, |times| *times.get_ref()));
        let least = (times > 0 || partners > 0).then_some(Said { times, partners });
        let (id, code) = (id.clone(), code.clone());
        let rule = Rule { id, severity, code, scopes, when, unless, suspect, least, looks_for };
        self.rules.push(rule);
        Ok(place)
    }
}

/// The rules that files leave out, each of which must be there to be left out.
fn disabled<'a>(files: &'a [(&str, File)]) -> Result<Vec<&'a str>, RulesError> {
    let mut names = Vec::new();
    for (text, file) in files {
        for name in &file.disable {
            let known = files.iter().flat_map(|(_, file)| &file.rule);
            if !known.into_iter().any(|row| row.id.get_ref() == name.get_ref()) {
                return Err(RulesError::at(text, name.span(), RulesFault::Unknown));
            }
            names.push(name.get_ref().as_str());
        }
    }
    Ok(names)
}

/// Rules of which one must hit where anything is to be a fault in a scope: those by themselves, and
/// of what a composed one asks for the one that is hit the least, by how much it looks for.
fn deciding(rules: &[Rule], scope: Scope) -> RuleSet {
    let mut deciding = RuleSet::default();
    let mut open: Vec<u16> = (0..)
        .zip(rules)
        .filter(|(_, rule)| rule.severity.is_some() && rule.scopes & scope.bit() != 0)
        .map(|(place, _)| place)
        .collect();
    while let Some(place) = open.pop() {
        let rule = &rules[usize::from(place)];
        if rule.looks_for > 0 || rule.least.is_some() {
            deciding.add(place);
        }
        open.extend(rule.when.iter().min_by_key(|it| rules[usize::from(**it)].looks_for));
    }
    deciding
}

/// The hash of what rules are read from.
fn digest(files: &[(&str, File)], ladder: Ladder) -> RulesDigest {
    let mut hasher = blake3::Hasher::new();
    let Ladder { warnings, blocks, ban_hours, zero_ban_hours } = ladder;
    hasher.update(&[warnings, blocks]);
    [ban_hours, zero_ban_hours].iter().for_each(|hours| {
        hasher.update(&hours.to_le_bytes());
    });
    for (text, _) in files {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    RulesDigest(digest)
}
