//! A whole reactor stands still, and its connections go on at another: here on the same thread, as
//! they would in another process.

mod harness;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::{OnData, World, echo, ignore, next_random, pattern};
use whisper_reactor::{Closed, Config, ConnId, Sealer, Wait};

/// As many as a message of a Unix socket holds.
const BATCH: usize = 253;

/// Turns every byte over: one that was sealed twice, or not at all, shows.
#[derive(Default)]
struct Complement {
    finished: usize,
}

impl Sealer for Complement {
    fn seal(&mut self, _: ConnId, plain: &[u8], wire: &mut Vec<u8>) {
        wire.extend(plain.iter().map(|byte| !byte));
    }

    fn finish(&mut self, _: ConnId, wire: &mut Vec<u8>) {
        self.finished += 1;
        wire.push(b'.');
    }

    fn released(&mut self, _: ConnId) {}
}

fn turn(world: &mut World) {
    world.reactor.seal(&mut Complement::default());
    world.turn();
}

fn freeze(world: &mut World) {
    world.reactor.freeze();
    world.until("it is frozen", |world| {
        world.reactor.seal(&mut Complement::default());
        world.reactor.is_frozen()
    });
    let counters = world.reactor.counters();
    assert_eq!((counters.receive_armed_now, counters.poll_armed_now), (0, 0));
}

/// A frozen reactor with all that another has: its connections, and how they are named now.
fn inherit(from: &mut World, config: Config, on_data: OnData) -> (World, Vec<(ConnId, ConnId)>) {
    let mut heir = World::new(config, on_data);
    freeze(&mut heir);
    heir.reactor.stop_listening(); // on its own socket
    heir.address = from.address;
    for (listener, tag) in from.reactor.listeners().unwrap() {
        heir.reactor.listen(listener, tag).unwrap();
    }
    let mut estates: Vec<_> = from.reactor.estates().collect();
    let mut names = Vec::new();
    while !estates.is_empty() {
        let batch: Vec<_> = estates.drain(..estates.len().min(BATCH)).collect();
        let (conns, batch): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let sockets = from.reactor.lend(&conns).unwrap();
        assert_eq!(sockets.len(), conns.len());
        let adopted = heir.reactor.adopt(sockets.into_iter().zip(batch).collect()).unwrap();
        names.extend(conns.into_iter().zip(adopted));
    }
    (heir, names)
}

/// Everything goes on at another reactor; this one is no more.
fn succeed(mut from: World, config: &Config, on_data: OnData) -> (World, Vec<(ConnId, ConnId)>) {
    freeze(&mut from);
    let (mut heir, names) = inherit(&mut from, config.clone(), on_data);
    drop(from);
    heir.reactor.thaw();
    (heir, names)
}

/// How a connection is named now.
fn now(names: &[(ConnId, ConnId)], conn: ConnId) -> ConnId {
    names.iter().find(|(before, _)| *before == conn).unwrap().1
}

/// Reads until the end.
fn read_to_end(world: &mut World, client: &mut TcpStream) -> Vec<u8> {
    client.set_nonblocking(true).unwrap();
    let mut bytes = Vec::new();
    let began = Instant::now();
    loop {
        world.reactor.seal(&mut Complement::default());
        world.turn_with(Wait::No);
        match client.read_to_end(&mut bytes) {
            Ok(_) => return bytes,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{}", bytes.len()),
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{} bytes, and no end", bytes.len());
    }
}

fn config() -> Config {
    Config { unsent_max: 1 << 24, ..Config::default() }
}

#[test]
fn nothing_is_heard_while_it_is_frozen_and_nothing_is_lost() {
    let mut world = World::new(config(), echo);
    let (mut client, conn) = world.client();
    let (mut idle, _) = world.client();
    client.write_all(b"before").unwrap();
    world.until("it is heard", |world| world.heard.received_bytes == 6);
    freeze(&mut world);

    client.write_all(b"meanwhile").unwrap();
    idle.write_all(b"woken up").unwrap();
    let mut newcomer = TcpStream::connect(world.address).unwrap();
    newcomer.write_all(b"new").unwrap();
    for _ in 0..5 {
        world.turn();
        assert!(world.reactor.is_frozen());
    }
    assert_eq!((world.heard.received_bytes, world.heard.opened.len()), (6, 2));

    world.reactor.io().write(conn, |out| out.extend_from_slice(b", said by others"));
    assert!(!world.reactor.is_frozen(), "there is something to send");
    world.until("it is sent", |world| world.reactor.is_frozen());

    world.reactor.thaw();
    world.until("all is heard", |world| world.heard.received_bytes == 6 + 9 + 8 + 3);
    assert_eq!(world.heard.received_from(conn), b"beforemeanwhile");
    drop(world);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"before, said by othersmeanwhile");
}

