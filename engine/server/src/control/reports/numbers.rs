//! How many reports there are, and how it stands with their database.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use whisper_store::reports::Count;

use crate::control::metrics::{Sheet, Value};

/// The numbers, written by the intake and read by the metrics. Clones show the same.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Numbers(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    kept: AtomicU64,
    open: AtomicU64,
    waiting: AtomicU64,
    unkept: AtomicU64,
    down: AtomicU64,
    losses: AtomicU64,
}

impl Numbers {
    /// So many there are in the database.
    pub(super) fn set(&self, count: Count) {
        self.0.kept.store(count.kept, Ordering::Relaxed);
        self.0.open.store(count.open, Ordering::Relaxed);
    }

    /// So many wait for it.
    pub(super) fn set_waiting(&self, waiting: u64) {
        self.0.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Whether the database has done what it was asked.
    pub(super) fn set_database(&self, up: bool) {
        let was_down = self.0.down.swap((!up).into(), Ordering::Relaxed) == 1;
        if !up && !was_down {
            self.0.losses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A report couldn't be written down.
    pub(super) fn unkept(&self) {
        self.0.unkept.fetch_add(1, Ordering::Relaxed);
    }
}

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let value = |value: &AtomicU64| Value::Whole(value.load(Ordering::Relaxed));
        let mut sheet = Sheet(encoder);
        let it = &*self.0;
        sheet.gauge("reports_open", "Reports that nobody has decided", value(&it.open))?;
        sheet.gauge("reports_kept", "Reports that are kept", value(&it.kept))?;
        let help = "Reports that wait for their database";
        sheet.gauge("reports_waiting", help, value(&it.waiting))?;
        let help = "Reports that could not be written down";
        sheet.counter("reports_unkept", help, value(&it.unkept))?;
        let up = Value::Whole(u64::from(it.down.load(Ordering::Relaxed) == 0));
        sheet.gauge("database_up", "1 while the database of reports does its work", up)?;
        let help = "Times that the database of reports was lost";
        sheet.counter("database_losses", help, value(&it.losses))
    }
}
