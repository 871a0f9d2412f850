//! Writes what characters are drawn like to stdout: Latin letters, a tab, and the characters.
//!
//! `cargo run --release > ../../../engine/core/data/likenesses.tsv`, then `sha1sum engine/core/data/likenesses.tsv`
//! at the root into `tools/moderation/SUMS`.

use std::collections::BTreeMap;

use decancer::Translation;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

const HEAD: &str = "\
# What each of these is drawn like: Latin letters, then the characters. Made from decancer 4.0.0,
# by null8626, MIT licence, by asking it about
# every character of the first two planes whose compatibility decomposition is no Latin letter.
";

fn main() {
    let mut drawn_like = BTreeMap::<String, String>::new();
    for c in ('\u{80}'..'\u{20000}').filter(|c| !is_latin(*c)) {
        let letters = match decancer::cure_char!(c) {
            Translation::Character(letter) => letter.to_string(),
            Translation::String(letters) => letters.to_string(),
            Translation::None => continue,
        };
        if letters.bytes().all(|byte| byte.is_ascii_lowercase()) && !letters.is_empty() {
            drawn_like.entry(letters).or_default().push(c);
        }
    }
    print!("{HEAD}");
    for (letters, characters) in drawn_like {
        println!("{letters}\t{characters}");
    }
}

/// Whether a character is Latin letters and digits by its decomposition.
fn is_latin(c: char) -> bool {
    let bare: String = c.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    !bare.is_empty() && bare.to_lowercase().bytes().all(|byte| byte.is_ascii_alphanumeric())
}
