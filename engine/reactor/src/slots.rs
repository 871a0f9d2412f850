//! The connections: one small record per slot of the ring's descriptor table.
//!
//! The kernel chooses the slot; a generation tells successive tenants of it apart.

use crate::arena::Segment;
use crate::outbox::{Outbox, Sum};

/// Names one connection for as long as it lives, and nothing after that.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct ConnId {
    slot: u32,
    generation: u32,
}

impl ConnId {
    pub(crate) const fn new(slot: u32, generation: u32) -> ConnId {
        ConnId { slot, generation }
    }

    /// The place in the ring's descriptor table: dense, below [`crate::Reactor::slots`], and reused
    /// by later connections, whose `opened` is heard after this one's `closed`.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// Which tenant of the slot.
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// Both in one number, for those who carry it without knowing what it is.
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// Back from [`ConnId::to_bits`].
    pub const fn from_bits(bits: u64) -> ConnId {
        ConnId { slot: bits as u32, generation: (bits >> 32) as u32 }
    }
}

/// Where a connection stands in its life. Transitions only go downwards, and from the last to the
/// first; and back to `Open` from a move that doesn't come about.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Nobody's.
    Free,
    /// Accepted, its peer's name not known yet. The handler hasn't heard of it.
    Arriving,
    /// The handler may read and write.
    Open,
    /// It shall be served elsewhere; operations in flight are being cancelled.
    Leaving,
    /// Nothing is in flight: it can be served elsewhere.
    Still,
    /// Another ring is being given the socket. The handler doesn't hold it any more.
    Passing,
    /// Closed for the handler; what was written before is leaving.
    Flushing,
    /// All is sent, FIN too; input is thrown away until the peer's end.
    Lingering,
    /// Operations in flight are being cancelled; the slot is closed after the last of them.
    Ending,
}

impl Phase {
    /// Whether the handler has still to hear of its end.
    pub(crate) const fn is_held(self) -> bool {
        matches!(self, Phase::Open | Phase::Leaving | Phase::Still)
    }
}

/// A set of facts about a connection.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Flags(u32);

impl Flags {
    /// A poll is in flight.
    pub(crate) const POLLING: Flags = Flags(1);
    /// A multishot receive is in flight.
    pub(crate) const RECEIVING: Flags = Flags(1 << 1);
    /// A send from the outbox is in flight.
    pub(crate) const SENDING: Flags = Flags(1 << 2);
    /// A shutdown is in flight.
    pub(crate) const SHUTTING: Flags = Flags(1 << 3);
    /// The peer's name is being asked for.
    pub(crate) const NAMING: Flags = Flags(1 << 4);
    /// The poll or receive in flight was told to end.
    pub(crate) const DISARMING: Flags = Flags(1 << 5);
    /// The outbox's send in flight was told to end.
    pub(crate) const UNSENDING: Flags = Flags(1 << 6);
    /// There was data lately: a receive is worth its memory.
    pub(crate) const WARM: Flags = Flags(1 << 7);
    /// There was data since the last look at it.
    pub(crate) const BUSY: Flags = Flags(1 << 8);
    /// The handler wants no more data.
    pub(crate) const PAUSED: Flags = Flags(1 << 9);
    /// Waits for a free receive buffer.
    pub(crate) const STARVED: Flags = Flags(1 << 10);
    /// The peer's end, or an error, was seen: nothing more will arrive.
    pub(crate) const ENDED: Flags = Flags(1 << 11);
    /// An error was seen: nothing can be sent either.
    pub(crate) const BROKEN: Flags = Flags(1 << 12);
    /// In the list of those whose operations need a look.
    pub(crate) const TOUCHED: Flags = Flags(1 << 13);
    /// In the list of those with a segment to send.
    pub(crate) const WRITTEN: Flags = Flags(1 << 14);
    /// A segment was submitted that may still turn out short.
    pub(crate) const SUBMITTED: Flags = Flags(1 << 15);
    /// In the queue of those that lose their receive when they fall silent.
    pub(crate) const COOLING: Flags = Flags(1 << 16);
    /// A poll said that there is something: one receive will tell what.
    pub(crate) const STIRRED: Flags = Flags(1 << 18);
    /// Closed, with so much left to send that there is a time limit to it.
    pub(crate) const TIMED: Flags = Flags(1 << 17);
    /// What is written leaves by a sealer only.
    pub(crate) const SEALED: Flags = Flags(1 << 19);
    /// In the list of those that have something for the sealer.
    pub(crate) const SEAL_DUE: Flags = Flags(1 << 20);
    /// The segment is what was written this turn, not sealed yet.
    pub(crate) const PLAIN: Flags = Flags(1 << 21);
    /// The sealer has ended the stream.
    pub(crate) const FINISHED: Flags = Flags(1 << 22);

