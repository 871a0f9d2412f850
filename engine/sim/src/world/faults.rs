//! Worlds in which something is broken on purpose, to see that it shows.

use whisper_core::match_queue::Fault;
use whisper_core::resume::Lapse;
use whisper_core::succession::Oversight;

use super::World;

/// What the shards of a world leave out.
#[derive(Default)]
pub(super) struct Broken {
    rule: Option<Fault>,
    lapse: Option<Lapse>,
    pub(super) oversight: Option<Oversight>,
}

impl World {
    /// The same world, with a rule of every match queue broken, to see that it shows.
    #[must_use]
    pub fn breaking(mut self, rule: Fault) -> Self {
        self.broken.rule = Some(rule);
        self.break_shards();
        self
    }

    /// The same world, where chats survive lost connections with a rule left out, to see that it
    /// shows.
    #[must_use]
    pub fn lapsing(mut self, rule: Lapse) -> Self {
        self.broken.lapse = Some(rule);
        self.break_shards();
        self
    }

    /// The same world, where processes take over from others with something left out, to see that it
    /// shows.
    #[must_use]
    pub fn overlooking(mut self, oversight: Oversight) -> Self {
        self.broken.oversight = Some(oversight);
        self
    }

    pub(super) fn break_shards(&mut self) {
        let Broken { rule, lapse, oversight: _ } = self.broken;
        for shard in &mut self.shards {
            rule.into_iter().for_each(|rule| shard.break_rule(rule));
            lapse.into_iter().for_each(|rule| shard.lapses(rule));
        }
    }

    /// The same world, whose rings lose their order once they are full, to see that it shows.
    #[must_use]
    pub fn overtaking(mut self) -> Self {
        self.network.overtake();
        self
    }
}
