//! What a shard hears from shards of another node.

use std::collections::VecDeque;

use whisper_core::codec::{Field as _, Reader, Writer};
use whisper_core::ids::{Link, RoomId, SessionId, TicketId};
use whisper_core::match_queue::{Card, ClusterMessage, LEASE, MatchMessage, Outcome, Pair};
use whisper_core::rooms::{Ending, RoomMessage, Worth};
use whisper_core::shard::{Effect, Envelope, Event, Order, Shard, ShardMessage};
use whisper_core::time::{Micros, Span};
use whisper_proto::{
    AgeCategory, ClientMessage, Join, Lane, LanguageWish, Mode, QueueType, Relax, Say,
};
use whisper_shard_router::{Lodging, Placement, ShardId};
use whisper_sim::World;

use crate::Target;
use crate::choices::Choices;
use crate::seeds;
use crate::succession::setup;

pub(crate) const TARGET: Target =
    Target { name: "cluster_said", run, seeds: seeds::cluster_said, bytes_max: 2_048 };

const ME: ShardId = ShardId { node: World::NODE, shard: 0 };
const THEM: ShardId = ShardId { node: World::NODE + 1, shard: 0 };
const BEGAN: Micros = Micros(1_790_000_000_000_000);

const ACTS_MAX: usize = 300;
const PEOPLE_MAX: usize = 6;
/// What was said last, to be answered.
const HEARD_MAX: usize = 8;
const TOPICS: [&str; 3] = ["tea", "chess", "rain"];

fn run(input: &[u8]) {
    live(input).comes_to_rest();
}

/// What comes of an input.
fn live(input: &[u8]) -> Scene {
    let mut choices = Choices::new(input);
    let mut scene = Scene::new();
    for _ in 0..ACTS_MAX {
        if choices.is_empty() {
            break;
        }
        scene.act(&mut choices);
    }
    scene
}

/// A shard whose node has one link, to a node that may say anything.
struct Scene {
    shard: Shard,
    map: Placement,
    now: Micros,
    people: Vec<SessionId>,
    /// What the shard said to the other node last.
    heard: VecDeque<Envelope>,
    /// What the other node said that was taken.
    taken: usize,
}

impl Scene {
    fn new() -> Self {
        let placement = World::placement_of(0, 1);
        let lodging = |id: ShardId| Lodging { node: id.node, weight: 1, shards: 1 };
        let map = placement.over(7, &[lodging(ME), lodging(THEM)]);
        let shard = Shard::new(BEGAN, setup(ME.shard, 1, &placement));
        let (people, heard) = (Vec::new(), VecDeque::new());
        let mut scene = Self { shard, map, now: BEGAN, people, heard, taken: 0 };
        scene.link(true);
        scene
    }

    /// One thing happens.
    fn act(&mut self, choices: &mut Choices<'_>) {
        match choices.below(12) {
            0 if self.people.len() < PEOPLE_MAX => {
                let link = Link(self.people.len() as u64);
                self.happens(Event::Connected { link });
            }
            0 | 1 => self.join(choices),
            2 => self.say(choices),
            3 => {
                let time = choices.pick(&[0, 50, 600, 1_100, 4_000]);
                self.pass(Span::millis(time));
            }
            4 => self.link(choices.flag()),
            5 => {
                let length = choices.byte().into();
                self.hear_bytes(choices.bytes(length));
            }
            6 | 7 => {
                // Any of these, bent here and there.
                let envelope = self.made_up(choices);
                let mut bytes = Vec::new();
                envelope.put(&mut Writer::new(&mut bytes));
                for _ in 0..choices.below(4) {
                    let at = choices.below(256) % bytes.len();
                    bytes[at] = choices.byte();
                }
                self.hear_bytes(&bytes);
            }
            _ => {
                let envelope = self.made_up(choices);
                self.hear(envelope);
            }
        }
    }

