//! A network that fails: it stands between people and the server, passes on what either says, and
//! cuts connections in the middle of anything. A cut is a reset for both sides; or silence, where
//! what either sends goes nowhere and neither is told.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use thiserror::Error;
use whisper_reactor::{
    Closed, Config, ConnId, Handler, Io, Notifier, Opened, Reactor, SetupError, Wait,
};

/// Sockets for each person: a line has two ends, and silent ones stay until the server ends them.
const SOCKETS_EACH: usize = 16;

/// How lines are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cutting {
    /// After so many bytes both ways, in the mean.
    pub(crate) after: usize,
    /// The part of the cuts that nobody hears of.
    pub(crate) silent: f64,
}

/// What was done to lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    /// Lines that both ends were told were broken.
    pub(crate) resets: u64,
    /// Lines on which nothing arrived any more.
    pub(crate) silences: u64,
}

/// Why there is no network.
#[derive(Debug, Error)]
pub(crate) enum NetworkError {
    /// There is no reactor for it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It can't listen, run, or go on.
    #[error("the network between people and server: {0}")]
    Io(#[from] io::Error),
}

/// A network, on a thread of its own. It fails nobody until it is told to.
#[derive(Debug)]
pub(crate) struct Network {
    address: SocketAddr,
    notifier: Notifier,
    wish: Arc<Wish>,
    thread: JoinHandle<Result<Cuts, NetworkError>>,
}

#[derive(Debug, Default)]
struct Wish {
    fails: AtomicBool,
    ends: AtomicBool,
}

impl Network {
    /// A network that leads to `target`, for so many people.
    ///
    /// # Errors
    /// Where there is none to be had.
    pub(crate) fn start(
        target: SocketAddr,
        people: usize,
        cutting: Cutting,
        seed: u64,
    ) -> Result<Self, NetworkError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let wish = Arc::new(Wish::default());
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let wished = Arc::clone(&wish);
        let thread = thread::Builder::new().name("network".into()).spawn(move || {
            let slots = (people * SOCKETS_EACH + 256) as u32;
            let config = Config {
                slots,
                accept_watermark: slots / 4,
                unsent_max: 1 << 22,
                unsent_sum_max: 1 << 28,
                ..Config::default()
            };
            let mut reactor = Reactor::new(config)?;
            reactor.listen(listener, 0)?;
            // Nobody waits for it where the other end is gone.
            let _ = tell.send(reactor.notifier());
            Exchange::new(target, cutting, seed, wished).run(&mut reactor)
        })?;
        match told.recv() {
            Ok(notifier) => Ok(Self { address, notifier, wish, thread }),
            Err(_) => Err(match thread.join().expect("it doesn't panic") {
                Ok(_) => io::Error::other("it ended").into(),
                Err(error) => error,
            }),
        }
    }

    /// Where it is entered.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets go of it, and says what it did.
    ///
    /// # Errors
    /// Why it ended before.
    pub(crate) fn end(self) -> Result<Cuts, NetworkError> {
        self.wish.ends.store(true, Ordering::Relaxed);
        self.notifier.notify();
        self.thread.join().expect("it doesn't panic")
    }

    /// What has it fail, or not any more.
    pub(crate) fn switch(&self) -> Switch {
        Switch(Arc::clone(&self.wish))
    }
}

/// Has a network fail, or not any more.
#[derive(Clone, Debug)]
pub(crate) struct Switch(Arc<Wish>);

impl Switch {
    pub(crate) fn set(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::Relaxed);
    }
}

/// Lines by their number, and whose connections are whose.
struct Exchange {
    target: SocketAddr,
    cutting: Cutting,
    wish: Arc<Wish>,
    random: SmallRng,
    lines: HashMap<u64, Line>,
    /// The line of a connection, and which end of it that is.
    ends: HashMap<ConnId, (u64, End)>,
    next: u64,
    /// Lines whose last bytes are on their way, to be cut after that.
    doomed: Vec<u64>,
    cuts: Cuts,
}

