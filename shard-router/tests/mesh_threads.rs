//! The mesh on real threads: nothing lost, order kept, and no wake lost by receivers that truly
//! sleep.

use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use whisper_shard_router::{Port, Sleep, mesh};

/// How long a shard may sleep with work outstanding before we call a wake lost.
const LOST: Duration = Duration::from_secs(20);

/// Runs `body` once for each of `ports` ports, each on its own thread, and returns what they
/// returned.
fn on_threads<R: Send>(
    ports: usize,
    slots: usize,
    body: impl Fn(&mut Port<u64>, &dyn Fn(usize)) -> R + Sync,
) -> Vec<R> {
    let threads: Arc<[OnceLock<Thread>]> = (0..ports).map(|_| OnceLock::new()).collect();
    thread::scope(|scope| {
        let spawned: Vec<_> = mesh(ports, slots)
            .into_iter()
            .map(|mut port| {
                let (threads, body) = (Arc::clone(&threads), &body);
                scope.spawn(move || {
                    threads[port.me()].set(thread::current()).expect("one thread for each port");
                    body(&mut port, &|to| threads[to].wait().unpark())
                })
            })
            .collect();
        spawned.into_iter().map(|thread| thread.join().expect("a shard does not panic")).collect()
    })
}

/// Sleeps as a reactor would: until woken, or not at all, or for a moment.
fn sleep(port: &mut Port<u64>) {
    match port.prepare_sleep() {
        Sleep::No => {}
        Sleep::Briefly => thread::yield_now(),
        Sleep::Now => {
            let since = Instant::now();
            thread::park_timeout(LOST);
            assert!(since.elapsed() < LOST, "port {} was never woken", port.me());
        }
    }
    port.awake();
}

/// A step of xorshift64: bursts of different lengths, the same in each run.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Every port sends `count` numbered messages to every port, itself included, in bursts, and
/// receives as many.
fn all_to_all(ports: usize, slots: usize, count: u64) {
    let counters = on_threads(ports, slots, |port, wake| {
        let mut random = 0x9E37_79B9_7F4A_7C15 ^ (port.me() as u64 + 1);
        let mut sent = 0;
        let mut next = vec![0; ports];
        let mut left = count * ports as u64;
        while sent < count || left > 0 || port.waiting() > 0 {
            let burst = sent..count.min(sent + next_random(&mut random) % 50);
            sent = burst.end;
            for n in burst {
                (0..ports).for_each(|to| port.send(to, n));
            }
            port.flush(wake);
            for _ in 0..next_random(&mut random) % 300 {
                let Some((from, n)) = port.recv() else { break };
                assert_eq!(n, next[from], "from {from} to {}", port.me());
                next[from] += 1;
                left -= 1;
            }
            if sent == count && (left > 0 || port.waiting() > 0) {
                sleep(port);
            }
        }
        assert_eq!(next, vec![count; ports]);
        port.counters()
    });
    let total = count * (ports * ports) as u64;
    assert_eq!(counters.iter().map(|c| c.sent).sum::<u64>(), total);
    assert_eq!(counters.iter().map(|c| c.received).sum::<u64>(), total);
}

#[test]
fn nothing_is_lost_and_order_is_kept() {
    all_to_all(1, 64, 100_000);
    all_to_all(2, 64, 200_000);
    all_to_all(5, 64, 20_000);
    all_to_all(64, 64, 100);
}

#[test]
fn nothing_is_lost_where_rings_overflow_all_the_time() {
    all_to_all(2, 1, 50_000);
    all_to_all(5, 2, 10_000);
}

/// A token goes back and forth; whoever doesn't hold it sleeps. Each step is a race between falling
/// asleep and being woken.
#[test]
fn no_wake_is_lost_between_two() {
    const STEPS: u64 = 200_000;
    on_threads(2, 64, |port, wake| {
        let other = 1 - port.me();
        if port.me() == 0 {
            port.send(other, 0);
            port.flush(wake);
        }
        loop {
            let Some((_, step)) = port.recv() else {
                sleep(port);
                continue;
            };
            if step < STEPS {
                port.send(other, step + 1);
                port.flush(wake);
            }
            if step + 1 >= STEPS {
                break;
            }
        }
    });
}

/// One receiver that sleeps whenever it can, and four senders that each wait for its answer.
#[test]
fn no_wake_is_lost_among_many() {
    const ROUNDS: u64 = 20_000;
    on_threads(5, 64, |port, wake| {
        let answers = if port.me() == 0 { 4 * ROUNDS } else { ROUNDS };
        if port.me() > 0 {
            port.send(0, 1);
            port.flush(wake);
        }
        let mut received = 0;
        while received < answers {
            match port.recv() {
                Some((from, round)) => {
                    received += 1;
                    if port.me() == 0 {
                        port.send(from, round);
                    } else if round < ROUNDS {
                        port.send(0, round + 1);
                    }
                }
                None => {
                    port.flush(wake);
                    sleep(port);
                }
            }
        }
        port.flush(wake);
    });
}
