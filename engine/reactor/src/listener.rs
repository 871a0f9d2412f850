//! Accepting into the ring's own table, and never more than it holds.
//!
//! A multishot accept takes whatever waits in the backlog at once, and an accept that finds the
//! table full loses its connection. So it is used only while more slots are free than a backlog is
//! long; below that, connections are accepted one by one and only as many as there are slots. The
//! others wait in the backlog, and nobody is dropped.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener};
use std::time::Duration;

use crate::deadlines::Millis;
use crate::io::{Event, Io};
use crate::ring::{Completion, Ring};
use crate::slots::{ConnId, Flags, Phase};
use crate::token::{Op, Token};

/// One-shot accepts in flight per listener, while slots are scarce.
const SINGLES: u32 = 32;

/// Pause after an accept failed for want of something.
const REST: Duration = Duration::from_millis(100);

/// The longest name of a TCP peer: `sockaddr_in6`.
const NAME_BYTES: usize = 28;

/// A new connection's peer, as the kernel writes it.
#[derive(Debug)]
pub(crate) struct Arrival {
    conn: ConnId,
    name: [u8; NAME_BYTES],
    /// Given with the listener.
    pub(crate) tag: u32,
    is_v6: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepting {
    Nothing,
    Many,
    /// So many one-shot accepts.
    Singles(u32),
}

struct Listener {
    socket: TcpListener,
    tag: u32,
    is_v6: bool,
    accepting: Accepting,
    /// It shall accept no more.
    stopped: bool,
    /// The accept in flight, or one of them, was told to end.
    cancelled: bool,
    rest_until: Option<Millis>,
}

/// The listening sockets of a reactor.
pub(crate) struct Listeners {
    all: Vec<Listener>,
    /// Nobody is to be accepted at present.
    held: bool,
    watermark: u32,
    /// Slots that are for connections from other reactors.
    kept: u32,
    /// Connections whose peer's name is being asked for. Boxed, because the kernel writes there.
    arrivals: Vec<Option<Box<Arrival>>>,
    /// How many of them were not submitted, and how many not answered.
    unsubmitted: usize,
    unanswered: usize,
}

impl Listeners {
    pub(crate) fn new(watermark: u32, kept: u32) -> Listeners {
        Listeners {
            all: Vec::new(),
            held: false,
            watermark,
            kept,
            arrivals: Vec::new(),
            unsubmitted: 0,
            unanswered: 0,
        }
    }

    pub(crate) fn add(&mut self, socket: TcpListener, tag: u32) -> io::Result<()> {
        // A non-blocking socket would make the ring's accept give up at once.
        socket.set_nonblocking(false)?;
        socket2::SockRef::from(&socket).set_tcp_nodelay(true)?; // inherited by the accepted ones
        let is_v6 = socket.local_addr()?.is_ipv6();
        self.all.push(Listener {
            socket,
            tag,
            is_v6,
            accepting: Accepting::Nothing,
            stopped: false,
            cancelled: false,
            rest_until: None,
        });
        Ok(())
    }

    /// Accepts no more. The sockets are closed when the last accept in flight is done.
    pub(crate) fn stop(&mut self) {
        self.all.iter_mut().for_each(|listener| listener.stopped = true);
    }

    /// Accepts nobody for as long as it is held.
    pub(crate) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Makes the accepts in flight fit the number of free slots, and asks for new peers' names.
    pub(crate) fn settle(&mut self, ring: &mut Ring, io: &Io) -> io::Result<()> {
        self.submit_names(ring)?;
        let now = io.clock.now();
        let in_use = io.slots.used() + io.connector.installed();
        let reserved: u32 = self.all.iter().map(|listener| listener.singles()).sum();
        let mut free = ring.slots().saturating_sub(in_use + reserved + self.kept);
        for (index, listener) in self.all.iter_mut().enumerate() {
            let stopped = listener.stopped || self.held || io.frozen;
            if !stopped && listener.rest_until.is_some_and(|until| until > now) {
                continue;
            }
            listener.rest_until = None;
            match listener.accepting {
                Accepting::Nothing if stopped => {}
                Accepting::Nothing if free > self.watermark => {
                    listener.accepting = Accepting::Many;
                    ring.accept_many(&listener.socket, many(index))?;
                }
                Accepting::Many if stopped || free <= self.watermark => {
                    if !listener.cancelled {
                        listener.cancelled = true;
                        ring.cancel(many(index))?;
                    }
                }
                Accepting::Many => {}
                Accepting::Singles(_) if stopped => {
                    // One cancel ends one accept; the next look ends the next.
                    if !listener.cancelled {
                        listener.cancelled = true;
                        ring.cancel(single(index))?;
                    }
                }
                Accepting::Singles(_) if free > self.watermark => {} // runs out by itself
                Accepting::Nothing | Accepting::Singles(_) => {
                    let more = free.min(SINGLES - listener.singles());
                    for _ in 0..more {
                        ring.accept_one(&listener.socket, single(index))?;
                    }
                    free -= more;
                    let singles = listener.singles() + more;
                    if singles > 0 {
                        listener.accepting = Accepting::Singles(singles);
                    }
                }
            }
        }
        if self.all.iter().all(|listener| listener.stopped && listener.is_idle()) {
            self.all.clear();
        }
        Ok(())
    }

    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.all.iter().filter_map(|listener| listener.rest_until).min()
    }

