//! A town's figures, for people.

use std::time::Duration;

use whisper_core::event_log::{End, Ended, Replayed, ShardReplayed};
use whisper_core::time::Span;
use whisper_sim::scale::{
    Fairness, Group, Grouping, KINDS, Report, TIERS, Tally, Waits, decile, fairness,
};

/// Quantiles that are printed, in thousandths.
const QUANTILES: [usize; 9] = [10, 100, 250, 500, 750, 900, 990, 999, 1_000];

/// Prints everything there is to say.
pub(crate) fn report(report: &Report, oracle: Option<&Tally>, took: Duration) {
    rates(report, took);
    messages(report);
    quality(&report.tally, oracle);
    waits(&report.tally, oracle);
    for (name, grouping) in [("home shard", Grouping::Shard), ("range of ids", Grouping::Seat)] {
        fair(name, &fairness(&report.tally, grouping, &report.plan));
    }
    println!("hash {:016x}", report.hash);
}

/// Prints how each shard of an event log fared.
pub(crate) fn replayed(replayed: &Replayed, took: Duration) {
    println!("{:>5} {:>10} {:>10} {:>16}  its log ends", "shard", "events", "effects", "hash");
    for ShardReplayed { shard, events, effects, digest, ended } in &replayed.shards {
        let ended = match ended {
            Ended::Said(End::Stopped) => "with the process",
            Ended::Said(End::Behind) => "where its writer fell behind",
            Ended::Said(End::Full) => "where it was as long as it may be",
            Ended::Cut => "without saying why",
        };
        println!("{shard:5} {events:10} {effects:10} {digest:016x}  {ended}");
    }
    if replayed.torn {
        println!("the last chunk is cut short; what it has whole was replayed");
    }
    let events: u64 = replayed.shards.iter().map(|shard| shard.events).sum();
    let took = took.as_secs_f64();
    println!("{events} events came out as they were written, in {took:.2} s");
}

fn rates(report: &Report, took: Duration) {
    let (plan, counts) = (&report.plan, &report.counts);
    let (lived, took) = (seconds(plan.lasts), took.as_secs_f64());
    let (seed, shards, users) = (plan.seed, plan.shards, plan.users);
    let nodes =
        if plan.nodes > 1 { format!(" of each of {} nodes", plan.nodes) } else { String::new() };
    println!("seed {seed}: {users} people on {shards} shards{nodes} for {lived} s");
    println!(
        "{:.0} joins/s, {:.0} matches/s; {} events, {} inspections, {} jumps of the clock, {} orders",
        counts.joins as f64 / lived,
        counts.matched as f64 / 2.0 / lived,
        counts.steps,
        counts.inspections,
        counts.jumps,
        counts.orders,
    );
    println!(
        "took {took:.1} s: {:.2} x real time; peak memory {}",
        lived / took,
        peak_memory().map_or("unknown".into(), |bytes| format!("{:.2} GB", bytes / 1e9)),
    );
    // The oracle's time included; on a machine that others use this is the truer figure.
    if let Some(busy) = processor_time() {
        println!(
            "processor time {busy:.1} s: {:.2} x real time, {:.2} µs per event, {:.1} µs per join",
            lived / busy,
            busy * 1e6 / counts.steps.max(1) as f64,
            busy * 1e6 / counts.joins.max(1) as f64,
        );
    }
}

fn messages(report: &Report) {
    let counts = &report.counts;
    let matches = (counts.matched as f64 / 2.0).max(1.0);
    let each = |of: &[u64]| of.iter().sum::<u64>() as f64 / matches;
    println!(
        "\nmessages per match: {:.2} by ring, {:.2} of a shard to itself; {} met a full ring",
        each(&counts.sent),
        each(&counts.kept),
        counts.overflowed
    );
    if report.plan.nodes > 1 {
        let share = counts.across as f64 / counts.matched.max(1) as f64;
        let between: u64 = counts.between.iter().sum();
        println!(
            "matches across nodes: {:.3} %; messages between nodes per match: {:.3}, per match across: {:.2}",
            share * 100.0,
            between as f64 / matches,
            between as f64 / (counts.across as f64 / 2.0).max(1.0),
        );
    }
    for (number, kind) in KINDS.iter().enumerate() {
        let [sent, kept] = [counts.sent, counts.kept].map(|of| of[number] as f64 / matches);
        if sent + kept > 0.0 {
            println!("  {kind:9} {sent:6.2} {kept:6.2}");
        }
    }
}

