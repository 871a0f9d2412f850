//! The walk through every world of a scene, nearest first.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::interned::Interned;
use super::rules::{Property, View, Violation};
use super::scene::{Broken, SHARDS, Scene, Stage};
use super::shard::{Act, Input, Message, Shard};
use super::story;

pub(super) type Table<K, V> = HashMap<K, V, BuildHasherDefault<ahash::AHasher>>;

/// More messages than this in one ring are more than so few people can have caused.
const RING_MAX: usize = 24;

/// A scene whose every world is as it must be.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Different worlds there are.
    pub worlds: usize,
    /// Ways from one to the next.
    pub steps: usize,
    /// Worlds with nothing underway.
    pub at_rest: usize,
    /// Steps to the farthest world.
    pub depth: usize,
    /// Different states of single shards.
    pub shard_states: usize,
    /// Most messages in one ring.
    pub longest_ring: usize,
    /// How long it took.
    pub took: Duration,
}

/// A world that isn't as it must be.
#[derive(Clone, Debug)]
pub struct Caught {
    /// What doesn't hold.
    pub violation: Violation,
    /// Worlds seen until then.
    pub worlds: usize,
    /// A shortest way there, a step each; for a livelock one round more.
    pub story: Vec<String>,
}

/// Walks through every world that can come of a scene.
///
/// # Errors
/// The nearest world that isn't as it must be.
pub fn explore(scene: &Scene, broken: Option<Broken>) -> Result<Explored, Box<Caught>> {
    let started = Instant::now();
    let mut explorer = Explorer::new(Stage::new(scene, broken));
    match explorer.walk().and_then(|()| explorer.come_to_rest()) {
        Ok(()) => Ok(Explored {
            worlds: explorer.worlds.len(),
            shard_states: explorer.shards.len(),
            took: started.elapsed(),
            ..explorer.explored
        }),
        Err(Wrong { violation, way, last }) => {
            let worlds = explorer.worlds.len();
            Err(Box::new(Caught { violation, worlds, story: explorer.tell(&way, last) }))
        }
    }
}

/// Everything underway and every shard, by number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    shards: [u32; SHARDS],
    /// What goes from whom to whom.
    rings: [[u32; SHARDS]; SHARDS],
    /// How often a link may still be lost.
    losses: u8,
}

/// What can happen next in a world.
#[derive(Clone, Copy)]
enum Move {
    Act {
        at: usize,
        who: usize,
        act: Act,
    },
    Deliver {
        from: usize,
        to: usize,
    },
    /// The link between two nodes is lost, which both will hear of.
    Lose {
        one: usize,
        other: usize,
    },
}

/// What comes of something that happens at a shard.
struct Step {
    shard: u32,
    sent: Vec<(u16, u32)>,
}

/// The same whenever the same happens to the same shard, and so worked out once.
type Outcome = Rc<Result<Step, Violation>>;

/// What the people of a shard can do, and what comes of it.
type Acts = Rc<[(usize, Act, Outcome)]>;

struct Wrong {
    violation: Violation,
    /// The worlds on the way to where it shows.
    way: Vec<World>,
    /// What is wrong then, if it isn't the last of these worlds.
    last: Option<Move>,
}

struct Explorer<'a> {
    stage: Stage<'a>,
    shards: Interned<Shard>,
    messages: Interned<Message>,
    /// Rings by their messages, the next to be delivered first.
    rings: Interned<Vec<u32>>,
    acts: Table<u32, Acts>,
    deliveries: Table<(u32, u16, u32), Outcome>,
    worlds: Table<World, u32>,
    /// The world that each was first come to from; the first is its own.
    parents: Vec<u32>,
    explored: Explored,
}

impl<'a> Explorer<'a> {
    fn new(stage: Stage<'a>) -> Self {
        Self {
            stage,
            shards: Interned::default(),
            messages: Interned::default(),
            rings: Interned::default(),
            acts: Table::default(),
            deliveries: Table::default(),
            worlds: Table::default(),
            parents: Vec::new(),
            explored: Explored::default(),
        }
    }

