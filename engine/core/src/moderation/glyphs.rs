//! What each character looks like: the letter that a reader takes it for.
//!
//! Letters of living scripts stay themselves, but for those that are drawn like Latin ones (`а`,
//! `ο`): folded alike in rules and in messages, they do no harm to the words of their own script.
//! Between Latin letters the more daring likenesses count too (`и` for `n`).

use std::collections::BTreeMap;
use std::iter::once;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick, is_nfkd_quick};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// What a character is, in a message that is being folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    /// A letter, by its plainest form.
    Letter(char),
    /// The same, of one that carried an accent.
    Accented(char),
    /// Two letters or more: a ligature, by its place among [`Glyphs::ligatures`].
    Ligature(u16),
    /// A digit that counts, and may be meant for a letter.
    Digit(u8),
    /// A sign that may be meant for a letter between letters.
    Sign(u8),
    /// A sign that may hide a letter between letters.
    Mask,
    /// Stands between words.
    Gap,
    /// Stands between words, or within one.
    Apostrophe,
    /// Set over or under the letter before it.
    Accent,
    /// Shows nothing.
    Nothing,
}

/// The letters that digits are meant for.
pub(super) const DIGIT_LETTERS: [u8; 10] = *b"oizeasgtbg";

/// Characters of the basic and the supplementary plane; beyond are ideographs and tags.
const TABLED: usize = 0x2_0000;
const PAGE: usize = 256;

/// Signs by the letter they are drawn for.
const SIGNS: [(char, u8); 11] = [
    ('@', b'a'),
    ('$', b's'),
    ('!', b'i'),
    ('|', b'i'),
    ('+', b't'),
    ('€', b'e'),
    ('£', b'l'),
    ('¥', b'y'),
    ('¢', b'c'),
    ('§', b's'),
    ('¡', b'i'),
];

const APOSTROPHES: &str = "’‘´ʼ＇";

/// A letter of the Caucasus that is drawn like `l` as well as `i`, as `1` is.
const LIKE_ONE: &str = "ӏӀǀ";

/// Pictures, which stand between letters, and mean none: faces, hands, weather.
const PICTURES: [(char, char); 3] =
    [('\u{2600}', '\u{26FF}'), ('\u{2B00}', '\u{2BFF}'), ('\u{1F300}', '\u{1FAFF}')];

/// What people put where a letter should stand.
const MASKS: &str = "*#%^&?~×•·■█▇▓▒░●○✱＊";

/// Latin letters, and what is drawn like them in every font.
const LOOKALIKES: [(u8, &str); 24] = [
    (b'a', "аАαΑ"),
    (b'b', "ВΒβ"),
    (b'c', "сСϲϹ"),
    (b'd', "ԁԀ"),
    (b'e', "еЕΕε"),
    (b'g', "ԍԌ"),
    (b'h', "һҺНΗհ"),
    (b'i', "іІїЇιΙ"),
    (b'j', "јЈϳͿ"),
    (b'k', "кКκΚ"),
    (b'm', "МΜ"),
    (b'n', "Νոռ"),
    (b'o', "оОοΟօՕ"),
    (b'p', "рРρΡ"),
    (b'q', "ԛԚզ"),
    (b's', "ѕЅՏ"),
    (b't', "ТτΤтԎ"),
    (b'u', "υսՍԱ"),
    (b'v', "νѵѴ"),
    (b'w', "ԝԜѡωա"),
    (b'x', "хХχΧ"),
    (b'y', "уУγΥүҮ"),
    (b'z', "Ζ"),
    (b'r', "ʀ"),
];

/// Letters that normalising leaves, and what they are written as.
const SPELLED: [(char, &str); 14] = [
    // Said twice or once: a letter said twice is one letter, as `ss` is.
    ('ß', "s"),
    ('ẞ', "s"),
    ('æ', "ae"),
    ('Æ', "ae"),
    ('œ', "oe"),
    ('Œ', "oe"),
    ('ø', "o"),
    ('Ø', "o"),
    ('ł', "l"),
    ('Ł', "l"),
    ('þ', "th"),
    ('ð', "d"),
    ('đ', "d"),
    ('ı', "i"),
];

