//! What is kept of one side of a chat.

use std::collections::VecDeque;

use arrayvec::ArrayVec;

use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::limits::{KEPT_BYTES, KEPT_MESSAGES, SAID_REMEMBERED};
use crate::time::Micros;

/// One side of a chat, as far as it must outlive its connection: what it was told and has not
/// acknowledged, and what it said last. A box of 128 bytes, and what is unacknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kept {
    told: Told,
    said: Said,
    /// What is to be known of the other side.
    pub partner: Partner,
}

/// Where the other side is, as this one is to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Partner {
    /// There, and always was.
    #[default]
    There,
    /// Their connection is lost; they have until then to come back.
    Away(Micros),
    /// Back.
    Back,
}

/// What became of a message that its sender says again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It was delivered under this number.
    Delivered(u64),
    /// It was not delivered.
    Blocked,
}

/// Encoded messages, oldest first. Those without a number (0) are for who isn't there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Told {
    /// One message behind the other; what stands before `begin` is forgotten.
    bytes: Vec<u8>,
    begin: u32,
    messages: VecDeque<Message>,
    /// What the messages weigh together.
    weight: u32,
    /// The number of the latest.
    latest: u64,
    /// The highest number of a message that was forgotten before it was acknowledged.
    forgotten: u64,
    /// Something without a number was forgotten.
    torn: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Message {
    seq: u64,
    len: u32,
    weight: u32,
}

/// The ids of what this side said last, as hashes: the delivered ones in a ring that their numbers
/// are places in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Said {
    delivered: Vec<u64>,
    blocked: Vec<u64>,
}

fields! {
    struct Kept { told, said, partner }
    struct Message { seq, len, weight }
    enum Partner {
        0 There;
        1 Away(until);
        2 Back;
    }
}

impl Field for Told {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { bytes, begin, messages, weight: _, latest, forgotten, torn } = self;
        w.list(messages.iter());
        w.bytes(&bytes[*begin as usize..]);
        latest.put(w);
        forgotten.put(w);
        torn.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let messages: ArrayVec<Message, KEPT_MESSAGES> = Field::get(r)?;
        let sum = |of: fn(&Message) -> u32| {
            messages.iter().try_fold(0_u32, |sum, message| sum.checked_add(of(message)))
        };
        let len = sum(|message| message.len).ok_or(Damage)?;
        let weight = sum(|message| message.weight).ok_or(Damage)?;
        Ok(Self {
            bytes: r.bytes(len as usize)?.into(),
            begin: 0,
            messages: messages.into_iter().collect(),
            weight,
            latest: Field::get(r)?,
            forgotten: Field::get(r)?,
            torn: Field::get(r)?,
        })
    }
}

impl Field for Said {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { delivered, blocked } = self;
        w.list(delivered.iter());
        w.list(blocked.iter());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let delivered: ArrayVec<u64, SAID_REMEMBERED> = Field::get(r)?;
        let blocked: ArrayVec<u64, BLOCKED_REMEMBERED> = Field::get(r)?;
        Ok(Self { delivered: delivered.to_vec(), blocked: blocked.to_vec() })
    }
}

/// Messages of which it is remembered that they were blocked: each was a fault, and nobody commits
/// many.
const BLOCKED_REMEMBERED: usize = 8;

/// Room that is made with the first message: for as many as come until they are acknowledged,
/// mostly.
const FIRST_BYTES: usize = 1_024;
const FIRST_MESSAGES: usize = 16;

/// Stands for a message without an id.
const NO_ID: u64 = 0;

impl Kept {
    /// Keeps a message that is written by `encode`, and returns its length. Past the bounds, which
    /// are those of one person ([`KEPT_MESSAGES`], [`KEPT_BYTES`]), the oldest are forgotten.
    pub(super) fn keep(
        &mut self,
        (is_numbered, weight): (bool, u32),
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let told = &mut self.told;
        let seq = told.number(is_numbered);
        told.compact();
        if told.messages.is_empty() {
            told.bytes.reserve(FIRST_BYTES);
            told.messages.reserve(FIRST_MESSAGES);
        }
        let begin = told.bytes.len();
        encode(&mut told.bytes);
        let len = told.bytes.len() - begin;
        told.weight += weight;
        told.messages.push_back(Message { seq, len: len as u32, weight });
        while told.messages.len() > KEPT_MESSAGES || told.weight as usize > KEPT_BYTES {
            told.forget();
        }
        len
    }

