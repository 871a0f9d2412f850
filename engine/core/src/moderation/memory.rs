//! What is remembered of a person: what is held against them, and how their last lines ended.

use super::fold::Folded;
use super::ladder::Record;

/// Folded bytes of the last lines. What is split over more is split too finely to be read.
const TAIL_BYTES: usize = 32;

/// What moderation keeps of one person; 68 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is held against them.
    pub record: Record,
    tail: Tail,
}

/// The end of what a person said last, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tail {
    bytes: [u8; TAIL_BYTES],
    marks: [u8; TAIL_BYTES],
    len: u8,
}

const _: () = assert!(size_of::<Standing>() <= 72);

impl Standing {
    /// Nothing said so far, by somebody who has this held against them.
    pub fn with_record(record: Record) -> Self {
        Self { record, tail: Tail::default() }
    }

    /// What was said last is of no importance any more: there is somebody else to say it to.
    pub fn new_chat(&mut self) {
        self.tail.len = 0;
    }

    pub(super) fn tail(&self) -> (&[u8], &[u8]) {
        let len = usize::from(self.tail.len);
        (&self.tail.bytes[..len], &self.tail.marks[..len])
    }

    /// Keeps the end of what was folded: nothing of it where it was found at fault, so that nobody is
    /// found at fault for the same words twice.
    pub(super) fn keep(&mut self, folded: &Folded, at_fault: bool) {
        if at_fault {
            return self.new_chat();
        }
        let len = folded.bytes.len();
        let mut from = len.saturating_sub(TAIL_BYTES);
        // Not within a letter; and no word is taken to begin where the cut was made.
        while from < len && folded.bytes[from] & 0xC0 == 0x80 {
            from += 1;
        }
        let kept = len - from;
        self.tail.bytes[..kept].copy_from_slice(&folded.bytes[from..]);
        self.tail.marks[..kept].copy_from_slice(&folded.marks[from..]);
        self.tail.len = kept as u8;
    }
}
