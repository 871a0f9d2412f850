//! The TLS connections of one worker.
//!
//! Shaking hands is the costly part: some 100 µs a connection, where a message takes less than one.
//! So there is a budget of time for it in each turn; who comes when it is spent waits in line,
//! unread, and nobody's chat waits for more than that budget.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whisper_core::http::{Head, HeaderValue, Method, Status};
use whisper_reactor::{ConnId, Io, Sealer};
use whisper_tls::{Acceptor, Connection, Damage, Failure, Heard, Identities, Tickets, Zeroizing};

/// Time that handshakes may take in one turn, up to one handshake more.
const TURN_BUDGET: Duration = Duration::from_millis(1);

/// Handshakes under way at a time, each good for some 20 KB at most. Whoever begins one more is
/// turned away.
const HANDSHAKES_MAX: usize = 4096;

/// A worker's TLS connections, by their place in its reactor's descriptor table.
pub(crate) struct Streams {
    acceptor: Option<Acceptor>,
    tickets: Option<Tickets>,
    places: Vec<Option<Box<Stream>>>,
    /// Handshakes that wait for a turn with time for them.
    waiting: VecDeque<ConnId>,
    /// Time that was spent on handshakes in this turn.
    spent: Duration,
    tally: Tally,
}

/// The encryption of one connection.
pub(crate) struct Stream {
    connection: Connection,
    generation: u32,
    /// Counted among those that shake hands.
    shaking: bool,
    /// In line.
    queued: bool,
}

/// How far a TLS connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// None of its bytes was looked at: so far it has cost next to nothing.
    Fresh,
    /// It shakes hands, or has.
    Begun,
}

/// What a worker's TLS connections came to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Hands shaken in full.
    pub(crate) full: u64,
    /// Hands shaken by a ticket.
    pub(crate) resumed: u64,
    /// Handshakes that failed, or never ended.
    pub(crate) failed: u64,
    /// Handshakes that were not begun, because too many were under way.
    pub(crate) refused: u64,
    /// Connections that spoke something else than TLS.
    pub(crate) not_tls: u64,
    /// Connections that ended for a record that can't be.
    pub(crate) broken: u64,
    /// Microseconds spent on handshakes.
    pub(crate) micros: u64,
    /// Handshakes under way now.
    pub(crate) shaking: usize,
}

impl Streams {
    /// No connections yet; they can be accepted once there are identities.
    pub(crate) fn new(tls: Option<(Arc<Identities>, Tickets)>) -> Self {
        let acceptor = tls
            .as_ref()
            .map(|(identities, tickets)| Acceptor::new(Arc::clone(identities), tickets));
        Self {
            acceptor,
            tickets: tls.map(|(_, tickets)| tickets),
            places: Vec::new(),
            waiting: VecDeque::new(),
            spent: Duration::ZERO,
            tally: Tally::default(),
        }
    }

    /// From now on new connections are shown these. Nothing changes for the others.
    pub(crate) fn renew(&mut self, identities: Arc<Identities>) {
        if let Some(tickets) = &self.tickets {
            self.acceptor = Some(Acceptor::new(identities, tickets));
        }
    }

    /// A connection that shall speak TLS was accepted.
    pub(crate) fn open(&mut self, io: &mut Io, conn: ConnId) {
        io.seal(conn);
        let Some(acceptor) = &self.acceptor else { return io.abort(conn) };
        let connection = Connection::new(acceptor);
        let generation = conn.generation();
        self.put_in(
            conn,
            Box::new(Stream { connection, generation, shaking: false, queued: false }),
        );
    }

    /// Takes out what encrypts a connection whose hands are shaken, for it to go on elsewhere.
    pub(crate) fn take_out(&mut self, conn: ConnId) -> Option<Box<Stream>> {
        stream_mut(&mut self.places, conn).filter(|stream| !stream.shaking)?;
        self.places[conn.slot() as usize].take()
    }