    /// The last so many bytes.
    pub(super) fn latest(&self, len: usize) -> &[u8] {
        &self.told.bytes[self.told.bytes.len() - len..]
    }

    /// Forgets all, this message included.
    pub(super) fn lose(&mut self, is_numbered: bool) {
        let told = &mut self.told;
        let seq = told.number(is_numbered);
        while !told.messages.is_empty() {
            told.forget();
        }
        told.lose(seq);
        told.free();
    }

    /// Everything up to this number has arrived.
    pub(super) fn acknowledged(&mut self, seq: u64) {
        let told = &mut self.told;
        while let Some(message) = told.messages.pop_front_if(|it| it.seq <= seq) {
            told.begin += message.len;
            told.weight -= message.weight;
        }
        if told.messages.is_empty() {
            told.free();
        }
    }

    /// Whoever has heard up to `seq` misses nothing but what is kept.
    pub fn reaches(&self, seq: u64) -> bool {
        !self.told.torn && self.told.forgotten <= seq
    }

    /// What somebody misses who has heard up to `seq`.
    pub fn missed(&self, seq: u64) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.told.bytes[self.told.begin as usize..];
        self.told.messages.iter().filter_map(move |message| {
            let (bytes, behind) = rest.split_at(message.len as usize);
            rest = behind;
            (message.seq == 0 || message.seq > seq).then_some(bytes)
        })
    }

    /// Forgets what has no number: it was said once, and nobody will acknowledge it.
    pub(super) fn forget_unnumbered(&mut self) {
        if self.told.messages.iter().all(|message| message.seq > 0) {
            return;
        }
        let before = std::mem::take(&mut self.told);
        (self.told.latest, self.told.forgotten) = (before.latest, before.forgotten);
        let mut rest = &before.bytes[before.begin as usize..];
        for message in before.messages {
            let (bytes, behind) = rest.split_at(message.len as usize);
            rest = behind;
            if message.seq > 0 {
                self.told.bytes.extend_from_slice(bytes);
                self.told.messages.push_back(message);
                self.told.weight += message.weight;
            }
        }
    }

    /// What all that is kept weighs.
    pub(super) fn weight(&self) -> usize {
        self.told.weight as usize
    }

    /// What became of a message of this id, where it is one of the last; `said` is the number of
    /// the latest.
    pub fn repeats(&self, id: u64, said: u64) -> Option<Repeat> {
        let Said { delivered, blocked } = &self.said;
        let id = id.max(NO_ID + 1);
        if let Some(place) = delivered.iter().position(|it| *it == id) {
            // The latest number that has this place.
            let behind = (said - 1 - place as u64) % SAID_REMEMBERED as u64;
            return Some(Repeat::Delivered(said - behind));
        }
        blocked.contains(&id).then_some(Repeat::Blocked)
    }

    /// This side has said message `seq`, the latest, under this id.
    pub fn said(&mut self, seq: u64, id: Option<u64>) {
        let ring = &mut self.said.delivered;
        let id = id.map_or(NO_ID, |id| id.max(NO_ID + 1));
        let place = (seq - 1) as usize % SAID_REMEMBERED;
        match ring.get_mut(place) {
            Some(before) => *before = id,
            None => ring.push(id),
        }
    }

    /// A message of this id wasn't delivered.
    pub fn blocked(&mut self, id: u64) {
        let blocked = &mut self.said.blocked;
        if blocked.len() == BLOCKED_REMEMBERED {
            blocked.remove(0);
        }
        blocked.push(id.max(NO_ID + 1));
    }
}

impl Told {
    /// The number of the next message, which follows that of the one before; 0 for none.
    fn number(&mut self, is_numbered: bool) -> u64 {
        self.latest += u64::from(is_numbered);
        if is_numbered { self.latest } else { 0 }
    }

    /// Forgets the oldest.
    fn forget(&mut self) {
        let Some(Message { seq, len, weight }) = self.messages.pop_front() else { return };
        self.begin += len;
        self.weight -= weight;
        self.lose(seq);
    }

    fn lose(&mut self, seq: u64) {
        self.torn |= seq == 0;
        self.forgotten = self.forgotten.max(seq);
    }

    /// Moves what is kept to the front where half of the bytes are forgotten, so that each byte is
    /// moved once on average.
    fn compact(&mut self) {
        let begin = self.begin as usize;
        if begin > 0 && begin >= self.bytes.len() / 2 {
            self.bytes.drain(..begin);
            self.begin = 0;
        }
    }

