//! From a written segment to the kernel, or to the outbox if the kernel won't take it.

use std::io;
use std::sync::Arc;

use crate::arena::{Arena, Segment};
use crate::io::{Closed, Event, Io};
use crate::ring::{Completion, Ring};
use crate::slots::{ConnId, Flags, Phase, Slot};
use crate::token::{Op, Token};

impl Io {
    pub(crate) fn append(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(slot) = self.slots.open_mut(conn) else { return };
        if slot.flags.any(Flags::OVERFULL) && self.parting != Some(conn) {
            return;
        }
        if let Some(outbox) = &mut slot.outbox {
            outbox.append(write);
            self.check_unsent(conn);
            return;
        }
        if slot.flags.any(Flags::SEALED) {
            return self.append_plain(conn, write);
        }
        let written = slot.flags.any(Flags::WRITTEN);
        let segment = if written { slot.segment } else { Segment::EMPTY };
        slot.segment = self.arena.append(segment, write);
        if !written && slot.segment.len() > 0 {
            slot.flags.insert(Flags::WRITTEN);
            self.written.push(conn.slot());
        }
        if self.arena.len() > Arena::MAX {
            self.let_go(conn, Phase::Ending, Closed::SlowReader);
        }
    }

    pub(crate) fn append_shared(&mut self, conn: ConnId, bytes: Arc<[u8]>) {
        self.move_plain_to_outbox(conn);
        let Some(slot) = self.slots.open_mut(conn) else { return };
        if slot.flags.any(Flags::OVERFULL) {
            return;
        }
        if slot.flags.any(Flags::WRITTEN) && !slot.flags.any(Flags::SEALED) {
            // What was written this turn goes first.
            slot.flags.remove(Flags::WRITTEN);
            let segment = self.arena.bytes(slot.segment);
            slot.outbox_mut(&self.unsent_sum).append(|out| out.extend_from_slice(segment));
        }
        slot.outbox_mut(&self.unsent_sum).append_shared(bytes);
        self.check_unsent(conn);
    }

    /// Submits one send for each connection that was written to.
    pub(crate) fn send_segments(&mut self, ring: &mut Ring) -> io::Result<()> {
        for index in self.written.drain(..) {
            let Some((conn, slot)) = self.slots.tenant_mut(index) else { continue };
            if !slot.flags.any(Flags::WRITTEN) {
                continue;
            }
            slot.flags.remove(Flags::WRITTEN);
            slot.flags.insert(Flags::SUBMITTED);
            let bytes = self.arena.bytes(slot.segment);
            self.counters.sends += 1;
            self.counters.sent_bytes += bytes.len() as u64;
            // SAFETY: the send copies or refuses the bytes while the ring is entered, and nothing
            // is written to the arena, nor is it cleared, before that.
            unsafe { ring.send_now(index, bytes, token(Op::Send, conn))? };
        }
        Ok(())
    }

    /// Forgets the turn's writes, all of which were submitted and, where refused, heard of.
    pub(crate) fn clear_segments(&mut self) {
        self.arena.clear();
    }

    /// A segment's send took less than all of it.
    pub(crate) fn on_sent_short(&mut self, completion: Completion) {
        let conn = ConnId::new(completion.token.slot, completion.token.generation);
        let Some(slot) = self.slots.get_mut(conn) else { return };
        let sent = match completion.result {
            result if result >= 0 => result as usize,
            result if result == -libc::EAGAIN => 0,
            result => return self.on_broken(conn, -result),
        };
        if !matches!(slot.phase, Phase::Open | Phase::Leaving | Phase::Flushing) {
            return;
        }
        let rest = &self.arena.bytes(slot.segment)[sent..];
        if rest.is_empty() {
            return;
        }
        self.counters.sends_short += 1;
        self.counters.sends_refused += u64::from(sent == 0);
        slot.outbox_mut(&self.unsent_sum).begin_with(rest);
        self.check_unsent(conn);
    }

