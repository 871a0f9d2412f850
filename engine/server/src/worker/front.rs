//! Between the reactor and the desk: PROXY headers first, then TLS, each where the listener has it.
//! What the desk hears is HTTP and WebSocket.

use whisper_reactor::{Closed, ConnId, Handler, Io, Opened};

use super::desk::Desk;
use super::guest::Guest;
use crate::config::Service;
use crate::tls::Streams;

/// A worker, as its reactor sees it.
pub(super) struct Front<'a> {
    pub(super) desk: &'a mut Desk,
    pub(super) streams: &'a mut Streams,
}

impl Front<'_> {
    /// Lets handshakes go on that were waiting for a turn with time for them.
    pub(super) fn go_on(&mut self, io: &mut Io) {
        self.streams.go_on(io, |io, conn, plain| self.desk.hear(io, conn, plain));
        self.desk.hear_answers(io);
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
        self.desk.hear_answers(io);
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let mut input = bytes;
        if self.desk.read_header(io, conn, &mut input) {
            if self.streams.has(conn) {
                let hear = |io: &mut Io, plain: &mut [u8]| self.desk.hear(io, conn, plain);
                self.streams.received(io, conn, input, hear);
            } else {
                self.desk.hear(io, conn, input);
            }
        }
        self.desk.hear_answers(io);
    }

    fn overflowed(&mut self, io: &mut Io, conn: ConnId) {
        self.desk.overflowed(io, conn);
    }

    fn closed(&mut self, io: &mut Io, conn: ConnId, _why: Closed) {
        self.desk.closed(io, conn);
        self.desk.hear_answers(io);
    }
}
