//! Connections whose bytes become others on their way out, as by encryption.
//!
//! The reactor knows no cipher. It keeps what is written to a *sealed* connection apart, and has a
//! [`Sealer`] turn it into what the wire carries: all that was written in one turn at once, so that
//! it still leaves as one send. What waits for a slow reader waits unsealed, and is sealed piece by
//! piece as the kernel takes it; a shared body thus costs no copy of its own while it waits.
//!
//! Nothing that was written to a sealed connection can leave without its sealer. What arrives is
//! handed to the handler as it came.

use crate::arena::{Arena, Segment};
use crate::io::{Closed, Io};
use crate::slots::{ConnId, Flags, Phase};

/// Turns what was written to sealed connections into what their wires carry.
pub trait Sealer {
    /// Appends to `wire` what carries `plain`, before it whatever the sealer itself has to say.
    /// `plain` is empty where there is only that: after [`Io::seal_soon`].
    fn seal(&mut self, conn: ConnId, plain: &[u8], wire: &mut Vec<u8>);

    /// Appends the end of the stream: a connection is being closed in good order, and all that was
    /// written to it has been sealed.
    fn finish(&mut self, conn: ConnId, wire: &mut Vec<u8>);

    /// The connection is gone, and so is its slot. Heard once for every sealed one.
    fn released(&mut self, conn: ConnId);
}

/// What all sealed connections of a reactor share.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    /// Where a turn's writes to them are gathered.
    plain: Arena,
    /// Slots with something for the sealer.
    due: Vec<u32>,
    /// Those that the sealer may forget.
    released: Vec<ConnId>,
}

impl Sealing {
    /// Whether the sealer has nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.due.is_empty()
    }
}

impl Io {
    /// Seals a connection: what is written to it from now on leaves only by a [`Sealer`], see
    /// [`crate::Reactor::seal`]. To be called when the connection is opened.
    pub fn seal(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.open_mut(conn) {
            debug_assert!(!slot.flags.any(Flags::WRITTEN) && slot.outbox.is_none());
            slot.flags.insert(Flags::SEALED);
        }
    }

    /// Has the sealer asked for this connection before the next wait, even if nothing is written.
    pub fn seal_soon(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.get_mut(conn)
            && slot.flags.any(Flags::SEALED)
            && !slot.flags.any(Flags::SEAL_DUE)
        {
            slot.flags.insert(Flags::SEAL_DUE);
            self.sealing.due.push(conn.slot());
        }
    }

    /// Lets `write` append to what the sealer will be given of an open connection without outbox.
    pub(crate) fn append_plain(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(slot) = self.slots.open_mut(conn) else { return };
        let segment = if slot.flags.any(Flags::PLAIN) { slot.segment } else { Segment::EMPTY };
        slot.segment = self.sealing.plain.append(segment, write);
        if slot.segment.len() > 0 {
            slot.flags.insert(Flags::PLAIN);
            self.seal_soon(conn);
        }
        if self.sealing.plain.len() > Arena::MAX {
            self.let_go(conn, Phase::Ending, Closed::SlowReader);
        }
    }

    /// Moves what was written this turn to the outbox, ahead of what must not overtake it.
    pub(crate) fn move_plain_to_outbox(&mut self, conn: ConnId) {
        let Some(slot) = self.slots.open_mut(conn) else { return };
        if slot.flags.any(Flags::PLAIN) {
            slot.flags.remove(Flags::PLAIN);
            let plain = self.sealing.plain.bytes(slot.segment);
            slot.outbox_mut(&self.unsent_sum).append(|out| out.extend_from_slice(plain));
        }
    }

    /// The slot of a sealed connection is free.
    pub(crate) fn tell_released(&mut self, conn: ConnId) {
        self.sealing.released.push(conn);
    }

    /// Has everything sealed that can leave now.
    pub(crate) fn seal_due(&mut self, sealer: &mut impl Sealer) {
        let mut due = std::mem::take(&mut self.sealing.due);
        for index in due.drain(..) {
            self.seal_one(index, sealer);
        }
        self.sealing.due = due; // keep the allocation
        self.sealing.plain.clear();
        for conn in self.sealing.released.drain(..) {
            sealer.released(conn);
        }
    }

    fn seal_one(&mut self, index: u32, sealer: &mut impl Sealer) {
        let Some((conn, slot)) = self.slots.tenant_mut(index) else { return };
        slot.flags.remove(Flags::SEAL_DUE);
        let written = slot.flags.any(Flags::PLAIN);
        slot.flags.remove(Flags::PLAIN);
        let closing = slot.phase == Phase::Flushing && !slot.flags.any(Flags::FINISHED);
        if slot.phase != Phase::Open && !closing || slot.flags.any(Flags::BROKEN) {
            return;
        }
        let finished = match &mut slot.outbox {
            // What is in flight stays as it is; its end brings us back here.
            Some(outbox) if outbox.is_in_flight() => return,
            Some(outbox) => outbox.seal_next(|plain, last, wire| {
                sealer.seal(conn, plain, wire);
                if closing && last {
                    sealer.finish(conn, wire);
                }
            }),
            None => {
                let plain = match written {
                    true => self.sealing.plain.bytes(slot.segment),
                    false => &[],
                };
                slot.segment = self.arena.append(Segment::EMPTY, |wire| {
                    sealer.seal(conn, plain, wire);
                    if closing {
                        sealer.finish(conn, wire);
                    }
                });
                if slot.segment.len() > 0 {
                    slot.flags.insert(Flags::WRITTEN);
                    self.written.push(index);
                }
                true
            }
        };
        if closing && finished {
            slot.flags.insert(Flags::FINISHED);
        }
        if closing || slot.outbox.is_some() {
            self.touch(conn);
        }
    }
}