    fn free(&mut self) {
        (self.bytes, self.begin, self.messages) = (Vec::new(), 0, VecDeque::new());
        self.weight = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keep(kept: &mut Kept, is_numbered: bool, message: &[u8]) {
        let written = |out: &mut Vec<u8>| out.extend_from_slice(message);
        let len = kept.keep((is_numbered, message.len() as u32), written);
        assert_eq!(kept.latest(len), message);
    }

    fn missed(kept: &Kept, seq: u64) -> Vec<Vec<u8>> {
        kept.missed(seq).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn past_the_bounds_the_oldest_goes_and_that_is_known() {
        let mut kept = Kept::default();
        for seq in 1..=KEPT_MESSAGES as u64 + 3 {
            keep(&mut kept, true, &seq.to_le_bytes());
        }
        assert!(!kept.reaches(2) && kept.reaches(3));
        assert_eq!(missed(&kept, 3).len(), KEPT_MESSAGES);
        let long = vec![7; KEPT_BYTES / 2];
        for _ in 68..71 {
            keep(&mut kept, true, &long);
        }
        assert!(!kept.reaches(67) && kept.reaches(68));
        assert_eq!(missed(&kept, 68), [long.clone(), long]);
    }

    #[test]
    fn nothing_is_held_where_all_is_acknowledged() {
        let mut kept = Kept::default();
        for seq in 1..=5 {
            keep(&mut kept, true, &[seq as u8]);
        }
        kept.acknowledged(3);
        assert_eq!(missed(&kept, 3), [[4], [5]]);
        kept.acknowledged(9);
        assert_eq!((kept.weight(), kept.told.bytes.capacity(), missed(&kept, 0).len()), (0, 0, 0));
    }

    #[test]
    fn what_has_no_number_is_missed_once() {
        let mut kept = Kept::default();
        for (is_numbered, byte) in [(true, b'a'), (false, b'b'), (true, b'c'), (false, b'd')] {
            keep(&mut kept, is_numbered, &[byte]);
        }
        assert_eq!(missed(&kept, 1).concat(), b"bcd");
        kept.acknowledged(1);
        kept.forget_unnumbered();
        assert_eq!(missed(&kept, 0).concat(), b"c");
        assert!(kept.reaches(1));
        keep(&mut kept, false, b"e");
        kept.lose(true);
        assert!(!kept.reaches(9), "something without a number is lost");
    }

    #[test]
    fn what_is_said_again_is_known_by_its_id() {
        let mut kept = Kept::default();
        let last = 3 * SAID_REMEMBERED as u64 + 5;
        for seq in 1..=last {
            assert_eq!(kept.repeats(1_000 + seq, seq - 1), None);
            kept.said(seq, (seq % 3 > 0).then_some(1_000 + seq));
        }
        for seq in 1..=last {
            let known = last - seq < SAID_REMEMBERED as u64 && seq % 3 > 0;
            let repeat = kept.repeats(1_000 + seq, last);
            assert_eq!(repeat, known.then_some(Repeat::Delivered(seq)), "{seq}");
        }
        kept.blocked(77);
        assert_eq!(kept.repeats(77, last), Some(Repeat::Blocked));
    }

    proptest! {
        #[test]
        fn whoever_is_reached_misses_exactly_what_followed(
            steps in prop::collection::vec((1usize..3_000, prop::option::of(0u64..90)), 1..150),
        ) {
            let mut kept = Kept::default();
            let mut told = Vec::new();
            for (seq, (len, ack)) in (1u64..).zip(steps) {
                let message = vec![seq as u8; len];
                keep(&mut kept, true, &message);
                told.push(message);
                if let Some(behind) = ack {
                    kept.acknowledged(seq.saturating_sub(behind));
                }
                prop_assert!(kept.weight() <= KEPT_BYTES);
                prop_assert!(kept.told.bytes.capacity() <= 4 * KEPT_BYTES);
                for heard in 0..=seq {
                    let all = &told[heard as usize..];
                    // What was acknowledged is not asked for again.
                    if kept.reaches(heard) && missed(&kept, heard).len() == all.len() {
                        prop_assert_eq!(missed(&kept, heard), all);
                    }
                }
                prop_assert!(kept.reaches(seq));
            }
        }
    }
}
