//! Other names for interests, in a file of the operator's.

use thiserror::Error;

use super::{INTEREST_CHARS_MAX, fold};
use crate::seeded_map::SeededMap;

/// The most aliases in a file.
pub const ALIASES_MAX: usize = 10_000;

const ARROW: &str = "->";

/// The operator chooses what is in the table, so nobody can fill it with what collides.
const SEED: u64 = 0;

/// The list that comes with the engine.
const SHIPPED: &str = include_str!("../../data/aliases.txt");

/// Interests that go by another name: `js` is `javascript`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliases {
    /// Both sides are folded, and no name on the right stands on the left.
    names: SeededMap<Box<str>, Box<str>>,
}

/// What is wrong in an alias file, and where. Lines and columns count from 1, columns in
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct AliasError {
    /// The line.
    pub line: usize,
    /// The column in it.
    pub column: usize,
    /// What is wrong there.
    pub fault: AliasFault,
}

/// What can be wrong in an alias file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AliasFault {
    /// The line has no arrow, or more than one.
    #[error("expected `alias -> name`")]
    NoArrow,
    /// One side has no letter or digit.
    #[error("nothing is left of this when it is normalised")]
    Empty,
    /// Nobody could have such an interest.
    #[error("this is too long for an interest")]
    TooLong,
    /// Both sides are the same when normalised.
    #[error("this is its own alias")]
    Same,
    /// The alias stands in the file already.
    #[error("this alias has a name already")]
    Duplicate,
    /// The name is an alias itself; whichever line comes first.
    #[error("this name is an alias itself")]
    Chain,
    /// There are more than [`ALIASES_MAX`].
    #[error("more than {ALIASES_MAX} aliases")]
    TooMany,
}

impl Aliases {
    /// No aliases at all.
    pub fn none() -> Self {
        Self { names: SeededMap::new(SEED) }
    }

    /// Reads a list of aliases, one in a line: `js -> javascript`. Lines that are empty or begin
    /// with `#` are comments. Both sides are normalised as interests are, so it does not matter
    /// how they are spelled.
    ///
    /// # Errors
    /// The first [`AliasError`] from the top; chains only where nothing else is wrong.
    pub fn parse(text: &str) -> Result<Self, AliasError> {
        let mut names = SeededMap::new(SEED);
        let mut targets = Vec::new();
        for (line, text) in text.lines().enumerate() {
            let entry = text.trim_start();
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            let error = |rest: &str, fault| {
                let before = text.len() - rest.len();
                let column = text[..before].chars().count() + 1;
                AliasError { line: line + 1, column, fault }
            };
            if names.len() == ALIASES_MAX {
                return Err(error(entry, AliasFault::TooMany));
            }
            let (left, right) = match entry.split_once(ARROW) {
                Some((left, right)) if !right.contains(ARROW) => (left, right.trim_start()),
                _ => return Err(error(entry, AliasFault::NoArrow)),
            };
            let alias = side(left, fold::CHARS_MAX).map_err(|fault| error(entry, fault))?;
            let name = side(right, INTEREST_CHARS_MAX).map_err(|fault| error(right, fault))?;
            if alias == name {
                return Err(error(entry, AliasFault::Same));
            }
            targets.push((name.clone(), error(right, AliasFault::Chain)));
            if names.insert(alias, name).is_some() {
                return Err(error(entry, AliasFault::Duplicate));
            }
        }
        match targets.into_iter().find(|(name, _)| names.get(&**name).is_some()) {
            Some((_, chain)) => Err(chain),
            None => Ok(Self { names }),
        }
    }

    /// The name that `folded` is an alias of.
    pub(super) fn get(&self, folded: &str) -> Option<&str> {
        self.names.get(folded).map(|name| &**name)
    }
}

impl Default for Aliases {
    /// The list that comes with the engine.
    fn default() -> Self {
        Self::parse(SHIPPED).expect("the list that we ship is good, as a test sees to")
    }
}

/// One side of an alias, folded.
fn side(raw: &str, chars_max: usize) -> Result<Box<str>, AliasFault> {
    let folded = fold::fold(raw).ok_or(AliasFault::TooLong)?;
    match folded.chars().count() {
        0 => Err(AliasFault::Empty),
        n if n > chars_max => Err(AliasFault::TooLong),
        _ => Ok(folded.into()),
    }
}
