//! The rules of the module above, but for the aliases.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// What is longer than this, in characters, is neither an interest nor an alias of one. It bounds
/// the work.
pub(super) const CHARS_MAX: usize = 64;

/// Rounds of folding after which a text is taken as it is. Two are enough for all that we know of:
/// taking characters out can bring together what normalises anew.
const ROUNDS_MAX: usize = 4;

/// Folds a text; None where the result would be longer than [`CHARS_MAX`].
pub(super) fn fold(raw: &str) -> Option<String> {
    if is_plain(raw) {
        return (raw.len() <= CHARS_MAX).then(|| raw.to_ascii_lowercase());
    }
    if raw.is_ascii() {
        return join_words(raw.chars().map(|c| c.to_ascii_lowercase()));
    }
    let mut text = fold_once(raw)?;
    for _ in 1..ROUNDS_MAX {
        let again = fold_once(&text)?;
        if again == text {
            break;
        }
        text = again;
    }
    Some(text)
}

/// Whether this is words of ASCII letters and digits with a single space between, as most are: then
/// there is nothing to fold but case.
fn is_plain(raw: &str) -> bool {
    let mut gap = true;
    for byte in raw.bytes() {
        let space = byte == b' ';
        if !byte.is_ascii_alphanumeric() && (gap || !space) {
            return false;
        }
        gap = space;
    }
    !gap
}

fn fold_once(text: &str) -> Option<String> {
    let visible = text.chars().filter(|c| kind(*c) != Kind::Nothing);
    join_words(visible.nfkc().default_case_fold().nfkc())
}

/// What a character is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a word.
    Word,
    /// Between words.
    Gap,
    /// Not to be seen.
    Nothing,
}

fn kind(c: char) -> Kind {
    if c.is_ascii_alphanumeric() {
        return Kind::Word;
    }
    match c {
        // Blanks that are no white space to Unicode: a Braille pattern without dots.
        '\u{2800}' => return Kind::Gap,
        // «Default ignorable» characters of other categories than format: a joiner, fillers, vowels
        // inherent in others, selectors of variations.
        '\u{034F}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FFA0}'
        | '\u{E0000}'..='\u{E0FFF}' => {
            return Kind::Nothing;
        }
        _ if c.is_whitespace() => return Kind::Gap,
        _ => {}
    }
    match c.general_category() {
        GeneralCategory::Control | GeneralCategory::Format => Kind::Nothing,
        GeneralCategory::MathSymbol => Kind::Gap,
        // Accents without a letter; beyond ASCII this category holds the skin tones of emoji.
        GeneralCategory::ModifierSymbol if c.is_ascii() => Kind::Gap,
        _ if c.general_category_group() == GeneralCategoryGroup::Punctuation => Kind::Gap,
        _ => Kind::Word,
    }
}

/// Joins the words of folded text by single spaces.
fn join_words(text: impl Iterator<Item = char>) -> Option<String> {
    let mut words = Words::default();
    for c in text {
        words.add(c);
        if words.len > CHARS_MAX {
            return None;
        }
    }
    Some(words.out)
}

#[derive(Default)]
struct Words {
    out: String,
    /// Characters in `out`.
    len: usize,
    /// Whether something stood between the last word and here.
    gap: bool,
    /// Where a run of `+` and `#` begins that ends `out`.
    signs: Option<usize>,
    dot: Dot,
}

/// What came directly before.
#[derive(Default, PartialEq, Eq)]
enum Dot {
    #[default]
    None,
    /// A dot that begins a word, if a letter or digit follows.
    Leading,
    /// Any other dot.
    Idle,
}

impl Words {
    fn add(&mut self, c: char) {
        let dot = std::mem::take(&mut self.dot);
        match c {
            '.' => {
                let leads = self.out.is_empty() || self.gap;
                self.dot = if leads && dot == Dot::None { Dot::Leading } else { Dot::Idle };
                self.end_word();
            }
            '+' | '#' if self.may_sign() => {
                self.signs.get_or_insert(self.out.len());
                self.push(c);
            }
            _ => match kind(c) {
                Kind::Word => {
                    if let Some(signs) = self.signs.take()
                        && c.is_alphabetic()
                    {
                        self.len -= self.out.len() - signs; // they are ASCII
                        self.out.truncate(signs);
                        self.gap = true;
                    }
                    if std::mem::take(&mut self.gap) && !self.out.is_empty() {
                        self.push(' ');
                    }
                    if dot == Dot::Leading && c.is_alphanumeric() {
                        self.push('.');
                    }
                    self.push(c);
                }
                Kind::Gap => self.end_word(),
                Kind::Nothing => self.dot = dot,
            },
        }
    }

    /// Whether a sign here would stand directly behind a letter or digit, or behind another such
    /// sign.
    fn may_sign(&self) -> bool {
        !self.gap && (self.signs.is_some() || self.out.ends_with(char::is_alphanumeric))
    }

    fn end_word(&mut self) {
        self.gap = true;
        self.signs = None;
    }

    fn push(&mut self, c: char) {
        self.out.push(c);
        self.len += 1;
    }
}
