//! What happens next, where several things could.

use std::cell::RefCell;
use std::rc::Rc;

use crate::dice::Dice;

/// Something that could happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// The shard that it happens to, or counted from the other end the node. Moves of different shards commute: neither sees the other's
    /// state, and their messages go into channels of their own.
    pub(crate) at: u16,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The oldest message from that shard arrives.
    Deliver { from: u16 },
    /// What is next on the wire between two nodes arrives.
    Arrive { from: u16, to: u16 },
    /// A node takes up what a shard said first to those of others.
    Speak,
    /// A shard hears from its node first.
    Hear,
    /// The person of that number in a race acts.
    Act(usize),
}

/// Decides among the things that could happen next.
pub struct Schedule(Rule);

enum Rule {
    Seeded(Box<Dice>),
    Explored(Rc<RefCell<Path>>),
}

impl Schedule {
    /// Decides by a seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Rule::Seeded(Box::new(Dice::new(seed))))
    }

    pub(crate) fn choose(&mut self, moves: &[Move]) -> usize {
        match &mut self.0 {
            Rule::Seeded(dice) => dice.below(moves.len()),
            Rule::Explored(path) => path.borrow_mut().choose(moves),
        }
    }
}

/// Tells a story once for every order that its events could come in, and returns how often.
///
/// The story makes its world with the schedule it is handed. Of orders that differ only in events
/// at different shards, which can't tell them apart, one is told (a sleep-set reduction).
///
/// # Panics
/// Where the story does, or where it has more than a hundred thousand orders.
pub fn in_every_order(mut story: impl FnMut(Schedule)) -> usize {
    const ORDERS_MAX: usize = 100_000;
    let path = Rc::new(RefCell::new(Path::default()));
    for told in 1..=ORDERS_MAX {
        path.borrow_mut().depth = 0;
        story(Schedule(Rule::Explored(Rc::clone(&path))));
        if !path.borrow_mut().turn() {
            return told;
        }
    }
    panic!("a story with more than {ORDERS_MAX} orders");
}

/// The way through the tree of choices that is walked now.
#[derive(Default)]
struct Path {
    forks: Vec<Fork>,
    depth: usize,
}

struct Fork {
    /// Moves worth taking here.
    awake: Vec<Move>,
    chosen: usize,
    /// Moves whose orders have all been told from a fork before.
    asleep: Vec<Move>,
}

impl Path {
    fn choose(&mut self, moves: &[Move]) -> usize {
        if self.depth == self.forks.len() {
            self.forks.push(self.fork(moves));
        }
        let fork = &self.forks[self.depth];
        self.depth += 1;
        // With all asleep this order is another one's equal; it is walked to its end and not
        // branched from.
        let Some(chosen) = fork.awake.get(fork.chosen) else { return 0 };
        moves.iter().position(|it| it == chosen).expect("the story is told the same way each time")
    }

    fn fork(&self, moves: &[Move]) -> Fork {
        let asleep: Vec<_> = self.forks.last().map_or_else(Vec::new, Fork::asleep_after);
        let redundant = self.forks.last().is_some_and(|fork| fork.awake.is_empty());
        let awake = if redundant {
            Vec::new()
        } else {
            moves.iter().filter(|it| !asleep.contains(it)).copied().collect()
        };
        Fork { awake, chosen: 0, asleep }
    }

    /// Goes back to the last fork with a way not taken; false if there is none.
    fn turn(&mut self) -> bool {
        while let Some(fork) = self.forks.last_mut() {
            fork.chosen += 1;
            if fork.chosen < fork.awake.len() {
                return true;
            }
            self.forks.pop();
        }
        false
    }
}

impl Fork {
    fn asleep_after(&self) -> Vec<Move> {
        let Some(chosen) = self.awake.get(self.chosen) else { return Vec::new() };
        let told = &self.awake[..self.chosen];
        self.asleep.iter().chain(told).filter(|it| it.at != chosen.at).copied().collect()
    }
}