#[test]
fn newcomers_can_be_held_while_others_are_served() {
    let mut world = World::new(config(), echo);
    let (mut client, _) = world.client();
    world.reactor.hold_accepting();
    world.turn();
    let mut newcomer = TcpStream::connect(world.address).unwrap();
    newcomer.write_all(b"new").unwrap();
    client.write_all(b"known").unwrap();
    world.until("one is heard", |world| world.heard.received_bytes == 5);
    world.turn();
    assert_eq!(world.heard.opened.len(), 1);
    freeze(&mut world);
    world.reactor.thaw();
    world.until("both are heard", |world| world.heard.received_bytes == 8);
}

#[test]
fn a_thaw_in_the_middle_of_freezing_goes_on_as_before() {
    let mut world = World::new(config(), echo);
    let mut clients: Vec<_> = (0..8).map(|_| world.client().0).collect();
    for turns in 0..6 {
        world.reactor.freeze();
        for _ in 0..turns {
            world.turn_with(Wait::No);
        }
        world.reactor.thaw();
        let heard = world.heard.received_bytes;
        for client in &mut clients {
            client.write_all(&[turns; 100]).unwrap();
        }
        world.until("all is heard", |world| world.heard.received_bytes == heard + 800);
        world.turn(); // answers leave
        for client in &mut clients {
            let mut bytes = [0; 100];
            client.read_exact(&mut bytes).unwrap();
            assert_eq!(bytes, [turns; 100]);
        }
        let newcomer = world.client();
        drop(newcomer);
    }
}

/// Bytes keep coming and going while the connections are handed from reactor to reactor, and now and
/// then are not: none is lost, doubled or out of place.
#[test]
fn traffic_goes_on_through_any_number_of_handovers() {
    const CLIENTS: u64 = 8;
    const BYTES: usize = 300_000;
    let config = Config { recv_buffers: 16, recv_buffer_bytes: 512, sq_entries: 16, ..config() };
    let mut world = World::new(config.clone(), echo);
    let threads: Vec<_> =
        (0..CLIENTS).map(|seed| exchange(world.client().0, seed, BYTES)).collect();
    let (mut handovers, mut abandoned, mut state) = (0, 0, 7);
    while !threads.iter().all(JoinHandle::is_finished) {
        for _ in 0..next_random(&mut state) % 8 {
            world.turn();
        }
        if next_random(&mut state).is_multiple_of(4) {
            freeze(&mut world);
            drop(inherit(&mut world, config.clone(), echo));
            world.reactor.thaw();
            abandoned += 1;
        } else {
            (world, _) = succeed(world, &config, echo);
            handovers += 1;
        }
    }
    for (seed, thread) in (0..).zip(threads) {
        assert!(thread.join().unwrap() == pattern(seed, BYTES), "client {seed}");
    }
    eprintln!("{handovers} handovers, {abandoned} abandoned");
    assert!(handovers > 10 && abandoned > 0, "{handovers}, {abandoned}");

    /// Sends the pattern and reads it back.
    fn exchange(client: TcpStream, seed: u64, len: usize) -> JoinHandle<Vec<u8>> {
        let mut writer = client.try_clone().unwrap();
        std::thread::spawn(move || {
            let sender = std::thread::spawn(move || {
                for piece in pattern(seed, len).chunks(1 + 997 * (seed as usize + 1)) {
                    writer.write_all(piece).unwrap();
                }
            });
            let mut echoed = vec![0; len];
            (&client).read_exact(&mut echoed).unwrap();
            sender.join().unwrap();
            echoed
        })
    }
}

