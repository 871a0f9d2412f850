//! Text in the order in which it is shown, where somebody has it shown in another than it is written.

use std::borrow::Cow;

/// What follows is shown from its end (right-to-left override)…
pub(super) const OVERRIDE: char = '\u{202E}';

/// …until here (pop directional formatting), or the end of the line.
const ENDS: [char; 2] = ['\u{202C}', '\n'];

/// A text as it is shown: `kcuf` behind an override is no other word than without it written forwards.
/// Costs a look at a text that is no ASCII, and a copy where there is an override.
pub(super) fn as_shown(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    let mut parts = text.split(OVERRIDE);
    let Some(before) = parts.next().filter(|before| before.len() < text.len()) else {
        return text.into();
    };
    let mut shown = before.to_owned();
    for part in parts {
        let (turned, rest) = part.split_at(part.find(ENDS).unwrap_or(part.len()));
        shown.extend(turned.chars().rev());
        shown.push_str(rest);
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overridden_is_turned_round() {
        for (text, shown) in [
            ("plain", "plain"),
            ("größe", "größe"),
            ("oh \u{202E}kcuf\u{202C} you", "oh fuck\u{202C} you"),
            ("\u{202E}ba\ncd", "ab\ncd"),
            ("\u{202E}cb\u{202E}a", "bca"),
            ("\u{202E}", ""),
        ] {
            assert_eq!(as_shown(text), shown);
        }
    }
}
