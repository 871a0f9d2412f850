//! The wires between shards: one first-in-first-out channel for each ordered pair.

use std::collections::VecDeque;

use whisper_core::shard::Envelope;

/// Messages on their way.
pub(crate) struct Network {
    shards: u16,
    channels: Vec<VecDeque<Envelope>>,
    underway: usize,
    /// Broken on purpose: what finds a channel full overtakes what waits in it.
    overtaking: bool,
}

/// Where an overtaking channel counts as full.
const FULL: usize = 2;

impl Network {
    pub(crate) fn new(shards: u16) -> Self {
        let pairs = usize::from(shards) * usize::from(shards);
        Self { shards, channels: vec![VecDeque::new(); pairs], underway: 0, overtaking: false }
    }

    /// Messages that were sent and not delivered.
    pub(crate) fn underway(&self) -> usize {
        self.underway
    }

    /// The channels that hold a message: from whom, to whom.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let pairs = (0..self.shards).flat_map(|from| (0..self.shards).map(move |to| (from, to)));
        pairs.filter(|&(from, to)| !self.channels[self.channel(from, to)].is_empty())
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
    pub(crate) fn begin_anew(&mut self, shards: u16) {
        *self = Self { overtaking: self.overtaking, ..Self::new(shards) };
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
        usize::from(from) * usize::from(self.shards) + usize::from(to)
    }
}
