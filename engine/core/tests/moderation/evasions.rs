//! Every listed term in every disguise that people use, each disguise by itself.

use std::sync::Arc;

use proptest::prelude::*;
use whisper_core::moderation::{Action, Moderator, Scope};

use crate::{Standing, shipped};

/// How many of a hundred disguised terms must be found, by disguise.
const RECALL_PERCENT: usize = 95;

/// The terms of the English lists, without their stars.
fn terms() -> Vec<String> {
    let lists: toml::Table =
        include_str!("../../data/rules/english.toml").parse().expect("a test reads it elsewhere");
    let rules = lists["rule"].as_array().expect("rules");
    let terms = rules.iter().flat_map(|rule| rule["terms"].as_array().expect("terms"));
    let terms = terms.map(|term| term.as_str().expect("text").trim_matches('*').to_owned());
    terms.filter(|term| !term.contains('*')).collect()
}

/// Puts every term through a disguise and says it; disguises that don't apply give none.
fn check(name: &str, disguise: impl Fn(&str) -> Option<Vec<String>>) {
    let mut moderator = Moderator::new(shipped());
    let (mut missed, mut count) = (Vec::new(), 0);
    for term in terms() {
        let Some(lines) = disguise(&term) else { continue };
        count += 1;
        let mut standing = Standing::default();
        let found = lines
            .iter()
            .any(|line| standing.says(&mut moderator, Scope::Adult, line) != Action::Allow);
        if !found {
            missed.push(lines);
        }
    }
    assert!(count > 100, "{name}: only {count} terms have one");
    let recall = 100.0 - missed.len() as f64 * 100.0 / count as f64;
    assert!(
        missed.len() * 100 <= count * (100 - RECALL_PERCENT),
        "{name}: {recall:.1} % of {count} found; missed {missed:?}"
    );
}

fn one(line: String) -> Option<Vec<String>> {
    Some(vec![line])
}

/// Letters of a term with something between each two.
fn spread(term: &str, between: &str) -> Option<Vec<String>> {
    let letters: Vec<_> = term
        .split(' ')
        .map(|word| word.chars().map(String::from).collect::<Vec<_>>().join(between))
        .collect();
    one(letters.join(between))
}

fn mapped(term: &str, letters: &[(char, &str)]) -> Option<Vec<String>> {
    let swapped: String = term
        .chars()
        .map(|c| letters.iter().find(|it| it.0 == c).map_or(c.to_string(), |it| it.1.to_owned()))
        .collect();
    (swapped != term).then(|| vec![swapped])
}

#[test]
fn plain_and_in_capitals_and_in_a_sentence() {
    check("plain", |term| one(term.to_owned()));
    check("capitals", |term| one(term.to_uppercase()));
    check("sentence", |term| one(format!("well, {term}!")));
}

#[test]
fn digits_and_signs_for_letters() {
    let digits = [('o', "0"), ('i', "1"), ('e', "3"), ('a', "4"), ('s', "5"), ('t', "7")];
    check("digits", |term| mapped(term, &digits));
    check("signs", |term| mapped(term, &[('a', "@"), ('s', "$")]));
    check("l as 1", |term| mapped(term, &[('l', "1")]));
    check("i as !", |term| {
        mapped(&format!("x {term}"), &[('i', "!")])
            .filter(|_| !term.starts_with('i') && !term.ends_with('i'))
    });
}

#[test]
fn what_cannot_be_seen_between_letters() {
    for invisible in ["\u{200B}", "\u{200D}", "\u{00AD}", "\u{2060}", "\u{FE0F}", "\u{E0061}"] {
        check("invisible", |term| spread(term, invisible));
    }
    check("zalgo", |term| spread(term, "\u{0336}\u{0301}"));
}

