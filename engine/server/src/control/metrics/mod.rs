//! The numbers for whoever runs the engine: the latest report of each worker, and what the control
//! thread knows itself, written out when asked for. A scrape never touches a shard.

mod engine;
mod low_water;
mod plain;
mod process;
mod reactors;
mod sheet;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use whisper_store::stats::NodeStats;

pub(super) use self::engine::{Expiry, Parts};
use self::low_water::LowWater;
use self::process::Process;
pub(super) use self::sheet::{Sheet, Value};
use super::{Cluster, bans, reports};
use crate::worker::Report;

/// The numbers. Clones show the same board; only the control thread holds any.
#[derive(Clone)]
pub(super) struct Board {
    state: Arc<Mutex<State>>,
    parts: Arc<Parts>,
    bans: bans::Numbers,
    reports: reports::Numbers,
    cluster: Cluster,
    process: Process,
}

#[derive(Debug)]
struct State {
    /// The latest of each worker.
    reports: Vec<Option<Report>>,
    /// The fewest receive buffers that each had free lately.
    buffers: Vec<LowWater>,
    draining: bool,
}

/// How the numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4.
    Plain,
}

impl Board {
    pub(super) fn new(
        workers: usize,
        parts: Parts,
        (bans, reports, cluster): (bans::Numbers, reports::Numbers, Cluster),
    ) -> Self {
        let state = State {
            reports: vec![None; workers],
            buffers: vec![LowWater::default(); workers],
            draining: false,
        };
        let state = Arc::new(Mutex::new(state));
        Self { state, parts: Arc::new(parts), bans, reports, cluster, process: Process::new() }
    }

    pub(super) fn take(&self, mut report: Report) {
        let mut state = self.state();
        let shard = report.shard;
        report.buffers_free_low = state.buffers[shard].take(report.buffers_free_low);
        state.reports[shard] = Some(report);
    }

    pub(super) fn drain(&self) {
        self.state().draining = true;
    }

    pub(super) fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// Accepting people: every worker reported, and none was told to end.
    pub(super) fn is_ready(&self) -> bool {
        let state = self.state();
        !state.draining && state.reports.iter().all(Option::is_some)
    }

    /// WebSockets opened so far, by all workers.
    pub(super) fn upgrades(&self) -> u64 {
        self.state().reports.iter().flatten().map(|report| report.tally.upgrades).sum()
    }

    /// Connections here of people at home on other nodes.
    pub(super) fn visitors(&self) -> usize {
        self.state().reports.iter().flatten().map(|report| report.visitors).sum()
    }

    /// What this node does, for the others.
    pub(super) fn stats(&self) -> NodeStats {
        let state = self.state();
        let counts = state.reports.iter().flatten().map(|report| report.counts);
        let stats = counts.map(|counts| NodeStats {
            online: counts.online.into(),
            in_queue: counts.queued.into(),
            active_chats: counts.chats.into(),
            matched: counts.matched.into(),
            waited_ms: counts.waited_ms,
            total_matches: counts.rooms_opened,
        });
        stats.fold(NodeStats::default(), |sum, stats| sum + stats)
    }

    /// All numbers as text.
    pub(super) fn render(&self, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.process));
        let ours = registry.sub_registry_with_prefix("whisper");
        ours.register_collector(Box::new(engine::Engine(self.clone())));
        ours.register_collector(Box::new(self.clone()));
        ours.register_collector(Box::new(self.bans.clone()));
        ours.register_collector(Box::new(self.reports.clone()));
        ours.register_collector(Box::new(self.cluster.clone()));
        let mut out = String::new();
        text::encode(&mut out, &registry)?;
        Ok(match format {
            Format::OpenMetrics => out,
            Format::Plain => plain::plain(&out),
        })
    }

    /// Each number's sum over the workers, by name.
    pub(super) fn sums(&self) -> serde_json::Map<String, serde_json::Value> {
        let state = self.state();
        let sum = |number: &reactors::Number| match number.sum(state.reports.iter().flatten()) {
            Value::Whole(sum) => sum.into(),
            Value::Real(sum) => sum.into(),
        };
        reactors::NUMBERS.iter().map(|number| (number.plain_name(), sum(number))).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Board")
    }
}
