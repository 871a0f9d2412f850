//! What came of a run, for people and for programs.

use std::fmt::Write as _;
use std::process::ExitCode;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::driver::Outcome;
use crate::measure::Readings;

/// Figures in the order in which they were added, and what was wrong.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    scenario: &'static str,
    figures: Vec<Figure>,
    faults: Vec<String>,
    invalid: Vec<String>,
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
        Self { scenario, figures: Vec::new(), faults: Vec::new(), invalid: Vec::new() }
    }

    /// Adds a figure. The key has no spaces, and its unit in it where it has one.
    pub(crate) fn figure(&mut self, key: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { key: key.into(), value, unit });
    }

    /// Adds a number of things.
    pub(crate) fn count(&mut self, key: impl Into<String>, count: impl TryInto<u64>) {
        self.figure(key, count.try_into().unwrap_or(u64::MAX) as f64, "");
    }

    /// Adds the percentiles of a histogram of nanoseconds, in microseconds.
    pub(crate) fn percentiles(&mut self, key: &str, latencies: &Histogram<u64>) {
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
            let nanos = latencies.value_at_quantile(quantile) as f64;
            self.figure(format!("{key}_{name}_us"), nanos / 1e3, "µs");
        }
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
    pub(crate) fn judge_people(&mut self, outcome: &Outcome) {
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

    /// A table, and what to think of it.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n", self.scenario);
        for Figure { key, value, unit } in &self.figures {
            let line = format!("  {key:44} {:>14} {unit}", shown(*value));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        self.faults.iter().for_each(|fault| {
            let _ = writeln!(text, "  FAILED: {fault}");
        });
        self.invalid.iter().for_each(|why| {
            let _ = writeln!(text, "  INVALID: {why}");
        });
        text.truncate(text.trim_end().len());
        text
    }

    /// The same as one line of JSON.
    pub(crate) fn json(&self) -> String {
        let figures = self.figures.iter().map(|figure| (figure.key.clone(), json!(figure.value)));
        json!({
            "scenario": self.scenario,
            "figures": figures.collect::<Map<String, Value>>(),
            "faults": self.faults,
            "invalid": self.invalid,
        })
        .to_string()
    }

    /// What to end the process with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        const INVALID: u8 = 3;
        match (self.faults.is_empty(), self.invalid.is_empty()) {
            (true, true) => ExitCode::SUCCESS,
            (true, false) => ExitCode::from(INVALID),
            (false, _) => ExitCode::FAILURE,
        }
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
    use super::*;

    #[test]
    fn a_report_says_what_was_wrong() {
        let mut report = Report::new("relay");
        report.count("messages", 3_u64);
        report.figure("server_cpu_us_per_message", 4.75, "µs");
        assert_eq!(report.exit_code(), ExitCode::SUCCESS);
        report.invalid_if(true, || "too slow".into());
        assert_eq!(report.exit_code(), ExitCode::from(3));
        report.fault_if(true, || "1 lost".into());
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
        let table = report.table();
        assert!(table.contains(" 4.750 µs\n  FAILED: 1 lost\n  INVALID: too slow"), "{table}");
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["figures"]["messages"], 3.0);
        assert_eq!(json["faults"][0], "1 lost");
    }

    #[test]
    fn percentiles_are_told_in_microseconds() {
        let mut times = latencies();
        (1..=1000).for_each(|us| times.record(us * 1000).unwrap());
        let mut report = Report::new("relay");
        report.percentiles("latency", &times);
        assert!((report.value("latency_p50_us").unwrap() - 500.0).abs() < 1.0);
        assert!((report.value("latency_max_us").unwrap() - 1000.0).abs() < 1.0);
    }
}
