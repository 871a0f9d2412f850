//! What each reactor has counted, and what it is doing.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use whisper_core::histogram::Histogram;
use whisper_core::limits::Act;

use super::Board;
use super::sheet::{Sheet, Value};
use crate::worker::Report;

/// Tiers of [`whisper_core::shard::Turnover::waits`], in its order.
const TIERS: [&str; 4] = ["any", "single", "overlap", "exact"];

/// One number of each reactor.
pub(super) struct Number {
    name: &'static str,
    /// What tells it from others of its family, which stand beside it.
    label: Option<(&'static str, &'static str)>,
    help: &'static str,
    is_counter: bool,
    value: fn(&Report) -> Value,
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Report) -> Value) -> Number {
    Number { name, label: None, help, is_counter: false, value }
}

const fn counter(name: &'static str, help: &'static str, value: fn(&Report) -> Value) -> Number {
    Number { name, label: None, help, is_counter: true, value }
}

impl Number {
    const fn of(mut self, label: &'static str, value: &'static str) -> Self {
        self.label = Some((label, value));
        self
    }

    /// Its name where labels can't stand beside it.
    pub(super) fn plain_name(&self) -> String {
        self.label.map_or(self.name.to_owned(), |(_, value)| format!("{}_{value}", self.name))
    }

    /// Its sum over reactors.
    pub(super) fn sum<'a>(&self, reports: impl Iterator<Item = &'a Report>) -> Value {
        let add = |sum, value| match (sum, value) {
            (Value::Whole(sum), Value::Whole(value)) => Value::Whole(sum + value),
            (sum, value) => Value::Real(sum.real() + value.real()),
        };
        reports.map(self.value).fold(Value::Whole(0), add)
    }
}

const CONNECTIONS: &str = "Connections by state; http: of nobody yet, or not any more";
const TICKETS: &str = "People in the queue, by the tier that is open to them";
const RELAYS: &str = "Passed on to partners, by way of memory or of the mesh between reactors";
const REFUSED: &str = "What was refused, by reason";
const RESUMES: &str = "Tokens brought by those whose connection was lost, by what came of it";
const RATE_LIMITED: &str = "Messages that came too fast, by what they were";

fn held_back(report: &Report, act: Act) -> Value {
    report.tally.held_back[act as usize].into()
}

