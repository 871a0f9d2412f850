//! What happens in a world, one thing at a time.

use std::collections::VecDeque;
use std::hash::Hash as _;

use whisper_core::ids::{Link, SessionId};
use whisper_core::shard::{Effect, Envelope, Event, Order};
use whisper_core::time::Micros;
use whisper_proto::{CloseCode, ServerMessage};
use whisper_shard_router::ShardId;

use super::{Act, Cluster, News, World, of_link};
use crate::auditor::Violation;
use crate::person::Who;
use crate::places::NODE;
use crate::schedule::{Move, What as Happens};
use crate::trace::What;

impl World {
    pub(super) fn deliveries(&self) -> Vec<Move> {
        let deliver = |(from, to)| Move { at: to, what: Happens::Deliver { from } };
        let within = self.network.waiting().filter(|&(from, _)| self.is_awake(from));
        let mut all: Vec<_> = within.map(deliver).collect();
        let arrive = |(from, to)| Move { at: u16::MAX - to, what: Happens::Arrive { from, to } };
        if let Some(cluster) = &self.cluster {
            all.extend(cluster.waiting().map(arrive));
            all.extend(cluster.speaking().map(|at| Move { at, what: Happens::Speak }));
            all.extend(cluster.hearing().map(|at| Move { at, what: Happens::Hear }));
        }
        all
    }

    /// Whether the node of a shard does anything.
    pub(super) fn is_awake(&self, place: u16) -> bool {
        self.runs(self.places.node_of(place))
    }

    /// When anything has something to do by itself.
    pub(super) fn next_timeout(&self) -> Option<Micros> {
        let awake = (0..self.places.len()).filter(|&place| self.is_awake(place));
        let shards = awake.map(|place| self.shards[usize::from(place)].next_timeout());
        shards.chain(self.cluster.as_ref().and_then(Cluster::next)).min()
    }

    pub(super) fn make(&mut self, chosen: Move, acts: &[Act<'_>]) {
        match chosen.what {
            Happens::Deliver { from } => {
                let envelope = self.network.take(from, chosen.at);
                let told = What::told(from.into(), &envelope);
                self.trace.note(self.now, chosen.at.into(), told);
                let from = self.places.id(from);
                self.feed(chosen.at, Event::FromShard { from, envelope });
            }
            Happens::Arrive { from, to } => {
                let now = self.now;
                if let Some(cluster) = &mut self.cluster {
                    cluster.deliver(now, from, to);
                }
            }
            Happens::Speak => {
                let now = self.now;
                if let Some(cluster) = &mut self.cluster {
                    cluster.take_up(now, chosen.at);
                }
            }
            Happens::Hear => self.hear(chosen.at),
            Happens::Act(number) => {
                let (who, act) = acts[number];
                act(self, who);
            }
        }
    }

    /// A shard hears what its node's control thread has for it next.
    pub(super) fn hear(&mut self, place: u16) {
        let Some(news) = self.cluster.as_mut().and_then(|cluster| cluster.news(place)) else {
            return;
        };
        self.trace.note(self.now, place.into(), What::news(&news));
        match news {
            News::Map(map) => self.feed(place, Event::Order(Order::Map(&map))),
            News::Linked(node, _) => self.feed(place, Event::Order(Order::Linked(node))),
            News::Lost(node) => {
                self.auditor.loses_link(place, node - NODE);
                self.feed(place, Event::Order(Order::Lost(node)));
            }
            News::Heard(from, envelope) => {
                let is_sound = self.shards[usize::from(place)].may_hear(from, &envelope);
                assert!(is_sound, "{from:?} has no business to say {envelope:?}");
                self.feed(place, Event::FromShard { from, envelope });
            }
        }
    }

    /// Wakes one shard, or one node, that is due; false if none is.
    pub(super) fn tick(&mut self) -> bool {
        let is_due = |place: usize| self.shards[place].next_timeout() <= self.now;
        let due = (0..self.shards.len()).find(|&it| is_due(it) && self.is_awake(it as u16));
        if let Some(shard) = due {
            self.trace.note(self.now, shard, What::Tick);
            self.feed(shard as u16, Event::Tick);
            return true;
        }
        let now = self.now;
        self.cluster.as_mut().is_some_and(|cluster| cluster.tick(now))
    }

    /// One event from outside, and all that a shard says to itself because of it.
    pub(super) fn feed(&mut self, shard: u16, event: Event<'_>) {
        self.steps += 1;
        let mut to_itself = VecDeque::new();
        let mut closing = Vec::new();
        if let Some(scribe) = &mut self.scribe {
            scribe.told(&self.shards[usize::from(shard)], self.now, &event);
        }
        let mut next = Some(event);
        while let Some(event) = next {
            let mut effects = Vec::new();
            let scribe = &mut self.scribe;
            let mut take = |effect: Effect<'_>| {
                if let Some(scribe) = scribe {
                    scribe.did(shard, &effect);
                }
                effects.push(own(effect));
            };
            self.shards[usize::from(shard)].handle(self.now, event, &mut take);
            for effect in effects {
                match effect {
                    Owned::ToShard { to, envelope } if self.places.place(to) == shard => {
                        envelope.hash(&mut self.digest);
                        to_itself.push_back(envelope);
                    }
                    Owned::Close { link, code } => {
                        code.as_u16().hash(&mut self.digest);
                        // One that they had before is none of theirs any more.
                        if let Some(who) = self.present(link) {
                            self.people[who.0].closed = Some(code);
                            closing.push((who, self.people[who.0].connection));
                        }
                    }
                    effect => self.carry_out(shard, effect),
                }
            }
            let looked = self.auditor.look(self.now, shard, &self.shards[usize::from(shard)]);
            self.insist(looked);
            let from = self.places.id(shard);
            next = to_itself.pop_front().map(|envelope| Event::FromShard { from, envelope });
        }
        if let Some(scribe) = &mut self.scribe {
            scribe.done(shard);
        }
        for (who, connection) in closing {
            if self.people[who.0].connection == connection {
                self.disconnect(who);
            }
        }
    }