#[test]
fn what_waits_for_a_slow_reader_is_handed_over() {
    const BYTES: usize = 8_000_000;
    let body: Arc<[u8]> = pattern(2, 500_000).into();
    for sealed in [false, true] {
        let mut world = World::new(config(), ignore);
        let (mut client, mut conn) = world.client();
        if sealed {
            world.reactor.io().seal(conn);
        }
        let mut expected = Vec::new();
        for part in pattern(1, BYTES).chunks(BYTES / 2) {
            let io = world.reactor.io();
            io.write(conn, |out| out.extend_from_slice(part));
            io.write_shared(conn, Arc::clone(&body));
            expected.extend_from_slice(part);
            expected.extend_from_slice(&body);
            turn(&mut world);
            let names;
            (world, names) = succeed(world, &config(), ignore);
            conn = now(&names, conn);
            assert!(world.reactor.io().unsent(conn) > 0, "it has yet to be sent");
        }
        world.reactor.io().close(conn);
        // Closing as well.
        turn(&mut world);
        let names;
        (world, names) = succeed(world, &config(), ignore);
        assert_eq!(names.len(), 1);
        if sealed {
            expected.iter_mut().for_each(|byte| *byte = !*byte);
            expected.push(b'.');
        }
        assert!(read_to_end(&mut world, &mut client) == expected, "sealed: {sealed}");
        drop(client);
        world.until_empty();
        assert!(world.heard.closed.is_empty(), "it was closed before");
        assert_eq!(Arc::strong_count(&body), 1, "it is let go of once it is sent");
    }
}

#[test]
fn one_that_has_said_its_last_still_waits_for_its_peer() {
    for sealed in [false, true] {
        let mut world = World::new(config(), ignore);
        let (mut client, conn) = world.client();
        if sealed {
            world.reactor.io().seal(conn);
        }
        world.reactor.io().write(conn, |out| out.extend_from_slice(b"bye"));
        world.reactor.io().close(conn);
        turn(&mut world);
        let (mut heir, names) = succeed(world, &config(), ignore);
        assert_eq!(names.len(), 1, "it lingers");
        client.write_all(b"not heard any more").unwrap();
        let said: &[u8] = if sealed { b"\x9d\x86\x9a." } else { b"bye" };
        assert_eq!(read_to_end(&mut heir, &mut client), said);
        client.shutdown(Shutdown::Write).unwrap();
        heir.until_empty();
        assert_eq!(heir.heard.received_bytes, 0);
    }
}

#[test]
fn who_stands_in_the_backlog_is_accepted_by_the_heir() {
    let mut world = World::new(config(), echo);
    freeze(&mut world);
    let mut clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = TcpStream::connect(world.address).unwrap();
            client.write_all(b"hello").unwrap();
            client
        })
        .collect();
    let (mut heir, names) = inherit(&mut world, config(), echo);
    assert_eq!(names, []);
    drop(world);
    clients.push(TcpStream::connect(heir.address).unwrap());
    clients[20].write_all(b"hello").unwrap();
    heir.reactor.thaw();
    heir.until("all are heard", |world| world.heard.received_bytes == 21 * 5);
    heir.turn();
    for mut client in clients {
        client.read_exact(&mut [0; 5]).unwrap();
    }
}

