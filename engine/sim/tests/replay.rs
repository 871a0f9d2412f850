//! Event logs of what is simulated, replayed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use whisper_core::event_log::{
    End, Ended, Failure, HEADER, Head, Replayed, VERSION, header, replay,
};
use whisper_core::match_queue::Fault;
use whisper_sim::scale::{self, Plan};
use whisper_sim::sweep::live_world_logged;
use whisper_sim::{Book, Workload, World};

const STEPS: usize = 250;

fn world(seed: u64) -> Vec<u8> {
    let book = Book::default();
    live_world_logged(seed, STEPS, &book);
    book.bytes()
}

fn replayed(log: &[u8]) -> Result<Replayed, Failure> {
    replay(log)
}

fn events(replayed: &Replayed) -> u64 {
    replayed.shards.iter().map(|shard| shard.events).sum()
}

#[test]
fn whatever_people_do_is_decided_again_as_it_was() {
    for seed in 0..200 {
        let log = world(seed);
        let replayed = replayed(&log).unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        assert!(replayed.shards.iter().any(|it| it.events > 0 && it.effects > 0));
        assert!(replayed.shards.iter().all(|it| it.ended == Ended::Said(End::Stopped)));
        assert!(!replayed.torn && replayed.unfinished.is_empty());
    }
}

#[test]
fn towns_in_trouble_are_too() {
    for seed in 0..20 {
        let book = Book::default();
        let report = scale::live_logged(Plan::troubled(seed), &book).expect("every rule holds");
        let replayed = replayed(&book.bytes()).unwrap_or_else(|it| panic!("seed {seed}: {it}"));
        // What shards say to themselves is in no log.
        assert!((1..report.counts.steps).contains(&events(&replayed)));
    }
}

#[test]
fn the_same_world_is_the_same_log() {
    assert!(world(1) == world(1));
    assert!(world(1) != world(2));
}

#[test]
fn a_log_has_nothing_that_is_said_or_liked() {
    for seed in 0..20 {
        let log = world(seed);
        // What the workload has people like and say, and what they are told of errors.
        for canary in ["topic", "line ", "anybody", "late", "Nobody"] {
            let found = log.windows(canary.len()).position(|bytes| bytes == canary.as_bytes());
            assert_eq!(found, None, "{canary:?} in the log of seed {seed}");
        }
    }
}

#[test]
fn a_byte_that_was_flipped_is_noticed_wherever_it_is() {
    let log = world(3);
    for at in (0..log.len()).step_by(97).chain(0..64) {
        for bit in [0, 7] {
            let mut damaged = log.clone();
            damaged[at] ^= 1 << bit;
            assert!(replayed(&damaged).is_err(), "bit {bit} of byte {at} of {}", log.len());
        }
    }
}

#[test]
fn a_log_that_is_cut_short_is_replayed_up_to_there() {
    let log = world(4);
    let all = events(&replayed(&log).expect("it is whole"));
    let mut least = 0;
    for length in (header().len()..log.len()).step_by(61) {
        let cut = replayed(&log[..length]).expect("a part of what is whole");
        assert!(cut.torn || length == header().len());
        assert!((least..=all).contains(&events(&cut)), "the longer it is, the more it has");
        least = events(&cut);
    }
    assert!(least > all / 2);
}

#[test]
fn only_a_log_of_this_version_is_read() {
    let next = (VERSION + 1).to_string();
    let newer = format!("{HEADER}{next}\n");
    let failure = replayed(newer.as_bytes()).err().expect("it is refused");
    assert!(matches!(&failure, Failure::OtherVersion(version) if *version == next));
    let told = failure.to_string();
    assert!(told.contains(&format!("{next:?}")) && told.contains(&format!("version {VERSION} ")));
    for other in ["", "whisper", "PK\u{3}\u{4} and so on, for longer than a header"] {
        assert!(matches!(replayed(other.as_bytes()), Err(Failure::NoLog)));
    }
}

#[test]
fn shards_that_behave_otherwise_than_then_are_found_out() {
    for rule in [Fault::WithdrawForgotten, Fault::OrderSwapped] {
        let found = (0..40).filter(|&seed| {
            let book = Book::default();
            let live = || {
                let mut world = World::logged(seed, 3, &book).breaking(rule);
                let mut workload = Workload::new(seed, 20);
                (0..STEPS).for_each(|_| workload.step(&mut world));
            };
            // The auditor may find it out first.
            drop(catch_unwind(AssertUnwindSafe(live)));
            match replayed(&book.bytes()) {
                Err(Failure::Diverged(diverged)) => {
                    assert!((1..=16).contains(&diverged.last.len()));
                    assert!(diverged.to_string().contains(&format!("event {}", diverged.event)));
                    true
                }
                Ok(_) => false,
                Err(other) => panic!("{other}"),
            }
        });
        assert!(found.count() > 20, "{rule:?}");
    }
}

#[test]
fn the_event_that_a_world_broke_at_is_told_again() {
    let book = Book::default();
    let live = || {
        let mut world = World::logged(1, 1, &book);
        let who = world.connect(0);
        world.say(who, "hello?");
        panic!("in the midst of it");
    };
    drop(catch_unwind(AssertUnwindSafe(live)));
    let log = book.bytes();
    let replayed = replayed(&log).expect("what is there is as it was");
    assert_eq!(events(&replayed), 2);
}

#[test]
fn another_seed_makes_other_rooms() {
    let log = world(5);
    // The first chunk of each shard begins with what it is made from; its seed is the world's.
    let seed = [5u8, 0, 0, 0, 1, 0, 0, 0];
    let at = log.windows(8).position(|bytes| bytes == seed).expect("a log has the seed");
    let mut other = log;
    other[at] ^= 1;
    seal_first_chunk(&mut other);
    assert!(matches!(replayed(&other), Err(Failure::Diverged(_))));
}

/// Has the first chunk look as if it had been written so.
fn seal_first_chunk(log: &mut [u8]) {
    let begin = header().len();
    let length = u32::from_le_bytes(log[begin + 4..begin + 8].try_into().expect("four bytes"));
    let (head, rest) = log[begin..].split_at_mut(Head::BYTES);
    let shard = u16::from_le_bytes([head[0], head[1]]);
    head.copy_from_slice(&Head::of(shard, &rest[..length as usize]).to_bytes());
}
