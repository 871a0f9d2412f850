//! How a connection ends: flush, FIN, linger, cancel, close.
//!
//! - *Flushing*: what was written leaves. Input is thrown away.
//! - *Lingering*: FIN was sent; input is still thrown away until the peer's own end, for a bounded
//!   time and amount. Closing a socket with unread input would reset it, and the reset could
//!   destroy our last bytes before the peer has read them.
//! - *Ending*: whatever is in flight is cancelled. The slot is closed after the last completion,
//!   because an operation in flight keeps the socket open behind a closed slot. Where something is
//!   left unsent the peer gets a reset, and what the kernel holds for it is dropped as well.

use std::io;

use crate::io::{Closed, Event, Io};
use crate::ring::{Completion, Ring};
use crate::sends::token;
use crate::slots::{ConnId, Flags, Phase, Slot};
use crate::token::Op;

impl Io {
    /// Takes an open connection from the handler, who will hear why.
    pub(crate) fn let_go(&mut self, conn: ConnId, phase: Phase, why: Closed) {
        let Some(slot) = self.slots.get_mut(conn) else { return };
        match slot.phase {
            held if held.is_held() => self.events.push_back(Event::Closed(conn, why)),
            // Told before; a flush or linger may still be cut short.
            Phase::Flushing | Phase::Lingering if phase == Phase::Ending => {}
            _ => return,
        }
        self.descend(conn, phase, why);
    }

    /// The handler reaches the point where the connection ended by itself. Answers why, unless it
    /// had let go before.
    pub(crate) fn end(&mut self, conn: ConnId, errno: i32) -> Option<Closed> {
        let slot = self.slots.get_mut(conn)?;
        // Wherever it goes, the peer's end will be seen there as well.
        if !slot.phase.is_held() || errno == 0 && slot.phase != Phase::Open {
            return None;
        }
        let (phase, why) = match errno {
            0 => (Phase::Flushing, Closed::Peer),
            libc::ECONNRESET | libc::EPIPE => (Phase::Ending, Closed::Reset),
            errno => (Phase::Ending, Closed::Error(errno)),
        };
        self.descend(conn, phase, why);
        Some(why)
    }

    /// A send or receive failed.
    pub(crate) fn on_broken(&mut self, conn: ConnId, errno: i32) {
        let Some(slot) = self.slots.get_mut(conn) else { return };
        slot.flags.insert(Flags::ENDED.or(Flags::BROKEN));
        if slot.phase.is_held() {
            self.events.push_back(Event::Ended(conn, errno));
        }
        self.touch(conn);
    }

    pub(crate) fn on_shut(&mut self, completion: Completion) {
        let conn = ConnId::new(completion.token.slot, completion.token.generation);
        let Some(slot) = self.slots.get_mut(conn) else { return };
        slot.flags.remove(Flags::SHUTTING);
        if completion.result < 0 {
            slot.flags.insert(Flags::ENDED.or(Flags::BROKEN));
        }
        self.touch(conn);
    }

    /// Ends the patience with closed connections whose time is up.
    pub(crate) fn expire_closing(&mut self) {
        let now = self.clock.now();
        while let Some(conn) = self.flushing.pop_due(now) {
            if self.slots.get(conn).is_some_and(|slot| slot.phase == Phase::Flushing) {
                self.let_go(conn, Phase::Ending, Closed::Local);
            }
        }
        while let Some(conn) = self.lingering.pop_due(now) {
            if self.slots.get(conn).is_some_and(|slot| slot.phase == Phase::Lingering) {
                self.let_go(conn, Phase::Ending, Closed::Local);
            }
        }
    }

    /// Moves a closed connection on, as far as it can go now.
    pub(crate) fn settle_closing(&mut self, conn: ConnId, ring: &mut Ring) -> io::Result<()> {
        let Some(slot) = self.slots.get_mut(conn) else { return Ok(()) };
        if slot.phase == Phase::Flushing {
            if slot.flags.any(Flags::BROKEN) {
                slot.phase = Phase::Ending;
            } else if slot.outbox.is_some() {
                Self::send_unsent(conn, slot, ring)?;
                if !slot.flags.any(Flags::TIMED) {
                    slot.flags.insert(Flags::TIMED);
                    self.flushing.push(self.clock.now(), conn);
                }
            } else if slot.flags.any(Flags::SUBMITTED) {
                // The last segment is on its way; the next look knows whether it fell short.
                slot.flags.remove(Flags::SUBMITTED);
                self.touch(conn);
                return Ok(());
            } else if slot.flags.any(Flags::SEALED) && !slot.flags.any(Flags::FINISHED) {
                // The sealer has the last word.
                return Ok(());
            } else if slot.flags.any(Flags::ENDED) {
                slot.phase = Phase::Ending;
            } else {
                slot.phase = Phase::Lingering;
                slot.flags.insert(Flags::SHUTTING);
                ring.shutdown(conn.slot(), token(Op::Shutdown, conn))?;
                self.lingering.push(self.clock.now(), conn);
            }
        }
        if slot.phase == Phase::Lingering
            && (slot.flags.any(Flags::ENDED) || slot.discarded >= self.linger_buffers)
        {
            slot.phase = Phase::Ending;
        }
        if slot.phase != Phase::Ending {
            return self.arm(conn, ring);
        }
        cancel_all(conn, slot, ring)?;
        if !slot.flags.any(Flags::IN_FLIGHT) {
            let sealed = slot.flags.any(Flags::SEALED);
            if slot.outbox.is_some() || slot.flags.any(Flags::RESET) {
                // Not all of it was sent, and the peer may not take this for the end. Nor would
                // the kernel ever be rid of what it has for a peer that doesn't read.
                ring.reset_at_close(conn.slot())?;
            }
            ring.close(conn.slot())?;
            self.slots.release(conn.slot());
            if sealed {
                self.tell_released(conn);
            }
        }
        Ok(())
    }

    fn descend(&mut self, conn: ConnId, phase: Phase, why: Closed) {
        let Some(slot) = self.slots.get_mut(conn) else { return };
        if slot.phase.is_held() {
            self.counters.closed += 1;
            self.counters.slow_readers += u64::from(why == Closed::SlowReader);
        }
        if matches!(slot.phase, Phase::Leaving | Phase::Still) {
            self.moving.forget(conn);
        }
        slot.phase = phase;
        slot.flags.remove(Flags::PAUSED);
        if phase == Phase::Ending {
            slot.flags.remove(Flags::WRITTEN);
        }
        self.seal_soon(conn);
        self.touch(conn);
    }
}

/// Has whatever is in flight end, but for what ends by itself at once.
pub(crate) fn cancel_all(conn: ConnId, slot: &mut Slot, ring: &mut Ring) -> io::Result<()> {
    Io::disarm(conn, slot, ring)?;
    if slot.flags.any(Flags::SENDING) && !slot.flags.any(Flags::UNSENDING) {
        slot.flags.insert(Flags::UNSENDING);
        ring.cancel(token(Op::SendUnsent, conn))?;
    }
    Ok(())
}
