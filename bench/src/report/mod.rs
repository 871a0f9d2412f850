//! What came of a run, for people and for programs.

mod demand;
mod folder;
mod machine;
mod result;

pub(crate) use self::demand::Demand;
pub(crate) use self::folder::Folder;
pub(crate) use self::result::Outcome;

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;

use self::machine::Machine;
use self::result::{Number, Percentiles, RunResult, SCHEMA, Threshold};
use crate::driver;
use crate::measure::Readings;

/// Figures in the order in which they were added, and what was wrong.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    scenario: &'static str,
    started: SystemTime,
    figures: Vec<Figure>,
    latencies: Vec<Latency>,
    faults: Vec<String>,
    invalid: Vec<String>,
    thresholds: Vec<Threshold>,
}

#[derive(Clone, Debug)]
struct Latency {
    name: &'static str,
    times: Histogram<u64>,
}

#[derive(Clone, Debug)]
struct Figure {
    key: String,
    value: f64,
    unit: &'static str,
}

/// The greatest time that is recorded as such, in nanoseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000_000;

/// A histogram for times in nanoseconds, to three digits.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are good")
}

impl Report {
    /// A report without anything.
    pub(crate) fn new(scenario: &'static str) -> Self {
        Self {
            scenario,
            started: SystemTime::now(),
            figures: Vec::new(),
            latencies: Vec::new(),
            faults: Vec::new(),
            invalid: Vec::new(),
            thresholds: Vec::new(),
        }
    }

