//! Random pieces both ways, at random speeds, through small pools: every byte, in order.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use harness::{World, next_random, pattern};
use whisper_reactor::{Config, ConnId, Io};

const CLIENTS: usize = 24;
const BYTES: usize = 300_000;

#[test]
fn random_pieces_are_echoed_whole() {
    for seed in seeds() {
        eprintln!("WHISPER_SEED={seed}");
        echo_with(seed);
    }
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