/// Every number. Those of one family stand together.
pub(super) const NUMBERS: &[Number] = &[
    gauge("people_online", "People connected", |it| it.counts.online.into()),
    gauge("people_queued", "People in the queue", |it| it.counts.queued.into()),
    gauge("chats", "Chats, by the shard of their first side", |it| it.counts.chats.into()),
    gauge("connections", CONNECTIONS, |it| it.tls.shaking.into()).of("state", "handshaking"),
    gauge("connections", CONNECTIONS, |it| {
        let taken = it.counts.online as usize + it.tls.shaking;
        it.sockets.saturating_sub(taken).into()
    })
    .of("state", "http"),
    gauge("connections", CONNECTIONS, |it| {
        let busy = it.counts.queued as usize + it.chatting;
        (it.counts.online as usize).saturating_sub(busy).into()
    })
    .of("state", "idle"),
    gauge("connections", CONNECTIONS, |it| it.counts.queued.into()).of("state", "searching"),
    gauge("connections", CONNECTIONS, |it| it.chatting.into()).of("state", "chatting"),
    gauge("tickets", TICKETS, |it| it.queued_by_level[0].into()).of("tier", "overlap"),
    gauge("tickets", TICKETS, |it| it.queued_by_level[1].into()).of("tier", "single"),
    gauge("tickets", TICKETS, |it| (it.queued_by_level[2] + it.queued_by_level[3]).into())
        .of("tier", "any"),
    counter("joins", "Tickets begun: joins, and skips that search again", |it| {
        it.turnover.tickets.into()
    }),
    counter("match_timeouts", "Tickets that ended without anybody", |it| {
        it.turnover.timeouts.into()
    }),
    counter("rooms_opened", "Rooms opened", |it| it.counts.rooms_opened.into()),
    gauge("sockets_open", "Sockets open, closing ones included", |it| it.sockets.into()),
    counter("sockets_accepted", "Sockets accepted", |it| it.reactor.accepted.into()),
    counter("connection_moves", "Connections that came home from another reactor", |it| {
        it.reactor.moved_in.into()
    }),
    counter("connection_moves_failed", "Connections that could not move home", |it| {
        it.reactor.moves_failed.into()
    }),
    counter("requests", "HTTP requests", |it| it.tally.requests.into()),
    counter("upgrades", "WebSockets opened", |it| it.tally.upgrades.into()),
    counter("messages_in", "Messages from clients", |it| it.tally.messages_in.into()),
    counter("messages_out", "Messages to clients", |it| it.tally.messages_out.into()),
    counter("messages_malformed", "Frames that were no message", |it| it.tally.malformed.into()),
    counter("relays", RELAYS, |it| it.turnover.relayed_here.into()).of("path", "memory"),
    counter("relays", RELAYS, |it| it.turnover.relayed_away.into()).of("path", "mesh"),
    counter("reports", "Partners reported", |it| it.tally.reports.into()),
    counter("reports_lost", "Reports that were not kept, for too many came", |it| {
        it.tally.reports_lost.into()
    }),
    counter("refused", REFUSED, |it| it.tally.refused_addresses.into()).of("reason", "addresses"),
    counter("refused", REFUSED, |it| it.tally.refused_handshakes.into()).of("reason", "handshakes"),
    counter("refused", REFUSED, |it| it.tally.refused_full.into()).of("reason", "full"),
    counter("refused", REFUSED, |it| it.tally.refused_closed.into()).of("reason", "closed"),
    counter("refused", REFUSED, |it| it.tally.refused_unanswered.into()).of("reason", "unanswered"),
    counter("refused", REFUSED, |it| it.tally.refused_proxies.into()).of("reason", "proxies"),
    counter("refused", REFUSED, |it| it.tally.refused_unproved.into()).of("reason", "unproved"),
    counter("refused", REFUSED, |it| it.tally.held_back.iter().sum::<u64>().into())
        .of("reason", "messages"),
    counter("refused", REFUSED, |it| it.tally.refused_banned.into()).of("reason", "banned"),
    counter("rate_limited", RATE_LIMITED, |it| held_back(it, Act::Message)).of("act", "message"),
    counter("rate_limited", RATE_LIMITED, |it| held_back(it, Act::Typing)).of("act", "typing"),
    counter("rate_limited", RATE_LIMITED, |it| held_back(it, Act::Signal)).of("act", "signal"),
    counter("rate_limited", RATE_LIMITED, |it| held_back(it, Act::Join)).of("act", "join"),
    counter("rate_limited", RATE_LIMITED, |it| held_back(it, Act::Report)).of("act", "report"),
    counter("rate_limited", RATE_LIMITED, |it| held_back(it, Act::Other)).of("act", "other"),
    gauge("sessions_absent", "People without a connection whose chat waits for them", |it| {
        it.absent.into()
    }),
    gauge("visitors", "Connections here of people at home on another node", |it| {
        it.visitors.into()
    }),
    gauge("hosted", "People at home here whose connection another node has", |it| it.hosted.into()),
    counter("absences", "Connections lost in a chat that waited", |it| it.turnover.absences.into()),
    counter("resumes", RESUMES, |it| it.turnover.resumed.into()).of("outcome", "resumed"),
    counter("resumes", RESUMES, |it| it.turnover.resumes_late.into()).of("outcome", "late"),
    counter("resumes", RESUMES, |it| it.turnover.resumes_gapped.into()).of("outcome", "gapped"),
    counter("resumes", RESUMES, |it| it.tally.resumes_refused.into()).of("outcome", "refused"),
    gauge("kept_bytes", "Kept of chats until it is acknowledged", |it| it.kept_bytes.into()),
    counter("people_sentenced", "People banned by rules", |it| it.tally.sentenced.into()),
    counter("banned", "Sessions ended by a ban", |it| it.tally.banned.into()),
    gauge("addresses", "Addresses and blocks remembered", |it| it.addresses.into()),
    counter("tls_handshakes", "Handshakes of TLS, resumed ones included", |it| {
        (it.tls.full + it.tls.resumed).into()
    }),
    counter("tls_resumptions", "Handshakes by a ticket", |it| it.tls.resumed.into()),
    counter("tls_handshakes_failed", "Handshakes that failed or never ended", |it| {
        it.tls.failed.into()
    }),
    counter("tls_handshakes_refused", "Handshakes not begun, for too many were", |it| {
        it.tls.refused.into()
    }),
    counter("tls_strangers", "Connections to TLS that spoke none", |it| it.tls.not_tls.into()),
    counter("tls_broken", "Connections that ended by a wrong record or an alert", |it| {
        it.tls.broken.into()
    }),
    counter("tls_handshake_seconds", "Time spent on handshakes", |it| {
        (it.tls.micros as f64 / 1e6).into()
    }),
    counter("turns", "Turns of the reactor", |it| it.reactor.turns.into()),
    counter("sleeps", "Turns that let the reactor sleep", |it| it.reactor.sleeps.into()),
    counter("wakes", "Sleeps that another reactor ended", |it| it.reactor.wakes.into()),
    counter("completions", "Completions taken from the ring", |it| it.reactor.completions.into()),
    counter("receives", "Buffers received", |it| it.reactor.receives.into()),
    counter("received_bytes", "Bytes received", |it| it.reactor.received_bytes.into()),
    counter("sends", "Sends: one per connection and turn", |it| it.reactor.sends.into()),
    counter("sent_bytes", "Bytes sent", |it| it.reactor.sent_bytes.into()),
    counter("sends_short", "Sends that the kernel took in part, or not at all", |it| {
        it.reactor.sends_short.into()
    }),
    counter("sends_refused", "Sends of which the kernel took nothing", |it| {
        it.reactor.sends_refused.into()
    }),
    counter("slow_readers", "Closed for not reading", |it| it.reactor.slow_readers.into()),
    counter("receives_starved", "Receives that ended for want of a buffer", |it| {
        it.reactor.receives_starved.into()
    }),
    gauge("receive_buffers", "Receive buffers that exist", |it| it.reactor.buffers_now.into()),
    gauge("receive_buffers_max", "Receive buffers that may exist", |it| {
        it.reactor.buffers_max.into()
    }),
    gauge("receive_buffers_free_low", "The fewest that were free in the last half minute", |it| {
        it.buffers_free_low.into()
    }),
    gauge("receive_armed", "Sockets that hold a receive", |it| it.reactor.receive_armed_now.into()),
    gauge("poll_armed", "Sockets that hold a poll", |it| it.reactor.poll_armed_now.into()),
    counter("mesh_sent", "Messages to shards, itself included", |it| it.mesh.sent.into()),
    counter("mesh_received", "Messages from shards, itself included", |it| it.mesh.received.into()),
    counter("mesh_overflowed", "Messages that found a ring full", |it| it.mesh.overflowed.into()),
    counter("mesh_wakes", "Sleeping shards woken", |it| it.mesh.wakes.into()),
    gauge("mesh_depth", "Messages in the fullest ring to another shard", |it| it.mesh_depth.into()),
    gauge("mesh_waiting", "Messages that wait for room in a ring", |it| it.mesh_waiting.into()),
    gauge("event_log_recording", "1 while an event log is kept", |it| it.is_logged.into()),
];