    /// Submits a send from the outbox, unless one is in flight.
    pub(crate) fn send_unsent(conn: ConnId, slot: &mut Slot, ring: &mut Ring) -> io::Result<()> {
        if slot.flags.any(Flags::SENDING) {
            return Ok(());
        }
        let sealed = slot.flags.any(Flags::SEALED);
        // Of a sealed connection only what has been sealed may go.
        let ready = slot.outbox.as_mut().filter(|outbox| !sealed || outbox.is_in_flight());
        let Some(bytes) = ready.and_then(|outbox| outbox.next()) else { return Ok(()) };
        slot.flags.insert(Flags::SENDING);
        // SAFETY: the outbox keeps a piece in place until it is sent, and a slot keeps its outbox
        // until nothing is in flight.
        unsafe { ring.send_all(conn.slot(), bytes, token(Op::SendUnsent, conn)) }
    }

    /// A send from the outbox is done, in whole or in part.
    pub(crate) fn on_sent_unsent(&mut self, completion: Completion) {
        let conn = ConnId::new(completion.token.slot, completion.token.generation);
        let Some(slot) = self.slots.get_mut(conn) else { return };
        let cancelled = slot.flags.any(Flags::UNSENDING);
        slot.flags.remove(Flags::SENDING.or(Flags::UNSENDING));
        let Some(outbox) = &mut slot.outbox else { return };
        match completion.result {
            result if result >= 0 => outbox.sent(result as usize),
            result if matches!(-result, libc::EAGAIN | libc::EINTR) => {}
            result if result == -libc::ECANCELED && cancelled => {}
            result => return self.on_broken(conn, -result),
        }
        if outbox.is_empty() {
            slot.outbox = None;
            if slot.phase == Phase::Open {
                self.events.push_back(Event::Drained(conn));
            }
        }
        self.seal_soon(conn);
        self.touch(conn);
    }

    /// Has the outbox sent, and watched. Where there is more in it than may be, the handler gets to
    /// write a last word. One that was closed can't grow any more.
    pub(crate) fn check_unsent(&mut self, conn: ConnId) {
        let sum = self.unsent_sum.get();
        let Some(slot) = self.slots.get_mut(conn) else { return };
        let too_much = slot.outbox.as_deref().is_some_and(|outbox| {
            outbox.unsent() > self.unsent_max
                || outbox.shared() > self.unsent_shared_max
                || sum > self.unsent_sum_max
        });
        if too_much && slot.phase == Phase::Open && !slot.flags.any(Flags::OVERFULL) {
            slot.flags.insert(Flags::OVERFULL);
            self.events.push_back(Event::Overflowed(conn));
        }
        if slot.outbox.is_some() && !slot.flags.any(Flags::WATCHED) {
            slot.flags.insert(Flags::WATCHED);
            self.watched.push(self.clock.now(), conn);
        }
        self.seal_soon(conn);
        self.touch(conn);
    }

    /// Hears the handler's last word for a connection with more waiting than may, and closes it.
    pub(crate) fn part(&mut self, conn: ConnId, last_word: impl FnOnce(&mut Self)) {
        if self.slots.open_mut(conn).is_none() {
            return;
        }
        self.parting = Some(conn);
        last_word(self);
        self.parting = None;
        self.let_go(conn, Phase::Flushing, Closed::SlowReader);
    }

    /// Gives up the peers for whom something waits that hardly moves.
    pub(crate) fn expire_stalled(&mut self) {
        let now = self.clock.now();
        while let Some(conn) = self.watched.pop_due(now) {
            let Some(slot) = self.slots.get_mut(conn) else { continue };
            slot.flags.remove(Flags::WATCHED);
            let Some(outbox) = &mut slot.outbox else { continue };
            if outbox.is_stalled(self.stall_bytes) {
                self.let_go(conn, Phase::Ending, Closed::SlowReader);
            } else {
                slot.flags.insert(Flags::WATCHED);
                self.watched.push(now, conn);
            }
        }
    }
}

pub(crate) fn token(op: Op, conn: ConnId) -> Token {
    Token::new(op, conn.slot(), conn.generation())
}