/// Scripts that people write in, whose letters are their own.
const LIVING: [(char, char); 14] = [
    ('\u{0370}', '\u{058F}'), // Greek, Cyrillic, Armenian
    ('\u{0590}', '\u{08FF}'), // Hebrew, Arabic, Syriac
    ('\u{0900}', '\u{0DFF}'), // of India
    ('\u{0E00}', '\u{10FF}'), // Thai, Lao, Tibetan, Burmese, Georgian
    ('\u{1100}', '\u{139F}'), // Hangul, Ethiopic
    ('\u{1780}', '\u{18AF}'), // Khmer, Mongolian
    ('\u{1C80}', '\u{1CBF}'), // Cyrillic, Georgian
    ('\u{1F00}', '\u{1FFF}'), // Greek
    ('\u{2DE0}', '\u{2DFF}'), // Cyrillic
    ('\u{3040}', '\u{9FFF}'), // of Japan, China, Korea
    ('\u{A640}', '\u{A69F}'), // Cyrillic
    ('\u{AC00}', '\u{D7FF}'), // Hangul
    ('\u{F900}', '\u{FDFF}'), // ideographs, Hebrew and Arabic by their shape
    ('\u{FE70}', '\u{FEFE}'), // Arabic by its shape
];

/// The characters outside ASCII, in pages of which most are the same few.
#[derive(Debug)]
pub(super) struct Glyphs {
    pages: Vec<Box<[Pair; PAGE]>>,
    page_of: Box<[u16; TABLED / PAGE]>,
    /// What [`Glyph::Ligature`] stands for.
    ligatures: Vec<Box<str>>,
}

/// What the lists in this module and its data say of some characters.
struct Lists {
    /// What we say ourselves.
    own: BTreeMap<char, Listed>,
    /// What is drawn like Latin letters, by the lights of others.
    likenesses: BTreeMap<char, &'static str>,
}

/// What we say of a character ourselves.
#[derive(Clone, Copy)]
enum Listed {
    As(Glyph),
    Spelled(&'static str),
}

/// Latin letters, a tab, and what is drawn like them.
const DARING: &str = include_str!("../../data/likenesses.tsv");

/// A character by itself, and beside a Latin letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    alone: Option<Glyph>,
    among: Option<Glyph>,
}

impl Lists {
    /// Where a character is in several lists, the first counts.
    fn new() -> Self {
        let mut own = BTreeMap::new();
        let mut add = |c: char, listed| {
            own.entry(c).or_insert(listed);
        };
        APOSTROPHES.chars().for_each(|c| add(c, Listed::As(Glyph::Apostrophe)));
        LIKE_ONE.chars().for_each(|c| add(c, Listed::As(Glyph::Digit(1))));
        for (first, last) in PICTURES {
            (first..=last).for_each(|c| add(c, Listed::As(Glyph::Gap)));
        }
        "❤♥".chars().for_each(|c| add(c, Listed::As(Glyph::Gap)));
        MASKS.chars().for_each(|c| add(c, Listed::As(Glyph::Mask)));
        SIGNS.iter().for_each(|&(c, letter)| add(c, Listed::As(Glyph::Sign(letter))));
        for (letter, alike) in LOOKALIKES {
            alike.chars().for_each(|c| add(c, Listed::As(Glyph::Letter(char::from(letter)))));
        }
        SPELLED.iter().for_each(|&(c, text)| add(c, Listed::Spelled(text)));
        let rows = DARING.lines().filter(|line| !line.starts_with('#'));
        let rows = rows.filter_map(|line| line.split_once('\t'));
        let likenesses =
            rows.flat_map(|(letters, alike)| alike.chars().map(move |c| (c, letters))).collect();
        Self { own, likenesses }
    }
}

