//! What is said again and again, and what is spelt out in pieces.

use whisper_core::moderation::{Lately, Moderator, Scope, Severity, Tail};

use crate::shipped;

/// Somebody who talks to one partner after the other.
struct Speaker {
    moderator: Moderator,
    scope: Scope,
    tail: Tail,
    lately: Lately,
}

impl Speaker {
    fn among(scope: Scope) -> Self {
        let moderator = Moderator::new(shipped());
        Self { moderator, scope, tail: Tail::default(), lately: Lately::default() }
    }

    fn meets_the_next(&mut self) {
        self.tail = Tail::default();
        self.lately.meet();
    }

    /// Says it; which rule it hits, and how bad that is.
    fn says(&mut self, line: &str) -> Option<(Severity, String)> {
        let Self { moderator, scope, tail, lately } = self;
        let outcome = |it: whisper_core::moderation::Finding<'_>| (it.severity, it.code.to_owned());
        if let Some(found) = moderator.hear(*scope, line, tail).map(outcome) {
            return Some(found);
        }
        moderator.recall(*scope, line, lately).map(outcome)
    }
}

#[test]
fn one_line_for_everybody_is_blocked_among_teens_and_warned_about_among_adults() {
    for (scope, least, severity) in
        [(Scope::Teen, 5, Severity::High), (Scope::Adult, 8, Severity::Medium)]
    {
        let mut bot = Speaker::among(scope);
        for time in 1..12 {
            bot.meets_the_next();
            // Case, signs and what changes at the end make no other line of it.
            let line = match time % 3 {
                0 => format!("Come and see my lovely garden of roses {time}"),
                1 => format!("come AND see my   lovely garden of r0ses, {time}!!!"),
                _ => format!("cоme and see my lovely garden of roses no {time}"),
            };
            let expected = (time >= least).then(|| (severity, "repetition".to_owned()));
            assert_eq!(bot.says(&line), expected, "{scope:?}, time {time}");
        }
    }
    // Among adults somebody may say to one partner what they like, as often as they like.
    for (scope, is_fault) in [(Scope::Adult, false), (Scope::Teen, true)] {
        let mut person = Speaker::among(scope);
        let mut lines = (0..20).map(|_| person.says("come and see my lovely garden of roses"));
        assert_eq!(lines.any(|found| found.is_some()), is_fault, "{scope:?}");
    }
    let mut bot = Speaker::among(Scope::Unmoderated);
    assert!((0..20).all(|_| bot.says("come and see my lovely garden of roses").is_none()));
}

#[test]
fn what_people_say_all_the_time_is_no_repetition() {
    let mut person = Speaker::among(Scope::Teen);
    for _ in 0..30 {
        person.meets_the_next();
        for line in ["hi", "hey, how are you?", "where are you from", "lol", "same here haha"] {
            assert_eq!(person.says(line), None);
        }
    }
}

#[test]
fn what_is_spelt_out_in_pieces_is_found_where_it_is_whole() {
    for (pieces, code) in [
        (&["ann.lee@", "example", ".com"][..], "personal_information"),
        (&["my number", "555 234", "5678"], "personal_information"),
        (&["0170", "123", "4567"], "personal_information"),
        (&["07", "70", "09", "00", "12", "3"], "personal_information"),
        (&["exam", "ple", ".com"], "social_link"),
        (&["www", ".", "example", ".", "com"], "social_link"),
        (&["insta", "is", "ann_99"], "social_link"),
        (&["i'm", "34", "m"], "age_lane"),
    ] {
        let mut teen = Speaker::among(Scope::Teen);
        let (last, before) = pieces.split_last().expect("pieces");
        let found: Vec<_> = before.iter().filter_map(|piece| teen.says(piece)).collect();
        let found = found.first().cloned().or_else(|| teen.says(last));
        assert_eq!(found.map(|it| it.1).as_deref(), Some(code), "{pieces:?}");
    }
    let mut adult = Speaker::among(Scope::Unmoderated);
    let lines = ["any girls", "under 14"].map(|line| adult.says(line));
    assert_eq!(lines[0], None);
    assert_eq!(lines[1], Some((Severity::Zero, "minors".into())));
}

#[test]
fn pieces_are_of_one_chat_and_sentences_are_no_pieces() {
    let mut teen = Speaker::among(Scope::Teen);
    for piece in ["ann.lee@", "exam", "ple.org"] {
        teen.meets_the_next();
        let found = teen.says(piece);
        assert!(piece == "ple.org" || found.is_none(), "{found:?}");
    }
    let mut teen = Speaker::among(Scope::Teen);
    for line in [
        "that was it.",
        "me too",
        "ok.",
        "it was fun",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "10",
        "lol.",
        "to be honest",
        "2020",
        "2021",
        "2022",
        "my birthday is in 05",
        "12 days",
        "i have 2 dogs",
        "and 3 cats",
        "1 0 1",
        "20 20 20",
        "3.5",
        "4.5",
        "and/or",
        "he / she",
    ] {
        assert_eq!(teen.says(line), None, "{line}");
    }
}