    /// Puts it in again, here or at another worker.
    pub(crate) fn put_in(&mut self, conn: ConnId, mut stream: Box<Stream>) {
        stream.generation = conn.generation();
        let place = conn.slot() as usize;
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        // Who was in its place may be heard to be gone later.
        let before = self.places[place].replace(stream);
        self.gave_up(before.is_some_and(|stream| stream.shaking));
    }

    /// Whether hands are being shaken.
    pub(crate) fn is_shaking(&self) -> bool {
        self.tally.shaking > 0
    }

    /// Gives up all whose hands are being shaken: that is nothing that could go on elsewhere.
    pub(crate) fn give_up_shaking(&mut self, io: &mut Io) {
        for (slot, place) in (0..).zip(&self.places) {
            if let Some(stream) = place.as_ref().filter(|stream| stream.shaking) {
                io.abort(ConnId::from_bits(u64::from(stream.generation) << 32 | slot));
            }
        }
    }

    /// All that there is of a connection's encryption, for another process; None where it has none,
    /// or hands are being shaken.
    pub(crate) fn bequeath(&self, conn: ConnId) -> Option<Zeroizing<Vec<u8>>> {
        let stream = self.places.get(conn.slot() as usize)?.as_ref()?;
        (stream.generation == conn.generation()).then(|| stream.connection.bequeath())?
    }

    /// Goes on with what another process had of this connection.
    ///
    /// # Errors
    /// Where it can't be read, or TLS is spoken on no listener here.
    pub(crate) fn inherit(&mut self, conn: ConnId, bytes: &[u8]) -> Result<(), Damage> {
        let acceptor = self.acceptor.as_ref().ok_or(Damage::Content)?;
        let connection = Connection::inherit(acceptor, bytes)?;
        let (generation, shaking, queued) = (conn.generation(), false, false);
        self.put_in(conn, Box::new(Stream { connection, generation, shaking, queued }));
        Ok(())
    }

    /// How far a connection has come; None where it speaks no TLS.
    pub(crate) fn stage(&self, conn: ConnId) -> Option<Stage> {
        let stream = self.places.get(conn.slot() as usize)?.as_ref()?;
        let begun = stream.shaking || !stream.connection.is_handshaking();
        let stage = if begun { Stage::Begun } else { Stage::Fresh };
        (stream.generation == conn.generation()).then_some(stage)
    }

    /// Takes what came over a connection's wire, and has `hear` hear what it says. Whether a
    /// [fresh](Stage::Fresh) one may begin is the caller's to decide.
    pub(crate) fn received(
        &mut self,
        io: &mut Io,
        conn: ConnId,
        wire: &mut [u8],
        hear: impl FnMut(&mut Io, &mut [u8]),
    ) {
        let in_line = self.spent >= TURN_BUDGET || !self.waiting.is_empty();
        let Some(stream) = stream_mut(&mut self.places, conn) else { return };
        if !stream.connection.is_handshaking() {
            return self.take(io, conn, wire, hear);
        }
        if !stream.shaking {
            if self.tally.shaking >= HANDSHAKES_MAX {
                self.tally.refused += 1;
                return io.abort(conn);
            }
            stream.shaking = true;
            self.tally.shaking += 1;
        }
        if !in_line && !stream.queued {
            return self.take(io, conn, wire, hear);
        }
        let heard = stream.connection.keep(wire);
        if !std::mem::replace(&mut stream.queued, true) {
            self.waiting.push_back(conn);
            io.pause(conn);
        }
        self.heard(io, conn, heard);
    }

    /// Lets those in line go on, as far as the turn's budget reaches. Once a turn.
    pub(crate) fn go_on(&mut self, io: &mut Io, mut hear: impl FnMut(&mut Io, ConnId, &mut [u8])) {
        while self.spent < TURN_BUDGET {
            let Some(conn) = self.waiting.pop_front() else { break };
            // It may have gone, and another be in its place.
            let Some(stream) = stream_mut(&mut self.places, conn) else { continue };
            stream.queued = false;
            io.resume(conn);
            self.take(io, conn, &mut [], |io, plain| hear(io, conn, plain));
        }
        self.spent = Duration::ZERO;
    }