fn quality(ours: &Tally, oracle: Option<&Tally>) {
    println!("\n{:24} {:>9} {:>9} {:>8}", "quality", "ours", "oracle", "ratio");
    let line = |name: &str, of: &dyn Fn(&Tally) -> f64| {
        let (mine, theirs) = (of(ours), oracle.map(of));
        let beside = theirs.map_or(String::new(), |it| format!("{it:9.4} {:8.4}", mine / it));
        println!("{name:24} {mine:9.4} {beside}");
    };
    line("mean shared interests", &Tally::mean_shared);
    line("share of non-any pairs", &|tally| 1.0 - tally.shares()[3]);
    for (number, tier) in TIERS.iter().enumerate() {
        line(&format!("share of {tier}"), &|tally| tally.shares()[number]);
    }
    line("share of timeouts", &Tally::timeout_share);
    line("mean wait, ms", &Tally::mean_wait_ms);
}

fn waits(ours: &Tally, oracle: Option<&Tally>) {
    print!("\n{:24} {:>9} {:>9}", "waits, ms", "matched", "mean");
    for per_mille in QUANTILES {
        let name =
            if per_mille == 1_000 { "max".into() } else { format!("p{}", per_mille as f64 / 10.0) };
        print!(" {name:>9}");
    }
    println!();
    let line = |name: &str, of: &dyn Fn(&Tally) -> Waits| {
        quantiles(name, &of(ours));
        if let Some(oracle) = oracle {
            quantiles(&format!("{:>22}", "oracle"), &of(oracle));
        }
    };
    line("all", &|tally| tally.waits(|_| true));
    for tier in TIERS {
        line(&tier.to_string(), &|tally| tally.waits(|it| it.tier == tier));
    }
    if ours.samples.iter().any(|it| it.across) {
        line("within a node", &|tally| tally.waits(|it| !it.across));
        line("across nodes", &|tally| tally.waits(|it| it.across));
    }
    let bounds = ours.deciles();
    for number in 0..10 {
        let name = match number {
            0 => "rarest tenth".into(),
            9 => "commonest tenth".into(),
            _ => format!("tenth {}", number + 1),
        };
        line(&name, &|tally| tally.waits(|it| decile(&bounds, it.commonness) == number));
    }
}

fn quantiles(name: &str, waits: &Waits) {
    if waits.is_empty() {
        return;
    }
    print!("{name:24} {:9} {:9.2}", waits.len(), waits.mean_ms());
    for per_mille in QUANTILES {
        print!(" {:9.2}", seconds(waits.quantile(per_mille)) * 1_000.0);
    }
    println!();
}

fn fair(name: &str, fairness: &Fairness) {
    let Fairness { judged, unlike, threshold, noticed } = fairness;
    if *judged == 0 {
        return println!("fairness by {name}: too few samples");
    }
    println!(
        "fairness by {name}: {} of {judged} groups stand apart; {} differ by more than chance explains ({threshold:.1} standard errors); of a mean wait {:.1} % longer, at worst {:.1} %, it would be told",
        fairness.apart().count(),
        unlike.len(),
        noticed.0 * 100.0,
        noticed.1 * 100.0,
    );
    for group in unlike.iter().take(10) {
        let Group { tenth, number, longer_ms, share, apart, .. } = group;
        println!(
            "  tenth {}, group {number}: waits {:+.3} ms or {:+.1} % ({:+.1} errors), {:+.1} points above the median ({:+.1} errors): {}",
            tenth + 1,
            longer_ms.by,
            group.longer() * 100.0,
            longer_ms.errors(),
            share.by * 100.0,
            share.errors(),
            if *apart { "apart" } else { "too little to matter" },
        );
    }
}

fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e6
}

/// The most memory this process ever took, in bytes, as Linux counts it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1_024.0)
}

/// Seconds that all threads of this process ran, as Linux counts them.
fn processor_time() -> Option<f64> {
    /// Ticks a second, in this file of every Linux.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold anything: state is the 3rd field, utime and stime 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}
