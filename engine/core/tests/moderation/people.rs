//! What is held against people, and what they are told.

use whisper_core::moderation::{Action, Moderator, Record, Rules, Scope, Severity, Tail};

use crate::{Standing, shipped};

fn say(moderator: &mut Moderator, standing: &mut Standing, line: &str) -> Action {
    standing.says(moderator, Scope::Adult, line)
}

#[test]
fn warnings_lead_to_a_block_and_a_ban_and_a_new_chat_resets_nothing() {
    let mut moderator = Moderator::new(shipped());
    let mut standing = Standing::default();
    let mut actions = Vec::new();
    for _ in 0..5 {
        actions.push(say(&mut moderator, &mut standing, "you stupid whore"));
        assert_eq!(say(&mut moderator, &mut standing, "hello again"), Action::Allow);
        standing.tail = Tail::default();
    }
    use Action::{Ban, Block, Warn};
    assert_eq!(actions, [Warn, Warn, Warn, Block, Ban]);
    assert_eq!(standing.record, Record { warnings: 5, strikes: 5 });
}

#[test]
fn a_finding_says_which_rule_and_what_to_tell() {
    let mut moderator = Moderator::new(shipped());
    let mut tail = Tail::default();
    let finding = moderator.hear(Scope::Adult, "i will kill you", &mut tail).expect("a fault");
    assert_eq!((finding.rule, finding.code), ("threats-en", "threat"));
    assert_eq!(finding.severity, Severity::High);
    assert!(!finding.message.is_empty());
}

#[test]
fn what_is_split_over_messages_is_found_where_it_is_whole() {
    let mut moderator = Moderator::new(shipped());
    for lines in [["f", "u", "ck"], ["you little bi", "tc", "h"], ["kill", "your", "self"]] {
        let mut standing = Standing::default();
        assert_eq!(say(&mut moderator, &mut standing, lines[0]), Action::Allow, "{lines:?}");
        assert_eq!(say(&mut moderator, &mut standing, lines[1]), Action::Allow, "{lines:?}");
        assert_ne!(say(&mut moderator, &mut standing, lines[2]), Action::Allow, "{lines:?}");
        // Nobody is at fault for the same letters twice.
        assert_eq!(say(&mut moderator, &mut standing, "sorry"), Action::Allow, "{lines:?}");
    }
    for lines in
        [["the pen", "is red", "ok"], ["was", "she", "it"], ["i want to kill", "time", "yourself?"]]
    {
        let mut standing = Standing::default();
        for line in lines {
            assert_eq!(say(&mut moderator, &mut standing, line), Action::Allow, "{lines:?}");
        }
    }
}

#[test]
fn a_new_chat_has_nothing_to_do_with_the_last_words_of_the_old() {
    let mut moderator = Moderator::new(shipped());
    let mut standing = Standing::default();
    say(&mut moderator, &mut standing, "f u");
    standing.tail = Tail::default();
    assert_eq!(say(&mut moderator, &mut standing, "ck"), Action::Allow);
}

#[test]
fn interests_are_held_to_more() {
    let mut moderator = Moderator::new(shipped());
    for interest in ["nude pics", "child porn", "n1ggers", "kill yourself"] {
        assert!(moderator.find_in_interest(Scope::Adult, interest).is_some(), "{interest}");
    }
    for interest in ["music", "c++", "fucking good coffee", "moby dick", "18+", "essex", "sci fi"] {
        assert_eq!(moderator.find_in_interest(Scope::Adult, interest), None, "{interest}");
    }
}

#[test]
fn what_was_said_low_is_worse_beside_what_is_toxic_itself() {
    let mut moderator = Moderator::new(shipped());
    let severity = |moderator: &mut Moderator, line: &str| {
        moderator.find(Scope::Adult, line).map(|finding| finding.severity)
    };
    assert_eq!(severity(&mut moderator, "what the fuck"), Some(Severity::Low));
    let worse = "shit, what a stupid pathetic moron";
    assert_eq!(severity(&mut moderator, worse), Some(Severity::Medium));
    // The score alone never does more than that.
    let worst = "idiot moron stupid ugly pathetic loser";
    assert_eq!(severity(&mut moderator, worst), Some(Severity::Low));
    assert_eq!(severity(&mut moderator, "that was a stupid question of mine"), None);
}

#[test]
fn other_rules_count_from_the_next_line() {
    let mut moderator = Moderator::new(shipped());
    let own = "base = \"none\"\n[code.x]\nmessage = \"x\"\n[[rule]]\nid = \"x\"\nseverity = \"high\"\nterms = [\"cabbage\"]\n";
    let mut standing = Standing::default();
    assert_eq!(say(&mut moderator, &mut standing, "cabbage"), Action::Allow);
    moderator.replace_rules(std::sync::Arc::new(Rules::parse(own).expect("good rules")));
    assert_eq!(say(&mut moderator, &mut standing, "cabbage"), Action::Block);
    assert_eq!(say(&mut moderator, &mut standing, "fuck"), Action::Allow);
}
