//! What it takes to hand all connections of a reactor to another process: `cargo bench -p
//! whisper-reactor --bench handover`. The other process is another thread here, at the other end of
//! a Unix socket by which the descriptors go. No state goes with them: the connections are idle.

use std::error::Error;
use std::io::{IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use whisper_reactor::{Closed, Config, ConnId, Estate, Handler, Io, Opened, Reactor, Wait};

/// As many descriptors as one message carries (`SCM_MAX_FD`).
const BATCH: usize = 253;

/// Connections that one source address dials: fewer than it has ports.
const PER_ADDRESS: usize = 20_000;

/// Dials under way at a time.
const DIALS: usize = 512;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` asks for a run that only shows that it works.
    let is_bench = std::env::args().any(|it| it == "--bench");
    let (rounds, sizes): (_, &[usize]) = if is_bench { (5, &[1_000, 15_000]) } else { (1, &[300]) };
    let mut out = std::io::stdout();
    writeln!(out, "connections  freeze ms  pass ms  sockets/s  thaw to all served ms")?;
    for connections in sizes {
        for _ in 0..rounds {
            let [freeze, pass, thaw] = measure(*connections)?;
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            let rate = *connections as f64 / (freeze + pass).as_secs_f64();
            let (freeze, pass, thaw) = (ms(freeze), ms(pass), ms(thaw));
            writeln!(
                out,
                "{connections:>11}  {freeze:>9.2}  {pass:>7.2}  {rate:>9.0}  {thaw:>21.2}"
            )?;
        }
    }
    Ok(())
}

/// How long a reactor takes to stand still, its connections to be in another's table, and all of
/// them to be answered there.
fn measure(connections: usize) -> Result<[Duration; 3], Failure> {
    let (here, there) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let (tell, told) = mpsc::channel();
    let (go, begin) = mpsc::channel();
    let (say, done) = mpsc::channel();
    let old = thread::spawn(move || testator(&here, &tell, &begin, &done));
    let listens_at = told.recv()?;
    let mut clients = Clients { open: Vec::new(), answers: 0 };
    let mut reactor = Reactor::new(config(connections))?;
    let mut dialled = 0;
    while clients.answers < connections {
        while dialled < connections && dialled - clients.answers < DIALS {
            let from = Ipv4Addr::new(127, 0, 1, 1 + (dialled / PER_ADDRESS) as u8);
            reactor.io().connect(listens_at, Some(IpAddr::V4(from)), 0);
            dialled += 1;
        }
        reactor.wait(Wait::Forever)?;
        reactor.dispatch(&mut clients);
    }
    let (say_ready, ready) = mpsc::channel();
    let new = thread::spawn(move || heir(&there, connections, &say_ready));
    ready.recv()?;
    go.send(())?;
    ready.recv()?; // it serves
    clients.answers = 0;
    for conn in clients.open.clone() {
        reactor.io().write(conn, |out| out.push(b'?'));
    }
    while clients.answers < connections {
        reactor.wait(Wait::Forever)?;
        reactor.dispatch(&mut clients);
    }
    let served = Instant::now();
    say.send(())?;
    drop(reactor);
    let [begun, frozen] = old.join().map_err(|_| "the old one panicked")??;
    let [taken, thawed] = new.join().map_err(|_| "the new one panicked")??;
    Ok([frozen - begun, taken - frozen, served - thawed])
}

/// Serves until it is told to give all away. When it began to freeze, and had.
fn testator(
    channel: &OwnedFd,
    tell: &Sender<SocketAddr>,
    begin: &Receiver<()>,
    done: &Receiver<()>,
) -> Result<[Instant; 2], Failure> {
    let mut reactor = Reactor::new(config(0))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    tell.send(listener.local_addr()?)?;
    reactor.listen(listener, 0)?;
    while begin.try_recv().is_err() {
        reactor.wait(Wait::For(Duration::from_millis(20)))?;
        reactor.dispatch(&mut Echo);
    }
    let begun = Instant::now();
    reactor.freeze();
    while !reactor.is_frozen() {
        reactor.wait(Wait::For(Duration::from_millis(1)))?;
        reactor.dispatch(&mut Echo);
    }
    let frozen = Instant::now();
    let conns: Vec<ConnId> = reactor.estates().map(|(conn, _)| conn).collect();
    for batch in conns.chunks(BATCH) {
        let sockets = reactor.lend(batch)?;
        let sockets: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut rights = SendAncillaryBuffer::new(&mut room);
        rights.push(SendAncillaryMessage::ScmRights(&sockets));
        sendmsg(channel, &[IoSlice::new(&[0])], &mut rights, SendFlags::empty())?;
    }
    done.recv()?; // what is still in the table must not be closed too soon
    Ok([begun, frozen])
}

/// Takes all over. When it had, and began to serve.
fn heir(channel: &OwnedFd, count: usize, say: &Sender<()>) -> Result<[Instant; 2], Failure> {
    let mut reactor = Reactor::new(config(0))?;
    reactor.freeze();
    say.send(())?;
    let mut taken = 0;
    while taken < count {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut rights = RecvAncillaryBuffer::new(&mut room);
        let mut byte = [0];
        recvmsg(channel, &mut [IoSliceMut::new(&mut byte)], &mut rights, RecvFlags::CMSG_CLOEXEC)?;
        let sockets: Vec<OwnedFd> = rights
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
                _ => None,
            })
            .flatten()
            .collect();
        let sockets = sockets.into_iter().map(|socket| (socket, Estate::default()));
        taken += reactor.adopt(sockets.collect())?.len();
    }
    let taken = Instant::now();
    reactor.thaw();
    let thawed = Instant::now();
    say.send(())?;
    while reactor.counters().closed < count as u64 {
        reactor.wait(Wait::Forever)?;
        reactor.dispatch(&mut Echo);
    }
    Ok([taken, thawed])
}

fn config(clients: usize) -> Config {
    let slots = if clients == 0 { 1 << 20 } else { clients as u32 };
    Config { slots, recv_buffers: 1 << 14, recv_buffer_bytes: 256, ..Config::default() }
}

struct Echo;

impl Handler for Echo {
    fn opened(&mut self, _: &mut Io, _: ConnId, _: Opened) {}

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        io.write(conn, |out| out.extend_from_slice(bytes));
    }

    fn closed(&mut self, _: &mut Io, _: ConnId, _: Closed) {}
}

/// All who are served: each says something when it is there, and hears it.
struct Clients {
    open: Vec<ConnId>,
    answers: usize,
}

impl Handler for Clients {
    fn opened(&mut self, io: &mut Io, conn: ConnId, _: Opened) {
        self.open.push(conn);
        io.write(conn, |out| out.push(b'!'));
    }

    fn received(&mut self, _: &mut Io, _: ConnId, _: &mut [u8]) {
        self.answers += 1;
    }

    fn closed(&mut self, _: &mut Io, _: ConnId, _: Closed) {
        // Nobody is to be lost.
        std::process::abort();
    }

    fn connect_failed(&mut self, _: &mut Io, _: u64, _: std::io::Error) {
        std::process::abort();
    }
}