impl Glyphs {
    /// The table, made when it is first asked for: the same for all rules.
    pub(super) fn table() -> &'static Self {
        static TABLE: LazyLock<Glyphs> = LazyLock::new(Glyphs::new);
        &TABLE
    }

    /// Looks at every character there is; some milliseconds.
    fn new() -> Self {
        let lists = Lists::new();
        let mut glyphs = Self {
            pages: Vec::new(),
            page_of: Box::new([0; TABLED / PAGE]),
            ligatures: Vec::new(),
        };
        for number in 0..TABLED / PAGE {
            let mut page = Box::new([Pair { alone: None, among: None }; PAGE]);
            for (at, pair) in page.iter_mut().enumerate() {
                if let Some(c) = char::from_u32((number * PAGE + at) as u32) {
                    *pair = glyphs.look(c, &lists);
                }
            }
            let place = glyphs.pages.iter().position(|it| *it == page).unwrap_or_else(|| {
                glyphs.pages.push(page);
                glyphs.pages.len() - 1
            });
            glyphs.page_of[number] = place as u16;
        }
        glyphs
    }

    /// What a character is that is no ASCII; `among` where a Latin letter is its neighbour.
    #[inline]
    pub(super) fn get(&self, c: char, among: bool) -> Glyph {
        let code = c as usize;
        let Some(&page) = self.page_of.get(code / PAGE) else { return beyond(c) };
        let pair = self.pages[usize::from(page)][code % PAGE];
        let glyph = if among { pair.among } else { pair.alone };
        glyph.unwrap_or(Glyph::Letter(c))
    }

    pub(super) fn ligature(&self, place: u16) -> &str {
        &self.ligatures[usize::from(place)]
    }

    /// A row of the table. None stands for the letter itself, so that pages are alike.
    fn look(&mut self, c: char, lists: &Lists) -> Pair {
        let itself = |glyph: Glyph| (glyph != Glyph::Letter(c)).then_some(glyph);
        let alone = self.alone(c, lists);
        let is_latin = match alone {
            Glyph::Letter(c) | Glyph::Accented(c) => c.is_ascii(),
            _ => true,
        };
        let daring = if is_latin { None } else { lists.likenesses.get(&c) };
        let among = daring.map_or(alone, |text| self.letters(text, false));
        Pair { alone: itself(alone), among: itself(among) }
    }

    fn alone(&mut self, c: char, lists: &Lists) -> Glyph {
        if is_accent(c) {
            return Glyph::Accent;
        }
        if shows_nothing(c) {
            return Glyph::Nothing;
        }
        match lists.own.get(&c) {
            Some(Listed::As(glyph)) => return *glyph,
            Some(Listed::Spelled(text)) => return self.letters(text, false),
            None => {}
        }
        if LIVING.iter().any(|&(first, last)| (first..=last).contains(&c)) {
            return self.living(c, lists);
        }
        let likeness = lists.likenesses.get(&c);
        if likeness.is_none()
            && is_nfkd_quick(once(c)) == IsNormalized::Yes
            && let Some(plain) = caseless(c)
        {
            return plain;
        }
        let whole: String = once(c).nfkd().collect();
        if let [byte @ b' '..=b'~'] = whole.as_bytes() {
            return ascii(*byte);
        }
        let bare: String = whole.chars().filter(|c| !is_combining_mark(*c)).collect();
        let bare = bare.to_lowercase();
        if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return self.letters(&bare, whole.len() > bare.len());
        }
        match likeness {
            Some(text) => self.letters(text, false),
            None => self.letters(&whole.to_lowercase(), false),
        }
    }

    /// A letter of a script whose likeness to Latin is none of its doing.
    fn living(&mut self, c: char, lists: &Lists) -> Glyph {
        if is_nfkc_quick(once(c)) == IsNormalized::Yes
            && let Some(plain) = caseless(c)
        {
            return plain;
        }
        let alphabet =
            ('\u{0370}'..='\u{058F}').contains(&c) || ('\u{1F00}'..='\u{1FFF}').contains(&c);
        let text: String = if alphabet {
            let bare = once(c).nfkd().filter(|c| !is_combining_mark(*c));
            bare.flat_map(char::to_lowercase).collect()
        } else {
            once(c).nfkc().flat_map(char::to_lowercase).collect()
        };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            // What was left may be drawn like a Latin letter itself.
            (Some(plain), None) if plain != c && alphabet => match self.alone(plain, lists) {
                Glyph::Letter(letter) => Glyph::Accented(letter),
                other => other,
            },
            _ => self.letters(&text, false),
        }
    }

    fn letters(&mut self, text: &str, accented: bool) -> Glyph {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None, _) => Glyph::Nothing,
            (Some(c), None) if c.is_ascii_digit() => Glyph::Digit(c as u8 - b'0'),
            (Some(c), None) if !is_letter(c) => Glyph::Gap,
            (Some(c), None) if accented => Glyph::Accented(c),
            (Some(c), None) => Glyph::Letter(c),
            _ => {
                let letters: Box<str> = text.chars().filter(|c| is_letter(*c)).collect();
                if letters.is_empty() {
                    return Glyph::Gap;
                }
                let place = self.ligatures.iter().position(|it| *it == letters);
                let place = place.unwrap_or_else(|| {
                    self.ligatures.push(letters);
                    self.ligatures.len() - 1
                });
                Glyph::Ligature(place as u16)
            }
        }
    }
}

