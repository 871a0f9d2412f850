//! Interests: one form for what many people spell differently.
//!
//! [`normalise`] makes of what a person typed what others are matched by, and shown:
//!
//! 1. Characters that show nothing go: controls, zero-width ones, variation selectors, fillers.
//! 2. Unicode NFKC and full case folding: `Ｃａｆé` → `café`, `STRASSE` and `straße` → `strasse`.
//! 3. What stands between words (white space, punctuation, mathematical signs) becomes one space,
//!    and none at either end: `#Sci-Fi!` → `sci fi`. Letters, digits, currency signs and pictures
//!    are words. Three signs are part of a word where people mean them so:
//!    - `+` and `#` directly behind a letter or digit, no letter following: `c++`, `c#`, `18+`, but
//!      not `rock+pop`;
//!    - a `.` that begins a word: `.net`, but not `node.js`, which is `node js`.
//! 4. The operator's [`Aliases`]: `js` → `javascript`.
//!
//! What comes out is left as it is when it goes in again.

mod aliases;
mod fold;
mod names;

use arrayvec::ArrayVec;
use thiserror::Error;

pub use aliases::{ALIASES_MAX, AliasError, AliasFault, Aliases};
pub use names::Names;

/// The most interests of one person, as sent: empty ones and duplicates count.
pub const INTERESTS_MAX: usize = whisper_proto::limits::INTERESTS;

/// The longest interest, in characters (code points), after normalising.
pub const INTEREST_CHARS_MAX: usize = whisper_proto::limits::INTEREST_CHARS;

/// Why interests are refused. The texts are fit to be shown to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadInterest {
    /// One is longer than [`INTEREST_CHARS_MAX`].
    #[error("An interest has at most {INTEREST_CHARS_MAX} characters.")]
    TooLong,
    /// There are more than [`INTERESTS_MAX`].
    #[error("At most {INTERESTS_MAX} interests, please.")]
    TooMany,
    /// One is against the rules of its lane.
    #[error("One of these interests is against the rules here.")]
    Unfit,
}

/// The normal form of an interest, or None where nothing is left of it.
///
/// # Errors
/// [`BadInterest::TooLong`], by its normal form.
pub fn normalise(raw: &str, aliases: &Aliases) -> Result<Option<String>, BadInterest> {
    let folded = fold::fold(raw).ok_or(BadInterest::TooLong)?;
    let name = match aliases.get(&folded) {
        Some(alias) => alias.to_owned(),
        None => folded,
    };
    if name.len() > INTEREST_CHARS_MAX && name.chars().count() > INTEREST_CHARS_MAX {
        return Err(BadInterest::TooLong);
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// The normal forms of a person's interests, in the order given, empty ones and duplicates left
/// out.
///
/// # Errors
/// [`BadInterest`], for the first that is bad.
pub fn normalise_all(
    raw: &[&str],
    aliases: &Aliases,
) -> Result<ArrayVec<String, INTERESTS_MAX>, BadInterest> {
    if raw.len() > INTERESTS_MAX {
        return Err(BadInterest::TooMany);
    }
    let mut names = ArrayVec::new();
    for raw in raw {
        if let Some(name) = normalise(raw, aliases)?
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    Ok(names)
}
