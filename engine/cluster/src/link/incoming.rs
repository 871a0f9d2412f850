//! What comes from the other side, brought into its order.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::batch::Batch;

/// Most batches that are kept until one before them has come.
pub const KEPT_MAX: usize = 64;

/// For so long an acknowledgement may wait for something to travel with.
const ACK_WITHIN: Duration = Duration::from_millis(20);

/// So many batches are acknowledged at once.
const ACK_EVERY: u32 = 32;

#[derive(Debug)]
pub(super) struct Incoming {
    /// The number of the batch that is next.
    expected: u64,
    pub(super) kept: BTreeMap<u64, Batch>,
    ack_at: Option<Duration>,
    /// Batches since the last acknowledgement.
    unsaid: u32,
}

impl Incoming {
    pub(super) fn new() -> Self {
        Self { expected: 1, kept: BTreeMap::new(), ack_at: None, unsaid: 0 }
    }

    /// Takes a batch, and gives those whose turn it is.
    pub(super) fn take(
        &mut self,
        now: Duration,
        (number, batch): (u64, Batch),
        mut give: impl FnMut(Batch),
    ) {
        let ahead = number.saturating_sub(self.expected);
        if number == self.expected {
            let mut next = Some(batch);
            while let Some(batch) = next {
                give(batch);
                self.expected += 1;
                self.unsaid += 1;
                next = self.kept.remove(&self.expected);
            }
        } else if (1..=KEPT_MAX as u64).contains(&ahead) {
            self.kept.insert(number, batch);
        }
        // Something is missing: the other side is to know at once.
        let is_urgent = ahead > 0 || self.unsaid >= ACK_EVERY;
        let at = if is_urgent { now } else { now + ACK_WITHIN };
        self.ack_at = Some(self.ack_at.map_or(at, |before| before.min(at)));
    }

    /// What is to be said now: the batch that is next, and of the 64 behind it those that are here.
    pub(super) fn acknowledge(&mut self) -> (u64, u64) {
        self.ack_at = None;
        self.unsaid = 0;
        let bits = self.kept.keys().map(|number| 1_u64 << (number - self.expected - 1));
        (self.expected, bits.fold(0, |all, bit| all | bit))
    }

    /// When an acknowledgement is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.ack_at
    }
}