    /// Adds a figure. The key has no spaces, and its unit in it where it has one.
    pub(crate) fn figure(&mut self, key: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { key: key.into(), value, unit });
    }

    /// Adds a number of things.
    pub(crate) fn count(&mut self, key: impl Into<String>, count: impl TryInto<u64>) {
        self.figure(key, count.try_into().unwrap_or(u64::MAX) as f64, "");
    }

    /// Adds how long something took, in nanoseconds.
    pub(crate) fn latency(&mut self, name: &'static str, times: &Histogram<u64>) {
        self.latencies.push(Latency { name, times: times.clone() });
    }

    /// Adds what CPU time was used: ours, and the server's by each of so many things that it did.
    pub(crate) fn cpu(&mut self, readings: &Readings, things: u64, thing: &str) {
        if let Some(server) = readings.server {
            let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / things.max(1) as f64;
            self.figure(format!("server_cpu_us_per_{thing}"), each(server.total()), "µs");
            self.figure(format!("server_user_us_per_{thing}"), each(server.user()), "µs");
            self.figure(format!("server_system_us_per_{thing}"), each(server.system()), "µs");
            let load = server.total().as_secs_f64() / readings.elapsed.as_secs_f64();
            self.figure("server_cores", load, "");
        }
        self.figure("generator_cores", readings.own_load(), "");
    }

    /// Calls the run invalid where the generator was its bottleneck.
    pub(crate) fn judge_generator(&mut self, readings: &Readings) {
        if readings.is_saturated() {
            let load = readings.own_load() * 100.0;
            self.invalid.push(format!("the generator was busy for {load:.0} % of the time"));
        }
    }

    /// Notes connections that ended before their time.
    pub(crate) fn judge_people(&mut self, outcome: &driver::Outcome) {
        self.count("connections_lost", outcome.lost);
        let why = outcome.first_lost.as_deref().unwrap_or("for no reason");
        self.fault_if(outcome.lost > 0, || format!("{} lost, the first {why}", outcome.lost));
    }

    /// Fails the run where `wrong`.
    pub(crate) fn fault_if(&mut self, wrong: bool, what: impl FnOnce() -> String) {
        if wrong {
            self.faults.push(what());
        }
    }

    /// Calls the run invalid where `meaningless`.
    pub(crate) fn invalid_if(&mut self, meaningless: bool, why: impl FnOnce() -> String) {
        if meaningless {
            self.invalid.push(why());
        }
    }

    /// The value of a figure.
    pub(crate) fn value(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.key == key).map(|figure| figure.value)
    }

    /// What was wrong; nothing in a good run.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Holds it to what was demanded.
    pub(crate) fn demand(&mut self, demands: &[Demand]) {
        let latency = |name: &str| {
            let found = self.latencies.iter().find(|latency| latency.name == name);
            found.map(|latency| Percentiles::of(&latency.times))
        };
        let judged = demands.iter().map(|demand| {
            let (value, met) = demand.judge(|name| self.value(name), latency);
            let value = Number(value.unwrap_or(f64::NAN));
            Threshold { expression: demand.text.clone(), value, met }
        });
        self.thresholds = judged.collect();
    }

    /// What to think of it.
    pub(crate) fn outcome(&self) -> Outcome {
        if !self.faults.is_empty() {
            return Outcome::Failed;
        }
        if !self.invalid.is_empty() {
            return Outcome::Invalid;
        }
        let all_met = self.thresholds.iter().all(|threshold| threshold.met);
        if all_met { Outcome::Good } else { Outcome::Missed }
    }

    /// All of it, for programs.
    pub(crate) fn result(&self, seed: u64) -> RunResult {
        let figure = |figure: &Figure| (figure.key.clone(), Number(figure.value));
        let latency = |it: &Latency| (it.name.to_owned(), Percentiles::of(&it.times));
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        RunResult {
            schema: SCHEMA,
            scenario: self.scenario,
            outcome: self.outcome(),
            faults: self.faults.clone(),
            invalid: self.invalid.clone(),
            thresholds: self.thresholds.clone(),
            figures: self.figures.iter().map(figure).collect(),
            latencies: self.latencies.iter().map(latency).collect(),
            phases: Vec::new(),
            series: Vec::new(),
            arguments: std::env::args().skip(1).collect(),
            seed: format!("{seed:016x}"),
            started_unix_ms: started.as_millis() as u64,
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("WHISPER_BENCH_COMMIT"),
            machine: Machine::this(),
        }
    }

    /// A table, and what to think of it.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n", self.scenario);
        for Figure { key, value, unit } in &self.figures {
            let line = format!("  {key:44} {:>14} {unit}", shown(*value));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if !self.latencies.is_empty() {
            let head = ["p50", "p90", "p99", "p99.9", "max"].map(|it| format!("{it:>10}"));
            let _ = writeln!(text, "  {:24}{} µs", "", head.concat());
        }
        for Latency { name, times } in &self.latencies {
            let all = Percentiles::of(times);
            let all = [all.p50_us, all.p90_us, all.p99_us, all.p999_us, all.max_us];
            let all = all.map(|us| format!("{:>10}", shown(us)));
            let _ = writeln!(text, "  {name:24}{}", all.concat());
        }
        self.faults.iter().for_each(|fault| {
            let _ = writeln!(text, "  FAILED: {fault}");
        });
        self.invalid.iter().for_each(|why| {
            let _ = writeln!(text, "  INVALID: {why}");
        });
        for Threshold { expression, value, met } in &self.thresholds {
            let word = if *met { "met" } else { "MISSED" };
            let _ = writeln!(text, "  {word}: {expression} (it is {})", shown(value.0));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// A number with as many digits as say something.
fn shown(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 => format!("{value}"),
        ..10.0 => format!("{value:.3}"),
        ..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_report_says_what_was_wrong() {
        let mut report = Report::new("relay");
        report.count("messages", 3_u64);
        report.figure("server_cpu_us_per_message", 4.75, "µs");
        assert_eq!(report.outcome(), Outcome::Good);
        report.demand(&["messages>3".parse().unwrap()]);
        assert_eq!(report.outcome(), Outcome::Missed);
        report.invalid_if(true, || "too slow".into());
        assert_eq!(report.outcome(), Outcome::Invalid);
        report.fault_if(true, || "1 lost".into());
        assert_eq!(report.outcome(), Outcome::Failed);
        let table = report.table();
        assert!(table.contains(" 4.750 µs\n  FAILED: 1 lost\n  INVALID: too slow"), "{table}");
        assert!(table.ends_with("MISSED: messages>3 (it is 3)"), "{table}");
        let json: Value = serde_json::to_value(report.result(255)).unwrap();
        assert_eq!(json["figures"]["messages"], 3);
        assert_eq!(json["faults"][0], "1 lost");
        assert_eq!(json["outcome"], "failed");
        assert_eq!(json["seed"], "00000000000000ff");
    }
}
