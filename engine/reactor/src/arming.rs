//! What waits for a connection's data: a poll while it is quiet, a receive while it is busy.
//!
//! The poll is the cheaper one to hold, the receive the cheaper one to use. A poll ends with the
//! first data, which is fetched by itself: a lone pong is no reason to keep a receive. What follows
//! soon has a multishot receive take over; a look at the busy ones every `quiet` turns those back
//! that were silent since the last look. So a connection is looked at once per `quiet` while it is
//! busy and never while it is idle.

use std::io;

use crate::buffers::Buffers;
use crate::closing::cancel_all;
use crate::deadlines::{Clock, Deadlines};
use crate::io::{Event, Io};
use crate::ring::{Completion, Ring};
use crate::sends::token;
use crate::slots::{ConnId, Flags, Phase, Slot};
use crate::token::Op;

/// Connections looked at for silence in one turn.
const COOL_PER_TURN: usize = 256;

impl Io {
    /// Makes the operations in flight what they should be, for all connections that were touched.
    pub(crate) fn settle(&mut self, ring: &mut Ring) -> io::Result<()> {
        let mut touched = std::mem::take(&mut self.touched);
        for index in touched.drain(..) {
            let Some((conn, slot)) = self.slots.tenant_mut(index) else { continue };
            slot.flags.remove(Flags::TOUCHED);
            match slot.phase {
                Phase::Free | Phase::Arriving | Phase::Still | Phase::Passing => {}
                Phase::Ending => self.settle_closing(conn, ring)?,
                _ if self.frozen => cancel_all(conn, slot, ring)?,
                Phase::Leaving => self.settle_leaving(conn, ring)?,
                Phase::Open => {
                    Self::send_unsent(conn, slot, ring)?;
                    self.arm(conn, ring)?;
                }
                Phase::Flushing | Phase::Lingering => self.settle_closing(conn, ring)?,
            }
        }
        if self.touched.is_empty() {
            self.touched = touched; // keep the allocation
        }
        Ok(())
    }

    /// Has the right operation wait for data, or none.
    pub(crate) fn arm(&mut self, conn: ConnId, ring: &mut Ring) -> io::Result<()> {
        let Some(slot) = self.slots.get_mut(conn) else { return Ok(()) };
        let fed_up = slot.discarded >= self.linger_buffers;
        let warm = slot.flags.any(Flags::WARM);
        if slot.flags.any(Flags::ARMED) {
            let cooled = slot.flags.any(Flags::RECEIVING) && !warm;
            if slot.flags.any(Flags::PAUSED) || fed_up || cooled {
                Self::disarm(conn, slot, ring)?;
            }
            return Ok(());
        }
        if slot.flags.any(Flags::PAUSED.or(Flags::ENDED).or(Flags::STARVED)) || fed_up {
            return Ok(());
        }
        if !warm && slot.flags.any(Flags::STIRRED) {
            slot.flags.remove(Flags::STIRRED);
            slot.flags.insert(Flags::RECEIVING);
            self.counters.receive_armed_now += 1;
            return ring.receive_now(conn.slot(), token(Op::Receive, conn));
        }
        if !warm {
            slot.flags.insert(Flags::POLLING);
            self.counters.poll_armed_now += 1;
            return ring.poll(conn.slot(), token(Op::Poll, conn));
        }
        if !slot.flags.any(Flags::COOLING) {
            slot.flags.insert(Flags::COOLING);
            self.cooling.push(self.clock.now(), conn);
        }
        slot.flags.insert(Flags::RECEIVING);
        self.counters.receive_armed_now += 1;
        ring.receive(conn.slot(), token(Op::Receive, conn))
    }

    /// Tells the poll or receive in flight to end.
    pub(crate) fn disarm(conn: ConnId, slot: &mut Slot, ring: &mut Ring) -> io::Result<()> {
        if !slot.flags.any(Flags::ARMED) || slot.flags.any(Flags::DISARMING) {
            return Ok(());
        }
        slot.flags.insert(Flags::DISARMING);
        let op = if slot.flags.any(Flags::RECEIVING) { Op::Receive } else { Op::Poll };
        ring.cancel(token(op, conn))
    }