    /// Visits every world once, nearest first, and judges it.
    fn walk(&mut self) -> Result<(), Wrong> {
        let empty = self.rings.number(Vec::new());
        let shards = std::array::from_fn(|me| {
            let shard = Shard::new(&self.stage, me as u16);
            self.shards.number(shard)
        });
        let losses = self.stage.scene.apart.map_or(0, |it| it.losses);
        let first = World { shards, rings: [[empty; SHARDS]; SHARDS], losses };
        self.worlds.insert(first, 0);
        self.parents.push(0);
        let mut nearest = vec![first];
        while !nearest.is_empty() {
            let mut farther = Vec::new();
            for world in nearest {
                let number = self.worlds[&world];
                for (step, outcome) in self.steps(&world) {
                    self.explored.steps += 1;
                    let next = match &*outcome {
                        Ok(outcome) => self.after(world, step, outcome),
                        Err(violation) => {
                            return Err(self.wrong(violation.clone(), number, Some(step)));
                        }
                    };
                    let new = self.worlds.len() as u32;
                    if *self.worlds.entry(next).or_insert(new) == new {
                        self.parents.push(number);
                        self.judge(&next).map_err(|violation| self.wrong(violation, new, None))?;
                        farther.push(next);
                    }
                }
            }
            self.explored.depth += usize::from(!farther.is_empty());
            nearest = farther;
        }
        Ok(())
    }

    /// Looks for deliveries that go round for ever. What people can do comes to an end by itself.
    fn come_to_rest(&mut self) -> Result<(), Wrong> {
        let worlds = std::mem::take(&mut self.worlds);
        let round = self.find_round(&worlds);
        self.worlds = worlds;
        let Some(round) = round else { return Ok(()) };
        let by = format!("{} deliveries, again and again", round.len() - 1);
        let mut wrong = self.wrong(Property::Livelock.broken_by(by), self.worlds[&round[0]], None);
        wrong.way.extend(&round[1..]);
        Err(wrong)
    }

    /// Worlds that lead by deliveries from the first to the last, which is the first again.
    fn find_round(&mut self, worlds: &Table<World, u32>) -> Option<Vec<World>> {
        #[derive(Clone, Copy)]
        enum Seen {
            Never,
            OnTheWay,
            AtRestInTheEnd,
        }
        let mut seen = vec![Seen::Never; worlds.len()];
        let mut way: Vec<(World, Vec<World>)> = Vec::new();
        for start in worlds.keys() {
            let mut ahead = vec![*start];
            loop {
                let Some(next) = ahead.pop() else {
                    let Some((world, rest)) = way.pop() else { break };
                    seen[worlds[&world] as usize] = Seen::AtRestInTheEnd;
                    ahead = rest;
                    continue;
                };
                let number = worlds[&next] as usize;
                match seen[number] {
                    Seen::Never => {
                        seen[number] = Seen::OnTheWay;
                        let rest = std::mem::replace(&mut ahead, self.delivered(&next));
                        way.push((next, rest));
                    }
                    Seen::OnTheWay => {
                        let before = way.iter().position(|(world, _)| *world == next);
                        let round = way.into_iter().skip(before.expect("it is on the way"));
                        return Some(round.map(|(world, _)| world).chain([next]).collect());
                    }
                    Seen::AtRestInTheEnd => {}
                }
            }
        }
        None
    }

    fn judge(&mut self, world: &World) -> Result<(), Violation> {
        let longest = world.rings.as_flattened().iter().map(|&ring| self.rings.get(ring).len());
        let longest = longest.max().unwrap_or(0);
        self.explored.longest_ring = self.explored.longest_ring.max(longest);
        if longest > RING_MAX {
            return Err(Property::Livelock.broken_by(format!("{longest} messages in one ring")));
        }
        let shards = world.shards.map(|shard| &**self.shards.get(shard));
        let view = View { stage: &self.stage, shards };
        view.at_any_time()?;
        if longest == 0 {
            self.explored.at_rest += 1;
            view.at_rest()?;
        }
        Ok(())
    }

    /// Everything that can happen next.
    fn steps(&mut self, world: &World) -> Vec<(Move, Outcome)> {
        let mut steps = self.delivery_steps(world);
        for at in 0..SHARDS {
            let acts = self.acts(world.shards[at]);
            let acts = acts.iter().map(|(who, act, outcome)| {
                (Move::Act { at, who: *who, act: *act }, Rc::clone(outcome))
            });
            steps.extend(acts);
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            if world.losses > 0 {
                let nothing = Step { shard: world.shards[one], sent: Vec::new() };
                steps.push((Move::Lose { one, other }, Rc::new(Ok(nothing))));
            }
        }
        steps
    }

    fn delivery_steps(&mut self, world: &World) -> Vec<(Move, Outcome)> {
        let mut steps = Vec::new();
        for from in 0..SHARDS {
            for to in 0..SHARDS {
                if let Some(&message) = self.rings.get(world.rings[from][to]).first() {
                    let outcome = self.delivery(world.shards[to], from as u16, message);
                    steps.push((Move::Deliver { from, to }, outcome));
                }
            }
        }
        steps
    }

