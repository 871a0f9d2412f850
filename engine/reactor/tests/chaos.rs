//! Random pieces both ways, at random speeds, through small pools: every byte, in order.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use harness::{World, ignore, next_random, pattern};
use whisper_reactor::{Config, ConnId, Io, Wait};

const CLIENTS: usize = 24;
const BYTES: usize = 300_000;

#[test]
fn random_pieces_are_echoed_whole() {
    for seed in seeds() {
        eprintln!("WHISPER_SEED={seed}");
        echo_with(seed);
    }
}

/// Two reactors that dial themselves and pass each other what they have, with random calls in random
/// order. Whatever happens, each connection is closed once, in one place, and the tables are empty
/// in the end.
#[test]
fn random_calls_leave_nothing_behind() {
    let mut moves = 0;
    for seed in seeds() {
        eprintln!("WHISPER_SEED={seed}");
        moves += call_with(seed);
    }
    assert!(moves > 0, "nothing moved");
}

/// Says how many connections moved.
fn call_with(seed: u64) -> u64 {
    let mut state = seed.wrapping_mul(77) | 1;
    let config = Config {
        slots: 64,
        accept_watermark: 16,
        arrivals_max: 3,
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
    let cargo = std::sync::Arc::new(());
    let mut worlds = [World::new(config.clone(), ignore), World::new(config, ignore)];
    let handles = worlds.each_ref().map(|world| world.reactor.wake_handle());
    let mut dialled = 0;
    for _ in 0..10_000 {
        let side = next_random(&mut state) as usize % 2;
        let world = &mut worlds[side];
        let names = names(world);
        let conn = (!names.is_empty()).then(|| {
            let recent = names.len() - next_random(&mut state) as usize % names.len().min(64) - 1;
            names[recent]
        });
        let size = next_random(&mut state) as usize % 20_000;
        let still = world.heard.detached.len();
        let address = world.address;
        let io = world.reactor.io();
        match (next_random(&mut state) % 20, conn) {
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
            (13 | 14, Some(conn)) => drop(io.detach(conn)),
            (15 | 16, _) if still > 0 => {
                let conn = world.heard.detached.swap_remove(size % still);
                if io.pass(conn, &handles[1 - side], Box::new(cargo.clone())).is_err() {
                    io.reattach(conn);
                }
            }
            (17, _) if still > 0 => io.reattach(world.heard.detached.swap_remove(size % still)),
            _ => world.turn_with(Wait::No),
        }
    }
    worlds.iter_mut().for_each(|world| world.reactor.stop_listening());
    let [here, there] = &mut worlds;
    here.until("each dial is told of, and each connection closed", |here| {
        there.turn_with(Wait::No);
        for world in [&mut *here, &mut *there] {
            for conn in names(world) {
                world.reactor.io().close(conn);
            }
        }
        let both = [&*here, &*there].map(|world| (&world.heard, world.reactor.counters()));
        let told = both.iter().map(|(heard, it)| it.connected + heard.failed.len() as u64);
        let opened = both.iter().map(|(_, it)| it.accepted + it.connected);
        let closed = both.iter().map(|(heard, _)| heard.closed.len() as u64);
        told.sum::<u64>() == dialled && opened.sum::<u64>() == closed.sum::<u64>()
    });
    worlds.iter_mut().for_each(World::until_empty);
    let counters = worlds.each_ref().map(|world| world.reactor.counters());
    for (world, it) in worlds.iter().zip(&counters) {
        assert_eq!(it.closed, world.heard.closed.len() as u64);
        assert_eq!(it.closed + it.moved_out, it.accepted + it.connected + it.moved_in);
        assert_eq!((it.poll_armed_now, it.receive_armed_now), (0, 0));
    }
    drop(worlds);
    assert_eq!(std::sync::Arc::strong_count(&body), 1, "no body is kept");
    assert_eq!(std::sync::Arc::strong_count(&cargo), 1, "nor any cargo");
    counters.iter().map(|it| it.moved_in).sum()
}

/// All names that connections had here, the latest last.
fn names(world: &World) -> Vec<ConnId> {
    let opened = world.heard.opened.iter().map(|(conn, _)| *conn);
    opened.chain(world.heard.arrived.iter().map(|(conn, _)| *conn)).collect()
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
    world.until("all clients are done", |world| {
        // As if every turn took a second, so that the pool goes up and down.
        world.reactor.relax();
        threads.iter().all(|(thread, _)| thread.is_finished())
    });
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
