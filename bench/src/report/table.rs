//! A report as people read it.

use std::fmt::Write as _;

use super::result::{Percentiles, Threshold};
use super::{Figure, Report};

impl Report {
    /// A table, and what to think of it.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n", self.scenario);
        for Figure { key, value, unit } in &self.figures {
            let line = format!("  {key:44} {:>14} {unit}", shown(*value));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if !self.latencies.is_empty() {
            let head = ["p50", "p90", "p99", "p99.9", "max"].map(|it| format!("{it:>10}"));
            let _ = writeln!(text, "\n  {:20}{} µs", "", head.concat());
        }
        for (name, times) in &self.latencies {
            let all = Percentiles::of(times);
            let all = [all.p50_us, all.p90_us, all.p99_us, all.p999_us, all.max_us];
            let all = all.map(|us| format!("{:>10}", shown(us)));
            let _ = writeln!(text, "  {name:20}{}", all.concat());
        }
        let verdicts = self.verdicts();
        if !verdicts.is_empty() {
            let _ = write!(text, "\n{verdicts}");
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn verdicts(&self) -> String {
        let mut text = String::new();
        self.faults.iter().for_each(|fault| {
            let _ = writeln!(text, "  FAILED: {fault}");
        });
        self.invalid.iter().for_each(|why| {
            let _ = writeln!(text, "  INVALID: {why}");
        });
        for Threshold { expression, value, met } in &self.thresholds {
            let word = if *met { "met" } else { "MISSED" };
            let _ = match value.0.is_nan() {
                true => writeln!(text, "  {word}: {expression} (there is no such figure)"),
                false => writeln!(text, "  {word}: {expression} (it is {})", shown(value.0)),
            };
        }
        text
    }
}

/// A number with as many digits as say something.
pub(super) fn shown(value: f64) -> String {
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
    fn a_table_ends_with_what_to_think_of_it() {
        let mut report = Report::new("relay");
        report.figure("server_cpu_us_per_message", 4.75, "µs");
        report.count("messages", 3_u64);
        report.demand(&["messages>3".parse().unwrap(), "joins>3".parse().unwrap()]);
        report.invalid_if(true, || "too slow".into());
        report.fault_if(true, || "1 lost".into());
        let table = report.table();
        assert!(table.starts_with("relay\n  server_cpu_us_per_message"), "{table}");
        let end = " 4.750 µs\n  messages                                                  3\n\n  \
                   FAILED: 1 lost\n  INVALID: too slow\n  MISSED: messages>3 (it is 3)\n  \
                   MISSED: joins>3 (there is no such figure)";
        assert!(table.ends_with(end), "{table}");
    }
}
