//! Random pieces both ways, at random speeds, through small pools: every byte, in order.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use harness::{World, ignore, next_random, pattern};
use whisper_reactor::{Config, ConnId, Io, Opened, Wait};

const CLIENTS: usize = 24;
const BYTES: usize = 300_000;

#[test]
fn random_pieces_are_echoed_whole() {
    for seed in seeds() {
        eprintln!("WHISPER_SEED={seed}");
        echo_with(seed);
    }
}

/// A reactor that dials itself, with random calls in random order. Whatever happens, each opened
/// connection is closed once, and the table is empty in the end.
#[test]
fn random_calls_leave_nothing_behind() {
    for seed in seeds() {
        eprintln!("WHISPER_SEED={seed}");
        call_with(seed);
    }
}

fn call_with(seed: u64) {
    let mut state = seed.wrapping_mul(77) | 1;
    let config = Config {
        slots: 64,
        accept_watermark: 16,
        sq_entries: 16,
        cq_entries: 8192,
        recv_buffers: 8,
        recv_buffer_bytes: 512,
        event_budget: 1 + next_random(&mut state) as usize % 50,
        unsent_max: 30_000,
        unsent_shared_max: 2,
        unsent_sum_max: 200_000,
        stall: Duration::from_millis(3),
        stall_bytes: 100,
        quiet: Duration::from_millis(1),
        linger: Duration::from_millis(5),
        linger_bytes: 4096,
        flush_timeout: Duration::from_millis(20),
        connect_timeout: Duration::from_secs(10),
    };
    let body: std::sync::Arc<[u8]> = pattern(seed, 200_000).into();
    let mut world = World::new(config, ignore);
    let address = world.address;
    let mut dialled = 0;
    for _ in 0..5000 {
        let known = world.heard.opened.len();
        let conn = (known > 0).then(|| {
            let recent = known - next_random(&mut state) as usize % known.min(64) - 1;
            world.heard.opened[recent].0
        });
        let size = next_random(&mut state) as usize % 20_000;
        let io = world.reactor.io();
        match (next_random(&mut state) % 16, conn) {
            (0 | 1, _) if io.open_connections() < 50 => {
                io.connect(address, None, dialled);
                dialled += 1;
            }
            (2..=5, Some(conn)) => io.write(conn, |out| out.resize(out.len() + size, 1)),
            (6, Some(conn)) => io.write_droppable(conn, |out| out.push(2)),
            (7, Some(conn)) => io.write_shared(conn, body.clone()),
            (8, Some(conn)) => io.pause(conn),
            (9 | 10, Some(conn)) => io.resume(conn),
            (11, Some(conn)) => io.close(conn),
            (12, Some(conn)) if size < 5000 => io.abort(conn),
            _ => world.turn_with(Wait::No),
        }
    }
    world.reactor.stop_listening();
    for (conn, _) in world.heard.opened.clone() {
        world.reactor.io().close(conn);
    }
    world.until("each dial is told of", |world| {
        let connected =
            world.heard.opened.iter().filter(|(_, how)| matches!(how, Opened::Connected { .. }));
        (connected.count() + world.heard.failed.len()) as u64 == dialled
    });
    world.until("each opened one is closed", |world| {
        for (conn, _) in world.heard.opened.clone() {
            world.reactor.io().close(conn);
        }
        world.heard.closed.len() == world.heard.opened.len()
    });
    world.until_empty();
    let counters = world.reactor.counters();
    assert_eq!(counters.closed, counters.accepted + counters.connected);
    assert_eq!((counters.poll_armed_now, counters.receive_armed_now), (0, 0));
    drop(world);
    assert_eq!(std::sync::Arc::strong_count(&body), 1, "no body is kept");
}

/// One variable replays a run.
fn seeds() -> Vec<u64> {
    match std::env::var("WHISPER_SEED") {
        Ok(seed) => vec![seed.parse().expect("WHISPER_SEED is a number")],
        Err(_) => (1..=6).collect(),
    }
}

fn echo_with(seed: u64) {
    let mut state = seed;
    let mut pick = |from: &[u32]| from[next_random(&mut state) as usize % from.len()];
    let config = Config {
        sq_entries: pick(&[8, 64, 4096]),
        cq_entries: pick(&[8192, 32_768]),
        recv_buffers: pick(&[1, 4, 64, 2048]) as u16,
        recv_buffer_bytes: pick(&[1, 17, 256, 2048]).max(17),
        event_budget: pick(&[1, 10, 4096]) as usize,
        quiet: Duration::from_millis(u64::from(pick(&[1, 5, 2000]))),
        slots: pick(&[CLIENTS as u32, 16_384]),
        unsent_max: BYTES,
        ..Config::default()
    };
    eprintln!("{config:?}");
    let mut world = World::new(config, echo_in_pieces);
    let threads: Vec<_> = (0..CLIENTS as u64)
        .map(|number| {
            let client = TcpStream::connect(world.address).unwrap();
            let seed = seed * 1000 + number;
            (exchange(client, seed), seed)
        })
        .collect();
    world.until("all clients are done", |_| threads.iter().all(|(thread, _)| thread.is_finished()));
    for (thread, seed) in threads {
        assert!(thread.join().unwrap() == pattern(seed, BYTES));
    }
    world.until("all ends are heard", |world| world.heard.closed.len() == CLIENTS);
    world.until_empty();
}

/// Writes the answer bit by bit, with pauses as the bytes fall.
fn echo_in_pieces(io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
    let size = usize::from(bytes[0]) * 4 + 1;
    for piece in bytes.chunks(size) {
        io.write(conn, |out| out.extend_from_slice(piece));
    }
    if bytes[0].is_multiple_of(16) {
        io.pause(conn);
        io.resume(conn);
    }
}

/// Sends in random pieces from one thread and reads in random pieces in another.
fn exchange(client: TcpStream, seed: u64) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut writer = client.try_clone().unwrap();
        let sender = std::thread::spawn(move || {
            let bytes = pattern(seed, BYTES);
            let mut state = seed | 1;
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let size = match next_random(&mut state) % 4 {
                    0 => 1,
                    1 => 100,
                    _ => next_random(&mut state) as usize % 20_000 + 1,
                };
                let (piece, left) = rest.split_at(size.min(rest.len()));
                writer.write_all(piece).unwrap();
                rest = left;
                if next_random(&mut state).is_multiple_of(8) {
                    std::thread::yield_now();
                }
            }
        });
        let mut reader = client;
        let mut state = seed | 2;
        let mut received = Vec::new();
        let mut buffer = vec![0; 20_000];
        while received.len() < BYTES {
            let size = next_random(&mut state) as usize % 20_000 + 1;
            let read = reader.read(&mut buffer[..size]).unwrap();
            assert_ne!(read, 0, "cut off after {} bytes", received.len());
            received.extend_from_slice(&buffer[..read]);
        }
        sender.join().unwrap();
        received
    })
}
