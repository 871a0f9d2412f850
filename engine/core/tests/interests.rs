//! Interests: what people type, and what they are matched by.

use proptest::prelude::*;
use whisper_core::interests::{
    ALIASES_MAX, AliasFault, Aliases, BadInterest, INTEREST_CHARS_MAX, INTERESTS_MAX, normalise,
    normalise_all,
};

/// The normal form without aliases.
fn plain(raw: &str) -> Option<String> {
    normalise(raw, &Aliases::none()).unwrap()
}

fn assert_forms(forms: &[(&str, &str)]) {
    for (raw, expected) in forms {
        assert_eq!(plain(raw).as_deref(), Some(*expected), "{raw:?}");
    }
}

#[test]
fn case_spacing_and_punctuation_do_not_matter() {
    assert_forms(&[
        ("music", "music"),
        ("  Board   GAMES ", "board games"),
        ("board_games", "board games"),
        ("Sci-Fi", "sci fi"),
        ("sci\u{2011}fi", "sci fi"), // a non-breaking hyphen
        ("#music", "music"),
        ("@anime!!!", "anime"),
        ("(the) Lord of the Rings…", "the lord of the rings"),
        ("rock'n'roll", "rock n roll"),
        ("rock ’n’ roll", "rock n roll"),
        ("R&B", "r b"),
        ("cats\tand\ndogs", "cats and dogs"),
        ("a | b ~ c ^ d", "a b c d"),
        ("a\u{3000}b\u{2800}c", "a b c"), // an ideographic space, a blank Braille pattern
        ("「アニメ」・マンガ", "アニメ マンガ"),
        ("42", "42"),
    ]);
}

#[test]
fn signs_that_people_mean_are_kept() {
    assert_forms(&[
        ("C++", "c++"),
        ("c++17", "c++17"),
        ("C++/Java", "c++ java"),
        ("C#", "c#"),
        ("F# and C#!", "f# and c#"),
        ("Ｃ＃", "c#"),
        ("LGBTQ+", "lgbtq+"),
        ("18+", "18+"),
        (".NET", ".net"),
        ("(.net)", ".net"),
        ("c# .net", "c# .net"),
        ("A$AP Rocky", "a$ap rocky"),
        ("€", "€"),
    ]);
}

#[test]
fn signs_elsewhere_are_not() {
    assert_forms(&[
        ("rock+pop", "rock pop"),
        ("rock + pop", "rock pop"),
        ("c++java", "c java"),
        ("+1", "1"),
        ("rock #pop", "rock pop"),
        ("node.js", "node js"),
        ("3.5", "3 5"),
        ("dr. house", "dr house"),
        ("...net", "net"),
        (". net", "net"),
        ("…net", "net"),
        ("c .++ d", "c d"),
    ]);
}

