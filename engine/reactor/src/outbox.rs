//! What waits for a peer that reads slowly. Exists only while something waits.

use std::collections::VecDeque;
use std::sync::Arc;

/// A run of bytes that one send is made of.
#[derive(Debug)]
enum Piece {
    Own(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Own(bytes) => bytes,
            Piece::Shared(bytes) => bytes,
        }
    }
}

/// The queue of one connection, in the order of writing.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The piece that is being sent, and how much of it already was. Its bytes do not move.
    first: Option<(Piece, usize)>,
    rest: VecDeque<Piece>,
    /// Own bytes not yet sent.
    unsent: usize,
    /// Shared pieces not yet sent.
    shared: usize,
}

impl Outbox {
    /// Lets `write` append.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if !matches!(self.rest.back(), Some(Piece::Own(_))) {
            self.rest.push_back(Piece::Own(Vec::new()));
        }
        let Some(Piece::Own(bytes)) = self.rest.back_mut() else { return };
        let before = bytes.len();
        write(bytes);
        assert!(bytes.len() >= before, "a write may only append");
        self.unsent += bytes.len() - before;
        if bytes.is_empty() {
            self.rest.pop_back();
        }
    }

    pub(crate) fn append_shared(&mut self, bytes: Arc<[u8]>) {
        if !bytes.is_empty() {
            self.rest.push_back(Piece::Shared(bytes));
            self.shared += 1;
        }
    }

    /// Own bytes not yet taken by the kernel.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent
    }

    /// Shared pieces not yet taken by the kernel.
    pub(crate) fn shared(&self) -> usize {
        self.shared
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    /// What to send next. The bytes stay in place until [`Outbox::sent`] has heard of all of them
    /// or the outbox is dropped.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        if self.first.is_none() {
            self.first = Some((self.rest.pop_front()?, 0));
        }
        self.first.as_ref().map(|(piece, done)| &piece.bytes()[*done..])
    }

    /// The kernel took that many bytes of what [`Outbox::next`] gave.
    pub(crate) fn sent(&mut self, bytes: usize) {
        let Some((piece, done)) = &mut self.first else { return };
        *done += bytes;
        let whole = *done >= piece.bytes().len();
        match piece {
            Piece::Own(_) => self.unsent -= bytes,
            Piece::Shared(_) if whole => self.shared -= 1,
            Piece::Shared(_) => {}
        }
        if whole {
            self.first = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_leave_in_order_and_are_counted() {
        let mut outbox = Outbox::default();
        outbox.append(|out| out.extend_from_slice(b"ab"));
        outbox.append(|out| out.extend_from_slice(b"c"));
        outbox.append_shared(Arc::from(*b"XY"));
        outbox.append(|out| out.extend_from_slice(b"d"));
        outbox.append(|_| {});
        assert_eq!((outbox.unsent(), outbox.shared()), (4, 1));

        assert_eq!(outbox.next(), Some(&b"abc"[..]));
        outbox.sent(1);
        assert_eq!(outbox.next(), Some(&b"bc"[..]));
        outbox.append(|out| out.extend_from_slice(b"e"));
        outbox.sent(2);
        assert_eq!(outbox.next(), Some(&b"XY"[..]));
        outbox.sent(2);
        assert_eq!((outbox.unsent(), outbox.shared()), (2, 0));
        assert_eq!(outbox.next(), Some(&b"de"[..]));
        outbox.sent(2);
        assert!(outbox.is_empty());
        assert_eq!(outbox.next(), None);
    }
}
