//! What a shard does when its time has come.

use whisper_proto::{CloseCode, ServerMessage};
use whisper_shard_router::ShardId;

use super::people::{self, State};
use super::{Effect, Effects, Envelope, Shard, ShardMessage};
use crate::limits::{STATS_PER_SECOND, WAKE_BUDGET};
use crate::time::{Micros, Span};

impl Shard {
    pub(super) fn tick(&mut self, effects: &mut impl Effects) {
        self.settle_in(effects);
        self.clear_closed_lanes(effects);
        self.end_bereft(effects);
        self.send_on_those_due(effects);
        self.take_leave(effects);
        let now = self.floor.now;
        let (queue, mut desk) = self.desk(effects);
        queue.wake(now, WAKE_BUDGET, &mut desk);

        let counts = self.counts();
        let floor = &mut self.floor;
        if let Some(news) = floor.census.news(now, counts) {
            for shard in (0..floor.census.shards()).filter(|&shard| shard != floor.me.shard) {
                let to = ShardId { node: floor.me.node, shard };
                let envelope = Envelope { epoch: floor.epoch, message: ShardMessage::Census(news) };
                effects.push(Effect::ToShard { to, envelope });
            }
        }
        self.tell_numbers(effects);
    }

    /// Tells the numbers to those idle or searching whose turn it is, and closes on who has been
    /// idle for too long.
    fn tell_numbers(&mut self, effects: &mut impl Effects) {
        let span = self.floor.people.span();
        if self.floor.now < self.floor.sweep.next() || span == 0 {
            return;
        }
        let stats = self.stats();
        let floor = &mut self.floor;
        let gentlest = Span::secs(stats.total_online / STATS_PER_SECOND);
        let interval = floor.settings.stats_interval.max(gentlest);
        let idle_since =
            people::seconds(Micros(floor.now.0.saturating_sub(floor.settings.idle_max.0)));
        let message = ServerMessage::Stats(stats);
        for slot in floor.sweep.due(floor.now, span, interval) {
            let Some(person) = floor.people.at(slot) else { continue };
            let link = person.link;
            match person.state {
                State::Idle if person.active < idle_since => {
                    effects.push(Effect::Close { link, code: CloseCode::Idle });
                }
                State::Idle | State::Queued(_) => {
                    effects.push(Effect::Send { link, message: &message })
                }
                State::Chatting(_) | State::Absent(_) | State::Stranded => {}
            }
        }
    }
}
