//! What kind of town it is.

use whisper_core::time::Span;

use crate::dice::Dice;
use crate::places::Places;

/// A town: how many people, how busy they are, what they like, and what goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// Nodes that act as one, 1 to 64.
    pub nodes: u16,
    /// Shards of each, 1 to 128.
    pub shards: u16,
    /// People, at least 2. Who disconnects is replaced by somebody new.
    pub users: u32,
    /// Half of them are put on the first shard, the others on any.
    pub lopsided: bool,
    /// How long people act, in simulated time.
    pub lasts: Span,
    /// What happens before this is left out of the figures.
    pub warm_up: Span,
    /// Joins a second, skips included. It sets how long chats last: whoever isn't waiting chats.
    pub rate: f64,
    /// Interests there are.
    pub interests: usize,
    /// Exponent of the law of Zipf that their popularity follows; 0 for all alike.
    pub zipf: f64,
    /// The mean number of interests of a person: from 1 to twice as many less one, at most 10.
    pub likes: usize,
    /// Various lanes, languages and wishes to open up; else one lane and the default of each.
    pub mixed: bool,
    /// How long a message between two shards of a node takes at the most. The least is a tenth of it.
    pub latency: Span,
    /// How long a message between two nodes takes at the most. The least is half of it.
    pub link_latency: Span,
    /// Places in the ring of each ordered pair of shards; what doesn't fit waits at the sender.
    pub ring_slots: usize,
    /// How many shards are slow: after each turn they are gone for up to [`Self::stall`].
    pub slow_shards: u16,
    /// See [`Self::slow_shards`].
    pub stall: Span,
    /// How often the clock jumps forward by up to two seconds, on average; zero for never.
    pub jump_every: Span,
    /// How often a shard is given an operator's order, on average: to ban somebody, or to close a
    /// lane or open all again. Zero for never.
    pub orders_every: Span,
    /// How often everything is brought to rest and looked at.
    pub inspect_every: Span,
    /// Keep the auditor's truth. Without it only the engine is run, and what it says counted.
    pub audited: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            nodes: 1,
            shards: 8,
            users: 100_000,
            lopsided: false,
            lasts: Span::secs(60),
            warm_up: Span::secs(5),
            rate: 1_000.0,
            interests: 1_000,
            zipf: 1.0,
            likes: 3,
            mixed: false,
            latency: Span(50),
            link_latency: Span::millis(1),
            ring_slots: whisper_shard_router::RING_SLOTS,
            slow_shards: 0,
            stall: Span::millis(5),
            jump_every: Span(0),
            orders_every: Span(0),
            inspect_every: Span::secs(1),
            audited: true,
        }
    }
}

impl Plan {
    /// Where shards are.
    pub(crate) fn places(&self) -> Places {
        Places::new(self.nodes, self.shards)
    }

    /// How long a message between two shards of a node takes on average.
    pub fn latency_mean(&self) -> Span {
        Span((self.latency.0 / 10 + self.latency.0) / 2)
    }

    /// A small town where everything goes wrong that can.
    pub fn troubled(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x7077);
        let shards = 1 + dice.below(6) as u16;
        let users = 8 + dice.below(60) as u32;
        Self {
            seed,
            shards,
            users,
            lasts: Span::secs(10),
            warm_up: Span(0),
            rate: f64::from(users) / dice.pick(&[1.0, 4.0, 12.0]),
            interests: 4 + dice.below(30),
            likes: 1 + dice.below(3),
            mixed: true,
            latency: dice.pick(&[Span(50), Span::millis(1), Span::millis(40)]),
            ring_slots: dice.pick(&[1, 2, 64]),
            slow_shards: dice.below(usize::from(shards) + 1) as u16,
            stall: dice.pick(&[Span::millis(1), Span::millis(100)]),
            jump_every: dice.pick(&[Span(0), Span::secs(3)]),
            orders_every: dice.pick(&[Span(0), Span::millis(500)]),
            ..Self::default()
        }
    }
}
