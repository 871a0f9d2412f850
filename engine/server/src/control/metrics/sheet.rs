//! How families are written: the unit, where there is one, is the end of the name.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use whisper_core::histogram::Histogram;

static SECONDS: Unit = Unit::Seconds;
static BYTES: Unit = Unit::Bytes;

/// One number. Whole ones are written without a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::control) enum Value {
    Whole(u64),
    Real(f64),
}

/// What is written to.
pub(in crate::control) struct Sheet<'a>(pub(in crate::control) DescriptorEncoder<'a>);

/// A family that has begun.
pub(in crate::control) struct Family<'a> {
    encoder: MetricEncoder<'a>,
    is_counter: bool,
}

impl Sheet<'_> {
    /// Begins a family of counters or gauges. Names stand without `_total`.
    pub(in crate::control) fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        is_counter: bool,
    ) -> Result<Family<'s>, fmt::Error> {
        let kind = if is_counter { MetricType::Counter } else { MetricType::Gauge };
        Ok(Family { encoder: self.descriptor(name, help, kind)?, is_counter })
    }

    /// Writes a gauge that has no labels.
    pub(in crate::control) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: Value,
    ) -> fmt::Result {
        write(self.descriptor(name, help, MetricType::Gauge)?, false, value)
    }

    /// Writes a counter that has no labels.
    pub(in crate::control) fn counter(
        &mut self,
        name: &str,
        help: &str,
        value: Value,
    ) -> fmt::Result {
        write(self.descriptor(name, help, MetricType::Counter)?, true, value)
    }

    /// Writes what is true of the whole process, as labels.
    pub(in crate::control) fn info(
        &mut self,
        name: &str,
        help: &str,
        labels: &impl EncodeLabelSet,
    ) -> fmt::Result {
        self.descriptor(name, help, MetricType::Info)?.encode_info(labels)
    }

    /// Begins a family of histograms.
    pub(in crate::control) fn histograms<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
    ) -> Result<Histograms<'s>, fmt::Error> {
        Ok(Histograms(self.descriptor(name, help, MetricType::Histogram)?))
    }

    fn descriptor<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        let of = |unit: &'static Unit| Some((name.strip_suffix(unit.as_str())?, unit));
        match of(&SECONDS).or_else(|| of(&BYTES)) {
            Some((stem, unit)) => {
                self.0.encode_descriptor(stem.trim_end_matches('_'), help, Some(unit), kind)
            }
            None => self.0.encode_descriptor(name, help, None, kind),
        }
    }
}

impl Family<'_> {
    /// Writes one sample.
    pub(in crate::control) fn sample(
        &mut self,
        labels: &impl EncodeLabelSet,
        value: Value,
    ) -> fmt::Result {
        write(self.encoder.encode_family(labels)?, self.is_counter, value)
    }
}

fn write(encoder: MetricEncoder<'_>, is_counter: bool, value: Value) -> fmt::Result {
    match (is_counter, value) {
        (true, Value::Whole(value)) => ConstCounter::new(value).encode(encoder),
        (true, Value::Real(value)) => ConstCounter::new(value).encode(encoder),
        (false, Value::Whole(value)) => ConstGauge::new(value).encode(encoder),
        (false, Value::Real(value)) => ConstGauge::new(value).encode(encoder),
    }
}

/// A family of histograms that has begun.
pub(in crate::control) struct Histograms<'a>(MetricEncoder<'a>);

impl Histograms<'_> {
    /// Writes one, whose numbers are multiples of `unit`.
    pub(in crate::control) fn sample<const FIRST: u32, const BUCKETS: usize>(
        &mut self,
        labels: &impl EncodeLabelSet,
        histogram: &Histogram<FIRST, BUCKETS>,
        unit: f64,
    ) -> fmt::Result {
        let bound = |bound: Option<u64>| bound.map_or(f64::INFINITY, |bound| bound as f64 * unit);
        let buckets: Vec<_> =
            histogram.buckets().map(|(upper, count)| (bound(upper), count)).collect();
        let sum = histogram.sum() as f64 * unit;
        let mut encoder = self.0.encode_family(labels)?;
        encoder.encode_histogram::<NoLabelSet>(sum, histogram.count(), &buckets, None)
    }
}

impl Value {
    /// As a number with a point.
    pub(super) fn real(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Real(value) => value,
        }
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}