    /// Whose present connection this is.
    fn present(&self, link: Link) -> Option<Who> {
        let (who, connection) = of_link(link);
        let person = self.people.get(who.0)?;
        (person.connection == connection).then_some(who)
    }

    fn carry_out(&mut self, shard: u16, effect: Owned) {
        match effect {
            Owned::Opened { link, session } => {
                session.hash(&mut self.digest);
                let (who, connection) = of_link(link);
                let person = &mut self.people[who.0];
                let before = person.session.or(person.lost);
                match &mut person.landing {
                    Some(_) if before == Some(session) => {
                        (person.session, person.lost, person.deaf) = (Some(session), None, false);
                        (person.landing, person.connection) = (None, connection);
                        self.auditor.is_back(who);
                    }
                    Some(landing) => landing.fresh = Some(session),
                    None => {
                        person.session = Some(session);
                        let opened = self.auditor.opened(who, session);
                        self.insist(opened);
                    }
                }
            }
            Owned::Frame { link, frame } => {
                let (who, _) = of_link(link);
                (who, &frame).hash(&mut self.digest);
                if link == Link::NOBODYS {
                    return;
                }
                let person = &self.people[who.0];
                if self.present(link).is_none() {
                    // Whoever comes again is somebody else until they are known.
                    let heard = self.auditor.greets(who, person.landing.is_some());
                    return self.insist(heard);
                }
                let told = ServerMessage::decode(&frame).expect("what the engine encodes decodes");
                let heard = self.auditor.hears(self.now, who, &told);
                drop(told);
                self.insist(heard);
                if !self.people[who.0].deaf {
                    self.people[who.0].hears(frame);
                }
            }
            Owned::ToShard { to, envelope } => {
                (to, &envelope).hash(&mut self.digest);
                match &mut self.cluster {
                    Some(cluster) if !self.places.are_of_one_node(shard, to) => {
                        cluster.say(shard, to, envelope);
                    }
                    _ => self.network.send(shard, self.places.place(to), envelope),
                }
            }
            Owned::Reported { proved } => {
                proved.hash(&mut self.digest);
                self.reports.push(proved);
            }
            Owned::Close { .. } => {}
        }
    }

    pub(super) fn insist(&self, outcome: Result<(), Violation>) {
        if let Err(violation) = outcome {
            let (seed, step, last) = (self.seed, self.steps, self.trace.tell().join("\n"));
            panic!("{violation} (seed {seed}, step {step}); the last events:\n{last}");
        }
    }

    pub(super) fn note(&mut self, who: Who, what: What) {
        self.trace.note(self.now, self.people[who.0].shard.into(), what);
    }
}

/// An effect that outlives the call it was pushed in.
enum Owned {
    Opened { link: Link, session: SessionId },
    Frame { link: Link, frame: Box<[u8]> },
    Close { link: Link, code: CloseCode },
    ToShard { to: ShardId, envelope: Envelope },
    Reported { proved: usize },
}

fn own(effect: Effect<'_>) -> Owned {
    match effect {
        Effect::Opened { link, session } => Owned::Opened { link, session },
        Effect::Send { link, message } => {
            let mut frame = Vec::new();
            message.encode(&mut frame);
            Owned::Frame { link, frame: frame.into() }
        }
        Effect::Forward { link, payload, .. } => Owned::Frame { link, frame: payload.into() },
        Effect::Close { link, code } => Owned::Close { link, code },
        Effect::ToShard { to, envelope } => Owned::ToShard { to, envelope },
        Effect::Reported { proved, .. } => Owned::Reported { proved: proved.len() },
        Effect::Answered { .. } | Effect::Remembered { .. } => {
            unreachable!("nobody knocks in a world")
        }
        Effect::Judged { .. } | Effect::Sentenced { .. } => unreachable!("no rules find anything"),
    }
}
