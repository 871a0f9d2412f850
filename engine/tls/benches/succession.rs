//! What it takes to write a TLS connection for another process, and to go on with it there: `cargo
//! bench -p whisper-tls --bench succession`.

#[path = "../tests/peer/mod.rs"]
mod peer;

use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peer::{Authority, Pair, acceptor};
use rustls::version::{TLS12, TLS13};
use whisper_tls::{Connection, Tickets, Zeroizing};

/// Connections that are handed over one after the other, so that each is read from memory.
const CONNECTIONS: usize = 10_000;

const ROUNDS: usize = 15;

fn main() {
    // `cargo test --benches` asks for a run that only shows that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if is_bench { (CONNECTIONS, ROUNDS) } else { (10, 1) };
    let authority = Authority::new();
    let acceptor =
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap());
    let mut out = std::io::stdout();
    writeln!(out, "suite                                          bytes  ns to write  ns to read")
        .unwrap();
    for suite in rustls::crypto::aws_lc_rs::DEFAULT_CIPHER_SUITES {
        let suite = suite.suite();
        let name = format!("{suite:?}");
        if name.contains("RSA") {
            continue; // the same as with ECDSA, after the handshake
        }
        let config = Arc::new(authority.client(&[&TLS13, &TLS12], |provider| {
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }));
        let mut pair = Pair::new(&config, &acceptor, "chat.example");
        pair.shake();
        let state = pair.server.bequeath().unwrap();
        let (mut writing, mut reading) = (Vec::new(), Vec::new());
        let mut house: Vec<_> =
            (0..count).map(|_| Connection::inherit(&acceptor, &state).unwrap()).collect();
        for _ in 0..rounds {
            let began = Instant::now();
            let states: Vec<Zeroizing<Vec<u8>>> =
                house.iter().map(|connection| connection.bequeath().unwrap()).collect();
            writing.push(began.elapsed());
            let began = Instant::now();
            let heirs: Vec<_> =
                states.iter().map(|state| Connection::inherit(&acceptor, state).unwrap()).collect();
            reading.push(began.elapsed());
            house = black_box(heirs);
        }
        let [write, read] =
            [writing, reading].map(|times| median(times).as_nanos() / count as u128);
        writeln!(out, "{name:<45}  {:>5}  {write:>11}  {read:>10}", state.len()).unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
