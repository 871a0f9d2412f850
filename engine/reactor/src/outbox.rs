//! What waits for a peer that reads slowly. Exists only while something waits.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// Own bytes that wait in all outboxes of a reactor.
pub(crate) type Sum = Rc<Cell<usize>>;

/// What is sealed ahead of its send, in bytes of a longer piece: as much as a TLS record holds.
const SEALED_AT_ONCE: usize = 16 * 1024;

/// A run of bytes that one send is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Written for this connection.
    Own(Vec<u8>),
    /// A body that many connections share, see [`crate::Io::write_shared`].
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
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The piece that is being sent, and how much of it already was. Its bytes do not move.
    first: Option<(Piece, usize)>,
    rest: VecDeque<Piece>,
    /// Of the first of the rest, bytes that were sealed already. Of a sealed connection the rest is
    /// as it was written, and only what is being sent is sealed.
    sealed: usize,
    /// Own bytes not yet sent.
    unsent: usize,
    /// Shared pieces not yet sent.
    shared: usize,
    /// Bytes of any kind sent since the last look at it; None before the first.
    moved: Option<usize>,
    sum: Sum,
}

/// What was written to a connection and not taken by the kernel, on its way to another reactor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    /// Leaves first, and as it is; of it, so many bytes have left.
    pub first: Option<(Piece, usize)>,
    /// Leaves after that, in this order. Of a sealed connection it is as it was written.
    pub rest: VecDeque<Piece>,
    /// Of the first of the rest, bytes that were sealed already.
    pub sealed: usize,
}

impl Unsent {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }
}

impl Outbox {
    /// An empty one that counts for `sum` until it is dropped.
    pub(crate) fn new(sum: &Sum) -> Self {
        let sum = Rc::clone(sum);
        let rest = VecDeque::new();
        Outbox { first: None, rest, sealed: 0, unsent: 0, shared: 0, moved: None, sum }
    }

    /// One with what waited in another, that counts for `sum` instead; whatever is in it.
    pub(crate) fn unpack(unsent: Unsent, sum: &Sum) -> Self {
        let Unsent { first, mut rest, sealed } = unsent;
        let mut outbox = Outbox::new(sum);
        outbox.first = first.filter(|(piece, done)| *done < piece.bytes().len());
        rest.retain(|piece| !piece.bytes().is_empty());
        outbox.sealed = sealed.min(rest.front().map_or(0, |piece| piece.bytes().len() - 1));
        outbox.rest = rest;
        let first = outbox.first.iter().map(|(piece, done)| (piece, *done));
        let sealed = std::iter::once(outbox.sealed).chain(std::iter::repeat(0));
        let (mut own, mut shared) = (0, 0);
        for (piece, gone) in first.chain(outbox.rest.iter().zip(sealed)) {
            match piece {
                Piece::Own(bytes) => own += bytes.len() - gone,
                Piece::Shared(_) => shared += 1,
            }
        }
        outbox.shared = shared;
        outbox.more(own);
        outbox
    }

    /// All that waits, for another reactor. Nothing may be in flight.
    pub(crate) fn pack(mut self) -> Unsent {
        Unsent {
            first: self.first.take(),
            rest: std::mem::take(&mut self.rest),
            sealed: self.sealed,
        }
    }

    /// The same, copied as far as it isn't shared.
    pub(crate) fn copy(&self) -> Unsent {
        let first = self.first.as_ref().map(|(piece, done)| match piece {
            Piece::Own(bytes) => (Piece::Own(bytes[*done..].to_vec()), 0),
            Piece::Shared(bytes) => (Piece::Shared(Arc::clone(bytes)), *done),
        });
        Unsent { first, rest: self.rest.clone(), sealed: self.sealed }
    }

    /// Puts what a send left before everything else. Nothing may be in flight.
    pub(crate) fn begin_with(&mut self, bytes: &[u8]) {
        debug_assert!(self.first.is_none());
        self.more(bytes.len());
        self.first = Some((Piece::Own(bytes.to_vec()), 0));
    }

