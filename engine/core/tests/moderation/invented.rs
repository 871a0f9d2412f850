//! Lines that are invented from a seed: how many disguised terms are found, by kind of disguise, and
//! how many innocent lines are.

use whisper_core::moderation::{Action, Moderator, Scope};

use crate::chance::Chance;
use crate::disguises::DISGUISES;
use crate::{Standing, innocence, shipped};

/// How many of a hundred must be found, of each kind.
const RECALL_PERCENT: usize = 95;

/// False alarms that are allowed, of a thousand.
const FALSE_ALARMS_PERMILLE: usize = 5;

/// Disguises of each kind for each term.
const TIMES: u64 = 3;

/// Every term in the Latin alphabet that is a fault by itself among adults, without its stars.
pub(crate) fn terms() -> Vec<String> {
    let files = [
        include_str!("../../data/rules/rules.toml"),
        include_str!("../../data/rules/english.toml"),
    ];
    let mut terms = Vec::new();
    for file in files {
        let table: toml::Table = file.parse().expect("a test reads it elsewhere");
        for rule in table["rule"].as_array().expect("rules") {
            let lanes = rule.get("lanes").and_then(toml::Value::as_str).unwrap_or("moderated");
            let is_suspect = rule.get("suspect").is_some();
            if rule.get("severity").is_none() || is_suspect || lanes == "teen" {
                continue;
            }
            let listed = rule.get("terms").and_then(toml::Value::as_array);
            let listed = listed.into_iter().flatten().filter_map(toml::Value::as_str);
            terms.extend(listed.map(|term| term.trim_matches('*').to_owned()));
        }
    }
    terms.retain(|term| term.bytes().all(|byte| byte == b' ' || byte.is_ascii_lowercase()));
    terms
}

/// The seed of the run: another one invents other lines.
fn seed() -> u64 {
    std::env::var("WHISPER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[test]
#[expect(clippy::print_stdout, reason = "the table that the documentation shows")]
fn what_is_listed_is_found_in_disguises_that_nobody_tuned_for() {
    let seed = seed();
    let terms = terms();
    assert!(terms.len() > 1_500, "{}", terms.len());
    let mut moderator = Moderator::new(shipped());
    let mut poor = Vec::new();
    for (number, disguise) in (0..).zip(DISGUISES) {
        let mut chance = Chance::new(seed << 8 | number);
        let (mut said, mut missed) = (0, Vec::new());
        for term in terms.iter().flat_map(|term| (0..TIMES).map(move |_| term)) {
            let Some(lines) = (disguise.put_on)(&mut chance, term) else { continue };
            said += 1;
            let mut standing = Standing::default();
            let found =
                |line: &String| standing.says(&mut moderator, Scope::Adult, line) != Action::Allow;
            if !lines.iter().any(found) {
                missed.push(lines);
            }
        }
        let recall = 100.0 - missed.len() as f64 * 100.0 / f64::from(said);
        println!("{:<24} {said:>6} {recall:>6.2} %", disguise.name);
        if missed.len() * 100 > said as usize * (100 - RECALL_PERCENT) {
            missed.truncate(40);
            poor.push(format!("{}: {recall:.2} %, as {missed:?}", disguise.name));
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure that the documentation shows")]
fn what_is_said_innocently_is_left_alone() {
    const LINES: usize = 20_000;
    let mut chance = Chance::new(seed());
    let mut moderator = Moderator::new(shipped());
    let mut alarms = Vec::new();
    for _ in 0..LINES {
        let line = innocence::line(&mut chance);
        if let Some(finding) = moderator.find(Scope::Adult, &line) {
            alarms.push(format!("{}: {line}", finding.rule));
        }
    }
    println!("{} of {LINES} innocent lines are at fault", alarms.len());
    assert!(alarms.len() * 1000 <= LINES * FALSE_ALARMS_PERMILLE, "{alarms:#?}");
}
