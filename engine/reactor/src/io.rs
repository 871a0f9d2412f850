//! The face that a handler sees: what it hears of, and what it may ask for.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::arena::Arena;
use crate::config::Config;
use crate::connector::Connector;
use crate::counters::Counters;
use crate::deadlines::{Clock, Deadlines};
use crate::listener::Arrival;
use crate::moving::{Cargo, Moving};
use crate::outbox::Sum;
use crate::sealing::Sealing;
use crate::slots::{ConnId, Flags, Phase, Slots};
use crate::wake::WakeHandle;

/// How a connection came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A peer came to us.
    Accepted {
        /// The tag given to [`crate::Reactor::listen`].
        listener: u32,
        /// The peer's address, as the socket names it: an IPv4 peer of an IPv6 listener is mapped.
        peer: SocketAddr,
    },
    /// We went to a peer.
    Connected {
        /// The token given to [`Io::connect`].
        token: u64,
    },
}

/// Why a connection is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// [`Io::close`] or [`Io::abort`] was called.
    Local,
    /// The peer ended its side. What was written before still leaves.
    Peer,
    /// The peer, or something between, broke the connection.
    Reset,
    /// Any other error, as its errno.
    Error(i32),
    /// The peer doesn't read, or hardly: more waits for it than is allowed, or for too long.
    SlowReader,
}

/// What the owner of a reactor hears from [`crate::Reactor::dispatch`]. Never re-entered: whatever
/// a method asks of `io` is heard of later.
pub trait Handler {
    /// A connection is open: `received` and, once, `closed` will follow.
    fn opened(&mut self, io: &mut Io, conn: ConnId, how: Opened);

    /// Bytes arrived, in order. They lie in a receive buffer that is lent for this call, and may be
    /// overwritten in place.
    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]);

    /// The connection is no more, whoever ended it. Heard exactly once for each opened one.
    fn closed(&mut self, io: &mut Io, conn: ConnId, why: Closed);

    /// A connection could not be made.
    fn connect_failed(&mut self, io: &mut Io, token: u64, error: std::io::Error) {
        let _ = (io, token, error);
    }

    /// More waits for the peer than may ([`Config::unsent_max`], [`Config::unsent_sum_max`]), and
    /// from now on nothing is added. What is written here still is, as the last word: then the
    /// connection is closed with [`Closed::SlowReader`], and what waits may leave as far as the
    /// peer lets it.
    fn overflowed(&mut self, io: &mut Io, conn: ConnId) {
        let _ = (io, conn);
    }

    /// All that had to wait for the peer has left: a good moment to write more. Not heard of what
    /// waited when a connection moved.
    fn drained(&mut self, io: &mut Io, conn: ConnId) {
        let _ = (io, conn);
    }

    /// What [`Io::detach`] was called for is still: it can be [passed on](Io::pass), or
    /// [served again](Io::reattach). Until one of them it can wait, at no cost to others but one of
    /// the few places there are; it may then be closed as a slow reader.
    fn detached(&mut self, io: &mut Io, conn: ConnId) {
        io.reattach(conn);
    }

    /// A connection came from another reactor. It is open, and goes on where it was: what its owner
    /// there had not heard is received next, and what waited for its peer leaves.
    fn arrived(&mut self, io: &mut Io, conn: ConnId, cargo: Cargo) {
        drop(cargo);
        io.abort(conn);
    }

    /// A connection could not be passed, because the other reactor is gone or its table is full. It
    /// is open here again, as if it had just arrived.
    fn returned(&mut self, io: &mut Io, conn: ConnId, cargo: Cargo, error: std::io::Error) {
        let _ = error;
        self.arrived(io, conn, cargo);
    }
}

/// Something a handler has yet to hear of.
#[derive(Debug)]
pub(crate) enum Event {
    Accepted(ConnId, Box<Arrival>),
    Connected(ConnId, u64),
    ConnectFailed(u64, std::io::Error),
    /// So many bytes in that buffer.
    Received(ConnId, u16, u32),
    Drained(ConnId),
    Overflowed(ConnId),
    /// The connection ended by itself: errno, or 0 for the peer's end. If the handler has not let
    /// go of it before it hears this, this is when it does.
    Ended(ConnId, i32),
    /// The handler, or its limits, ended the connection before.
    Closed(ConnId, Closed),
    Detached(ConnId),
    Arrived(ConnId, Cargo),
    Returned(ConnId, Cargo, std::io::Error),
    /// Received before a move, or meanwhile.
    Kept(ConnId, Vec<u8>),
}

/// A reactor's connections, and what can be asked of them. A [`ConnId`] that is no more is not an
/// error anywhere: the call does nothing.
///
/// Nothing here enters the kernel, except that [`Io::connect`] makes a socket. All takes effect
/// with the next [`crate::Reactor::wait`].
pub struct Io {
    pub(crate) slots: Slots,
    pub(crate) arena: Arena,
    pub(crate) sealing: Sealing,
    /// Slots with a segment in the arena.
    pub(crate) written: Vec<u32>,
    /// Slots whose operations in flight may not be what they should be.
    pub(crate) touched: Vec<u32>,
    /// Connections that wait for a receive buffer.
    pub(crate) starved: VecDeque<ConnId>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) wakes: Vec<WakeHandle>,
    pub(crate) connector: Connector,
    pub(crate) moving: Moving,
    /// Connections with a receive, to be looked at for silence.
    pub(crate) cooling: Deadlines<ConnId>,
    /// Closed connections with something to send.
    pub(crate) flushing: Deadlines<ConnId>,
    /// Closed connections that wait for the peer's end.
    pub(crate) lingering: Deadlines<ConnId>,
    /// Connections whose peer is slow to read.
    pub(crate) watched: Deadlines<ConnId>,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    /// Nothing is to be in flight.
    pub(crate) frozen: bool,
    /// Own bytes in all outboxes.
    pub(crate) unsent_sum: Sum,
    /// Who may write a last word.
    pub(crate) parting: Option<ConnId>,
    pub(crate) unsent_max: usize,
    pub(crate) unsent_sum_max: usize,
    pub(crate) unsent_shared_max: usize,
    pub(crate) stall_bytes: usize,
    /// Receive buffers that a closed connection may still fill.
    pub(crate) linger_buffers: u8,
}

