//! Nobody waits longer for being at home on one shard rather than another, and the test would tell:
//! neither of what isn't there, nor nothing of what is.

use std::sync::LazyLock;

use whisper_core::match_queue::Fault;
use whisper_core::time::Span;
use whisper_sim::Dice;
use whisper_sim::scale::{self, Fairness, Grouping, Plan, Report, Tally, fairness};

/// Five people of eight are at home on the first of four shards.
static TOWN: LazyLock<Report> = LazyLock::new(|| scale::live(plan()).expect("it drains"));

fn plan() -> Plan {
    Plan {
        shards: 4,
        users: 10_000,
        lopsided: true,
        rate: 4_000.0,
        lasts: Span::secs(40),
        audited: false,
        ..Plan::default()
    }
}

fn judge(tally: &Tally, grouping: Grouping) -> Fairness {
    fairness(tally, grouping, &plan())
}

#[test]
fn no_home_and_no_range_of_ids_stands_apart() {
    for grouping in [Grouping::Shard, Grouping::Seat] {
        let fair = judge(&TOWN.tally, grouping);
        assert!(fair.judged >= 20, "{fair:?}");
        assert_eq!(fair.apart().count(), 0, "{fair:?}");
    }
}

#[test]
fn where_homes_are_dealt_anew_none_stands_apart() {
    let mut dice = Dice::new(1);
    for grouping in [Grouping::Shard, Grouping::Seat] {
        let alarms = (0..20).filter(|_| {
            let dealt = TOWN.tally.dealt_anew(&mut dice);
            judge(&dealt, grouping).apart().count() > 0
        });
        assert_eq!(alarms.count(), 0, "{grouping:?}");
    }
}

#[test]
fn a_home_whose_people_wait_a_tenth_longer_would_stand_apart() {
    for shard in 0..4 {
        let mut tally = TOWN.tally.clone();
        for sample in tally.samples.iter_mut().filter(|it| it.shard == shard) {
            sample.waited += sample.waited / 10;
        }
        let unfair = judge(&tally, Grouping::Shard);
        let caught = unfair.apart().any(|it| it.number == usize::from(shard) && it.longer() > 0.0);
        assert!(caught, "{shard}: {unfair:?}");
    }
}

#[test]
fn homes_that_take_themselves_for_equal_stand_apart() {
    let town = scale::live_breaking(plan(), Fault::HomesTakenForEqual).expect("it drains");
    let unfair = judge(&town.tally, Grouping::Shard);
    for shard in 0..4 {
        assert!(unfair.apart().any(|it| it.number == shard), "{shard}: {unfair:?}");
    }
}
