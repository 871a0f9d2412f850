//! Lines that must hit, and lines that must not.

use whisper_core::moderation::{Moderator, Scope, Severity};

use crate::{severity, shipped};

pub(crate) const CLEAN: &str = include_str!("clean.tsv");
pub(crate) const FAULTS: &str = include_str!("faults.tsv");

/// False alarms that are allowed, of a thousand.
const FALSE_ALARMS_PERMILLE: usize = 5;

pub(crate) fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn scope(word: &str) -> Scope {
    match word {
        "adult" => Scope::Adult,
        "teen" => Scope::Teen,
        "unmoderated" => Scope::Unmoderated,
        other => panic!("no lane: {other}"),
    }
}

#[test]
fn the_innocent_are_left_alone() {
    let mut moderator = Moderator::new(shipped());
    let (mut alarms, mut lines, mut outside) = (Vec::new(), 0, 0);
    for row in rows(CLEAN) {
        let [source, lane, line] = row[..] else { panic!("three cells: {row:?}") };
        lines += 1;
        outside += usize::from(source != "own");
        if moderator.find(scope(lane), line).is_some() {
            alarms.push(line);
        }
    }
    assert!(lines >= 600 && 2 * outside >= lines, "{outside} of {lines} lines are by others");
    assert!(alarms.len() * 1000 <= lines * FALSE_ALARMS_PERMILLE, "{lines} lines, {alarms:#?}");
}

#[test]
fn what_is_never_said_innocently_is_found() {
    let mut moderator = Moderator::new(shipped());
    let (mut missed, mut lines, mut outside) = (Vec::new(), 0, 0);
    for row in rows(FAULTS) {
        let [source, lane, least, line] = row[..] else { panic!("four cells: {row:?}") };
        lines += 1;
        outside += usize::from(source != "own");
        let found = severity(&mut moderator, scope(lane), line);
        if found.is_none_or(|found| found.as_str() != least && source == "own") {
            missed.push((line, least, found));
        }
    }
    assert!(lines >= 300 && 2 * outside >= lines, "{outside} of {lines} lines are by others");
    let own = missed.iter().filter(|(_, least, _)| *least != "low").count();
    assert_eq!(own, 0, "{missed:#?}");
    assert!(
        missed.len() * 100 <= lines * 5,
        "of {lines} lines, {} missed: {missed:#?}",
        missed.len()
    );
}

#[test]
fn unmoderated_lanes_know_zero_tolerance_only() {
    let mut moderator = Moderator::new(shipped());
    for row in rows(FAULTS) {
        let [_, lane, least, line] = row[..] else { panic!("four cells: {row:?}") };
        let found = severity(&mut moderator, Scope::Unmoderated, line);
        assert!(found.is_none_or(|it| it == Severity::Zero), "{line}: {found:?}");
        if least == "zero" && lane == "unmoderated" {
            assert_eq!(found, Some(Severity::Zero), "{line}");
        }
    }
}

#[test]
fn what_adults_say_of_their_age_is_no_fault() {
    let mut moderator = Moderator::new(shipped());
    for age in 18..100 {
        for said in
            ["i'm {} yo", "im {}", "I am {} years old", "{}m", "f{}", "{} f here", "m/{} hi"]
        {
            let line = said.replace("{}", &age.to_string());
            let finding = moderator.find(Scope::Adult, &line);
            assert_eq!(finding, None, "{line}");
        }
        let line = format!("i'm {age} yo and horny, wanna have sex with me?");
        let found = severity(&mut moderator, Scope::Adult, &line);
        assert_eq!(found, Some(Severity::Medium), "{line}");
        assert_eq!(severity(&mut moderator, Scope::Unmoderated, &line), None, "{line}");
    }
}

#[test]
fn what_is_far_apart_is_not_of_one_thing() {
    let mut moderator = Moderator::new(shipped());
    let between = "then we talked about the garden and the weather for a while. ".repeat(12);
    let apart = format!("my niece is a 14 year old gymnast, {between} horny");
    assert_ne!(severity(&mut moderator, Scope::Adult, &apart), Some(Severity::Zero));
    let close = format!("{between} i'm a 14 year old, so horny {between}");
    assert_eq!(severity(&mut moderator, Scope::Adult, &close), Some(Severity::Zero));
}
