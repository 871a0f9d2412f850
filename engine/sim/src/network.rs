//! The wires between the shards of a node: one first-in-first-out channel for each ordered pair.

use std::collections::VecDeque;

use whisper_core::shard::Envelope;

use crate::places::Places;

/// Messages on their way.
pub(crate) struct Network {
    places: Places,
    /// By node, then sender, then receiver.
    channels: Vec<VecDeque<Envelope>>,
    underway: usize,
    /// Broken on purpose: what finds a channel full overtakes what waits in it.
    overtaking: bool,
}

/// Where an overtaking channel counts as full.
const FULL: usize = 2;

impl Network {
    pub(crate) fn new(places: Places) -> Self {
        let pairs = usize::from(places.len()) * usize::from(places.shards());
        Self { places, channels: vec![VecDeque::new(); pairs], underway: 0, overtaking: false }
    }

    /// Messages that were sent and not delivered.
    pub(crate) fn underway(&self) -> usize {
        self.underway
    }

    /// The channels that hold a message: from whom, to whom.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let pairs = (0..self.places.len()).flat_map(|from| {
            let node = self.places.node_of(from);
            self.places.of_node(node).map(move |to| (from, to))
        });
        let filled = pairs.zip(&self.channels).filter(|(_, channel)| !channel.is_empty());
        filled.map(|(pair, _)| pair)
    }

    pub(crate) fn send(&mut self, from: u16, to: u16, envelope: Envelope) {
        let channel = self.channel(from, to);
        let channel = &mut self.channels[channel];
        if self.overtaking && channel.len() >= FULL {
            channel.push_front(envelope);
        } else {
            channel.push_back(envelope);
        }
        self.underway += 1;
    }

    /// Other shards, so many, and nothing between them.
    pub(crate) fn begin_anew(&mut self, places: Places) {
        *self = Self { overtaking: self.overtaking, ..Self::new(places) };
    }

    /// What is underway between the shards of a node is nobody's any more.
    pub(crate) fn forget(&mut self, node: u16) {
        let shards = usize::from(self.places.shards());
        let first = usize::from(node) * shards * shards;
        for channel in &mut self.channels[first..first + shards * shards] {
            self.underway -= channel.len();
            channel.clear();
        }
    }

    /// Has channels give up their order once they are full.
    #[cfg(feature = "faults")]
    pub(crate) fn overtake(&mut self) {
        self.overtaking = true;
    }

    /// Takes the oldest message of a channel that [`waiting`](Self::waiting) named.
    pub(crate) fn take(&mut self, from: u16, to: u16) -> Envelope {
        let channel = self.channel(from, to);
        self.underway -= 1;
        self.channels[channel].pop_front().expect("the channel holds a message")
    }

    fn channel(&self, from: u16, to: u16) -> usize {
        let shards = self.places.shards();
        assert_eq!(from / shards, to / shards, "shards of two nodes have no ring between them");
        usize::from(from) * usize::from(shards) + usize::from(to % shards)
    }
}