/// A connection of somebody, carried on to the server.
struct Line {
    client: Option<ConnId>,
    server: Option<ConnId>,
    /// What came before the server was there.
    early: Vec<u8>,
    /// Bytes that it still passes on.
    left: usize,
    /// It passes nothing on any more.
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

impl Exchange {
    fn new(target: SocketAddr, cutting: Cutting, seed: u64, wish: Arc<Wish>) -> Self {
        Self {
            target,
            cutting,
            wish,
            random: SmallRng::seed_from_u64(seed),
            lines: HashMap::new(),
            ends: HashMap::new(),
            next: 0,
            doomed: Vec::new(),
            cuts: Cuts::default(),
        }
    }

    fn run(mut self, reactor: &mut Reactor) -> Result<Cuts, NetworkError> {
        while !self.wish.ends.load(Ordering::Relaxed) {
            reactor.wait(if self.doomed.is_empty() { Wait::Forever } else { Wait::No })?;
            for line in std::mem::take(&mut self.doomed) {
                self.reset(reactor.io(), line);
            }
            reactor.dispatch(&mut self);
        }
        Ok(self.cuts)
    }

    fn reset(&mut self, io: &mut Io, line: u64) {
        if let Some(Line { client, server, .. }) = self.lines.remove(&line) {
            for conn in [client, server].into_iter().flatten() {
                self.ends.remove(&conn);
                io.reset(conn);
            }
        }
    }

    /// So much of `bytes` as the line lets through, which may be the last of it.
    fn pass<'a>(&mut self, number: u64, bytes: &'a [u8]) -> &'a [u8] {
        let fails = self.wish.fails.load(Ordering::Relaxed);
        let Some(line) = self.lines.get_mut(&number).filter(|line| !line.over) else {
            return &[];
        };
        if !fails {
            return bytes;
        }
        let passed = &bytes[..bytes.len().min(line.left)];
        line.left -= passed.len();
        if line.left == 0 {
            line.over = true;
            if self.random.random_bool(self.cutting.silent) {
                self.cuts.silences += 1;
            } else {
                self.cuts.resets += 1;
                self.doomed.push(number);
            }
        }
        passed
    }
}

impl Handler for Exchange {
    fn opened(&mut self, io: &mut Io, conn: ConnId, how: Opened) {
        match how {
            Opened::Accepted { .. } => {
                let left = self.random.random_range(1..=2 * self.cutting.after.max(1));
                let number = self.next;
                self.next += 1;
                let (client, server, early, over) = (Some(conn), None, Vec::new(), false);
                self.lines.insert(number, Line { client, server, early, left, over });
                self.ends.insert(conn, (number, End::Client));
                io.connect(self.target, None, number);
            }
            Opened::Connected { token } => {
                let Some(line) = self.lines.get_mut(&token) else { return io.abort(conn) };
                line.server = Some(conn);
                self.ends.insert(conn, (token, End::Server));
                let early = std::mem::take(&mut line.early);
                io.write(conn, |out| out.extend_from_slice(&early));
            }
        }
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let Some(&(number, end)) = self.ends.get(&conn) else { return };
        let passed = self.pass(number, bytes);
        let Some(line) = self.lines.get_mut(&number) else { return };
        let other = if end == End::Client { line.server } else { line.client };
        match other {
            Some(other) => io.write(other, |out| out.extend_from_slice(passed)),
            None if end == End::Client => line.early.extend_from_slice(passed),
            None => {}
        }
    }

    fn closed(&mut self, io: &mut Io, conn: ConnId, _: Closed) {
        let Some((number, end)) = self.ends.remove(&conn) else { return };
        let Some(line) = self.lines.get_mut(&number) else { return };
        let (this, other) = match end {
            End::Client => (&mut line.client, line.server),
            End::Server => (&mut line.server, line.client),
        };
        *this = None;
        match other {
            // Of a silent line's end the other end hears nothing either.
            Some(_) if line.over => {}
            Some(other) => io.close(other),
            None => drop(self.lines.remove(&number)),
        }
    }

    fn connect_failed(&mut self, io: &mut Io, token: u64, _: io::Error) {
        self.reset(io, token);
    }
}