impl Io {
    pub(crate) fn new(config: &Config, slots: u32) -> Io {
        let linger_buffers = config.linger_bytes.div_ceil(config.recv_buffer_bytes.max(1));
        Io {
            slots: Slots::with_capacity(slots),
            arena: Arena::default(),
            sealing: Sealing::default(),
            written: Vec::new(),
            touched: Vec::new(),
            starved: VecDeque::new(),
            events: VecDeque::new(),
            wakes: Vec::new(),
            connector: Connector::new(config.connect_timeout),
            moving: Moving::default(),
            cooling: Deadlines::new(config.quiet),
            flushing: Deadlines::new(config.flush_timeout),
            lingering: Deadlines::new(config.linger),
            watched: Deadlines::new(config.stall),
            clock: Clock::new(),
            counters: Counters::default(),
            frozen: false,
            unsent_sum: Sum::default(),
            parting: None,
            unsent_max: config.unsent_max,
            unsent_sum_max: config.unsent_sum_max,
            unsent_shared_max: config.unsent_shared_max,
            stall_bytes: config.stall_bytes,
            linger_buffers: linger_buffers.clamp(1, u32::from(u8::MAX)) as u8,
        }
    }

    /// Lets `write` append bytes for this connection. All that is written to one connection in one
    /// turn leaves as one send. `write` must only append.
    pub fn write(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        self.append(conn, write);
    }

    /// The same for bytes that nobody misses: nothing is written where earlier bytes still wait for
    /// the peer.
    pub fn write_droppable(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        if self.slots.get(conn).is_some_and(|slot| slot.outbox.is_none()) {
            self.append(conn, write);
        }
    }

    /// Writes a body that many connections share: it is never copied, and counts for
    /// [`Config::unsent_shared_max`] instead of [`Config::unsent_max`].
    pub fn write_shared(&mut self, conn: ConnId, bytes: Arc<[u8]>) {
        self.append_shared(conn, bytes);
    }

    /// Bytes written and not yet taken by the kernel, shared bodies not counted.
    pub fn unsent(&self, conn: ConnId) -> usize {
        self.slots.get(conn).map_or(0, |slot| {
            let written = slot.flags.any(Flags::WRITTEN.or(Flags::PLAIN));
            let fresh = if written { slot.segment.len() } else { 0 };
            fresh + slot.outbox.as_ref().map_or(0, |outbox| outbox.unsent())
        })
    }

    /// Ends the connection in good order: what was written before leaves first, then FIN; the peer
    /// has a moment to read it all and end its side. Nothing more is received, and `closed` is
    /// heard without waiting for any of it.
    pub fn close(&mut self, conn: ConnId) {
        self.let_go(conn, Phase::Flushing, Closed::Local);
    }

    /// Ends the connection now. What the kernel has not taken yet is dropped.
    pub fn abort(&mut self, conn: ConnId) {
        self.let_go(conn, Phase::Ending, Closed::Local);
    }

    /// Ends the connection now, as if it had broken: the peer gets a reset.
    pub fn reset(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.get_mut(conn)
            && slot.phase != Phase::Passing
        {
            slot.flags.insert(Flags::RESET);
        }
        self.abort(conn);
    }

    /// Stops receiving: what the peer sends stays in the socket, and slows the peer down once that
    /// is full. What was already received is still heard, at most some buffers. A peer's end goes
    /// unnoticed until [`Io::resume`].
    pub fn pause(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.open_mut(conn) {
            slot.flags.insert(Flags::PAUSED);
            self.touch(conn);
        }
    }

    /// Receives again.
    pub fn resume(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.open_mut(conn) {
            slot.flags.remove(Flags::PAUSED);
            self.touch(conn);
        }
    }

    /// Dials `to`, from the address `from` if it matters. Either `opened` or `connect_failed` will
    /// be heard with this token.
    pub fn connect(&mut self, to: SocketAddr, from: Option<IpAddr>, token: u64) {
        if let Err(error) = self.connector.start(to, from, token, self.clock.now()) {
            self.events.push_back(Event::ConnectFailed(token, error));
        }
    }

    /// Lets another reactor return from its wait.
    pub fn wake(&mut self, target: &WakeHandle) {
        self.wakes.push(target.clone());
    }

    /// Sockets in the table: open ones, and those that are still being closed.
    pub fn open_connections(&self) -> usize {
        self.slots.used() as usize
    }

    /// Has the connection's operations looked at before the next wait.
    pub(crate) fn touch(&mut self, conn: ConnId) {
        if let Some(slot) = self.slots.get_mut(conn)
            && !slot.flags.any(Flags::TOUCHED)
        {
            slot.flags.insert(Flags::TOUCHED);
            self.touched.push(conn.slot());
        }
    }
}