/// What an ASCII character is; what is none is taken for one.
#[inline]
pub(super) fn ascii(byte: u8) -> Glyph {
    static TABLE: [Glyph; 128] = {
        let mut table = [Glyph::Nothing; 128];
        let mut byte = 0;
        while byte < 128 {
            table[byte] = ascii_glyph(byte as u8);
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte % 128)]
}

const fn ascii_glyph(byte: u8) -> Glyph {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => Glyph::Letter(byte.to_ascii_lowercase() as char),
        b'0'..=b'9' => Glyph::Digit(byte - b'0'),
        b'@' => Glyph::Sign(b'a'),
        b'$' => Glyph::Sign(b's'),
        b'!' | b'|' => Glyph::Sign(b'i'),
        b'+' => Glyph::Sign(b't'),
        b'*' | b'#' | b'%' | b'^' | b'&' | b'?' | b'~' => Glyph::Mask,
        b'\'' | b'`' => Glyph::Apostrophe,
        b'\t' | b'\n' | b'\r' => Glyph::Gap,
        0..=0x1F | 0x7F => Glyph::Nothing,
        _ => Glyph::Gap,
    }
}

/// What a character is that normalising leaves as it is, if it has no case either; most are such.
fn caseless(c: char) -> Option<Glyph> {
    match c.general_category() {
        GeneralCategory::OtherLetter => Some(Glyph::Letter(c)),
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse => Some(Glyph::Gap),
        _ => None,
    }
}

fn beyond(c: char) -> Glyph {
    if (c as u32) < 0xE_0000 { Glyph::Letter(c) } else { Glyph::Nothing }
}

fn is_letter(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number};
    matches!(c.general_category_group(), Letter | Mark | Number)
}

/// Marks that are set over and under letters. Those of other scripts are vowels as often as not,
/// and stay.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}'
        | '\u{0483}'..='\u{0489}'
        | '\u{0591}'..='\u{05C7}'
        | '\u{0610}'..='\u{061A}'
        | '\u{0640}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0670}'
        | '\u{06D6}'..='\u{06ED}'
        | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}'
    )
}

/// What is not to be seen.
fn shows_nothing(c: char) -> bool {
    match c {
        '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FFA0}'
        | '\u{1F3FB}'..='\u{1F3FF}' => true,
        _ => matches!(c.general_category(), GeneralCategory::Control | GeneralCategory::Format),
    }
}
