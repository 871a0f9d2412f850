//! Ending in good order: everybody is sent elsewhere at an even rate, those who chat last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use whisper_core::settings::Drain;
use whisper_core::time::{Micros, Span};
use whisper_store::stats::NodeStats;

use super::metrics::Board;
use super::switches::Unheard;
use super::{Lines, Room, service_manager};
use crate::clock::Clock;
use crate::worker::Command;

/// People come back after a random time of at most so much, where they go at an even rate.
const JITTER: Span = Span::secs(1);

/// Where they go faster, that time is longer, so that they come back at this rate: a fraction of
/// what an engine lets in.
const BACK_PER_SECOND: u64 = 2_000;

/// The end of this process, wherever it is asked for. Clones are the same one.
#[derive(Clone)]
pub(super) struct Drains {
    lines: Lines,
    board: Board,
    room: Room,
    clock: Clock,
    course: Arc<Mutex<Option<Drain>>>,
}

/// How a drain goes, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    /// It has begun.
    pub(super) draining: bool,
    /// People who are still here.
    pub(super) people: u64,
    /// Those of them who chat.
    pub(super) chatting: u64,
    /// How many go in a second.
    pub(super) per_second: u64,
    /// In how many milliseconds chats begin to end.
    pub(super) chats_in_ms: u64,
    /// In how many milliseconds the last go.
    pub(super) ends_in_ms: u64,
}

impl Drains {
    pub(super) fn new(lines: Lines, board: Board, room: Room, clock: Clock) -> Self {
        Self { lines, board, room, clock, course: Arc::default() }
    }

    /// Has everybody who is here go elsewhere within this time, and nobody come. Once begun, it goes
    /// on from here at another rate.
    ///
    /// # Errors
    /// [`Unheard`]; the others have begun.
    pub(super) fn begin(&self, over: Span) -> Result<(), Unheard> {
        self.close();
        let drain = self.plan(over);
        *self.course() = Some(drain);
        self.lines.tell(&Command::Drain(drain)).then_some(()).ok_or(Unheard)
    }

    /// Has every worker end: whoever is still here goes at once.
    pub(super) fn end(&self) {
        self.close();
        // A mailbox that is gone has ended; one that is full belongs to a worker that is left behind.
        let _ = self.lines.tell(&Command::End(self.plan(Span::default())));
    }

    /// How it goes; where it hasn't begun, how it would go within this time.
    pub(super) fn progress(&self, over: Span) -> Progress {
        let begun = *self.course();
        let drain = begun.unwrap_or_else(|| self.plan(over));
        let NodeStats { online: people, .. } = self.board.stats();
        let now = self.clock.now();
        let left = drain.until.since(now);
        Progress {
            draining: begun.is_some(),
            people,
            chatting: chatting(&self.board.stats()),
            per_second: (people * 1_000_000).div_ceil(left.0.max(1_000_000)),
            chats_in_ms: drain.chats_from.since(now).0 / 1_000,
            ends_in_ms: left.0 / 1_000,
        }
    }

    /// Whether it has begun, and nobody is here any more or their time is over.
    pub(super) fn is_over(&self) -> bool {
        let course = *self.course();
        let is_empty = || self.board.stats().online == 0 && self.board.visitors() == 0;
        course.is_some_and(|drain| self.clock.now() > drain.until + JITTER || is_empty())
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.course().is_some()
    }

    /// Nobody is to come from here on.
    fn close(&self) {
        service_manager::stopping();
        self.board.drain();
        self.room.close();
    }

    fn plan(&self, over: Span) -> Drain {
        plan(self.clock.now(), over, &self.board.stats())
    }

    fn course(&self) -> MutexGuard<'_, Option<Drain>> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same rate from the beginning to the end: each kind of people gets the part of the time that
/// it is of them.
fn plan(now: Micros, over: Span, stats: &NodeStats) -> Drain {
    let people = stats.online.max(1);
    let idle = people - chatting(stats);
    let chats_in = u128::from(over.0) * u128::from(idle) / u128::from(people);
    let back = Span::millis(people * 1_000 / BACK_PER_SECOND);
    Drain {
        began: now,
        chats_from: now + Span(chats_in as u64),
        until: now + over,
        jitter: JITTER.max(Span(back.0.saturating_sub(over.0))),
    }
}

/// Chats of people who are just coming or going are counted as far as there are people.
fn chatting(stats: &NodeStats) -> u64 {
    (2 * stats.active_chats).min(stats.online)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_part_of_the_time() {
        let now = Micros(1_000);
        let stats = NodeStats { online: 10_000, active_chats: 4_000, ..NodeStats::default() };
        let drain = plan(now, Span::secs(100), &stats);
        assert_eq!(drain.chats_from, now + Span::secs(20));
        assert_eq!(drain.until, now + Span::secs(100));
        assert_eq!(drain.jitter, JITTER);
        // What isn't spread here is spread there.
        let drain = plan(now, Span::default(), &stats);
        assert_eq!((drain.chats_from, drain.until), (now, now));
        assert_eq!(drain.jitter, Span::secs(5));
        let nobody = plan(now, Span::secs(9), &NodeStats::default());
        assert!(nobody.chats_from <= nobody.until);
    }
}
