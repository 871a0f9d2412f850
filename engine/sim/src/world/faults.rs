//! Worlds in which something is broken on purpose, to see that it shows.

use std::collections::VecDeque;

use whisper_core::match_queue::Fault;
use whisper_core::resume::Lapse;
use whisper_core::succession::Oversight;

use super::{News, World};

/// Something that goes wrong between a node and its shards, which never should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// Of what other nodes say one thing in eight is lost, and the link goes on.
    LosesSome,
    /// One thing in eight is heard twice.
    HearsTwice,
    /// What is to be heard next is heard before what was said earlier.
    Overtakes,
    /// Shards aren't told that a link is over.
    LossUntold,
    /// Shards aren't told of any map but those of the beginning.
    MapUntold,
}

/// What slips, and how often anything could.
#[derive(Default)]
pub(super) struct Slips {
    which: Option<Slip>,
    times: u64,
}

impl Slips {
    /// What a shard hears instead, if anything, before what else is to be heard.
    pub(super) fn slip(&mut self, news: News, rest: &mut VecDeque<News>) -> Option<News> {
        self.times += 1;
        let (now, heard) = (self.times.is_multiple_of(8), matches!(news, News::Heard(..)));
        match self.which {
            Some(Slip::LosesSome) if now && heard => return None,
            Some(Slip::HearsTwice) if now && heard => rest.push_front(news.clone()),
            Some(Slip::Overtakes) if heard && matches!(rest.front(), Some(News::Heard(..))) => {
                let next = rest.pop_front();
                rest.push_front(news);
                return next;
            }
            Some(Slip::LossUntold) if matches!(news, News::Lost(_)) => return None,
            Some(Slip::MapUntold) if self.times > 40 && matches!(news, News::Map(_)) => {
                return None;
            }
            _ => {}
        }
        Some(news)
    }
}

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

    /// The same world of several nodes, where this goes wrong, to see that it shows.
    #[must_use]
    pub fn slipping(mut self, slip: Slip) -> Self {
        if let Some(cluster) = &mut self.cluster {
            cluster.slips.which = Some(slip);
        }
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
