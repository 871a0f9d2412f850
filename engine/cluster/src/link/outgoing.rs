//! What goes to the other side, and is kept until it has come.

use std::collections::VecDeque;
use std::time::Duration;

use super::LinkCounters;
use super::incoming::KEPT_MAX;
use crate::batch::{BATCH_BYTES, Batch};

/// Most batches that are kept for the other side.
pub const UNACKED_MAX: usize = 8_192;

/// Most bytes that are kept for the other side.
pub const UNACKED_BYTES_MAX: usize = 16 << 20;

/// How soon what wasn't acknowledged is sent again; twice that the next time, up to the second.
const RESEND: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What shows that it is missing isn't sent again sooner: it may still be under way.
const REASK: Duration = Duration::from_millis(20);

/// Batches are numbered from 1.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// What is being filled.
    open: Batch,
    store: VecDeque<Stored>,
    /// The number of the first in the store.
    first: u64,
    bytes: usize,
    /// The place in the store of the next that is to be sent.
    next: usize,
    /// While something is sent again, the number behind the last that may have been lost. No more
    /// is sent ahead then than the other side keeps.
    recovering_to: u64,
    resend_at: Option<Duration>,
    tries: u32,
    /// From the sending of a batch to its acknowledgement, which may wait for company; smoothed.
    pub(super) rtt: Option<Duration>,
}

#[derive(Debug)]
struct Stored {
    batch: Batch,
    sent: Option<Duration>,
    resent: bool,
    /// It has come, and waits for one before it.
    has_come: bool,
}

/// The other side has what was never sent.
pub(super) struct Nonsense;

impl Outgoing {
    pub(super) fn new() -> Self {
        Self {
            open: Batch::default(),
            store: VecDeque::new(),
            first: 1,
            bytes: 0,
            next: 0,
            recovering_to: 0,
            resend_at: None,
            tries: 0,
            rtt: None,
        }
    }

    /// Takes an item that fits a batch. False where too much waits already.
    #[must_use]
    pub(super) fn push(&mut self, item: &[u8]) -> bool {
        if !self.open.is_empty() && self.open.push(item) {
            return true;
        }
        self.close();
        if self.store.len() >= UNACKED_MAX || self.bytes + BATCH_BYTES > UNACKED_BYTES_MAX {
            return false;
        }
        self.open.push(item)
    }

    /// The number of the next batch to be sent now, and the batch.
    pub(super) fn next(
        &mut self,
        now: Duration,
        counters: &mut LinkCounters,
    ) -> Option<(u64, &Batch)> {
        self.close();
        if self.resend_at.is_some_and(|at| now >= at) {
            self.tries += 1;
            self.recover();
        }
        while self.store.get(self.next).is_some_and(|it| it.has_come) {
            self.next += 1;
        }
        let window = if self.is_recovering() { KEPT_MAX } else { usize::MAX };
        let place = self.next;
        let stored = self.store.get_mut(place).filter(|_| place < window)?;
        if stored.sent.replace(now).is_some() {
            stored.resent = true;
            counters.resends += 1;
        } else {
            counters.batches_sent += 1;
            counters.bytes_sent += stored.batch.bytes().len() as u64;
        }
        self.next += 1;
        self.resend_at.get_or_insert(now + pause(self.tries));
        Some((self.first + place as u64, &stored.batch))
    }

    /// The other side has all before `expected`, and of those behind it the ones in `kept`.
    pub(super) fn acknowledged(
        &mut self,
        now: Duration,
        expected: u64,
        kept: u64,
    ) -> Result<(), Nonsense> {
        if expected > self.first + self.store.len() as u64 {
            return Err(Nonsense);
        }
        let count = expected.saturating_sub(self.first) as usize;
        for Stored { batch, sent, resent, .. } in self.store.drain(..count) {
            self.bytes -= batch.bytes().len();
            // What was sent twice doesn't tell which of the two came (Karn and Partridge 1987).
            if let (Some(sent), false) = (sent, resent) {
                let took = now.saturating_sub(sent);
                self.rtt = Some(self.rtt.map_or(took, |rtt| (rtt * 7 + took) / 8));
            }
        }
        self.first += count as u64;
        self.next = self.next.saturating_sub(count);
        if count > 0 {
            self.tries = 0;
            self.resend_at = (self.next > 0).then_some(now + pause(0));
        }
        for bit in (0..KEPT_MAX as u64).filter(|bit| kept >> bit & 1 == 1) {
            let place = (expected + 1 + bit).checked_sub(self.first);
            if let Some(stored) = place.and_then(|place| self.store.get_mut(place as usize)) {
                stored.has_come = true;
            }
        }
        let oldest = self.store.front().and_then(|it| it.sent);
        let is_missing = kept != 0 && oldest.is_some_and(|sent| now >= sent + REASK);
        if is_missing && !self.is_recovering() {
            self.recover();
        }
        Ok(())
    }

    /// When something is to be sent again.
    pub(super) fn due(&self) -> Option<Duration> {
        self.resend_at
    }

    /// Batches that are kept for the other side, and their bytes.
    pub(super) fn unacked(&self) -> (usize, usize) {
        (self.store.len(), self.bytes)
    }

    /// Goes back to the first that wasn't acknowledged.
    fn recover(&mut self) {
        self.next = 0;
        self.recovering_to = self.first + self.store.len() as u64;
        self.resend_at = None;
    }

    fn is_recovering(&self) -> bool {
        self.first < self.recovering_to
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let batch = std::mem::take(&mut self.open);
            self.bytes += batch.bytes().len();
            self.store.push_back(Stored { batch, sent: None, resent: false, has_come: false });
        }
    }
}

/// How long to wait for an answer to what was said so many times before.
pub(super) fn pause(tries: u32) -> Duration {
    RESEND.1.min(RESEND.0 * 2_u32.pow(tries.min(16)))
}
