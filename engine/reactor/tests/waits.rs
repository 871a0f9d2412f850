//! What ends a wait, and what doesn't.

mod harness;

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use harness::{World, ignore};
use whisper_reactor::{Config, Reactor, Wait, WakeHandle};

#[test]
fn a_plain_thread_wakes_a_reactor() {
    let mut world = World::new(Config::default(), ignore);
    for round in 1..=100 {
        let notifier = world.reactor.notifier();
        let thread = std::thread::spawn(move || notifier.notify());
        while world.reactor.counters().notifications < round {
            world.turn_with(Wait::Forever);
        }
        thread.join().unwrap();
    }
}

#[test]
fn reactors_wake_each_other() {
    const ROUNDS: u64 = 1000;
    let (to_second, from_first) = mpsc::channel::<WakeHandle>();
    let (to_first, from_second) = mpsc::channel::<WakeHandle>();
    let second = std::thread::spawn(move || {
        let mut reactor = Reactor::new(Config::default()).unwrap();
        to_first.send(reactor.wake_handle()).unwrap();
        let first = from_first.recv().unwrap();
        for round in 1..=ROUNDS {
            while reactor.counters().wakes < round {
                reactor.wait(Wait::Forever).unwrap();
            }
            reactor.io().wake(&first);
        }
        reactor.wait(Wait::No).unwrap();
    });
    let mut reactor = Reactor::new(Config::default()).unwrap();
    to_second.send(reactor.wake_handle()).unwrap();
    let other = from_second.recv().unwrap();
    for round in 1..=ROUNDS {
        reactor.io().wake(&other);
        while reactor.counters().wakes < round {
            reactor.wait(Wait::Forever).unwrap();
        }
    }
    second.join().unwrap();
    reactor.io().wake(&other);
    reactor.wait(Wait::No).unwrap(); // nobody is there to wake, and that is no error
}

#[test]
fn a_wait_ends_in_time() {
    let mut world = World::new(Config::default(), ignore);
    world.turn_with(Wait::No);
    let start = Instant::now();
    world.turn_with(Wait::For(Duration::from_millis(20)));
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn a_wait_for_ever_ends_with_data_and_lets_connections_fall_quiet() {
    let config = Config { quiet: Duration::from_millis(10), ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, _) = world.client();
    world.until("it is armed", |world| world.reactor.counters().receive_armed_now == 1);
    while world.reactor.counters().receive_armed_now == 1 {
        world.turn_with(Wait::Forever);
    }
    client.write_all(b"data").unwrap();
    while world.heard.received_bytes < 4 {
        world.turn_with(Wait::Forever);
    }
}

#[test]
fn what_is_over_the_budget_is_heard_next_in_order() {
    let config = Config { event_budget: 1, recv_buffer_bytes: 16, ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, conn) = world.client();
    let sent = harness::pattern(1, 4000);
    client.write_all(&sent).unwrap();
    while world.heard.received_bytes < 4000 {
        world.reactor.wait(Wait::Forever).unwrap();
        assert!(world.reactor.dispatch(&mut world.heard) <= 1);
    }
    assert_eq!(world.heard.received_from(conn), sent);
}

#[test]
fn a_reactor_can_be_dropped_at_any_moment() {
    for busy in [false, true] {
        let mut world = World::new(Config::default(), ignore);
        let (mut client, conn) = world.client();
        client.write_all(&[1; 100_000]).unwrap();
        if busy {
            let body: std::sync::Arc<[u8]> = vec![0; 32 << 20].into();
            world.reactor.io().write_shared(conn, body);
        }
        world.reactor.wait(Wait::No).unwrap();
        world.reactor.io().write(conn, |out| out.extend_from_slice(b"unsent"));
        drop(world);
    }
}

#[test]
fn a_dropped_reactor_s_connections_end() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, _) = world.client();
    drop(world);
    // The ring's end interrupts a plain read of this thread; this one tries again.
    assert_eq!(client.read_to_end(&mut Vec::new()).unwrap(), 0);
}
