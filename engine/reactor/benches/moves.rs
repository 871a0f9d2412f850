//! What it takes to move a live connection from one reactor to another: `cargo bench -p
//! whisper-reactor --bench moves`. So many connections go to and fro between two threads, each as
//! soon as it has arrived; the times are a move's share, from its detaching to its arrival.

use std::collections::HashMap;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use whisper_reactor::{
    Cargo, Closed, Config, ConnId, Handler, Io, Opened, Reactor, Wait, WakeHandle,
};

/// Moves in one measurement.
const MOVES: usize = 200_000;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` asks for a run that only shows that it works.
    let moves = if std::env::args().any(|it| it == "--bench") { MOVES } else { 2_000 };
    let mut out = std::io::stdout();
    writeln!(out, "connections  µs a move  µs CPU of both threads a move")?;
    for connections in [1, 8, 64] {
        let (wall, cpu) = measure(connections, moves / connections)?;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / moves as f64;
        writeln!(out, "{connections:>11}  {:>9.2}  {:>29.2}", each(wall), each(cpu))?;
    }
    Ok(())
}

/// Has each connection move so often; how long that took, and how long both threads worked for it.
fn measure(connections: usize, moves_each: usize) -> Result<(Duration, Duration), Failure> {
    let settled = Arc::new(AtomicUsize::new(0));
    let (tell, told) = mpsc::channel();
    let side = |number: usize| {
        let (tell, settled) = (tell.clone(), Arc::clone(&settled));
        let (hand, other) = mpsc::channel();
        let run = move || -> Result<(), Failure> {
            let mut reactor = Reactor::new(Config { arrivals_max: 64, ..Config::default() })?;
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            reactor.listen(listener, 0)?;
            tell.send(Told::Here(number, reactor.wake_handle(), address))?;
            let mut side = Side { other: other.recv()?, left: HashMap::new(), settled };
            let (mut idle, mut before) = (true, Duration::ZERO);
            while side.settled.load(Ordering::Relaxed) < connections {
                reactor.wait(Wait::For(Duration::from_millis(50)))?;
                if idle && reactor.counters().accepted + reactor.counters().moved_in > 0 {
                    (idle, before) = (false, worked()?);
                }
                reactor.dispatch(&mut side);
            }
            let worked = worked()?.saturating_sub(before);
            tell.send(Told::Worked(worked))?;
            // Those who are here show that they are served.
            while reactor.counters().closed < side.left.len() as u64 {
                reactor.wait(Wait::Forever)?;
                reactor.dispatch(&mut side);
            }
            Ok(())
        };
        (thread::spawn(run), hand)
    };
    let (sides, hands): (Vec<_>, Vec<_>) = (0..2).map(side).unzip();
    let mut here = [None, None];
    for _ in 0..2 {
        if let Told::Here(number, handle, address) = told.recv()? {
            here[number] = Some((handle, address));
        }
    }
    let [Some((first, address)), Some((second, _))] = here else {
        return Err("no reactors".into());
    };
    hands[0].send((second, moves_each))?;
    hands[1].send((first, moves_each))?;
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(TcpStream::connect(address)?);
    }
    // A word sets each of them off.
    let began = Instant::now();
    for client in &mut clients {
        client.write_all(b"go")?;
    }
    let (mut wall, mut cpu) = (Duration::MAX, Duration::ZERO);
    for _ in 0..2 {
        if let Told::Worked(worked) = told.recv()? {
            wall = wall.min(began.elapsed());
            cpu += worked;
        }
    }
    for client in &mut clients {
        client.write_all(b"?")?;
        client.read_exact(&mut [0])?;
    }
    drop(clients);
    for side in sides {
        side.join().map_err(|_| "a side panicked")??;
    }
    Ok((wall, cpu))
}

enum Told {
    Here(usize, WakeHandle, SocketAddr),
    Worked(Duration),
}

/// One of the two reactors: passes on what comes, until each has moved as often as it shall.
struct Side {
    other: (WakeHandle, usize),
    /// Moves left of those who are here.
    left: HashMap<ConnId, usize>,
    settled: Arc<AtomicUsize>,
}

impl Handler for Side {
    fn opened(&mut self, _: &mut Io, conn: ConnId, _: Opened) {
        self.left.insert(conn, self.other.1);
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        match &*bytes {
            b"go" => drop(io.detach(conn)),
            _ => io.write(conn, |out| out.push(b'!')),
        }
    }

    fn detached(&mut self, io: &mut Io, conn: ConnId) {
        let left = self.left.remove(&conn).unwrap_or_default();
        if io.pass(conn, &self.other.0, Box::new(left - 1)).is_err() {
            panic!("there are as many places as connections");
        }
    }

    fn arrived(&mut self, io: &mut Io, conn: ConnId, cargo: Cargo) {
        let left = cargo.downcast::<usize>().map_or(0, |left| *left);
        self.left.insert(conn, left);
        if left == 0 {
            self.settled.fetch_add(1, Ordering::Relaxed);
        } else {
            io.detach(conn);
        }
    }

    fn closed(&mut self, _: &mut Io, _: ConnId, _: Closed) {}
}

/// How long this thread has been on a core.
fn worked() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split_whitespace().next().ok_or("no schedstat")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}
