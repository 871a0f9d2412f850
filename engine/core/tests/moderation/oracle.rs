//! Another filter's opinion of the same lines. It never judges anybody: hostile lines hold it up for
//! milliseconds.

use rustrict::{CensorStr as _, Type};
use whisper_core::moderation::{Action, Moderator, Scope};

use crate::chance::Chance;
use crate::disguises::DISGUISES;
use crate::invented::terms;
use crate::sets::{CLEAN, FAULTS, rows};
use crate::{Standing, shipped};

fn is_fault(line: &str) -> bool {
    line.is(Type::INAPPROPRIATE)
}

/// How the two may differ over the sets, in lines; docs/moderation.md says which they are.
const CLEAN_AND_BLAMED: usize = 85;
const FAULTS_AND_PASSED: usize = 135;

/// Of a hundred disguised terms that the other finds, so many at most are missed here.
const MISSED_PERCENT: usize = 5;

#[test]
#[expect(clippy::print_stdout, reason = "the figures that the documentation shows")]
fn over_the_sets_another_filter_differs_as_far_as_is_known() {
    let clean: Vec<_> = rows(CLEAN).map(|row| row[2]).collect();
    let faults: Vec<_> = rows(FAULTS).map(|row| row[3]).collect();
    let blamed: Vec<_> = clean.iter().filter(|line| is_fault(line)).collect();
    let passed: Vec<_> = faults.iter().filter(|line| !is_fault(line)).collect();
    println!("it blames {} of {} clean lines", blamed.len(), clean.len());
    println!("it passes {} of {} faults", passed.len(), faults.len());
    assert!(blamed.len() <= CLEAN_AND_BLAMED, "{blamed:#?}");
    assert!(passed.len() <= FAULTS_AND_PASSED, "{passed:#?}");
}

/// What the other makes out in a disguise isn't beyond us, either.
#[test]
#[expect(clippy::print_stdout, reason = "the table that the documentation shows")]
fn what_another_filter_sees_through_is_seen_through_here() {
    let mut moderator = Moderator::new(shipped());
    for (number, disguise) in (0..).zip(DISGUISES) {
        let mut chance = Chance::new(number);
        let (mut said, mut theirs, mut missed) = (0, 0, Vec::new());
        for term in terms() {
            let Some(lines) = (disguise.put_on)(&mut chance, &term) else { continue };
            let [line] = &lines[..] else { continue };
            said += 1;
            if !is_fault(line) {
                continue;
            }
            theirs += 1;
            let mut standing = Standing::default();
            if standing.says(&mut moderator, Scope::Adult, line) == Action::Allow {
                missed.push(line.clone());
            }
        }
        println!("{:<24} {theirs:>5} of {said:>5}, {:>4} missed", disguise.name, missed.len());
        let name = disguise.name;
        assert!(missed.len() * 100 <= theirs * MISSED_PERCENT, "{name}: {theirs}, {missed:?}");
    }
}
