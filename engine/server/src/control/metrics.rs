//! The numbers for Prometheus: the latest report of each worker, written out when asked for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use whisper_store::stats::NodeStats;

use super::bans::Numbers;
use crate::worker::Report;

/// The latest reports. Clones show the same board; only the control thread holds any.
#[derive(Clone, Debug)]
pub(super) struct Board(Arc<Mutex<State>>, Numbers);

#[derive(Debug)]
struct State {
    reports: Vec<Option<Report>>,
    draining: bool,
}

impl Board {
    pub(super) fn new(workers: usize, bans: Numbers) -> Self {
        let state = State { reports: vec![None; workers], draining: false };
        Self(Arc::new(Mutex::new(state)), bans)
    }

    pub(super) fn take(&self, report: Report) {
        self.state().reports[report.shard] = Some(report);
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

    /// All numbers in the text format of OpenMetrics.
    pub(super) fn render(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("whisper");
        registry.register_collector(Box::new(self.clone()));
        registry.register_collector(Box::new(self.1.clone()));
        let mut out = String::new();
        text::encode(&mut out, &registry)?;
        Ok(out)
    }

    /// Each number's sum over the workers, by name.
    pub(super) fn sums(&self) -> serde_json::Map<String, serde_json::Value> {
        let state = self.state();
        let sum = |family: &Family| -> u64 {
            state.reports.iter().flatten().map(|report| (family.value)(report)).sum()
        };
        FAMILIES.iter().map(|family| (family.name.to_owned(), sum(family).into())).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One number of each worker.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    value: fn(&Report) -> u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only grows.
    Counter,
    /// Comes and goes.
    Gauge,
}

use Kind::{Counter, Gauge};

const fn family(
    kind: Kind,
    name: &'static str,
    help: &'static str,
    value: fn(&Report) -> u64,
) -> Family {
    Family { name, help, kind, value }
}

/// Every family, by reactor.
const FAMILIES: &[Family] = &[
    family(Gauge, "people_online", "People connected", |it| it.counts.online.into()),
    family(Gauge, "people_queued", "People in the queue", |it| it.counts.queued.into()),
    family(Gauge, "chats", "Chats, by the shard of their first side", |it| it.counts.chats.into()),
    family(Counter, "rooms_opened", "Rooms opened", |it| it.counts.rooms_opened),
    family(Gauge, "sockets_open", "Sockets open, closing ones included", |it| it.sockets as u64),
    family(Counter, "sockets_accepted", "Sockets accepted", |it| it.reactor.accepted),
    family(Counter, "requests", "HTTP requests", |it| it.tally.requests),
    family(Counter, "upgrades", "WebSockets opened", |it| it.tally.upgrades),
    family(Counter, "messages_in", "Messages from clients", |it| it.tally.messages_in),
    family(Counter, "messages_out", "Messages to clients", |it| it.tally.messages_out),
    family(Counter, "messages_malformed", "Frames that were no message", |it| it.tally.malformed),
    family(Counter, "reports", "Partners reported", |it| it.tally.reports),
    family(Counter, "reports_lost", "Reports that were not kept, for too many came", |it| {
        it.tally.reports_lost
    }),
    family(Counter, "refused_addresses", "Requests from addresses with too many", |it| {
        it.tally.refused_addresses
    }),
    family(Counter, "refused_handshakes", "Handshakes from addresses with too many", |it| {
        it.tally.refused_handshakes
    }),
    family(Counter, "refused_full", "Upgrades refused for want of memory", |it| {
        it.tally.refused_full
    }),
    family(Counter, "refused_closed", "Upgrades refused for the box is being emptied", |it| {
        it.tally.refused_closed
    }),
    family(
        Counter,
        "refused_unanswered",
        "Requests and handshakes whose owner didn't answer",
        |it| it.tally.refused_unanswered,
    ),
    family(Counter, "refused_proxies", "Proxies not believed, or silent on their client", |it| {
        it.tally.refused_proxies
    }),
    family(Counter, "refused_unproved", "Messages before the challenge was met", |it| {
        it.tally.refused_unproved
    }),
    family(Counter, "refused_messages", "Messages that came too fast", |it| {
        it.tally.refused_messages
    }),
    family(Counter, "people_sentenced", "People banned by rules", |it| it.tally.sentenced),
    family(Counter, "refused_banned", "Newcomers refused for a ban", |it| it.tally.refused_banned),
    family(Counter, "banned", "Sessions ended by a ban", |it| it.tally.banned),
    family(Gauge, "addresses", "Addresses and blocks remembered", |it| it.addresses as u64),
    family(Counter, "tls_handshakes", "Handshakes of TLS, resumed ones included", |it| {
        it.tls.full + it.tls.resumed
    }),
    family(Counter, "tls_resumptions", "Handshakes by a ticket", |it| it.tls.resumed),
    family(Counter, "tls_handshakes_failed", "Handshakes that failed or never ended", |it| {
        it.tls.failed
    }),
    family(Counter, "tls_handshakes_refused", "Handshakes not begun, for too many were", |it| {
        it.tls.refused
    }),
    family(Counter, "tls_strangers", "Connections to TLS that spoke none", |it| it.tls.not_tls),
    family(Counter, "tls_broken", "Connections that ended by a wrong record or an alert", |it| {
        it.tls.broken
    }),
    family(Counter, "tls_handshake_microseconds", "Time spent on handshakes", |it| it.tls.micros),
    family(Gauge, "tls_handshaking", "Handshakes under way", |it| it.tls.shaking as u64),
    family(Counter, "turns", "Turns of the reactor", |it| it.reactor.turns),
    family(Counter, "receives", "Buffers received", |it| it.reactor.receives),
    family(Counter, "received_bytes", "Bytes received", |it| it.reactor.received_bytes),
    family(Counter, "sends", "Sends: one per connection and turn", |it| it.reactor.sends),
    family(Counter, "sent_bytes", "Bytes sent", |it| it.reactor.sent_bytes),
    family(Counter, "sends_short", "Sends the kernel took in part", |it| it.reactor.sends_short),
    family(Counter, "slow_readers", "Closed for not reading", |it| it.reactor.slow_readers),
    family(Counter, "receives_starved", "No receive buffer was left", |it| {
        it.reactor.receives_starved
    }),
    family(Gauge, "receive_armed", "Sockets that hold a receive", |it| {
        it.reactor.receive_armed_now
    }),
    family(Gauge, "poll_armed", "Sockets that hold a poll", |it| it.reactor.poll_armed_now),
    family(Counter, "mesh_sent", "Messages to shards, itself included", |it| it.mesh.sent),
    family(Counter, "mesh_overflowed", "Messages that found a ring full", |it| it.mesh.overflowed),
    family(Counter, "mesh_wakes", "Sleeping shards woken", |it| it.mesh.wakes),
];

impl Collector for Board {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = self.state();
        for Family { name, help, kind, value } in FAMILIES {
            let counter = ConstCounter::new(0u64);
            let gauge = ConstGauge::new(0i64);
            let metric_type =
                if *kind == Counter { counter.metric_type() } else { gauge.metric_type() };
            let unit: Option<&Unit> = None;
            let mut family = encoder.encode_descriptor(name, help, unit, metric_type)?;
            for report in state.reports.iter().flatten() {
                let labels = [("reactor", report.shard.to_string())];
                let metric = family.encode_family(&labels)?;
                match kind {
                    Counter => ConstCounter::new(value(report)).encode(metric)?,
                    Gauge => ConstGauge::new(value(report) as i64).encode(metric)?,
                }
            }
        }
        let counter = ConstCounter::new(0u64);
        let help = "What rules found, and what was done about it";
        let mut family =
            encoder.encode_descriptor("verdicts", help, None, counter.metric_type())?;
        for report in state.reports.iter().flatten() {
            let reactor = report.shard.to_string();
            for ([offence, severity, action], count) in report.tally.verdicts.iter() {
                let labels = [
                    ("reactor", reactor.as_str()),
                    ("offence", offence),
                    ("severity", severity),
                    ("action", action),
                ];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
