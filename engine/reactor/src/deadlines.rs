//! Deadlines that all have the same delay: a queue, and no timer per socket.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Milliseconds since the reactor was made.
pub(crate) type Millis = u64;

/// Items in the order they become due, which is the order they came in.
#[derive(Debug)]
pub(crate) struct Deadlines<T> {
    delay: Millis,
    queue: VecDeque<(Millis, T)>,
}

impl<T> Deadlines<T> {
    pub(crate) fn new(delay: Duration) -> Self {
        let delay = delay.as_millis().min(u128::from(u32::MAX)) as Millis;
        Deadlines { delay, queue: VecDeque::new() }
    }

    /// The delay of them all, never 0.
    pub(crate) fn delay(&self) -> Millis {
        self.delay.max(1)
    }

    pub(crate) fn push(&mut self, now: Millis, item: T) {
        self.queue.push_back((now + self.delay, item));
    }

    pub(crate) fn pop_due(&mut self, now: Millis) -> Option<T> {
        if self.next_due()? > now {
            return None;
        }
        let (_, item) = self.queue.pop_front()?;
        if self.queue.is_empty() && self.queue.capacity() > 1024 {
            self.queue = VecDeque::new(); // a rush is over
        }
        Some(item)
    }

    /// Forgets the first items as long as nobody waits for them any more.
    pub(crate) fn forget_while(&mut self, moot: impl Fn(&T) -> bool) {
        while self.queue.front().is_some_and(|(_, item)| moot(item)) {
            self.queue.pop_front();
        }
    }

    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.queue.front().map(|(due, _)| *due)
    }
}

/// The reactor's clock, read once a turn.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    now: Millis,
    /// Since when it stands still.
    stopped: Option<Instant>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Clock { start: Instant::now(), now: 0, stopped: None }
    }

    pub(crate) fn tick(&mut self) {
        if self.stopped.is_none() {
            self.now = self.start.elapsed().as_millis() as Millis;
        }
    }

    /// From here on no time passes.
    pub(crate) fn stop(&mut self) {
        self.stopped = Some(Instant::now());
    }

    /// Time passes again.
    pub(crate) fn go_on(&mut self) {
        if let Some(stopped) = self.stopped.take() {
            self.start += stopped.elapsed();
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_when_due_and_in_order() {
        let mut deadlines = Deadlines::new(Duration::from_millis(10));
        deadlines.push(0, 'a');
        deadlines.push(5, 'b');
        assert_eq!(deadlines.next_due(), Some(10));
        assert_eq!(deadlines.pop_due(9), None);
        assert_eq!(deadlines.pop_due(12), Some('a'));
        assert_eq!(deadlines.pop_due(12), None);
        deadlines.push(13, 'c');
        deadlines.forget_while(|item| *item == 'b');
        assert_eq!(deadlines.next_due(), Some(23));
        assert_eq!(deadlines.pop_due(99), Some('c'));
        assert_eq!(deadlines.next_due(), None);
    }
}
