//! What people do, in any order, under the simulator's auditor: it keeps the truth by itself, and
//! panics where the engine's differs.

use whisper_core::settings::OpenLanes;
use whisper_core::time::Span;
use whisper_proto::{
    AgeCategory, ClientMessage, Hello, Join, Lane, LanguageWish, Mode, QueueType, Relax, Report,
    ReportReason, Say, Signal, SignalKind, Skip,
};
use whisper_sim::{Who, World};

use crate::Target;
use crate::choices::Choices;
use crate::seeds;

pub(crate) const TARGET: Target =
    Target { name: "shard_acts", run, seeds: seeds::shard_acts, bytes_max: 2048 };

const ACTS_MAX: usize = 400;
const PEOPLE_MAX: usize = 12;
/// Long waits take the longest to simulate.
const WAITS_MAX: usize = 8;

const TOPICS: [&str; 6] = ["tea", "chess", "rain", "rust", "cats", "jazz"];

struct Act<'a, 'b> {
    world: &'a mut World,
    here: &'a mut Vec<Who>,
    waits: &'a mut usize,
    choices: &'a mut Choices<'b>,
}

fn run(input: &[u8]) {
    live(input).drain();
}

/// A world after all that an input has people do.
fn live(input: &[u8]) -> World {
    let mut choices = Choices::new(input);
    let shards = 1 + choices.below(3) as u16;
    let mut world = World::new(u64::from(choices.byte()), shards);
    let (mut here, mut waits) = (Vec::new(), 0);
    for _ in 0..ACTS_MAX {
        if choices.is_empty() {
            break;
        }
        here.retain(|&who| world.person(who).is_here());
        let (world, here, waits) = (&mut world, &mut here, &mut waits);
        Act { world, here, waits, choices: &mut choices }.perform();
    }
    world
}

impl Act<'_, '_> {
    fn perform(&mut self) {
        match self.choices.below(20) {
            0..2 => self.connect(),
            2..6 => drop(self.world.deliver()),
            6..10 => self.join(),
            10 => self.pass(),
            11 => self.wait(),
            12 => self.world.settle(),
            13 => self.order(),
            _ => self.say(),
        }
    }

    fn connect(&mut self) {
        let shard = self.choices.below(self.world.shards().into()) as u16;
        if self.here.len() < PEOPLE_MAX {
            self.here.push(self.world.connect(shard));
        }
    }

    fn join(&mut self) {
        let Some(who) = self.somebody() else { return };
        let topics = self.choices.byte();
        let interests = TOPICS.iter().enumerate().filter(|(at, _)| topics & 1 << at != 0);
        let (age, mode) = self.choices.pick(&[
            (AgeCategory::Adult, Mode::Text),
            (AgeCategory::Adult, Mode::Video),
            (AgeCategory::Teen, Mode::Text),
        ]);
        let join = Join {
            lane: Lane { age, mode, queue: QueueType::Moderated },
            interests: interests.map(|(_, topic)| *topic).collect(),
            relax: self.choices.pick(Relax::ALL),
            language: self.choices.pick(LanguageWish::ALL),
        };
        self.world.join(who, &join);
    }

    /// Anything else that a client says, or that it is gone.
    fn say(&mut self) {
        let Some(who) = self.somebody() else { return };
        let current = self.world.room(who).map(str::to_owned);
        let room = match self.choices.below(3) {
            0 => None,
            1 => current.as_deref(),
            _ => Some("AAAAAAAAAAAAAAAAAAAAAA"),
        };
        let message = match self.choices.below(16) {
            0..4 => ClientMessage::Message(Say {
                content: self.choices.pick(&["hi", "\u{1f44b}"]),
                id: self.choices.pick(&[None, Some("id")]),
                room,
            }),
            4..7 => ClientMessage::Skip(Skip { reason: None, room }),
            7 => ClientMessage::Leave,
            8 => ClientMessage::Typing { is_typing: self.choices.flag(), room },
            9 => ClientMessage::Read { seq: self.choices.byte().into(), room },
            10 => {
                let body = b"\x81\xa3sdp\xa1v";
                ClientMessage::Signal(Signal { kind: SignalKind::Offer, room: None, body })
            }
            11 => ClientMessage::Report(Report {
                reason: ReportReason::Spam,
                comment: None,
                id: None,
                evidence: Vec::new(),
                block: self.choices.flag(),
                room: None,
            }),
            12 => {
                let language = self.choices.pick(&[Some("de"), Some("en-GB"), None]);
                ClientMessage::Hello(Hello { language, ..Hello::default() })
            }
            13 => ClientMessage::AudioToggle { enabled: self.choices.flag(), room },
            _ => return self.world.disconnect(who),
        };
        self.world.send(who, &message);
    }

    /// What an operator wants.
    fn order(&mut self) {
        if self.choices.flag() {
            if let Some(who) = self.somebody() {
                self.world.ban(who);
            }
            return;
        }
        let lanes = match self.choices.below(3) {
            0 => OpenLanes::NONE,
            1 => OpenLanes::default(),
            _ => return self.follow(),
        };
        for shard in 0..self.world.shards() {
            self.world.open_lanes(shard, lanes);
        }
    }

    /// Another process follows, in which somebody may have no connection.
    fn follow(&mut self) {
        let shards = 1 + self.choices.below(3) as u16;
        let gone = self.somebody().filter(|_| self.choices.flag());
        self.world.follow(shards, gone.as_slice());
    }

    fn pass(&mut self) {
        self.world.pass(Span(1 << self.choices.below(20)));
    }

    fn wait(&mut self) {
        let span = Span::millis(10 << self.choices.below(13));
        if *self.waits < WAITS_MAX {
            *self.waits += 1;
            self.world.wait(span);
        }
    }

    fn somebody(&mut self) -> Option<Who> {
        let number = usize::from(self.choices.byte());
        self.here.get(number % self.here.len().max(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_get_people_to_talk() {
        let met = seeds::shard_acts().into_iter().filter(|seed| {
            let world = live(seed);
            world.people().any(|who| world.person(who).lines().next().is_some())
        });
        assert!(met.count() >= 8);
    }
}
