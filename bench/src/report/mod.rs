//! What came of a run, for people and for programs.

mod compare;
mod demand;
mod distribution;
mod folder;
mod machine;
mod memory;
mod page;
mod result;
mod run;
mod series;
mod table;

pub(crate) use self::compare::compare;
pub(crate) use self::demand::Demand;
pub(crate) use self::folder::Folder;
pub(crate) use self::result::{MemorySample, Outcome, Percentiles};
pub(crate) use self::run::Things;
pub(crate) use self::series::Series;

use std::time::{SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;

use self::machine::Machine;
use self::result::{Number, PhaseResult, RunResult, SCHEMA, Threshold};

/// Figures in the order in which they were added, and what was wrong.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    scenario: &'static str,
    started: SystemTime,
    figures: Vec<Figure>,
    latencies: Vec<(&'static str, Histogram<u64>)>,
    phases: Vec<PhaseResult>,
    series: Series,
    memory: Vec<MemorySample>,
    faults: Vec<String>,
    invalid: Vec<String>,
    thresholds: Vec<Threshold>,
}

/// A number with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    key: String,
    value: f64,
    unit: &'static str,
}

impl Figure {
    /// The key has no spaces, and its unit in it where it has one.
    pub(crate) fn new(key: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { key: key.into(), value, unit }
    }
}

impl Report {
    /// A report without anything.
    pub(crate) fn new(scenario: &'static str) -> Self {
        Self {
            scenario,
            started: SystemTime::now(),
            figures: Vec::new(),
            latencies: Vec::new(),
            phases: Vec::new(),
            series: Series::new(),
            memory: Vec::new(),
            faults: Vec::new(),
            invalid: Vec::new(),
            thresholds: Vec::new(),
        }
    }

    /// Adds a figure. The key has no spaces, and its unit in it where it has one.
    pub(crate) fn figure(&mut self, key: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure::new(key, value, unit));
    }

    /// Adds a number of things.
    pub(crate) fn count(&mut self, key: impl Into<String>, count: impl TryInto<u64>) {
        self.figure(key, count.try_into().unwrap_or(u64::MAX) as f64, "");
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

    /// Names the phases, in order.
    pub(crate) fn name_phases(&mut self, names: impl Iterator<Item = &'static str>) {
        for (phase, name) in self.phases.iter_mut().zip(names) {
            phase.name = Some(name);
        }
    }

    /// The value of a figure.
    pub(crate) fn value(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.key == key).map(|figure| figure.value)
    }

    /// How something's times are distributed, where there are any.
    pub(crate) fn latency(&self, name: &str) -> Option<Percentiles> {
        let found = self.latencies.iter().find(|(other, _)| *other == name);
        found.map(|(_, times)| Percentiles::of(times))
    }

    /// What was wrong; nothing in a good run.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Holds it to what was demanded.
    pub(crate) fn demand(&mut self, demands: &[Demand]) {
        let judged = demands.iter().map(|demand| {
            let (value, met) = demand.judge(|name| self.value(name), |name| self.latency(name));
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
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let percentiles = |(name, times): &(&str, _)| ((*name).to_owned(), Percentiles::of(times));
        RunResult {
            schema: SCHEMA,
            scenario: self.scenario,
            outcome: self.outcome(),
            faults: self.faults.clone(),
            invalid: self.invalid.clone(),
            thresholds: self.thresholds.clone(),
            figures: result::by_key(&self.figures),
            latencies: self.latencies.iter().map(percentiles).collect(),
            phases: self.phases.clone(),
            series: self.series.seconds.clone(),
            memory: self.memory.clone(),
            arguments: std::env::args().skip(1).collect(),
            seed: format!("{seed:016x}"),
            started_unix_ms: started.as_millis() as u64,
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("WHISPER_BENCH_COMMIT"),
            machine: Machine::this(),
        }
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
        let json: Value = serde_json::to_value(report.result(255)).unwrap();
        assert_eq!(json["figures"]["messages"], 3);
        assert_eq!(json["faults"][0], "1 lost");
        assert_eq!(json["outcome"], "failed");
        assert_eq!(json["seed"], "00000000000000ff");
    }
}