    pub(crate) fn on_poll(&mut self, completion: Completion) {
        let conn = ConnId::new(completion.token.slot, completion.token.generation);
        let Some(slot) = self.slots.get_mut(conn) else { return };
        if !completion.more() {
            slot.flags.remove(Flags::POLLING.or(Flags::DISARMING));
            self.counters.poll_armed_now -= 1;
        }
        if completion.result != -libc::ECANCELED {
            // Data, the peer's end or an error: a receive will tell which.
            let lately = era(&self.clock, &self.cooling).wrapping_sub(slot.stirred) <= 1;
            slot.flags.insert(if lately { Flags::WARM.or(Flags::BUSY) } else { Flags::STIRRED });
        }
        self.touch(conn);
    }

    pub(crate) fn on_received(&mut self, completion: Completion, buffers: &mut Buffers) {
        let conn = ConnId::new(completion.token.slot, completion.token.generation);
        let buffer = completion.buffer();
        if buffer.is_some() {
            buffers.lend();
        }
        let Some(slot) = self.slots.get_mut(conn) else {
            return buffer.into_iter().for_each(|id| buffers.recycle(id));
        };
        let ended = !completion.more();
        if ended {
            slot.flags.remove(Flags::RECEIVING.or(Flags::DISARMING));
            self.counters.receive_armed_now -= 1;
        }
        match (completion.result, buffer) {
            (1.., Some(id)) if matches!(slot.phase, Phase::Open | Phase::Leaving) => {
                slot.flags.insert(Flags::BUSY);
                if !slot.flags.any(Flags::WARM) {
                    slot.stirred = era(&self.clock, &self.cooling);
                }
                self.counters.receives += 1;
                self.counters.received_bytes += completion.result as u64;
                self.events.push_back(Event::Received(conn, id, completion.result as u32));
                if ended {
                    self.touch(conn);
                }
                return;
            }
            (1.., _) => slot.discarded = slot.discarded.saturating_add(1),
            (0, _) => {
                slot.flags.insert(Flags::ENDED);
                if slot.phase == Phase::Open {
                    self.events.push_back(Event::Ended(conn, 0));
                }
            }
            (result, _) => match -result {
                libc::ENOBUFS => {
                    self.counters.receives_starved += 1;
                    slot.flags.insert(Flags::STARVED);
                    self.starved.push_back(conn);
                }
                libc::ECANCELED | libc::EAGAIN | libc::EINTR => {}
                errno => self.on_broken(conn, errno),
            },
        }
        buffer.into_iter().for_each(|id| buffers.recycle(id));
        self.touch(conn);
    }

    /// Lets as many starved connections receive again as there are buffers for them.
    pub(crate) fn feed(&mut self, buffers: &Buffers) {
        for _ in 0..buffers.free() {
            let Some(conn) = self.starved.pop_front() else { return };
            if let Some(slot) = self.slots.get_mut(conn) {
                slot.flags.remove(Flags::STARVED);
                self.touch(conn);
            }
        }
    }

    /// Turns those back to a poll that were silent since they were last looked at.
    pub(crate) fn cool(&mut self) {
        let now = self.clock.now();
        for _ in 0..COOL_PER_TURN {
            let Some(conn) = self.cooling.pop_due(now) else { return };
            let Some(slot) = self.slots.get_mut(conn) else { continue };
            if slot.flags.any(Flags::BUSY) {
                slot.flags.remove(Flags::BUSY);
                self.cooling.push(now, conn);
            } else {
                slot.flags.remove(Flags::WARM.or(Flags::COOLING));
                self.touch(conn);
            }
        }
    }
}

/// The time in lengths of `quiet`, wrapping: enough to tell «lately» from long ago, and where it
/// doesn't, a connection is warm once more than it need be.
fn era(clock: &Clock, cooling: &Deadlines<ConnId>) -> u8 {
    // A fresh slot says 0, which at the start was long ago.
    (clock.now() / cooling.delay() + 2) as u8
}
