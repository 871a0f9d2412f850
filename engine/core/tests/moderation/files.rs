//! Rules files: what is read, what is refused, and where; and those that scripts make.

use std::path::Path;

use proptest::prelude::*;
use sha1::Digest as _;
use whisper_core::moderation::{Moderator, Rules, RulesFault, Scope};

use std::sync::Arc;

fn refused(text: &str) -> (usize, usize, RulesFault) {
    let error = Rules::parse(text).expect_err("it is bad");
    (error.line, error.column, error.fault)
}

const HEAD: &str = "base = \"none\"\n[code.a]\nmessage = \"a\"\n";

#[test]
fn a_bad_file_is_refused_with_line_and_column() {
    let bad = |rule: &str| refused(&format!("{HEAD}[[rule]]\nid = \"r\"\ncode = \"a\"\n{rule}"));
    assert!(matches!(refused("base = \"none\"\nnonsense = 1\n"), (2, 1, RulesFault::Syntax(_))));
    assert!(matches!(refused("a = [\n"), (_, _, RulesFault::Syntax(_))));
    assert!(matches!(bad("severity = \"grave\"\n"), (7, 12, RulesFault::Syntax(_))));
    assert!(matches!(bad("severity = \"low\"\n"), (5, 6, RulesFault::Idle)));
    let (line, column, fault) = bad("severity = \"low\"\nterms = [\"good\", \"!?\"]\n");
    assert!(matches!((line, column, fault), (8, 18, RulesFault::Term(_))));
    let (line, column, fault) = bad("patterns = [{ trigger = \"digit\", text = \"(\" }]\n");
    assert!(matches!((line, column, fault), (7, 41, RulesFault::Pattern(_))));
    let once = "severity = \"low\"\nrepeated = 1\n";
    assert!(matches!(bad(once), (8, 12, RulesFault::Repeated)));
    let unmoderated = "severity = \"zero\"\nlanes = \"all\"\npartners = 9\n";
    assert!(matches!(bad(unmoderated), (9, 12, RulesFault::Repeated)));
    assert!(matches!(bad("when = [\"x\"]\n"), (7, 9, RulesFault::Unknown)));
    assert!(matches!(
        bad("lanes = \"all\"\nseverity = \"low\"\nterms = [\"a b c\"]"),
        (5, 6, RulesFault::Overreach)
    ));
    let twice = format!("{HEAD}{0}{0}", "[[rule]]\nid = \"r\"\nterms = [\"xyz\"]\n");
    assert!(matches!(refused(&twice), (8, 6, RulesFault::Duplicate)));
    let silent = "base = \"none\"\n[[rule]]\nid = \"r\"\nseverity = \"low\"\nterms = [\"xyz\"]\n";
    assert!(matches!(refused(silent), (3, 6, RulesFault::NoMessage(_))));
    assert!(matches!(refused("disable = [\"no-such-rule\"]\n"), (1, 12, RulesFault::Unknown)));
    // A pattern that counts too far has more states than we would keep.
    let huge = "patterns = [{ trigger = \"digit\", text = '(a|b)*a(a|b){30}' }]\n";
    assert!(matches!(bad(huge), (7, 41, RulesFault::Pattern(_))));
}

#[test]
fn a_file_adds_to_what_comes_with_the_engine() {
    let text = "disable = [\"profanity-en\"]\nexcept = [\"nigger lake\"]\n[code.cabbage]\nmessage = \"No.\"\n\
                [[rule]]\nid = \"cabbage\"\nseverity = \"high\"\nterms = [\"*cabbage*\"]\nexcept = [\"cabbage soup\"]\n";
    let mut moderator = Moderator::new(Arc::new(Rules::parse(text).expect("good")));
    let mut rule = |line: &str| moderator.find(Scope::Adult, line).map(|it| it.rule.to_owned());
    assert_eq!(rule("you c4bb4ge!").as_deref(), Some("cabbage"));
    assert_eq!(rule("uncabbaged").as_deref(), Some("cabbage"));
    assert_eq!(rule("cabbage soup, please"), None);
    assert_eq!(rule("holy shit"), None, "its rule is disabled");
    assert_eq!(rule("near nigger lake"), None, "an exception of the operator's");
    assert_eq!(rule("you nigger").as_deref(), Some("slur-en"));
}

/// What scripts made of the lists of others stays as they made it: whoever wants it otherwise edits the
/// script, and runs it again.
#[test]
fn files_that_scripts_make_are_as_they_made_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = 0;
    for line in include_str!("../../../../tools/moderation/SUMS").lines() {
        let (sum, path) = line.split_once("  ").expect("a sum and a file");
        let bytes = std::fs::read(root.join(path)).expect("it is there");
        let found = data_encoding::HEXLOWER.encode(&sha1::Sha1::digest(&bytes));
        assert_eq!(found, sum, "{path} was changed by hand: see tools/moderation/README.md");
        files += 1;
    }
    assert_eq!(files, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_a_rules_file_of_itself_panic(text in "(?s).{0,200}") {
        let _ = Rules::parse(&format!("base = \"none\"\n{text}"));
    }

    #[test]
    fn no_term_makes_the_compiler_panic(term in "(?s)\\*?.{0,80}\\*?") {
        let term = term.replace(['\\', '"'], " ").replace(|c: char| c.is_control(), " ");
        let text = format!("{HEAD}[[rule]]\nid = \"r\"\ncode = \"a\"\nterms = [\"{term}\"]\n");
        if let Ok(rules) = Rules::parse(&text) {
            let mut moderator = Moderator::new(Arc::new(rules));
            let _ = moderator.find(Scope::Adult, &term);
        }
    }
}