#[test]
fn what_a_leaving_connection_has_not_heard_is_heard_by_the_heir() {
    let config = || Config { arrivals_max: 16, event_budget: 1, ..config() };
    let mut world = World::new(config(), ignore);
    let (mut client, conn) = world.client();
    let (_other, other) = world.client();
    let bytes = pattern(5, 100_000);
    client.write_all(&bytes).unwrap();
    world.until("some is heard", |world| world.heard.received_bytes > 0);
    assert!(world.reactor.io().detach(conn));
    world.until("it is still", |world| world.heard.detached == [conn]);
    freeze(&mut world);
    assert!(!world.reactor.io().detach(other), "it is frozen");
    let home = world.reactor.wake_handle();
    assert!(world.reactor.io().pass(conn, &home, Box::new(())).is_err(), "it is frozen");
    let (heard, rest) = bytes.split_at(world.heard.received_bytes);
    assert_eq!(world.heard.received_from(conn), heard);
    let kept = world.reactor.estates().find(|(it, _)| *it == conn).unwrap().1.input;
    assert!(!kept.is_empty() && rest.starts_with(&kept));
    let (mut heir, names) = succeed(world, &config(), ignore);
    let conn = now(&names, conn);
    heir.until("the rest is heard", |world| world.heard.received_bytes == rest.len());
    assert_eq!(heir.heard.received_from(conn), rest);
}

#[test]
fn a_paused_connection_stays_paused() {
    let mut world = World::new(config(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().pause(conn);
    let (mut heir, names) = succeed(world, &config(), ignore);
    client.write_all(b"later").unwrap();
    let (mut other, _) = heir.client();
    other.write_all(b"sooner").unwrap();
    heir.until("somebody is heard", |world| world.heard.received_bytes > 0);
    let conn = now(&names, conn);
    assert_eq!(heir.heard.received_from(conn), b"");
    heir.reactor.io().resume(conn);
    heir.until("it is heard", |world| world.heard.received_from(conn) == b"later");
}

#[test]
fn ends_that_come_meanwhile_are_heard_by_the_heir() {
    let mut world = World::new(config(), ignore);
    let (client, ended) = world.client();
    let (broken, reset) = world.client();
    freeze(&mut world);
    client.shutdown(Shutdown::Write).unwrap();
    socket2::SockRef::from(&broken).set_linger(Some(Duration::ZERO)).unwrap();
    drop(broken);
    let (mut heir, names) = succeed(world, &config(), ignore);
    heir.until("both are heard", |world| world.heard.closed.len() == 2);
    assert_eq!(heir.heard.why(now(&names, ended)), Some(Closed::Peer));
    assert_eq!(heir.heard.why(now(&names, reset)), Some(Closed::Reset));
    heir.until_empty();
}

#[test]
fn a_table_takes_all_or_none() {
    let mut world = World::new(config(), echo);
    let mut clients: Vec<_> = (0..40).map(|_| world.client()).collect();
    freeze(&mut world);
    let conns: Vec<_> = clients.iter().map(|(_, conn)| *conn).collect();
    let estates: Vec<_> = world.reactor.estates().map(|(_, estate)| estate).collect();
    let mut heir = World::new(Config { slots: 50, ..config() }, echo);
    for round in 0..2 {
        let sockets = world.reactor.lend(&conns).unwrap();
        let adopted = heir.reactor.adopt(sockets.into_iter().zip(estates.clone()).collect());
        match round {
            0 => assert_eq!(adopted.unwrap().len(), 40),
            _ => assert_eq!(adopted.unwrap_err().raw_os_error(), Some(libc::ENFILE)),
        }
        assert_eq!(heir.reactor.io().open_connections(), 40);
    }
    heir.turn();
    // Ten are left.
    let sockets = world.reactor.lend(&conns[..10]).unwrap();
    let ten: Vec<_> = sockets.into_iter().zip(estates).collect();
    assert_eq!(heir.reactor.adopt(ten).unwrap().len(), 10);
    drop(heir);

    let (gone, conn) = clients.pop().unwrap();
    drop(gone);
    world.reactor.thaw();
    world.until("it is gone", |world| world.reactor.io().open_connections() == 39);
    let error = world.reactor.lend(&[conns[0], conn]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for (mut client, _) in clients {
        client.write_all(b"still here").unwrap();
    }
    world.until("all are heard", |world| world.heard.received_bytes == 390);
}
