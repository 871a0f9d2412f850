//! A result, as programs read it: what `bench/schema.json` describes.
//!
//! Keys are added, never renamed, as long as [`SCHEMA`] stays the same.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};

use super::Figure;
use super::machine::Machine;
use crate::measure::Sample;
use crate::record::{Count, SecondTotal, Tally};

/// The version of the schema.
pub(crate) const SCHEMA: u32 = 1;

/// All there is to know of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunResult {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// What people did.
    pub(crate) scenario: &'static str,
    /// What to think of it.
    pub(crate) outcome: Outcome,
    /// What was lost or wrong.
    pub(crate) faults: Vec<String>,
    /// Why the figures mean nothing.
    pub(crate) invalid: Vec<String>,
    /// What was asked for by `--threshold`.
    pub(crate) thresholds: Vec<Threshold>,
    /// Numbers by name; the name ends with the unit.
    pub(crate) figures: BTreeMap<String, Number>,
    /// Times by what they are the times of.
    pub(crate) latencies: BTreeMap<String, Percentiles>,
    /// The parts of the load, in order.
    pub(crate) phases: Vec<PhaseResult>,
    /// Second by second.
    pub(crate) series: Vec<Second>,
    /// What the server held, every few seconds; empty where its process is not known.
    pub(crate) memory: Vec<MemorySample>,
    /// The command line, without the program.
    pub(crate) arguments: Vec<String>,
    /// What nonces, texts and choices were derived from, in hex.
    pub(crate) seed: String,
    /// When it began.
    pub(crate) started_unix_ms: u64,
    /// The generator's version.
    pub(crate) version: &'static str,
    /// The commit that the generator was built from; empty where unknown.
    pub(crate) commit: &'static str,
    /// Where the generator ran.
    pub(crate) machine: Machine,
}

/// What to think of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Nothing was lost, and the figures are the server's.
    Good,
    /// A threshold was missed.
    Missed,
    /// Nothing was lost, but the generator was the bottleneck, or broken off.
    Invalid,
    /// Something was lost, doubled, altered or unexpected.
    Failed,
}

/// A demand, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Threshold {
    /// As it was written.
    pub(crate) expression: String,
    /// What was measured, in the unit of the demand; null where there is no such figure.
    pub(crate) value: Number,
    /// Whether it was met.
    pub(crate) met: bool,
}

/// A part of the load.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PhaseResult {
    /// What was done in it, where a scenario does something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'static str>,
    /// `ramp`, `hold` or `spike`.
    pub(crate) kind: &'static str,
    /// When it began, in seconds from the end of the warm-up.
    pub(crate) begin_s: Number,
    /// How long it took, in seconds.
    pub(crate) secs: Number,
    /// The same as those of the whole run.
    pub(crate) figures: BTreeMap<String, Number>,
    /// The same as those of the whole run.
    pub(crate) latencies: BTreeMap<String, Percentiles>,
}

/// A second of a run, or what was left of one at the end of a phase.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Second {
    /// When it ended, in seconds from the end of the warm-up.
    pub(crate) at_s: Number,
    /// Its length in seconds.
    pub(crate) secs: Number,
    /// What was counted in it.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    /// What took how long in it.
    pub(crate) latencies: BTreeMap<String, Percentiles>,
}

/// What the server held at a moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct MemorySample {
    /// When, in seconds from the end of the warm-up.
    pub(crate) at_s: Number,
    /// Its memory, the program's own text included.
    pub(crate) rss_bytes: u64,
    /// That of it which no file stands behind.
    pub(crate) anonymous_bytes: u64,
    /// What the kernel can't give back, of the whole system and so of both ends.
    pub(crate) kernel_slab_bytes: u64,
    /// Its open files.
    pub(crate) files: usize,
}

impl From<&Sample> for MemorySample {
    fn from(sample: &Sample) -> Self {
        let Sample { at, memory, kernel, files } = *sample;
        Self {
            at_s: Number(at.as_secs_f64()),
            rss_bytes: memory.resident,
            anonymous_bytes: memory.anonymous,
            kernel_slab_bytes: kernel,
            files,
        }
    }
}