    /// Lets `write` append.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if !matches!(self.rest.back(), Some(Piece::Own(_))) {
            self.rest.push_back(Piece::Own(Vec::new()));
        }
        let Some(Piece::Own(bytes)) = self.rest.back_mut() else { return };
        let before = bytes.len();
        write(bytes);
        assert!(bytes.len() >= before, "a write may only append");
        let appended = bytes.len() - before;
        if bytes.is_empty() {
            self.rest.pop_back();
        }
        self.more(appended);
    }

    pub(crate) fn append_shared(&mut self, bytes: Arc<[u8]>) {
        if !bytes.is_empty() {
            self.rest.push_back(Piece::Shared(bytes));
            self.shared += 1;
        }
    }

    /// Has the next bytes sealed, [`SEALED_AT_ONCE`] of them at most: they are sent next. `seal` is
    /// also told whether they are the last ones. Answers that too; true where there are none.
    pub(crate) fn seal_next(&mut self, seal: impl FnOnce(&[u8], bool, &mut Vec<u8>)) -> bool {
        let pieces = self.rest.len();
        let Some(piece) = self.rest.front() else { return true };
        let plain = &piece.bytes()[self.sealed..];
        let plain = &plain[..plain.len().min(SEALED_AT_ONCE)];
        let whole = self.sealed + plain.len() == piece.bytes().len();
        let last = whole && pieces == 1;
        let mut wire = Vec::new();
        seal(plain, last, &mut wire);
        let (taken, own) = (plain.len(), matches!(piece, Piece::Own(_)));
        self.sealed += taken;
        if whole {
            self.rest.pop_front();
            self.sealed = 0;
        }
        match own {
            true => self.less(taken),
            false => self.shared -= usize::from(whole),
        }
        self.more(wire.len());
        self.first = Some((Piece::Own(wire), 0));
        last
    }

    /// Whether there is a piece that is being sent, or shall be next whatever comes.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.first.is_some()
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
        self.moved = self.moved.map(|moved| moved + bytes);
        let (whole, own) = (*done >= piece.bytes().len(), matches!(piece, Piece::Own(_)));
        if whole {
            self.first = None;
        }
        match own {
            true => self.less(bytes),
            false => self.shared -= usize::from(whole),
        }
    }

    /// A look at how it goes: whether less than `least` bytes have left since the last one. The
    /// first look only begins to count.
    pub(crate) fn is_stalled(&mut self, least: usize) -> bool {
        self.moved.replace(0).is_some_and(|moved| moved < least)
    }

    fn more(&mut self, bytes: usize) {
        self.unsent += bytes;
        self.sum.set(self.sum.get() + bytes);
    }

    fn less(&mut self, bytes: usize) {
        self.unsent -= bytes;
        self.sum.set(self.sum.get() - bytes);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.less(self.unsent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_leave_in_order_and_are_counted() {
        let mut outbox = Outbox::new(&Sum::default());
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

    #[test]
    fn what_waits_elsewhere_is_taken_as_it_is() {
        let body: Arc<[u8]> = Arc::from(*b"shared");
        let mut outbox = Outbox::new(&Sum::default());
        outbox.append(|out| out.extend_from_slice(b"abcdef"));
        outbox.append_shared(Arc::clone(&body));
        outbox.append(|out| out.extend_from_slice(b"gh"));
        outbox.next();
        outbox.sent(2);
        let sum = Sum::default();
        let mut copy = Outbox::unpack(outbox.copy(), &sum);
        assert_eq!((copy.unsent(), copy.shared(), sum.get()), (6, 1, 6));
        let mut left = Vec::new();
        while let Some(bytes) = copy.next().map(<[u8]>::to_vec) {
            copy.sent(bytes.len());
            left.extend(bytes);
        }
        assert_eq!(left, b"cdefsharedgh");
        assert_eq!((copy.unsent(), copy.shared(), sum.get()), (0, 0, 0));
        assert_eq!((outbox.unsent(), outbox.shared()), (6, 1), "it is still here");
    }

    #[test]
    fn nothing_that_waits_elsewhere_is_believed() {
        let own = |bytes: &[u8]| Piece::Own(bytes.to_vec());
        let empty = Piece::Shared(Arc::from(*b""));
        for (first, rest, sealed, unsent) in [
            (Some((own(b"ab"), 3)), vec![], 0, 0),
            (Some((own(b"ab"), usize::MAX)), vec![own(b""), empty.clone()], 7, 0),
            (None, vec![empty, own(b"abc")], usize::MAX, 1),
        ] {
            let unsent_elsewhere = Unsent { first, rest: rest.into(), sealed };
            let mut outbox = Outbox::unpack(unsent_elsewhere, &Sum::default());
            assert_eq!((outbox.unsent(), outbox.shared()), (unsent, 0));
            while !outbox.is_empty() {
                outbox.seal_next(|plain, _, wire| wire.extend_from_slice(plain));
                let len = outbox.next().map_or(0, <[u8]>::len);
                outbox.sent(len);
            }
            assert_eq!(outbox.unsent(), 0);
        }
    }

    #[test]
    fn a_trickle_is_a_stall() {
        let mut outbox = Outbox::new(&Sum::default());
        outbox.append(|out| out.extend_from_slice(&[0; 100]));
        assert!(!outbox.is_stalled(10), "nobody looked before");
        outbox.next();
        outbox.sent(10);
        assert!(!outbox.is_stalled(10));
        outbox.next();
        outbox.sent(9);
        assert!(outbox.is_stalled(10));
    }

    #[test]
    fn what_waits_is_summed_until_it_is_sent_or_given_up() {
        let sum = Sum::default();
        let (mut one, mut other) = (Outbox::new(&sum), Outbox::new(&sum));
        one.append(|out| out.extend_from_slice(b"abc"));
        other.begin_with(b"de");
        other.append_shared(Arc::from(*b"not own"));
        assert_eq!(sum.get(), 5);
        one.next();
        one.sent(2);
        assert_eq!(sum.get(), 3);
        drop(other);
        assert_eq!(sum.get(), 1);
    }

    #[test]
    fn pieces_are_sealed_one_by_one() {
        let mut outbox = Outbox::new(&Sum::default());
        outbox.begin_with(b"sealed before");
        outbox.append(|out| out.extend_from_slice(b"ab"));
        outbox.append_shared(vec![b'x'; SEALED_AT_ONCE + 1].into());
        assert_eq!((outbox.unsent(), outbox.shared()), (15, 1));
        outbox.sent(13);
        let mut sealed = Vec::new();
        while !outbox.is_empty() {
            assert!(!outbox.is_in_flight());
            let was_last = outbox.seal_next(|plain, last, wire| {
                sealed.push((plain.len(), last));
                wire.push(b'[');
                wire.extend_from_slice(plain);
                wire.push(b']');
            });
            assert_eq!(was_last, outbox.rest.is_empty());
            let bytes = outbox.next().expect("it was sealed");
            assert!(bytes.starts_with(b"[") && bytes.ends_with(b"]"));
            let len = bytes.len();
            outbox.sent(len);
        }
        assert_eq!(sealed, [(2, false), (SEALED_AT_ONCE, false), (1, true)]);
        assert_eq!((outbox.unsent(), outbox.shared()), (0, 0));
    }
}
