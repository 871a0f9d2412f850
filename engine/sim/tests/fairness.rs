//! Nobody waits longer for being at home on one shard rather than another, and the test would tell.

use std::sync::LazyLock;

use whisper_core::time::Span;
use whisper_sim::scale::{self, Fairness, Grouping, Plan, Report, fairness};

/// Five people of eight are at home on the first of four shards.
static TOWN: LazyLock<Report> = LazyLock::new(|| {
    let plan = Plan {
        shards: 4,
        users: 10_000,
        lopsided: true,
        rate: 4_000.0,
        lasts: Span::secs(40),
        audited: false,
        ..Plan::default()
    };
    scale::live(plan).expect("it drains")
});

/// Judges the town, had everybody at home on one shard waited so many per cent longer.
fn judge(grouping: Grouping, shard: u16, longer_percent: u32) -> Fairness {
    let mut tally = TOWN.tally.clone();
    for sample in tally.samples.iter_mut().filter(|it| it.shard == shard) {
        sample.waited += sample.waited * longer_percent / 100;
    }
    fairness(&tally, grouping, &TOWN.plan)
}

#[test]
fn no_home_and_no_range_of_ids_stands_apart() {
    for grouping in [Grouping::Shard, Grouping::Seat] {
        let fair = judge(grouping, 0, 0);
        assert!(fair.judged >= 20, "{fair:?}");
        assert_eq!(fair.apart().count(), 0, "{fair:?}");
    }
}

#[test]
fn a_home_whose_people_wait_a_tenth_longer_would_stand_apart() {
    for shard in 0..4 {
        let unfair = judge(Grouping::Shard, shard, 10);
        let caught = unfair.apart().any(|it| it.number == usize::from(shard) && it.longer > 0.0);
        assert!(caught, "{shard}: {unfair:?}");
    }
}
