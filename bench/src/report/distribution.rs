//! Latencies as the tools of HdrHistogram read them: its log of intervals, and its listing of
//! percentiles. Values are milliseconds in both.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

/// Nanoseconds in what values are told in.
const UNIT: f64 = 1e6;

/// How finely percentiles are listed: so many steps for each halving of what is above.
const STEPS_PER_HALF: u32 = 5;

/// A log of intervals, version 1.3: a line for each interval of each latency, tagged with its name.
#[derive(Clone, Debug)]
pub(crate) struct IntervalLog {
    lines: String,
}

impl IntervalLog {
    /// Without any intervals.
    pub(crate) fn new() -> Self {
        Self { lines: String::new() }
    }

    /// Adds an interval, which began so long after the start.
    pub(crate) fn add(&mut self, name: &str, from: Duration, to: Duration, times: &Histogram<u64>) {
        let mut buffer = Vec::new();
        let serialized = V2DeflateSerializer::new().serialize(times, &mut buffer);
        serialized.expect("a histogram of our own can be written to memory");
        let (from, length) = (from.as_secs_f64(), (to - from).as_secs_f64());
        let max = times.max() as f64 / UNIT;
        let encoded = BASE64.encode(&buffer);
        let _ = writeln!(self.lines, "Tag={name},{from:.3},{length:.3},{max:.6},{encoded}");
    }

    /// All of it, for a run that started then.
    pub(crate) fn text(&self, started: SystemTime) -> String {
        let start = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        format!(
            "#[Histogram log format version 1.3]\n\
             #[BaseTime: {start:.3} (seconds since epoch)]\n\
             #[StartTime: {start:.3} (seconds since epoch)]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
             \"Interval_Compressed_Histogram\"\n{}",
            self.lines
        )
    }
}

/// The listing of percentiles.
pub(crate) fn percentiles(times: &Histogram<u64>) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut so_far = 0;
    for step in times.iter_quantiles(STEPS_PER_HALF) {
        so_far += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / UNIT;
        let below = step.quantile_iterated_to();
        let _ = write!(text, "{value:12.6} {below:14.12} {so_far:>10}");
        let _ = if below < 1.0 {
            writeln!(text, " {:14.2}", 1.0 / (1.0 - below))
        } else {
            writeln!(text)
        };
    }
    let told = |value: f64| value / UNIT;
    let _ = writeln!(
        text,
        "#[Mean    = {:12.6}, StdDeviation   = {:12.6}]\n\
         #[Max     = {:12.6}, Total count    = {:12}]\n\
         #[Buckets = {:12}, SubBuckets     = {:12}]",
        told(times.mean()),
        told(times.stdev()),
        told(times.max() as f64),
        times.len(),
        times.buckets(),
        2048,
    );
    text
}

/// The same for a plot: shares of 1 and microseconds, without the last, of which nobody is above.
pub(crate) fn curve(times: &Histogram<u64>) -> Vec<(f64, f64)> {
    let steps = times.iter_quantiles(STEPS_PER_HALF);
    let steps = steps.filter(|step| step.quantile_iterated_to() < 1.0);
    steps.map(|it| (it.quantile_iterated_to(), it.value_iterated_to() as f64 / 1e3)).collect()
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;

    fn times() -> Histogram<u64> {
        let mut times = Histogram::new(3).unwrap();
        (1..=1000).for_each(|ms| times.record(ms * 1_000_000).unwrap());
        times
    }

    #[test]
    fn logs_can_be_read_back() {
        let mut log = IntervalLog::new();
        let second = Duration::from_secs(1);
        log.add("relay", Duration::ZERO, second, &times());
        log.add("match", second, second + second / 2, &times());
        let text = log.text(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let mut found = Vec::new();
        for entry in IntervalLogIterator::new(text.as_bytes()) {
            if let LogEntry::Interval(interval) = entry.unwrap() {
                let bytes = BASE64.decode(interval.encoded_histogram().as_bytes()).unwrap();
                let back: Histogram<u64> =
                    Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
                assert_eq!(back, times());
                assert!((interval.max() - 1000.0).abs() < 1.0);
                let name = interval.tag().unwrap().as_str().to_owned();
                found.push((name, interval.start_timestamp(), interval.duration()));
            }
        }
        let half = second / 2;
        let expected =
            [("relay".to_owned(), Duration::ZERO, second), ("match".to_owned(), second, half)];
        assert_eq!(found, expected);
        assert!(text.contains("StartTime: 1700000000.000"), "{text:.200}");
    }

    #[test]
    fn percentiles_rise_to_the_longest() {
        let text = percentiles(&times());
        let rows: Vec<Vec<f64>> = text
            .lines()
            .filter(|line| line.starts_with(' ') && !line.contains("Value"))
            .map(|line| line.split_whitespace().map(|it| it.parse().unwrap()).collect())
            .collect();
        assert!(rows.is_sorted_by(|a, b| a[0] <= b[0] && a[1] < b[1]));
        let median = rows.iter().find(|row| row[1] >= 0.5).unwrap();
        assert!((median[0] - 500.0).abs() < 1.0 && median[3] >= 2.0, "{median:?}");
        let last = rows.last().unwrap();
        assert!((last[0] - 1000.0).abs() < 1.0 && last[1] == 1.0 && last[2] == 1000.0, "{last:?}");
        assert!(curve(&times()).iter().all(|(below, us)| *below < 1.0 && *us <= 1_001_000.0));
    }
}
