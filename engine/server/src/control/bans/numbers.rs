//! How many are banned, and how it stands with the shared store.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// The kinds of subjects, as in their keys.
const KINDS: [&str; 4] = ["ips", "users", "fps", "cookies"];

/// The numbers, written by the office and read by the metrics. Clones show the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    by_kind: [AtomicU64; KINDS.len()],
    withheld: AtomicU64,
    unwritten: AtomicU64,
    unsaved: AtomicU64,
    unreadable: AtomicU64,
    redis_up: AtomicU64,
    redis_losses: AtomicU64,
    redis_wanted: AtomicU64,
    /// When Redis was last heard of.
    redis_heard: Mutex<Option<Instant>>,
}

impl Numbers {
    pub(super) fn set_kind(&self, kind: &str, bans: usize) {
        if let Some(place) = KINDS.iter().position(|known| *known == kind) {
            self.0.by_kind[place].store(bans as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn set_standing(&self, withheld: usize, unwritten: usize, unsaved: usize) {
        self.0.withheld.store(withheld as u64, Ordering::Relaxed);
        self.0.unwritten.store(unwritten as u64, Ordering::Relaxed);
        self.0.unsaved.store(unsaved as u64, Ordering::Relaxed);
    }

    pub(super) fn set_redis(&self, up: bool) {
        let was_up = self.0.redis_up.swap(up.into(), Ordering::Relaxed) == 1;
        if was_up && !up {
            self.0.redis_losses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// There is to be a Redis.
    pub(super) fn want_redis(&self) {
        self.0.redis_wanted.store(1, Ordering::Relaxed);
    }

    /// Redis has said something.
    pub(super) fn heard_redis(&self) {
        *self.0.redis_heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn unreadable(&self, keys: usize) {
        self.0.unreadable.fetch_add(keys as u64, Ordering::Relaxed);
    }
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauge = |value: &AtomicU64| ConstGauge::new(value.load(Ordering::Relaxed) as i64);
        let kind = gauge(&AtomicU64::default()).metric_type();
        let mut family = encoder.encode_descriptor("bans", "Bans in force", None, kind)?;
        for (kind, bans) in KINDS.iter().zip(&self.0.by_kind) {
            gauge(bans).encode(family.encode_family(&[("kind", *kind)])?)?;
        }
        for (name, help, value) in [
            ("bans_withheld", "Bans gone from Redis and in force", &self.0.withheld),
            ("bans_unwritten", "Changes that Redis has yet to take", &self.0.unwritten),
            ("bans_unsaved", "Changes that the file has yet to take", &self.0.unsaved),
            ("redis_up", "Redis answers; 0 where there is none", &self.0.redis_up),
            ("redis_configured", "1 where there is to be a Redis", &self.0.redis_wanted),
        ] {
            let gauge = gauge(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let heard = *self.0.redis_heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = heard {
            let silence = ConstGauge::new(heard.elapsed().as_secs_f64());
            let (help, unit) = ("Time since Redis was last heard of", Some(&Unit::Seconds));
            let kind = silence.metric_type();
            silence.encode(encoder.encode_descriptor("redis_silence", help, unit, kind)?)?;
        }
        for (name, help, value) in [
            ("bans_unreadable", "Keys of bans that mean nobody", &self.0.unreadable),
            ("redis_losses", "Times that Redis was lost", &self.0.redis_losses),
        ] {
            let counter = ConstCounter::new(value.load(Ordering::Relaxed));
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