    pub(crate) fn has_work(&self) -> bool {
        self.unsubmitted > 0
    }

    /// Whether nothing is being accepted, nor any name asked for.
    pub(crate) fn are_idle(&self) -> bool {
        self.unsubmitted == 0 && self.all.iter().all(Listener::is_idle)
    }

    /// Those that are not stopped, by other descriptors.
    pub(crate) fn clone_all(&self) -> io::Result<Vec<(TcpListener, u32)>> {
        let going = self.all.iter().filter(|listener| !listener.stopped);
        going.map(|listener| Ok((listener.socket.try_clone()?, listener.tag))).collect()
    }

    pub(crate) fn on_accepted(&mut self, completion: Completion, io: &mut Io) {
        let Some(listener) = self.all.get_mut(completion.token.slot as usize) else { return };
        if !completion.more() {
            listener.cancelled = false;
            listener.accepting = match listener.accepting {
                Accepting::Singles(2..) => Accepting::Singles(listener.singles() - 1),
                _ => Accepting::Nothing,
            };
        }
        if completion.result >= 0 {
            let conn = io.slots.open(completion.result as u32, Phase::Arriving);
            if let Some(slot) = io.slots.get_mut(conn) {
                slot.flags.insert(Flags::NAMING);
            }
            let (tag, is_v6) = (listener.tag, listener.is_v6);
            let arrival = Arrival { conn, name: [0; NAME_BYTES], tag, is_v6 };
            self.arrivals.push(Some(Box::new(arrival)));
            self.unsubmitted += 1;
            return;
        }
        match -completion.result {
            libc::ECANCELED | libc::ECONNABORTED | libc::EPROTO | libc::EINTR => {}
            _ => listener.rest_until = Some(io.clock.now() + REST.as_millis() as Millis),
        }
    }

    pub(crate) fn on_named(&mut self, completion: Completion, io: &mut Io) {
        let index = completion.token.generation as usize;
        let Some(arrival) = self.arrivals.get_mut(index).and_then(Option::take) else { return };
        self.unanswered -= 1;
        let conn = arrival.conn;
        let Some(slot) = io.slots.get_mut(conn) else { return };
        slot.flags.remove(Flags::NAMING);
        if completion.result < 0 {
            // It was gone before it could be asked; nobody has heard of it.
            slot.phase = Phase::Ending;
        } else {
            slot.phase = Phase::Open;
            io.counters.accepted += 1;
            io.events.push_back(Event::Accepted(conn, arrival));
        }
        io.touch(conn);
    }

    fn submit_names(&mut self, ring: &mut Ring) -> io::Result<()> {
        let first = self.arrivals.len() - self.unsubmitted;
        for (index, arrival) in self.arrivals.iter_mut().enumerate().skip(first) {
            let Some(arrival) = arrival else { continue };
            let token = Token::new(Op::PeerName, arrival.conn.slot(), index as u32);
            // For SO_PEERNAME a length beyond the name's own is an error.
            let len = if arrival.is_v6 { NAME_BYTES } else { 16 } as u32;
            // SAFETY: the name is boxed and stays until the answer is there.
            unsafe { ring.peer_name(arrival.conn.slot(), arrival.name.as_mut_ptr(), len, token)? };
        }
        self.unanswered += std::mem::take(&mut self.unsubmitted);
        if self.unanswered == 0 {
            self.arrivals.clear();
        }
        Ok(())
    }
}

impl Listener {
    fn is_idle(&self) -> bool {
        self.accepting == Accepting::Nothing
    }

    fn singles(&self) -> u32 {
        match self.accepting {
            Accepting::Singles(count) => count,
            _ => 0,
        }
    }
}

impl Arrival {
    pub(crate) fn peer(&self) -> SocketAddr {
        let name = &self.name;
        let port = u16::from_be_bytes([name[2], name[3]]);
        if !self.is_v6 {
            return (Ipv4Addr::new(name[4], name[5], name[6], name[7]), port).into();
        }
        let mut address = [0; 16];
        address.copy_from_slice(&name[8..24]);
        let scope = u32::from_ne_bytes([name[24], name[25], name[26], name[27]]);
        SocketAddrV6::new(Ipv6Addr::from(address), port, 0, scope).into()
    }
}

fn many(index: usize) -> Token {
    Token::new(Op::Accept, index as u32, 0)
}

fn single(index: usize) -> Token {
    Token::new(Op::Accept, index as u32, 1)
}