    /// In the queue of those whose outbox is to be looked at.
    pub(crate) const WATCHED: Flags = Flags(1 << 23);
    /// More waits for the peer than may. Only a last word is still taken.
    pub(crate) const OVERFULL: Flags = Flags(1 << 24);
    /// The peer shall get a reset.
    pub(crate) const RESET: Flags = Flags(1 << 25);

    pub(crate) const IN_FLIGHT: Flags = Flags(0b1_1111);
    pub(crate) const ARMED: Flags = Flags(0b11);

    /// Whether any of `other` is in here.
    pub(crate) const fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn insert(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    pub(crate) fn remove(&mut self, other: Flags) {
        self.0 &= !other.0;
    }

    pub(crate) const fn or(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// One connection. This is all that an idle one costs here.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    /// What was written this turn, in the arena; until the next write, what was sent last.
    pub(crate) segment: Segment,
    pub(crate) phase: Phase,
    pub(crate) flags: Flags,
    /// Receive buffers thrown away since the handler let go.
    pub(crate) discarded: u8,
    /// When the last lone datum came, as `arming` counts the time.
    pub(crate) stirred: u8,
    /// What the kernel refused to take so far.
    pub(crate) outbox: Option<Box<Outbox>>,
}

const _: () = assert!(size_of::<Slot>() <= 32, "a million idle connections pay for every byte");

impl Slot {
    const UNUSED: Slot = Slot {
        generation: 0,
        segment: Segment::EMPTY,
        phase: Phase::Free,
        flags: Flags(0),
        discarded: 0,
        stirred: 0,
        outbox: None,
    };

    /// The outbox, which counts for `sum`.
    pub(crate) fn outbox_mut(&mut self, sum: &Sum) -> &mut Outbox {
        self.outbox.get_or_insert_with(|| Box::new(Outbox::new(sum)))
    }
}

/// All slots that were ever in use; the table grows as the kernel hands out higher ones, in address
/// space that it has from the start.
#[derive(Debug)]
pub(crate) struct Slots {
    table: Vec<Slot>,
    used: u32,
}

impl Slots {
    /// Slots for a ring's whole table of descriptors.
    pub(crate) fn with_capacity(slots: u32) -> Self {
        Self { table: Vec::with_capacity(slots as usize), used: 0 }
    }

    /// Gives the slot, which the kernel says is free, to a new connection.
    pub(crate) fn open(&mut self, index: u32, phase: Phase) -> ConnId {
        let wanted = index as usize + 1;
        if self.table.len() < wanted {
            self.table.resize_with(wanted, || Slot::UNUSED);
        }
        let slot = &mut self.table[index as usize];
        debug_assert_eq!(slot.phase, Phase::Free);
        let generation = slot.generation.wrapping_add(1);
        *slot = Slot { generation, phase, flags: Flags::WARM, ..Slot::UNUSED };
        self.used += 1;
        ConnId::new(index, generation)
    }

    /// Takes the slot back; its number may come again with the next connection.
    pub(crate) fn release(&mut self, index: u32) {
        let slot = &mut self.table[index as usize];
        debug_assert!(slot.phase != Phase::Free && !slot.flags.any(Flags::IN_FLIGHT));
        *slot = Slot { generation: slot.generation, ..Slot::UNUSED };
        self.used -= 1;
    }

    /// The record of a connection that has not been released yet.
    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Slot> {
        let slot = self.table.get_mut(conn.slot as usize)?;
        (slot.generation == conn.generation && slot.phase != Phase::Free).then_some(slot)
    }

    /// The same, for those that the handler still holds.
    pub(crate) fn open_mut(&mut self, conn: ConnId) -> Option<&mut Slot> {
        self.get_mut(conn).filter(|slot| slot.phase == Phase::Open)
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Slot> {
        let slot = self.table.get(conn.slot as usize)?;
        (slot.generation == conn.generation && slot.phase != Phase::Free).then_some(slot)
    }

    /// Whoever is in the slot now.
    pub(crate) fn tenant_mut(&mut self, index: u32) -> Option<(ConnId, &mut Slot)> {
        let slot = self.table.get_mut(index as usize)?;
        (slot.phase != Phase::Free).then_some((ConnId::new(index, slot.generation), slot))
    }

    /// All connections that have not been released yet.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = (ConnId, &Slot)> {
        let all = (0..).zip(&self.table).filter(|(_, slot)| slot.phase != Phase::Free);
        all.map(|(index, slot)| (ConnId::new(index, slot.generation), slot))
    }

    /// One past the highest slot that was ever in use.
    pub(crate) fn span(&self) -> u32 {
        self.table.len() as u32
    }

    pub(crate) fn used(&self) -> u32 {
        self.used
    }
}
