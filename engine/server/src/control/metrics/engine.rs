//! What the process is as a whole, read when it is asked for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::sync::mpsc;

use super::Board;
use super::sheet::Sheet;
use crate::clock::Clock;
use crate::control::{Bans, Switches, Upgrades};
use crate::pulse::Pulse;
use crate::room::Room;
use crate::worker::Filing;

/// What the process shares, as far as it is looked at here.
#[derive(Clone)]
pub(in crate::control) struct Parts {
    pub(in crate::control) clock: Clock,
    pub(in crate::control) pulse: Pulse,
    pub(in crate::control) room: Room,
    pub(in crate::control) memory_reserve: u64,
    pub(in crate::control) switches: Switches,
    pub(in crate::control) bans: Bans,
    pub(in crate::control) filings: mpsc::Sender<Filing>,
    pub(in crate::control) expiry: Expiry,
    pub(in crate::control) upgrades: Upgrades,
}

/// When the first of the certificates in use ends, in Unix seconds; 0 where there is none. Clones
/// show the same.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Expiry(Arc<AtomicU64>);

impl Expiry {
    pub(in crate::control) fn set(&self, seconds: Option<u64>) {
        self.0.store(seconds.unwrap_or(0), Ordering::Relaxed);
    }
}

/// The process as a whole.
pub(super) struct Engine(pub(super) Board);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

impl Collector for Engine {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (board, parts) = (&self.0, &self.0.parts);
        let mut sheet = Sheet(encoder);
        sheet.info("build", "What is run", &[("version", env!("CARGO_PKG_VERSION"))])?;
        sheet.gauge("ready", "1 while people are accepted", board.is_ready().into())?;
        sheet.gauge("draining", "1 once the end has begun", board.is_draining().into())?;

        let help = "Time since each reactor's latest turn began";
        let mut ages = sheet.family("turn_age_seconds", help, false)?;
        for (reactor, age) in parts.pulse.ages(parts.clock.now()).enumerate() {
            let labels = [("reactor", reactor.to_string())];
            ages.sample(&labels, (age.0 as f64 / 1e6).into())?;
        }

        let help = "Memory that may still be taken, by the machine and the control group";
        sheet.gauge("memory_free_bytes", help, parts.room.free().into())?;
        let help = "Memory below which newcomers are refused";
        sheet.gauge("memory_reserve_bytes", help, Room::reserve(parts.memory_reserve).into())?;
        let help = "1 while newcomers are refused for want of memory";
        sheet.gauge("full", help, parts.room.is_full().into())?;

        let (_, effort) = parts.switches.challenge();
        let help = "Work asked of newcomers; 0 where there is no rush";
        sheet.gauge("challenge_effort", help, u64::from(effort).into())?;

        let filings = parts.filings.max_capacity() - parts.filings.capacity();
        let mut queues =
            sheet.family("queue_length", "What waits for the control thread", false)?;
        for (queue, length) in [("reports", filings), ("bans", parts.bans.waiting())] {
            queues.sample(&[("queue", queue)], length.into())?;
        }

        let upgrades = &parts.upgrades;
        let help = "Processes that have handed over to the next, up to this one";
        sheet.gauge("handover_generation", help, u64::from(upgrades.generation()).into())?;
        let help = "Handovers that failed, after which this process went on";
        sheet.counter("handover_failures", help, upgrades.failures().into())?;
        let takeover = upgrades.begun_by().unwrap_or_default();
        let help = "Sockets that this process took over when it began";
        sheet.gauge("handover_sockets", help, takeover.sockets.into())?;
        let help = "Time that nobody was served while it took over";
        let seconds = takeover.paused_micros as f64 / 1e6;
        sheet.gauge("handover_pause_seconds", help, seconds.into())?;

        let expiry = parts.expiry.0.load(Ordering::Relaxed);
        if expiry > 0 {
            let help = "When the first of the certificates in use ends";
            sheet.gauge("certificate_expiry_timestamp_seconds", help, expiry.into())?;
        }
        Ok(())
    }
}
