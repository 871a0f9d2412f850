//! What the reactors of a run know of each other: how far each is, and when it begins.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// From when all are gathered to when the load begins: long enough for every reactor to hear of it.
const NOTICE: Duration = Duration::from_millis(50);

/// A place for each reactor, and what concerns all.
#[derive(Debug)]
pub(crate) struct Board {
    posts: Box<[Post]>,
    start: OnceLock<Instant>,
    given_up: AtomicBool,
    interrupted: Arc<AtomicBool>,
    step: AtomicU32,
}

/// How far one reactor is. Of its own cache lines, because only that one writes here.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Post {
    ready: AtomicUsize,
    gathered: AtomicBool,
    draining: AtomicBool,
    /// Things begun less things ended: what is under way, summed over all reactors.
    balance: AtomicI64,
    step: AtomicU32,
}

impl Board {
    /// For so many reactors; `interrupted` is whether somebody wants it all to end.
    pub(crate) fn new(reactors: usize, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            posts: (0..reactors).map(|_| Post::default()).collect(),
            start: OnceLock::new(),
            given_up: AtomicBool::new(false),
            interrupted,
            step: AtomicU32::new(0),
        }
    }

    /// The place of one reactor.
    pub(crate) fn post(&self, reactor: usize) -> &Post {
        &self.posts[reactor]
    }

    /// When the load begins; None as long as not all are gathered.
    pub(crate) fn start(&self) -> Option<Instant> {
        if let Some(start) = self.start.get() {
            return Some(*start);
        }
        let all = self.posts.iter().all(|post| post.gathered.load(Ordering::Acquire));
        all.then(|| *self.start.get_or_init(|| Instant::now() + NOTICE))
    }

    /// Whether nothing is under way any more, and nothing will be.
    pub(crate) fn is_drained(&self) -> bool {
        // What a reactor says before it drains is all that it began.
        self.posts.iter().all(|post| post.draining.load(Ordering::Acquire))
            && self.posts.iter().map(|post| post.balance.load(Ordering::Relaxed)).sum::<i64>() == 0
    }

    /// People who are there.
    pub(crate) fn ready(&self) -> usize {
        self.posts.iter().map(|post| post.ready.load(Ordering::Relaxed)).sum()
    }

    /// One reactor can't go on, so none needs to.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether one can't go on.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Whether somebody wants it all to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Which step of those that all take together is to be taken, from 0.
    pub(crate) fn step(&self) -> u32 {
        self.step.load(Ordering::Acquire)
    }

    /// Whether every reactor has taken the present step.
    pub(crate) fn is_step_taken(&self) -> bool {
        let step = self.step();
        self.posts.iter().all(|post| post.step.load(Ordering::Acquire) > step)
    }

    /// Has all take the next step. Only one reactor may say so.
    pub(crate) fn next_step(&self) {
        self.step.fetch_add(1, Ordering::AcqRel);
    }
}

impl Post {
    /// So many of its people are there.
    pub(crate) fn set_ready(&self, people: usize) {
        self.ready.store(people, Ordering::Relaxed);
    }

    /// Its people are there, and did what must be done before.
    pub(crate) fn set_gathered(&self) {
        self.gathered.store(true, Ordering::Release);
    }

    /// It begins nothing any more; until now it began so many things more than it ended.
    pub(crate) fn set_draining(&self, balance: i64) {
        self.balance.store(balance, Ordering::Relaxed);
        self.draining.store(true, Ordering::Release);
    }

    /// It took this step.
    pub(crate) fn set_step_taken(&self, step: u32) {
        self.step.store(step + 1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board::new(2, Arc::default())
    }

    #[test]
    fn it_begins_when_all_are_gathered() {
        let board = board();
        board.post(0).set_gathered();
        assert_eq!(board.start(), None);
        board.post(1).set_gathered();
        let start = board.start().unwrap();
        assert_eq!(board.start(), Some(start));
    }

    #[test]
    fn what_one_began_another_ends() {
        let board = board();
        board.post(0).set_draining(3);
        assert!(!board.is_drained(), "the other may begin things");
        board.post(1).set_draining(-2);
        assert!(!board.is_drained());
        board.post(1).set_draining(-3);
        assert!(board.is_drained());
    }

    #[test]
    fn steps_are_taken_together() {
        let board = board();
        board.post(1).set_step_taken(0);
        assert!(!board.is_step_taken());
        board.post(0).set_step_taken(0);
        assert!(board.is_step_taken());
        board.next_step();
        assert_eq!(board.step(), 1);
        assert!(!board.is_step_taken());
    }
}
