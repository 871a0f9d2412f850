//! The cluster in numbers; all are 0 where there is none.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use whisper_cluster::Refusal;

use super::Cluster;
use crate::control::metrics::Sheet;

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
        Ok(())
    }
}