/// How the times of something are distributed, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    /// How many there were. Where there was none, all that follow are 0.
    pub(crate) count: u64,
    /// The shortest.
    pub(crate) min_us: f64,
    /// Their mean.
    pub(crate) mean_us: f64,
    /// Half of them were no longer.
    pub(crate) p50_us: f64,
    /// 90 % of them were no longer.
    pub(crate) p90_us: f64,
    /// 99 %.
    pub(crate) p99_us: f64,
    /// 99.9 %.
    pub(crate) p999_us: f64,
    /// 99.99 %.
    pub(crate) p9999_us: f64,
    /// The longest.
    pub(crate) max_us: f64,
}

/// Figures as a result has them.
pub(super) fn by_key(figures: &[Figure]) -> BTreeMap<String, Number> {
    figures.iter().map(|figure| (figure.key.clone(), Number(figure.value))).collect()
}

impl From<&SecondTotal> for Second {
    fn from(second: &SecondTotal) -> Self {
        let counts = Count::ALL.into_iter().map(|what| (what.name(), second.tally.count(what)));
        Self {
            at_s: Number(second.to.as_secs_f64()),
            secs: Number((second.to - second.from).as_secs_f64()),
            counts: counts.filter(|(_, count)| *count > 0).collect(),
            latencies: Percentiles::all_of(&second.tally),
        }
    }
}

impl Percentiles {
    /// Those of everything that was timed in a stretch.
    pub(super) fn all_of(tally: &Tally) -> BTreeMap<String, Self> {
        let all = tally.times().map(|(what, times)| (what.name().to_owned(), Self::of(times)));
        all.collect()
    }

    /// Those of a histogram of nanoseconds.
    pub(crate) fn of(times: &Histogram<u64>) -> Self {
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            count: times.len(),
            min_us: times.min() as f64 / 1e3,
            mean_us: times.mean() / 1e3,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            p9999_us: at(0.9999),
            max_us: times.max() as f64 / 1e3,
        }
    }

    /// One of them, by the name that thresholds call it.
    pub(crate) fn named(&self, name: &str) -> Option<f64> {
        Some(match name {
            "min" => self.min_us,
            "mean" => self.mean_us,
            "p50" => self.p50_us,
            "p90" => self.p90_us,
            "p99" => self.p99_us,
            "p999" | "p99.9" => self.p999_us,
            "p9999" | "p99.99" => self.p9999_us,
            "max" => self.max_us,
            _ => return None,
        })
    }
}

/// A number: whole ones are written as such, and what is none (0 of 0) as null.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Number(pub(crate) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        match self.0 {
            value if value.fract() == 0.0 && value.abs() < EXACT => {
                serializer.serialize_i64(value as i64)
            }
            value => serializer.serialize_f64(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Timing;

    #[test]
    fn numbers_are_written_as_people_would() {
        let written = |value| serde_json::to_string(&Number(value)).unwrap();
        assert_eq!(written(3.0), "3");
        assert_eq!(written(-0.25), "-0.25");
        assert_eq!(written(f64::NAN), "null");
        assert_eq!(written(f64::INFINITY), "null");
        assert_eq!(written(1e300), "1e+300");
    }

    #[test]
    fn percentiles_are_told_in_microseconds() {
        let mut tally = Tally::default();
        let all = (1..=1000).map(Duration::from_micros);
        all.for_each(|took| tally.add_time(Timing::Relay, took));
        let percentiles = Percentiles::of(tally.time(Timing::Relay).unwrap());
        assert_eq!(percentiles.count, 1000);
        assert!((percentiles.p50_us - 500.0).abs() < 1.0);
        assert!((percentiles.named("p99.9").unwrap() - 999.0).abs() < 1.0);
        assert!((percentiles.max_us - 1000.0).abs() < 1.0);
        assert_eq!(percentiles.named("p98"), None);
    }
}