    /// Whether somebody is in line.
    pub(crate) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The numbers so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    fn take(
        &mut self,
        io: &mut Io,
        conn: ConnId,
        wire: &mut [u8],
        mut hear: impl FnMut(&mut Io, &mut [u8]),
    ) {
        let Some(stream) = stream_mut(&mut self.places, conn) else { return };
        let began = stream.connection.is_handshaking().then(Instant::now);
        let mut heard_at = None;
        let heard = stream.connection.receive(wire, |plain| {
            // What is said is not the handshake's cost.
            heard_at.get_or_insert_with(|| began.map(|began| began.elapsed()));
            hear(io, plain);
        });
        if let Some(began) = began {
            let took = heard_at.flatten().unwrap_or_else(|| began.elapsed());
            self.spent += took;
            self.tally.micros += took.as_micros() as u64;
        }
        self.heard(io, conn, heard);
    }

    /// A connection is gone, perhaps while it was shaking hands.
    fn gave_up(&mut self, shaking: bool) {
        self.tally.shaking -= usize::from(shaking);
        self.tally.failed += u64::from(shaking);
    }

    fn heard(&mut self, io: &mut Io, conn: ConnId, heard: Heard) {
        let Some(stream) = stream_mut(&mut self.places, conn) else { return };
        match heard {
            Heard::Open => {}
            Heard::Shaken { resumed: false } => self.tally.full += 1,
            Heard::Shaken { resumed: true } => self.tally.resumed += 1,
            Heard::Closed => io.close(conn),
            Heard::Failed(failure) => {
                match failure {
                    Failure::NotTls => {
                        self.tally.not_tls += 1;
                        stream.connection.answer_in_clear(&plain_refusal());
                    }
                    Failure::Handshake | Failure::Internal => self.tally.failed += 1,
                    Failure::Traffic(_) | Failure::Peer => self.tally.broken += 1,
                }
                io.close(conn);
            }
        }
        if stream.shaking && !stream.connection.is_handshaking() {
            stream.shaking = false;
            self.tally.shaking -= 1;
        }
        if stream.connection.has_output() {
            io.seal_soon(conn);
        }
    }
}

impl Sealer for Streams {
    fn seal(&mut self, conn: ConnId, plain: &[u8], wire: &mut Vec<u8>) {
        if let Some(stream) = stream_mut(&mut self.places, conn) {
            stream.connection.send(plain, wire);
        }
    }

    fn finish(&mut self, conn: ConnId, wire: &mut Vec<u8>) {
        if let Some(stream) = stream_mut(&mut self.places, conn) {
            stream.connection.finish(wire);
        }
    }

    fn released(&mut self, conn: ConnId) {
        if let Some(stream) = stream_mut(&mut self.places, conn) {
            let shaking = std::mem::take(&mut stream.shaking);
            self.places[conn.slot() as usize] = None;
            self.gave_up(shaking);
        }
    }
}

fn stream_mut(places: &mut [Option<Box<Stream>>], conn: ConnId) -> Option<&mut Stream> {
    let stream = places.get_mut(conn.slot() as usize)?.as_mut()?;
    (stream.generation == conn.generation()).then_some(stream)
}

/// For who speaks HTTP where TLS is spoken.
fn plain_refusal() -> Vec<u8> {
    const TEXT: HeaderValue<'static> = HeaderValue::from_static("text/plain; charset=utf-8");
    const WHY: &[u8] = b"This port speaks HTTPS. Ask for https:// instead of http://.\n";
    let mut answer = Vec::new();
    let head = Head { content_type: Some(TEXT), ..Head::new(Status::BadRequest) };
    head.write_with_body(&mut answer, Method::Get, WHY);
    answer
}
