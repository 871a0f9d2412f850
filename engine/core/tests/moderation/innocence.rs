//! Lines that nobody should be blamed for, put together from a seed: what people say of themselves, of
//! numbers, places, bodies, food, animals and code.

use crate::chance::Chance;

const WORDS: &str = include_str!("innocence.tsv");

/// A line.
pub(crate) fn line(chance: &mut Chance) -> String {
    let patterns: Vec<_> = rows("line").collect();
    let mut rest = *chance.of(&patterns);
    let mut line = String::new();
    while let Some((before, more)) = rest.split_once('{') {
        let (name, after) = more.split_once('}').expect("it is closed");
        line += before;
        line += &word(chance, name);
        rest = after;
    }
    line + rest
}

fn rows(kind: &str) -> impl Iterator<Item = &'static str> {
    let rows = WORDS.lines().filter_map(|row| row.split_once('\t'));
    rows.filter(move |row| row.0 == kind).map(|row| row.1)
}

/// One of a kind.
fn word(chance: &mut Chance, kind: &str) -> String {
    let mut number = |from: u64, to: u64| from + chance.below(to - from);
    match kind {
        "age" => number(18, 90).to_string(),
        "anyage" => number(1, 90).to_string(),
        "small" => number(1, 13).to_string(),
        "big" => number(100, 100_000).to_string(),
        "year" => number(1900, 2027).to_string(),
        "time" => format!("{}:{:02}", number(0, 24), number(0, 60)),
        "price" => format!("${}.{:02}", number(0, 500), number(0, 100)),
        _ => {
            let words: Vec<_> = rows(kind).flat_map(|row| row.split(" | ")).collect();
            (*chance.of(&words)).to_owned()
        }
    }
}
