//! A reactor on the test's own thread, a handler that writes down what it hears, and blocking
//! clients whose bytes fit the sockets.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use whisper_reactor::{Cargo, Closed, Config, ConnId, Handler, Io, Opened, Reactor, Wait};

/// Nothing in these tests takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is said to whoever doesn't read.
pub(crate) const LAST_WORD: &[u8] = b"too slow";

/// What to do with received bytes, besides writing them down.
pub(crate) type OnData = fn(&mut Io, ConnId, &mut [u8]);

pub(crate) fn echo(io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
    io.write(conn, |out| out.extend_from_slice(bytes));
}

pub(crate) fn ignore(_: &mut Io, _: ConnId, _: &mut [u8]) {}

/// All that was heard.
pub(crate) struct Heard {
    pub(crate) on_data: OnData,
    pub(crate) opened: Vec<(ConnId, Opened)>,
    pub(crate) received: HashMap<ConnId, Vec<u8>>,
    pub(crate) received_bytes: usize,
    pub(crate) closed: Vec<(ConnId, Closed)>,
    pub(crate) failed: Vec<(u64, io::Error)>,
    pub(crate) drained: Vec<ConnId>,
    pub(crate) detached: Vec<ConnId>,
    /// Came from another reactor, or back from there, with what cargo.
    pub(crate) arrived: Vec<(ConnId, Cargo)>,
    pub(crate) returned: usize,
}

impl Heard {
    pub(crate) fn why(&self, conn: ConnId) -> Option<Closed> {
        let mut of_conn = self.closed.iter().filter(|(closed, _)| *closed == conn);
        let why = of_conn.next().map(|(_, why)| *why);
        assert!(of_conn.next().is_none(), "closed is heard once");
        why
    }

    /// Gives back all memory that the notes take.
    pub(crate) fn forget(&mut self) {
        self.opened = Vec::new();
        self.received = HashMap::new();
        self.closed = Vec::new();
    }

    pub(crate) fn received_from(&self, conn: ConnId) -> &[u8] {
        self.received.get(&conn).map_or(&[], Vec::as_slice)
    }
}

impl Handler for Heard {
    fn opened(&mut self, _: &mut Io, conn: ConnId, how: Opened) {
        assert!(self.opened.iter().all(|(known, _)| *known != conn), "opened is heard once");
        self.opened.push((conn, how));
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        assert!(self.why(conn).is_none(), "nothing is heard after closed");
        self.received.entry(conn).or_default().extend_from_slice(bytes);
        self.received_bytes += bytes.len();
        (self.on_data)(io, conn, bytes);
    }

    fn closed(&mut self, _: &mut Io, conn: ConnId, why: Closed) {
        assert!(self.why(conn).is_none(), "closed is heard once");
        self.closed.push((conn, why));
    }

    fn overflowed(&mut self, io: &mut Io, conn: ConnId) {
        io.write(conn, |out| out.extend_from_slice(LAST_WORD));
    }

    fn connect_failed(&mut self, _: &mut Io, token: u64, error: io::Error) {
        self.failed.push((token, error));
    }

    fn drained(&mut self, _: &mut Io, conn: ConnId) {
        self.drained.push(conn);
    }

    fn detached(&mut self, _: &mut Io, conn: ConnId) {
        self.detached.push(conn);
    }

    fn arrived(&mut self, _: &mut Io, conn: ConnId, cargo: Cargo) {
        assert!(self.why(conn).is_none() && !self.received.contains_key(&conn));
        self.arrived.push((conn, cargo));
    }

    fn returned(&mut self, _: &mut Io, conn: ConnId, cargo: Cargo, _: io::Error) {
        self.returned += 1;
        self.arrived.push((conn, cargo));
    }
}

pub(crate) struct World {
    pub(crate) reactor: Reactor,
    pub(crate) heard: Heard,
    pub(crate) address: SocketAddr,
}

impl World {
    /// A reactor that listens.
    pub(crate) fn new(config: Config, on_data: OnData) -> World {
        let mut reactor = Reactor::new(config).expect("this machine has io_uring");
        let listener = listener();
        let address = listener.local_addr().unwrap();
        reactor.listen(listener, 7).unwrap();
        let heard = Heard {
            on_data,
            opened: Vec::new(),
            received: HashMap::new(),
            received_bytes: 0,
            closed: Vec::new(),
            failed: Vec::new(),
            drained: Vec::new(),
            detached: Vec::new(),
            arrived: Vec::new(),
            returned: 0,
        };
        World { reactor, heard, address }
    }

    pub(crate) fn turn(&mut self) {
        self.turn_with(Wait::For(Duration::from_millis(5)));
    }

    pub(crate) fn turn_with(&mut self, wait: Wait) {
        self.reactor.wait(wait).unwrap();
        self.reactor.dispatch(&mut self.heard);
    }

    /// Takes turns until `done`.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&mut World) -> bool) {
        let start = Instant::now();
        while !done(self) {
            let counters = self.reactor.counters();
            assert!(start.elapsed() < PATIENCE, "never happened: {what}; {counters:?}");
            self.turn();
        }
    }

    /// A client, and the name of its connection here.
    pub(crate) fn client(&mut self) -> (TcpStream, ConnId) {
        let known = self.heard.opened.len();
        let client = TcpStream::connect(self.address).unwrap();
        client.set_nodelay(true).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        self.until("a client is accepted", |world| world.heard.opened.len() > known);
        let (conn, how) = self.heard.opened[known];
        let peer = client.local_addr().unwrap();
        assert_eq!(how, Opened::Accepted { listener: 7, peer });
        (client, conn)
    }

    /// Takes turns until nothing is left in the table.
    pub(crate) fn until_empty(&mut self) {
        self.until("all slots are free", |world| world.reactor.io().open_connections() == 0);
    }
}

/// A listening socket whose backlog holds all the clients of a test.
pub(crate) fn listener() -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(4096).unwrap();
    socket.into()
}

/// Bytes that tell their own place: no two stretches of them are alike.
pub(crate) fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&next_random(&mut state).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// xorshift64*.
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_F491_4F6C_DD1D)
}
