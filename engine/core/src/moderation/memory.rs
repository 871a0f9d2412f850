//! How somebody's last lines ended, so that what is split over several is read as one.

use super::fold::Folded;

/// Folded bytes of the last lines. What is split over more is split too finely to be read. So many
/// that a tail and the lane it is of fit a line of the cache.
const TAIL_BYTES: usize = 31;

/// The end of what a person said last in a chat, folded; 63 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    bytes: [u8; TAIL_BYTES],
    marks: [u8; TAIL_BYTES],
    len: u8,
}

const _: () = assert!(size_of::<Tail>() == 63);

impl Tail {
    pub(super) fn get(&self) -> (&[u8], &[u8]) {
        let len = usize::from(self.len);
        (&self.bytes[..len], &self.marks[..len])
    }

    /// Keeps the end of what was folded: nothing of it where it was found at fault, so that nobody is
    /// found at fault for the same words twice.
    pub(super) fn keep(&mut self, folded: &Folded, at_fault: bool) {
        if at_fault {
            self.len = 0;
            return;
        }
        let len = folded.bytes.len();
        let mut from = len.saturating_sub(TAIL_BYTES);
        // Not within a letter; and no word is taken to begin where the cut was made.
        while from < len && folded.bytes[from] & 0xC0 == 0x80 {
            from += 1;
        }
        let kept = len - from;
        self.bytes[..kept].copy_from_slice(&folded.bytes[from..]);
        self.marks[..kept].copy_from_slice(&folded.marks[from..]);
        self.len = kept as u8;
    }
}