#[test]
fn letters_that_look_alike() {
    let cyrillic = [
        ('a', "а"),
        ('c', "с"),
        ('e', "е"),
        ('i', "і"),
        ('j', "ј"),
        ('o', "о"),
        ('p', "р"),
        ('s', "ѕ"),
        ('x', "х"),
        ('y', "у"),
        ('h', "һ"),
    ];
    check("cyrillic", |term| mapped(term, &cyrillic));
    check("greek", |term| {
        mapped(term, &[('a', "α"), ('o', "ο"), ('i', "ι"), ('u', "υ"), ('k', "κ"), ('t', "τ")])
    });
    check("accents", |term| {
        mapped(term, &[('a', "á"), ('e', "ë"), ('i', "î"), ('o', "ö"), ('u', "ü")])
    });
    let shift = |term: &str, first: u32| {
        one(term
            .chars()
            .map(|c| match c {
                'a'..='z' => char::from_u32(first + c as u32 - 'a' as u32).expect("a letter"),
                other => other,
            })
            .collect())
    };
    check("fullwidth", |term| shift(term, 0xFF41));
    check("mathematical", |term| shift(term, 0x1D400 + 26));
    check("circled", |term| shift(term, 0x24D0));
    check("squared", |term| shift(term, 0x1F170));
}

#[test]
fn letters_apart() {
    for between in [" ", ".", "-", "_", "  ", " . ", "/", "*"] {
        check("spread", |term| spread(term, between));
    }
}

#[test]
fn letters_said_again() {
    check("last again", |term| one(format!("{term}{0}{0}{0}", term.chars().last()?)));
    check("all thrice", |term| one(term.chars().flat_map(|c| [c; 3]).collect()));
    check("vowels twice", |term| {
        one(term
            .chars()
            .flat_map(|c| {
                let times = if "aeiou".contains(c) { 2 } else { 1 };
                std::iter::repeat_n(c, times)
            })
            .collect())
    });
}

#[test]
fn letters_masked() {
    let masked = |sign: char| {
        move |term: &str| {
            let at = term.char_indices().skip(1).find(|(_, c)| "aeiou".contains(*c))?.0;
            let hides = term.len() > 3 && at + 1 < term.len() && !term.contains(' ');
            hides.then(|| vec![format!("{}{sign}{}", &term[..at], &term[at + 1..])])
        }
    };
    check("masked", masked('*'));
    check("masked", masked('#'));
}

#[test]
fn split_over_three_messages() {
    check("three messages", |term| {
        let third = term.len().div_ceil(3);
        let lines: Vec<_> = term
            .as_bytes()
            .chunks(third)
            .map(|it| String::from_utf8_lossy(it).into_owned())
            .collect();
        (lines.len() == 3).then_some(lines)
    });
    check("letter by letter", |term| {
        Some(term.replace(' ', "").chars().map(String::from).collect())
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any text at all is judged without a panic, in any order of lines.
    #[test]
    fn nothing_said_makes_it_panic(lines in prop::collection::vec("(?s).{0,120}", 1..6)) {
        let mut moderator = Moderator::new(shipped());
        let mut standing = Standing::default();
        for line in &lines {
            standing.says(&mut moderator, Scope::Teen, line);
            let _ = Arc::clone(moderator.rules()).explain(Scope::Adult, line);
        }
    }

    /// Pieces that fold in special ways, in any order.
    #[test]
    fn nor_does_what_folds_in_special_ways(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "fuck", "a$", "s", "5", "*", "**", "#", "!", "@", "+", "\u{0301}", "\u{200B}", "ß", "ﬁ", "１", "🅰",
            " ", "'", "scunthorpe", "the pen is", "14", "i'm 14", "horny", "中", "ก", "и", "æ", ".", "://", "𝓯",
        ]), 0..60)
    ) {
        let mut moderator = Moderator::new(shipped());
        let mut standing = Standing::default();
        let line = pieces.concat();
        standing.says(&mut moderator, Scope::Adult, &line);
        let _ = Arc::clone(moderator.rules()).explain(Scope::Teen, &line);
        standing.says(&mut moderator, Scope::Adult, &line);
    }
}
