//! `compare`: two results side by side, and how many times the one the other is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;
use thiserror::Error;

use super::result::SCHEMA;
use super::table::shown;

/// A result that was read back.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    result: Value,
}

/// Why two results can't be compared.
#[derive(Debug, Error)]
pub(crate) enum CompareError {
    /// A file that can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that is no result.
    #[error("{} is no result of version {SCHEMA}", path.display())]
    NoResult {
        /// Which.
        path: PathBuf,
    },
}

/// The two side by side, each a folder that `--out` made or the result in it: every number that
/// both have, and the second as a multiple of the first.
///
/// # Errors
/// Where one is none.
pub(crate) fn compare(first: &Path, second: &Path) -> Result<String, CompareError> {
    let [first, second] = [Kept::read(first)?, Kept::read(second)?];
    let mut text = format!("{:44} {:>14} {:>14} {:>8}\n", "", "A", "B", "B / A");
    let others = second.numbers();
    for (name, a) in first.numbers() {
        let Some(&b) = others.get(&name) else { continue };
        let ratio = if a == b { 1.0 } else { b / a };
        let times = if ratio.is_finite() { format!("{ratio:.2}×") } else { "–".to_owned() };
        let _ = writeln!(text, "{name:44} {:>14} {:>14} {times:>8}", shown(a), shown(b));
    }
    for warning in warnings(&first, &second) {
        let _ = writeln!(text, "NOTE: {warning}");
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// What makes a comparison doubtful.
fn warnings(first: &Kept, second: &Kept) -> Vec<String> {
    let mut found = Vec::new();
    for (letter, kept) in [("A", first), ("B", second)] {
        let outcome = kept.result["outcome"].as_str().unwrap_or_default();
        if matches!(outcome, "invalid" | "failed") {
            found.push(format!("{letter} ({}) is {outcome}", kept.path.display()));
        }
    }
    for key in ["scenario", "arguments", "machine", "version", "commit"] {
        let [a, b] = [first, second].map(|kept| &kept.result[key]);
        if a != b {
            found.push(format!("{key}: {a} against {b}"));
        }
    }
    found
}

impl Kept {
    fn read(path: &Path) -> Result<Self, CompareError> {
        let path = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => return Err(CompareError::Unreadable { path, error }),
        };
        match serde_json::from_str::<Value>(&text) {
            Ok(result) if result["schema"] == SCHEMA => Ok(Self { path, result }),
            _ => Err(CompareError::NoResult { path }),
        }
    }

    /// Every figure by its name, and every latency's number as thresholds call it, in µs.
    fn numbers(&self) -> BTreeMap<String, f64> {
        let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let mut numbers = BTreeMap::new();
        for (name, value) in map(&self.result["figures"]) {
            numbers.extend(value.as_f64().map(|value| (name, value)));
        }
        for (name, times) in map(&self.result["latencies"]) {
            for (statistic, value) in map(&times) {
                let statistic = statistic.trim_end_matches("_us");
                numbers.extend(value.as_f64().map(|value| (format!("{name}.{statistic}"), value)));
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ratios_stand_beside_what_they_are_of() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |name: &str, outcome: &str, rate: f64, p99: f64| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            let result = json!({
                "schema": SCHEMA, "outcome": outcome, "scenario": "relay",
                "figures": { "messages_per_second": rate, "messages_lost": 0, name: 1 },
                "latencies": { "relay": { "p99_us": p99 } },
            });
            fs::write(path.join("result.json"), result.to_string()).unwrap();
            path
        };
        let [first, second] = [keep("a", "good", 100.0, 4.0), keep("b", "invalid", 150.0, 2.0)];
        let text = compare(&first, &second.join("result.json")).unwrap();
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&vec!["messages_per_second", "100", "150", "1.50×"]), "{text}");
        assert!(lines.contains(&vec!["messages_lost", "0", "0", "1.00×"]), "{text}");
        assert!(lines.contains(&vec!["relay.p99", "4", "2", "0.50×"]), "{text}");
        assert!(text.contains("NOTE: B") && text.contains("is invalid"), "{text}");
        assert!(!text.contains("NOTE: A") && !text.contains("scenario"), "{text}");
    }

    #[test]
    fn what_is_no_result_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        let missing = compare(folder.path(), folder.path()).unwrap_err();
        assert!(matches!(missing, CompareError::Unreadable { .. }));
        fs::write(&path, r#"{"schema":99}"#).unwrap();
        let other = compare(&path, &path).unwrap_err();
        assert!(matches!(other, CompareError::NoResult { .. }));
    }
}
