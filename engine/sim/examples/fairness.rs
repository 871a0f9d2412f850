//! What the test of fairness is worth: how often it is wrong where homes are dealt to people anew, so
//! that nobody waits as they do for where they are; how often it tells of a home whose people wait
//! longer; and that it tells of homes that take themselves for equal.
//!
//! `cargo run --release -p whisper-sim --example fairness [DEALS]`, 200 where not given.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::error::Error;

use whisper_core::match_queue::Fault;
use whisper_core::time::Span;
use whisper_sim::Dice;
use whisper_sim::scale::{self, Grouping, Plan, Tally, fairness};

/// How much longer waits are made, in per cent.
const LONGER: [u32; 6] = [1, 2, 3, 5, 7, 10];

fn main() -> Result<(), Box<dyn Error>> {
    let deals = std::env::args().nth(1).map_or(Ok(200), |it| it.parse::<usize>())?;
    let plan = Plan {
        users: 20_000,
        lasts: Span::secs(600),
        warm_up: Span::secs(60),
        audited: false,
        ..Plan::default()
    };
    let town = scale::live(plan.clone())?.tally;
    let mut dice = Dice::new(1);

    let mut alarms = [0; 2];
    for _ in 0..deals {
        let dealt = town.dealt_anew(&mut dice);
        for (alarms, grouping) in alarms.iter_mut().zip([Grouping::Shard, Grouping::Seat]) {
            *alarms += usize::from(fairness(&dealt, grouping, &plan).apart().count() > 0);
        }
    }
    let [by_home, by_ids] = alarms;
    println!("homes dealt anew {deals} times: {by_home} alarms by home, {by_ids} by range of ids");

    for percent in LONGER {
        let dealt = town.dealt_anew(&mut dice);
        let tenths = |home| tenths_told(&longer(&dealt, home, percent), home, &plan);
        let told: Vec<_> = (0..plan.shards).map(tenths).collect();
        println!(
            "people of one home wait {percent} % longer: told of {} homes of {}, in {} tenths of {}",
            told.iter().filter(|&&tenths| tenths > 0).count(),
            plan.shards,
            told.iter().sum::<usize>(),
            10 * plan.shards,
        );
    }

    for lopsided in [false, true] {
        let plan = Plan { lopsided, ..plan.clone() };
        let town = scale::live_breaking(plan.clone(), Fault::HomesTakenForEqual)?;
        let unfair = fairness(&town.tally, Grouping::Shard, &plan);
        println!(
            "homes that take themselves for equal, {}: {} of {} stand apart",
            if lopsided { "half of all people at home on one" } else { "people spread evenly" },
            unfair.apart().count(),
            unfair.judged
        );
    }
    Ok(())
}

/// The same waits, those of one home so many per cent longer.
fn longer(tally: &Tally, home: u16, percent: u32) -> Tally {
    let mut longer = tally.clone();
    for sample in longer.samples.iter_mut().filter(|it| it.shard == home) {
        sample.waited += sample.waited * percent / 100;
    }
    longer
}

/// In how many tenths the home stands apart.
fn tenths_told(tally: &Tally, home: u16, plan: &Plan) -> usize {
    let unfair = fairness(tally, Grouping::Shard, plan);
    unfair.apart().filter(|it| it.number == usize::from(home)).count()
}