#[test]
fn unicode_spells_one_thing_in_many_ways() {
    assert_forms(&[
        ("Ｍｕｓｉｃ", "music"),
        ("Cafe\u{301}", "café"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("σίσυφος", "σίσυφοσ"),
        ("ﬁlm", "film"),
        ("İstanbul", "i\u{307}stanbul"),
        ("ﾏﾝｶﾞ", "マンガ"),
        ("МУЗЫКА", "музыка"),
        ("한국 음악", "한국 음악"),
    ]);
}

#[test]
fn what_shows_nothing_goes() {
    assert_forms(&[
        ("mu\u{200b}sic", "music"),
        ("\u{feff}music\u{200f}\u{2060}", "music"),
        ("mu\u{ad}sic\0\u{7f}\u{9c}", "music"),
        ("m\u{34f}usic\u{e0041}", "music"),
        ("\u{115f}music\u{ffa0}", "music"),
        ("e\u{200b}\u{301}", "é"), // they meet only once the space between is gone
        ("❤\u{fe0f}", "❤"),
        ("👩\u{200d}💻", "👩💻"),
        ("🎸", "🎸"),
    ]);
}

#[test]
fn nothing_is_left_of_these() {
    for raw in ["", " ", "\t\n", "!?", "...", "#", "++", "\u{200b}", "\u{3164}", "“”", "-_-", "~^`"]
    {
        assert_eq!(plain(raw), None, "{raw:?}");
    }
}

#[test]
fn length_is_that_of_the_normal_form() {
    let longest = "é".repeat(INTEREST_CHARS_MAX);
    assert_eq!(plain(&longest), Some(longest.clone()));
    assert_eq!(plain(&format!(" ¡{longest}! ")), Some(longest.clone()));
    let refused = |raw: &str| normalise(raw, &Aliases::none());
    assert_eq!(refused(&format!("{longest}x")), Err(BadInterest::TooLong));
    assert_eq!(refused(&"x".repeat(33)), Err(BadInterest::TooLong));
    assert_eq!(refused(&"x".repeat(16_384)), Err(BadInterest::TooLong));
    assert_eq!(refused(&"ﷺ".repeat(5_000)), Err(BadInterest::TooLong)); // 18 characters each
    assert_eq!(plain(&"-".repeat(16_384)), None);
}

#[test]
fn an_alias_is_known_however_it_is_spelled() {
    let aliases = Aliases::parse(
        "# languages\n\n  JS->JavaScript\nC Sharp -> c#\r\n\
         massively multiplayer online role-playing game -> mmorpg",
    )
    .unwrap();
    let name = |raw| normalise(raw, &aliases).unwrap().unwrap();
    assert_eq!(name("js"), "javascript");
    assert_eq!(name(" JS! "), "javascript");
    assert_eq!(name("c-sharp"), "c#");
    assert_eq!(name("javascript"), "javascript");
    assert_eq!(name("jsx"), "jsx");
    // An alias may be longer than an interest.
    assert_eq!(name("Massively Multiplayer Online Role-Playing Game"), "mmorpg");
}

#[test]
fn a_bad_alias_file_says_where() {
    let fault = |text: &str| {
        let error = Aliases::parse(text).unwrap_err();
        (error.line, error.column, error.fault)
    };
    assert_eq!(fault("a -> b\n\nc"), (3, 1, AliasFault::NoArrow));
    assert_eq!(fault("  a -> b -> c"), (1, 3, AliasFault::NoArrow));
    assert_eq!(fault("a ->"), (1, 5, AliasFault::Empty));
    assert_eq!(fault("ä ->  !"), (1, 7, AliasFault::Empty));
    assert_eq!(fault("-> b"), (1, 1, AliasFault::Empty));
    assert_eq!(fault(&format!("a -> {}", "b".repeat(33))), (1, 6, AliasFault::TooLong));
    assert_eq!(fault(&format!("{} -> a", "b".repeat(65))), (1, 1, AliasFault::TooLong));
    assert_eq!(fault("sci-fi -> Sci Fi"), (1, 1, AliasFault::Same));
    assert_eq!(fault("a -> b\nA! -> c"), (2, 1, AliasFault::Duplicate));
    assert_eq!(fault("a -> b\nb -> c"), (1, 6, AliasFault::Chain));
    assert_eq!(fault("b -> c\na -> b"), (2, 6, AliasFault::Chain));
    let many: String = (0..=ALIASES_MAX).map(|n| format!("a{n} -> b\n")).collect();
    assert_eq!(fault(&many), (ALIASES_MAX + 1, 1, AliasFault::TooMany));
    let shown = Aliases::parse("a -> b\nb -> c").unwrap_err().to_string();
    assert_eq!(shown, "line 1, column 6: this name is an alias itself");
}

#[test]
fn the_shipped_aliases_are_good() {
    let aliases = Aliases::default();
    let name = |raw| normalise(raw, &aliases).unwrap().unwrap();
    for (raw, expected) in [
        ("JS", "javascript"),
        ("CPP", "c++"),
        ("D&D", "dungeons and dragons"),
        ("R&B", "rhythm and blues"),
        ("Rock & Roll", "rock and roll"),
        ("K-Pop", "k pop"),
        ("Node.js", "node js"),
    ] {
        assert_eq!(name(raw), expected, "{raw}");
    }
}

#[test]
fn a_persons_interests() {
    let aliases = Aliases::parse("js -> javascript").unwrap();
    let all = |raw: &[&str]| normalise_all(raw, &aliases).map(|names| names.to_vec());
    let names = all(&["Music", "JS", "", "JavaScript", "music!", "art", " ? "]);
    assert_eq!(names, Ok(["music", "javascript", "art"].map(String::from).to_vec()));
    assert_eq!(all(&[]), Ok(vec![]));
    assert_eq!(all(&["a"; INTERESTS_MAX]), Ok(vec!["a".into()]));
    assert_eq!(all(&[""; INTERESTS_MAX + 1]), Err(BadInterest::TooMany));
    assert_eq!(all(&["a", &"b".repeat(33)]), Err(BadInterest::TooLong));
}

/// Text with more trouble in it than chance would bring.
fn troublesome() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-zA-Z0-9+#. &$]{1,4}",
        "[\u{300}-\u{345}\u{200b}-\u{200f}\u{fe0f}\u{1100}-\u{11ff}\u{ac00}-\u{ac20}]{1,3}",
        "[ßẞİıſﬁΐΰᾳῼŉǅϐςΣµ\u{1f600}\u{1f3fb}“…¡]",
    ];
    proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_normal_form_is_its_own(raw in troublesome()) {
        let aliases = Aliases::default();
        if let Ok(Some(name)) = normalise(&raw, &aliases) {
            prop_assert!(name.chars().count() <= INTEREST_CHARS_MAX);
            prop_assert!(!name.starts_with(' ') && !name.ends_with(' ') && !name.contains("  "));
            prop_assert_eq!(normalise(&name, &aliases), Ok(Some(name)));
        }
    }

    #[test]
    fn ascii_takes_no_other_way_than_the_rest(raw in "[ -~\\t]{0,20}") {
        // A letter beyond ASCII in front sends the same text the long way.
        let with_letter = plain(&format!("é {raw}")).unwrap();
        let without = plain(&raw).map_or(String::new(), |name| format!(" {name}"));
        prop_assert_eq!(with_letter, format!("é{without}"));
    }
}