    fn delivered(&mut self, world: &World) -> Vec<World> {
        let steps = self.delivery_steps(world).into_iter();
        let worlds = steps.filter_map(|(step, outcome)| {
            Some(self.after(*world, step, outcome.as_ref().as_ref().ok()?))
        });
        worlds.collect()
    }

    fn acts(&mut self, shard: u32) -> Acts {
        if let Some(acts) = self.acts.get(&shard) {
            return Rc::clone(acts);
        }
        let mut acts = Vec::new();
        for (who, act) in self.shards.get(shard).acts(&self.stage) {
            let outcome = self.run(shard, Input::Act { who, act });
            let nothing =
                matches!(&*outcome, Ok(step) if step.shard == shard && step.sent.is_empty());
            if !nothing {
                acts.push((who, act, outcome));
            }
        }
        let acts: Acts = acts.into();
        self.acts.insert(shard, Rc::clone(&acts));
        acts
    }

    fn delivery(&mut self, shard: u32, from: u16, message: u32) -> Outcome {
        let key = (shard, from, message);
        if let Some(outcome) = self.deliveries.get(&key) {
            return Rc::clone(outcome);
        }
        let message = Message::clone(self.messages.get(message));
        let outcome = self.run(shard, Input::Message { from, message });
        self.deliveries.insert(key, Rc::clone(&outcome));
        outcome
    }

    fn run(&mut self, shard: u32, input: Input) -> Outcome {
        let mut shard = Shard::clone(self.shards.get(shard));
        let outcome = shard.step(&self.stage, input).map(|sent| Step {
            shard: self.shards.number(shard),
            sent: sent.into_iter().map(|(to, it)| (to, self.messages.number(it))).collect(),
        });
        Rc::new(outcome)
    }

    fn after(&mut self, mut world: World, step: Move, outcome: &Step) -> World {
        let at = match step {
            Move::Act { at, .. } => at,
            Move::Deliver { from, to } => {
                let rest = self.rings.get(world.rings[from][to])[1..].to_vec();
                world.rings[from][to] = self.rings.number(rest);
                to
            }
            Move::Lose { one, other } => {
                let lost = self.messages.number(Message::Lost);
                let lost = self.rings.number(vec![lost]);
                world.rings[one][other] = lost;
                world.rings[other][one] = lost;
                world.losses -= 1;
                return world;
            }
        };
        world.shards[at] = outcome.shard;
        for &(to, message) in &outcome.sent {
            if self.is_lost(world.rings[usize::from(to)][at]) {
                continue;
            }
            let ring = &mut world.rings[at][usize::from(to)];
            let longer = [self.rings.get(*ring), &[message][..]].concat();
            *ring = self.rings.number(longer);
        }
        world
    }

    /// Whether whoever hears this has yet to hear that the link was lost: what they send goes nowhere.
    fn is_lost(&self, ring: u32) -> bool {
        let first = self.rings.get(ring).first();
        first.is_some_and(|&first| **self.messages.get(first) == Message::Lost)
    }

    fn wrong(&self, violation: Violation, number: u32, last: Option<Move>) -> Wrong {
        let mut numbers = vec![number];
        let mut number = number;
        while number != 0 {
            number = self.parents[number as usize];
            numbers.push(number);
        }
        let mut way: Vec<_> = self
            .worlds
            .iter()
            .filter_map(|(&world, number)| {
                Some((numbers.iter().rposition(|it| it == number)?, world))
            })
            .collect();
        way.sort_unstable_by_key(|&(place, _)| std::cmp::Reverse(place));
        Wrong { violation, way: way.into_iter().map(|(_, world)| world).collect(), last }
    }

    /// The steps between these worlds, and the last one.
    fn tell(&mut self, way: &[World], last: Option<Move>) -> Vec<String> {
        let mut story = Vec::new();
        for pair in way.windows(2) {
            let steps = self.steps(&pair[0]);
            let taken = steps.into_iter().find(|(step, outcome)| {
                let outcome = outcome.as_ref().as_ref();
                outcome.is_ok_and(|outcome| self.after(pair[0], *step, outcome) == pair[1])
            });
            story.extend(taken.map(|(step, _)| self.words(&pair[0], step)));
        }
        story.extend(last.zip(way.last()).map(|(step, world)| self.words(world, step)));
        story
    }

    fn words(&self, world: &World, step: Move) -> String {
        match step {
            Move::Lose { one, other } => format!("the link of {one} and {other} is lost"),
            Move::Act { at, who, act } => story::step(&Input::Act { who, act }, at as u16),
            Move::Deliver { from, to } => {
                let message = self.rings.get(world.rings[from][to])[0];
                let message = Message::clone(self.messages.get(message));
                story::step(&Input::Message { from: from as u16, message }, to as u16)
            }
        }
    }
}
