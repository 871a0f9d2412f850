//! Between the reactor and the desk: PROXY headers first, then TLS, each where the listener has it.
//! What the desk hears is HTTP and WebSocket.

use std::io;

use whisper_reactor::{Cargo, Closed, ConnId, Handler, Io, Opened};

use super::desk::Desk;
use super::guest::Guest;
use crate::config::Service;
use crate::tls::{Stage, Streams};

/// A worker, as its reactor sees it.
pub(super) struct Front<'a> {
    pub(super) desk: &'a mut Desk,
    pub(super) streams: &'a mut Streams,
}

impl Front<'_> {
    /// Lets handshakes begin whose owners have answered, and those go on that were waiting for a
    /// turn with time for them.
    pub(super) fn go_on(&mut self, io: &mut Io) {
        // Nobody can set out from a frozen worker, and its process is about to shake no more hands.
        if !self.desk.frozen {
            self.set_out_again(io);
            self.begin_decided(io);
            self.streams.go_on(io, |io, conn, plain| self.desk.hear(io, conn, plain));
        }
        self.hear_answers(io);
    }

    /// Hears what owners have answered, and goes on with whoever waited for it.
    fn hear_answers(&mut self, io: &mut Io) {
        self.desk.hear_answers(io);
        if !self.desk.frozen {
            self.begin_decided(io);
        }
    }

    fn begin_decided(&mut self, io: &mut Io) {
        while let Some((conn, mut wire)) = self.desk.decided.pop_front() {
            if self.desk.may_shake(io, conn, &wire) {
                self.take(io, conn, &mut wire);
            }
        }
    }

    fn take(&mut self, io: &mut Io, conn: ConnId, wire: &mut [u8]) {
        let hear = |io: &mut Io, plain: &mut [u8]| self.desk.hear(io, conn, plain);
        self.streams.received(io, conn, wire, hear);
    }
}

impl Handler for Front<'_> {
    fn opened(&mut self, io: &mut Io, conn: ConnId, how: Opened) {
        let Opened::Accepted { listener, peer } = how else { return };
        let service = self.desk.common.services.get(listener as usize).copied().unwrap_or_default();
        if service == Service::Tls {
            self.streams.open(io, conn);
        }
        self.desk.let_in(io, conn, listener, Guest::new(peer.ip(), service));
        self.hear_answers(io);
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let mut input = bytes;
        if self.desk.read_header(io, conn, &mut input) {
            match self.streams.stage(conn) {
                None => self.desk.hear(io, conn, input),
                Some(Stage::Begun) => self.take(io, conn, input),
                Some(Stage::Fresh) => {
                    // Where a PROXY header came first, the answer may just be there.
                    self.hear_answers(io);
                    if self.desk.may_shake(io, conn, input) {
                        self.take(io, conn, input);
                    }
                }
            }
        }
        self.hear_answers(io);
    }

    fn detached(&mut self, io: &mut Io, conn: ConnId) {
        self.send_home(io, conn);
    }

    fn arrived(&mut self, io: &mut Io, conn: ConnId, cargo: Cargo) {
        self.take_in(io, conn, cargo);
        self.hear_answers(io);
    }

    fn returned(&mut self, io: &mut Io, conn: ConnId, cargo: Cargo, error: io::Error) {
        tracing::warn!(%error, "a connection can't be moved to its person's home");
        self.arrived(io, conn, cargo);
    }

    fn overflowed(&mut self, io: &mut Io, conn: ConnId) {
        self.desk.overflowed(io, conn);
    }

    fn closed(&mut self, io: &mut Io, conn: ConnId, _why: Closed) {
        self.desk.closed(io, conn);
        self.hear_answers(io);
    }
}
