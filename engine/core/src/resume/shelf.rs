//! What is kept of all chats of a shard, within one budget.

use super::Kept;
use crate::limits::KEPT_BYTES_BY_SHARD;

/// The budget of what is kept for people of one shard: every change of a [`Kept`] goes by here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shelf {
    bytes: usize,
    #[cfg(feature = "faults")]
    lapse: Option<Lapse>,
}

/// A rule that is left out, to see that it is missed.
#[cfg(feature = "faults")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lapse {
    /// What somebody is told isn't kept for them.
    ForgetsWhatWasTold,
    /// What somebody has heard is told again.
    TellsAgain,
    /// What somebody says again is taken for something new.
    HearsAgain,
}

impl Shelf {
    /// Keeps a message for somebody, written by `encode`, and returns it; None where there is no
    /// room for it, which the one it was for will learn when they come back. What it weighs is a
    /// number of bytes that follows from what is in an event log, so that the bounds are met again
    /// where that is replayed.
    pub fn keep<'k>(
        &mut self,
        kept: &'k mut Kept,
        (is_numbered, weight): (bool, u32),
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Option<&'k [u8]> {
        if self.bytes >= KEPT_BYTES_BY_SHARD {
            self.change(kept, |kept| kept.lose(is_numbered));
            return None;
        }
        #[cfg(feature = "faults")]
        if self.lapse == Some(Lapse::ForgetsWhatWasTold) {
            return None;
        }
        let mut len = 0;
        self.change(kept, |kept| len = kept.keep((is_numbered, weight), encode));
        Some(kept.latest(len))
    }

    /// Everything up to this number has arrived.
    pub fn acknowledged(&mut self, kept: &mut Kept, seq: u64) {
        self.change(kept, |kept| kept.acknowledged(seq));
    }

    /// Somebody is back who had heard up to this number, and has been told the rest.
    pub fn caught_up(&mut self, kept: &mut Kept, seq: u64) {
        self.change(kept, |kept| {
            kept.acknowledged(seq);
            kept.forget_unnumbered();
        });
    }

    /// Takes what another shelf kept for somebody.
    pub fn take_in(&mut self, kept: &Kept) {
        self.bytes += kept.weight();
    }

    /// Nobody will ask for this any more.
    pub fn free(&mut self, kept: Option<Box<Kept>>) {
        self.bytes -= kept.map_or(0, |kept| kept.weight());
    }

    /// Bytes kept now: at most [`KEPT_BYTES_BY_SHARD`], and the last person's.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn change(&mut self, kept: &mut Kept, change: impl FnOnce(&mut Kept)) {
        self.bytes -= kept.weight();
        change(kept);
        self.bytes += kept.weight();
    }
}

#[cfg(feature = "faults")]
impl Shelf {
    /// Leaves a rule out from here on.
    pub fn lapses(&mut self, lapse: Lapse) {
        self.lapse = Some(lapse);
    }

    /// Whether this rule is left out.
    pub fn has(&self, lapse: Lapse) -> bool {
        self.lapse == Some(lapse)
    }
}
