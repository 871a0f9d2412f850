//! The cluster in numbers; all are 0 where there is none.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use whisper_cluster::{LinkStatus, PacketError, Refusal};

use super::Cluster;
use crate::control::metrics::{Sheet, Value};
use crate::worker::GivenUp;

impl Collector for Cluster {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        let state = self.0.as_ref().map(|shared| (shared.node, shared.state()));
        let state = state.as_ref();
        let count = |of: fn(&super::State) -> u64| state.map_or(0, |(_, state)| of(state));
        let view = state.map(|(node, state)| (*node, state.membership.view()));
        for (name, help, value) in [
            ("cluster_configured", "1 where there are to be other nodes", state.is_some().into()),
            ("cluster_nats_up", "NATS is there", count(|it| it.nats_up.into())),
            ("cluster_joined", "The others count on this node", count(|it| it.is_joined().into())),
            (
                "cluster_nodes",
                "Nodes on this node's map",
                view.map_or(0, |(_, view)| view.members().len() as u64),
            ),
            (
                "cluster_epoch",
                "The number of this node's map",
                view.map_or(0, |(_, view)| view.epoch().number.into()),
            ),
            (
                "cluster_buckets",
                "Of 4,096 buckets those that this node owns",
                view.map_or(0, |(node, view)| view.buckets_of(node) as u64),
            ),
        ] {
            sheet.gauge(name, help, value.into())?;
        }
        let links = |of: fn(&LinkStatus) -> u64| {
            state.map_or(0, |(_, state)| state.links.status().map(|(_, it)| of(&it)).sum())
        };
        let up = links(|it| it.is_up.into());
        sheet.gauge("cluster_links", "Nodes that this one is linked to", up.into())?;
        let lost = links(|it| it.counters.resets);
        sheet.counter("cluster_links_lost", "Links to nodes that were lost", lost.into())?;
        for (name, help, value) in [
            ("cluster_maps", "Maps that this node went by", count(|it| it.maps)),
            ("cluster_nats_losses", "Times that NATS was lost", count(|it| it.nats_losses)),
            ("cluster_beats_sent", "Heartbeats sent", count(|it| it.beats_sent)),
            ("cluster_beats_heard", "Heartbeats heard", count(|it| it.beats_heard)),
        ] {
            sheet.counter(name, help, value.into())?;
        }
        let mut refused = sheet.family("cluster_refused", "Heartbeats refused", true)?;
        for (place, reason) in Refusal::REASONS.iter().enumerate() {
            let count = state.map_or(0, |(_, state)| state.refused[place]);
            refused.sample(&[("reason", *reason)], count.into())?;
        }
        let mut refused = sheet.family("cluster_packets_refused", "Packets refused", true)?;
        for (place, reason) in PacketError::REASONS.iter().enumerate() {
            let count = state.map_or(0, |(_, state)| state.links.refused()[place]);
            refused.sample(&[("reason", *reason)], count.into())?;
        }
        let mut given_up = sheet.family("cluster_links_given_up", "Links given up", true)?;
        for (place, reason) in GivenUp::REASONS.iter().enumerate() {
            let count = state.map_or(0, |(_, state)| state.given_up[place]);
            given_up.sample(&[("reason", *reason)], count.into())?;
        }
        let links: Vec<(String, LinkStatus)> = state
            .map(|(_, state)| {
                state.links.status().map(|(node, it)| (node.to_string(), it)).collect()
            })
            .unwrap_or_default();
        for (name, help, is_counter, value) in LINKS {
            let mut family = sheet.family(name, help, is_counter)?;
            for (node, link) in &links {
                family.sample(&[("node", node.as_str())], value(link))?;
            }
        }
        Ok(())
    }
}

/// What is told of the link to each node: name, meaning, whether it only grows, value.
type Told = (&'static str, &'static str, bool, fn(&LinkStatus) -> Value);
const LINKS: [Told; 10] = [
    ("cluster_link_up", "The link to a node is up", false, |it| u64::from(it.is_up).into()),
    ("cluster_link_round_trip_seconds", "From a batch to its acknowledgement", false, |it| {
        Value::Real(it.round_trip.unwrap_or_default().as_secs_f64())
    }),
    ("cluster_link_unacked", "Batches not yet acknowledged", false, |it| {
        (it.unacked as u64).into()
    }),
    ("cluster_link_unacked_bytes", "Bytes not yet acknowledged", false, |it| {
        (it.unacked_bytes as u64).into()
    }),
    ("cluster_link_batches_sent", "Batches sent", true, |it| it.counters.batches_sent.into()),
    ("cluster_link_batches_heard", "Batches heard", true, |it| it.counters.batches_heard.into()),
    ("cluster_link_sent_bytes", "Bytes sent", true, |it| it.counters.bytes_sent.into()),
    ("cluster_link_heard_bytes", "Bytes heard", true, |it| it.counters.bytes_heard.into()),
    ("cluster_link_resends", "Batches sent again", true, |it| it.counters.resends.into()),
    ("cluster_link_resets", "Times the link was lost", true, |it| it.counters.resets.into()),
];