impl Collector for Board {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = self.state();
        let reports: Vec<_> = state.reports.iter().flatten().collect();
        let mut sheet = Sheet(encoder);
        for family in NUMBERS.chunk_by(|one, next| one.name == next.name) {
            let Number { name, help, is_counter, .. } = &family[0];
            let mut written = sheet.family(name, help, *is_counter)?;
            for report in &reports {
                let reactor = ("reactor", report.shard.to_string());
                for number in family {
                    let value = (number.value)(report);
                    match number.label {
                        Some((label, it)) => {
                            written.sample(&[reactor.clone(), (label, it.to_owned())], value)?;
                        }
                        None => written.sample(&std::slice::from_ref(&reactor), value)?,
                    }
                }
            }
        }
        let mut turns = sheet.histograms("turn_seconds", "Turns, by the time each took awake")?;
        for report in &reports {
            let labels = [("reactor", report.shard.to_string())];
            turns.sample(&labels, &report.pace.times, 1e-6)?;
        }
        let mut sizes = sheet.histograms("turn_completions", "Turns, by completions found")?;
        for report in &reports {
            sizes.sample(&[("reactor", report.shard.to_string())], &report.pace.sizes, 1.0)?;
        }
        let help = "Time to match, by what the two have in common";
        let mut waits = sheet.histograms("match_wait_seconds", help)?;
        for (place, tier) in TIERS.iter().enumerate() {
            let all = Histogram::merged(reports.iter().map(|it| &it.turnover.waits[place]));
            waits.sample(&[("tier", *tier)], &all, 1e-3)?;
        }
        let help = "What rules found, and what was done about it";
        let mut verdicts = sheet.family("verdicts", help, true)?;
        for report in &reports {
            let reactor = report.shard.to_string();
            for ([offence, severity, action], count) in report.tally.verdicts.iter() {
                let labels = [
                    ("reactor", reactor.as_str()),
                    ("offence", offence),
                    ("severity", severity),
                    ("action", action),
                ];
                verdicts.sample(&labels, count.into())?;
            }
        }
        Ok(())
    }
}