    fn join(&mut self, choices: &mut Choices<'_>) {
        let Some(session) = self.somebody(choices) else { return };
        let join = Join {
            lane: Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Moderated },
            interests: [choices.pick(&TOPICS)].into_iter().collect(),
            relax: choices.pick(Relax::ALL),
            language: LanguageWish::Any,
        };
        self.happens(Event::Message { session, message: ClientMessage::Join(join) });
    }

    fn say(&mut self, choices: &mut Choices<'_>) {
        let Some(session) = self.somebody(choices) else { return };
        let say = Say { content: "hi", id: None, room: None };
        let message = match choices.below(4) {
            0 => ClientMessage::Message(say),
            1 => ClientMessage::Typing { is_typing: true, room: None },
            2 => ClientMessage::Leave,
            _ => {
                return self.happens(Event::Disconnected { session, broken: choices.flag() });
            }
        };
        self.happens(Event::Message { session, message });
    }

    fn somebody(&self, choices: &mut Choices<'_>) -> Option<SessionId> {
        (!self.people.is_empty()).then(|| choices.pick(&self.people))
    }

    fn pass(&mut self, time: Span) {
        let until = self.now + time;
        // Whoever says that something is due now is to have done it some time.
        for _ in 0..1_000 {
            let due = self.shard.next_timeout();
            if due > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(due);
            self.happens(Event::Tick);
        }
        panic!("something is always due");
    }

    /// The link is lost, and is there again.
    fn link(&mut self, again: bool) {
        self.happens(Event::Order(Order::Lost(THEM.node)));
        let map = self.map.clone();
        self.happens(Event::Order(Order::Map(&map)));
        if again {
            self.happens(Event::Order(Order::Linked(THEM.node)));
        }
    }

    /// Something that the other node could say now: an answer, or a beginning.
    fn made_up(&self, choices: &mut Choices<'_>) -> Envelope {
        let heard: Vec<_> = self.heard.iter().collect();
        let last = (!heard.is_empty()).then(|| choices.pick(&heard));
        let theirs = |older: bool| TicketId {
            at: if older { BEGAN.0 - 1_000 } else { self.now.0 + 1_000 },
            node: THEM.node,
            shard: THEM.shard,
            slot: 3,
        };
        let person = SessionId { node: THEM.node, shard: THEM.shard, slot: 3, generation: 1 };
        let room = RoomId([5; 16]);
        let outcome = choices.pick(&[
            Outcome::BBusy,
            Outcome::BGone,
            Outcome::Matched,
            Outcome::Refused { forgive: false },
        ]);
        let pair = |mine: TicketId, older: bool, owner: ShardId| {
            let other = theirs(older);
            Pair { a: mine.min(other), b: mine.max(other), owner }
        };
        let about = match last.map(|it| &it.message) {
            Some(ShardMessage::Match(MatchMessage::Cluster(it))) => Some(&**it),
            Some(ShardMessage::Room(
                RoomMessage::Deliver { room, .. }
                | RoomMessage::Ended { room, .. }
                | RoomMessage::Away { room, .. },
            )) => {
                // What comes from a room goes back to whoever is in it here.
                let to = self
                    .people
                    .iter()
                    .find(|&&it| self.shard.room_of(it).is_some_and(|(here, _)| here == *room));
                let to = to.copied().unwrap_or(person);
                return self.in_room(to, *room, choices);
            }
            _ => None,
        };
        let answer = match about {
            Some(ClusterMessage::Post { card, .. }) => match choices.below(4) {
                0 => ClusterMessage::Stale { ticket: card.ticket },
                1 => ClusterMessage::Post {
                    epoch: self.map.epoch(),
                    card: Card { ticket: theirs(choices.flag()), person, ..card.clone() },
                },
                _ => {
                    let pair = pair(card.ticket, choices.flag(), choices.pick(&[THEM, ME]));
                    if pair.a == card.ticket {
                        ClusterMessage::Propose { pair, b_person: person, forgive: false }
                    } else {
                        let a_names = TOPICS.into_iter().collect();
                        ClusterMessage::Claim { pair, a_person: person, a_names, forgive: false }
                    }
                }
            },
            Some(&ClusterMessage::Propose { pair, .. }) => {
                ClusterMessage::Outcome { pair, outcome }
            }
            Some(&ClusterMessage::Claim { pair, .. }) if choices.flag() => {
                let b_names = TOPICS.into_iter().collect();
                ClusterMessage::Accept { pair, b_person: person, b_names, room }
            }
            Some(&ClusterMessage::Claim { pair, .. }) => {
                ClusterMessage::Refuse { pair, room: None, outcome }
            }
            Some(&ClusterMessage::Accept { pair, room, .. }) if choices.flag() => {
                ClusterMessage::Confirm { pair, room }
            }
            Some(&ClusterMessage::Accept { pair, room, .. }) => {
                ClusterMessage::Release { pair, room }
            }
            Some(&ClusterMessage::Confirm { pair, room }) if choices.flag() => {
                ClusterMessage::Confirmed { pair, b_person: person, room }
            }
            Some(&ClusterMessage::Confirm { pair, room }) => {
                ClusterMessage::Refuse { pair, room: Some(room), outcome }
            }
            Some(&ClusterMessage::Withdraw { ticket }) => ClusterMessage::Stale { ticket },
            _ => ClusterMessage::Withdraw { ticket: theirs(choices.flag()) },
        };
        // Who has met talks.
        if matches!(about, Some(ClusterMessage::Confirmed { .. })) || choices.below(8) == 0 {
            let met = self.people.iter().find_map(|&it| Some((it, self.shard.room_of(it)?.0)));
            if let Some((to, room)) = met {
                return self.in_room(to, room, choices);
            }
        }
        said(ShardMessage::Match(MatchMessage::Cluster(Box::new(answer))))
    }

    fn in_room(&self, to: SessionId, room: RoomId, choices: &mut Choices<'_>) -> Envelope {
        let grace = choices.pick(&[None, Some(Span::secs(1)), Some(Span(u64::MAX))]);
        said(ShardMessage::Room(match choices.below(4) {
            0 => RoomMessage::Ended { to, room, ending: Ending::Disconnected },
            1 => RoomMessage::Away { to, room, grace },
            _ => {
                let length = choices.byte().into();
                let payload = choices.bytes(length).into();
                RoomMessage::Deliver { to, room, payload, worth: Worth::Line }
            }
        }))
    }

    /// These bytes came from the other node.
    fn hear_bytes(&mut self, bytes: &[u8]) {
        let mut r = Reader::new(bytes);
        let Ok(envelope) = Envelope::get(&mut r) else { return };
        if r.end().is_err() {
            return;
        }
        let mut again = Vec::new();
        envelope.put(&mut Writer::new(&mut again));
        let mut r = Reader::new(&again);
        assert_eq!(Envelope::get(&mut r).as_ref(), Ok(&envelope), "it is another by now");
        self.hear(envelope);
    }

    fn hear(&mut self, envelope: Envelope) {
        if self.shard.may_hear(THEM, &envelope) {
            self.taken += 1;
            self.happens(Event::FromShard { from: THEM, envelope });
        }
    }

    /// Something happens to the shard, and what it says to itself.
    fn happens(&mut self, event: Event<'_>) {
        let mut to_itself = VecDeque::new();
        let mut opened = None;
        let heard = &mut self.heard;
        let mut effects = |effect: Effect<'_>| match effect {
            Effect::Opened { session, .. } => opened = Some(session),
            Effect::ToShard { to: ME, envelope } => to_itself.push_back(envelope),
            Effect::ToShard { to, envelope } => {
                assert!(to.node != ME.node, "there is no {to:?}");
                heard.truncate(HEARD_MAX - 1);
                heard.push_front(envelope);
            }
            _ => {}
        };
        self.shard.handle(self.now, event, &mut effects);
        self.people.extend(opened);
        while let Some(envelope) = to_itself.pop_front() {
            let mut effects = |effect: Effect<'_>| match effect {
                Effect::ToShard { to: ME, envelope } => to_itself.push_back(envelope),
                Effect::ToShard { to, envelope } => {
                    assert!(to.node != ME.node, "there is no {to:?}");
                    self.heard.truncate(HEARD_MAX - 1);
                    self.heard.push_front(envelope);
                }
                _ => {}
            };
            self.shard.handle(self.now, Event::FromShard { from: ME, envelope }, &mut effects);
        }
    }

    /// The link is lost: nobody here has anything to do with the other node any more.
    fn comes_to_rest(mut self) {
        self.link(false);
        self.pass(LEASE);
        self.pass(Span::secs(1));
        assert_eq!(self.shard.queue().leases(), [], "nobody is leased");
        for person in &self.people {
            let partner = self.shard.room_of(*person).map(|(_, partner)| partner);
            assert!(partner.is_none_or(|it| it.node == ME.node), "a chat with {partner:?}");
        }
    }
}

fn said(message: ShardMessage) -> Envelope {
    Envelope { epoch: World::placement_of(0, 1).epoch(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_bring_people_of_two_nodes_together() {
        let met = |seed: &Vec<u8>| {
            let scene = live(seed);
            let mut rooms = scene.people.iter().filter_map(|&it| scene.shard.room_of(it));
            rooms.any(|(_, partner)| partner.node == THEM.node)
        };
        assert!(seeds::cluster_said().iter().filter(|seed| met(seed)).count() >= 2);
    }
}
