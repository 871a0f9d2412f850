//! Where a turn's writes are gathered: one contiguous segment per connection, all in one buffer.

/// Capacity that is kept however little is written.
const KEEP: usize = 64 * 1024;

/// A connection's bytes in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    start: u32,
    len: u32,
    /// Bytes from `start` that are this segment's, in use or not.
    room: u32,
}

impl Segment {
    pub(crate) const EMPTY: Segment = Segment { start: 0, len: 0, room: 0 };

    pub(crate) fn len(self) -> usize {
        self.len as usize
    }

    fn start(self) -> usize {
        self.start as usize
    }

    fn end(self) -> usize {
        self.start as usize + self.len as usize
    }
}

/// The bytes of one turn. They leave the process, or move to an outbox, before the next one.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    bytes: Vec<u8>,
    peak: usize,
}

impl Arena {
    /// More than this in one turn is refused: segments are addressed in 32 bits.
    pub(crate) const MAX: usize = 1 << 30;

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Lets `write` append to the segment.
    ///
    /// A segment grows in place while nobody else writes. One that was cut off moves to the end and
    /// takes as much room again along, so that interleaved writers copy each byte a bounded number
    /// of times.
    pub(crate) fn append(&mut self, segment: Segment, write: impl FnOnce(&mut Vec<u8>)) -> Segment {
        let before = self.bytes.len();
        write(&mut self.bytes);
        assert!(self.bytes.len() >= before, "a write may only append");
        assert!(self.bytes.len() <= u32::MAX as usize, "a write is below {} bytes", Self::MAX);
        let added = self.bytes.len() - before;
        let len = segment.len() + added;
        if segment.len == 0 {
            return Segment { start: before as u32, len: len as u32, room: len as u32 };
        }
        if segment.end() == before {
            return Segment { len: len as u32, room: segment.room.max(len as u32), ..segment };
        }
        if len <= segment.room as usize {
            self.bytes.copy_within(before.., segment.end());
            self.bytes.truncate(before);
            return Segment { len: len as u32, ..segment };
        }
        let start = self.bytes.len();
        self.bytes.extend_from_within(segment.start()..segment.end());
        self.bytes.extend_from_within(before..before + added);
        self.bytes.resize(start + 2 * len, 0);
        Segment { start: start as u32, len: len as u32, room: 2 * len as u32 }
    }

    pub(crate) fn bytes(&self, segment: Segment) -> &[u8] {
        &self.bytes[segment.start()..segment.end()]
    }

    /// Forgets all bytes; their memory too, when this was much more than is usual lately.
    pub(crate) fn clear(&mut self) {
        self.peak = self.bytes.len().max(self.peak - self.peak / 64).max(KEEP);
        self.bytes.clear();
        if self.bytes.capacity() > 8 * self.peak {
            self.bytes.shrink_to(2 * self.peak);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaved_writers_get_their_own_bytes_in_order() {
        let mut arena = Arena::default();
        let mut segments = [Segment::EMPTY; 3];
        let mut expected: [Vec<u8>; 3] = Default::default();
        for step in 0..300_u32 {
            let who = (step * 7 % 11 % 3) as usize;
            let bytes = vec![step as u8; (step % 13) as usize];
            expected[who].extend_from_slice(&bytes);
            segments[who] = arena.append(segments[who], |out| out.extend_from_slice(&bytes));
        }
        for who in 0..3 {
            assert_eq!(arena.bytes(segments[who]), expected[who]);
        }
        let written: usize = expected.iter().map(Vec::len).sum();
        assert!(arena.len() < 8 * written, "moving about costs a bounded factor");
    }

    #[test]
    fn a_peak_is_given_back_after_a_while() {
        let mut arena = Arena::default();
        arena.append(Segment::EMPTY, |out| out.resize(4 << 20, 0));
        arena.clear();
        assert!(arena.bytes.capacity() >= 4 << 20);
        for _ in 0..1000 {
            arena.clear();
        }
        assert!(arena.bytes.capacity() <= 8 * KEEP);
    }
}
