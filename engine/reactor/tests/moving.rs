//! Connections that go on at another reactor. Both are on the test's own thread, except where it is
//! about sleeping.

mod harness;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use harness::{OnData, World, echo, ignore, next_random, pattern};
use whisper_reactor::{Cargo, Closed, Config, ConnId, Sealer, Wait};

/// Two reactors that turn together. Connections begin at the first.
struct Pair([World; 2]);

impl Pair {
    fn new(config: Config, on_data: OnData) -> Pair {
        Pair([World::new(config.clone(), on_data), World::new(config, on_data)])
    }

    fn turn(&mut self) {
        self.0.iter_mut().for_each(|world| world.turn_with(Wait::No));
    }

    /// Lets both take turns until `done`.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut [World; 2]) -> bool) {
        let start = Instant::now();
        while !done(&mut self.0) {
            let counters = self.0.each_ref().map(|world| world.reactor.counters());
            assert!(start.elapsed() < Duration::from_secs(60), "never: {what}; {counters:#?}");
            self.turn();
        }
    }

    /// Takes a connection out of service.
    fn detach(&mut self, from: usize, conn: ConnId) {
        let known = self.0[from].heard.detached.len();
        assert!(self.0[from].reactor.io().detach(conn));
        self.until("it is still", |worlds| worlds[from].heard.detached.len() > known);
        assert_eq!(self.0[from].heard.detached[known], conn);
    }

    fn pass(&mut self, from: usize, conn: ConnId, cargo: impl Send + 'static) -> Result<(), Cargo> {
        let to = self.0[1 - from].reactor.wake_handle();
        self.0[from].reactor.io().pass(conn, &to, Box::new(cargo))
    }

    /// Moves a connection to the other reactor, and says how it is named there.
    fn bring(&mut self, from: usize, conn: ConnId) -> ConnId {
        self.detach(from, conn);
        let known = self.0[1 - from].heard.arrived.len();
        self.pass(from, conn, conn.to_bits()).expect("there is room for it");
        self.until("it is there", |worlds| worlds[1 - from].heard.arrived.len() > known);
        let (arrived, cargo) = &self.0[1 - from].heard.arrived[known];
        assert_eq!(cargo.downcast_ref(), Some(&conn.to_bits()), "the cargo came along");
        *arrived
    }

    fn is_empty(&mut self, which: usize) -> bool {
        self.0[which].reactor.io().open_connections() == 0
    }

    /// Reads so many bytes while both take turns.
    fn read(&mut self, client: &mut TcpStream, len: usize) -> Vec<u8> {
        client.set_nonblocking(true).unwrap();
        let (mut bytes, mut got) = (vec![0; len], 0);
        self.until("the client has read it all", |_| {
            match client.read(&mut bytes[got..]) {
                Ok(0) => panic!("cut off after {got} bytes"),
                Ok(count) => got += count,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            got == len
        });
        client.set_nonblocking(false).unwrap();
        bytes
    }
}

/// Takes connections from elsewhere.
fn open_to_others() -> Config {
    Config { arrivals_max: 16, ..Config::default() }
}

#[test]
fn a_connection_goes_on_where_it_moved() {
    let mut pair = Pair::new(open_to_others(), echo);
    let (mut client, conn) = pair.0[0].client();
    let mut at = (0, conn);
    for round in 0..20_u8 {
        at = (1 - at.0, pair.bring(at.0, at.1));
        client.write_all(&[round; 100]).unwrap();
        assert_eq!(pair.read(&mut client, 100), [round; 100]);
        pair.until("it is nowhere else", |worlds| {
            worlds[1 - at.0].reactor.io().open_connections() == 0
        });
    }
    drop(client);
    pair.until("its end is heard", |worlds| !worlds[at.0].heard.closed.is_empty());
    assert_eq!(pair.0[at.0].heard.closed, [(at.1, Closed::Peer)]);
    assert!(pair.0[1 - at.0].heard.closed.is_empty(), "its end is heard in one place");
    pair.until("both are empty", |worlds| {
        worlds.iter_mut().all(|world| world.reactor.io().open_connections() == 0)
    });
    let moves = pair.0.each_ref().map(|world| world.reactor.counters());
    assert_eq!((moves[0].moved_out, moves[1].moved_in), (10, 10));
    assert_eq!((moves[1].moved_out, moves[0].moved_in), (10, 10));
    assert!(moves.iter().all(|it| (it.receive_armed_now, it.poll_armed_now) == (0, 0)));
}

/// Bytes keep coming and going while the connections are tossed to and fro: none is lost, doubled
/// or out of place, whatever they were in when a move began.
#[test]
fn traffic_goes_on_through_any_number_of_moves() {
    const CLIENTS: u64 = 6;
    const BYTES: usize = 400_000;
    let config = Config {
        unsent_max: BYTES,
        recv_buffers: 16,
        recv_buffer_bytes: 512,
        sq_entries: 16,
        ..open_to_others()
    };
    let mut pair = Pair::new(config, echo);
    let clients: Vec<_> = (0..CLIENTS).map(|_| pair.0[0].client()).collect();
    let (threads, conns): (Vec<_>, Vec<_>) = (0..)
        .zip(clients)
        .map(|(seed, (client, conn))| (std::thread::spawn(move || exchange(client, seed)), conn))
        .unzip();
    let mut at: Vec<_> = conns.into_iter().map(|conn| Some((0, conn))).collect();
    let (mut moves, mut state) = (0, 1);
    pair.until("all clients are done", |worlds| {
        for index in 0..2 {
            for conn in std::mem::take(&mut worlds[index].heard.detached) {
                let to = worlds[1 - index].reactor.wake_handle();
                let who = at.iter().position(|it| *it == Some((index, conn))).unwrap();
                at[who] = None;
                worlds[index].reactor.io().pass(conn, &to, Box::new(who)).unwrap();
            }
            for (conn, cargo) in std::mem::take(&mut worlds[index].heard.arrived) {
                at[*cargo.downcast::<usize>().unwrap()] = Some((index, conn));
                moves += 1;
            }
        }
        // Who is tossed on at once is never served.
        let many = at.len();
        if let Some((place, conn)) = at[next_random(&mut state) as usize % many] {
            worlds[place].reactor.io().detach(conn); // it may be leaving already
        }
        threads.iter().all(|thread| thread.is_finished())
    });
    for (seed, thread) in (0..).zip(threads) {
        assert!(thread.join().unwrap() == pattern(seed, BYTES), "client {seed}");
    }
    eprintln!("{moves} moves");
    assert!(moves > 100, "{moves} moves");
    let counters = pair.0.each_ref().map(|world| world.reactor.counters());
    assert_eq!(counters.iter().map(|it| it.moves_failed).sum::<u64>(), 0);

    /// Sends the pattern and reads it back.
    fn exchange(client: TcpStream, seed: u64) -> Vec<u8> {
        let mut writer = client.try_clone().unwrap();
        let sender = std::thread::spawn(move || {
            for piece in pattern(seed, BYTES).chunks(1 + 997 * (seed as usize + 1)) {
                writer.write_all(piece).unwrap();
            }
        });
        let mut echoed = vec![0; BYTES];
        (&client).read_exact(&mut echoed).unwrap();
        sender.join().unwrap();
        echoed
    }
}

#[test]
fn what_waits_for_a_slow_reader_moves_along() {
    const BYTES: usize = 8_000_000;
    let body: Arc<[u8]> = pattern(2, 500_000).into();
    let mut pair = Pair::new(Config { unsent_max: BYTES, ..open_to_others() }, ignore);
    let (mut client, conn) = pair.0[0].client();
    let mut at = (0, conn);
    for (half, bytes) in pattern(1, BYTES).chunks(BYTES / 2).enumerate() {
        let io = pair.0[at.0].reactor.io();
        io.write(at.1, |out| out.extend_from_slice(bytes));
        if half == 0 {
            io.write_shared(at.1, Arc::clone(&body));
        }
        pair.turn();
        for _ in 0..3 {
            at = (1 - at.0, pair.bring(at.0, at.1));
            assert!(pair.0[at.0].reactor.io().unsent(at.1) > 0, "it has yet to be sent");
        }
    }
    let mut expected = pattern(1, BYTES);
    expected.splice(BYTES / 2..BYTES / 2, body.iter().copied());
    assert!(pair.read(&mut client, expected.len()) == expected);
    assert_eq!(Arc::strong_count(&body), 1, "it is let go of once it is sent");
}

/// Moves at a time when the kernel has taken some of a send, and none of another.
#[test]
fn a_reader_that_begins_to_read_gets_all_of_it() {
    const BYTES: usize = 6_000_000;
    let mut pair = Pair::new(Config { unsent_max: BYTES, ..open_to_others() }, ignore);
    let (mut client, conn) = pair.0[0].client();
    pair.0[0].reactor.io().write(conn, |out| out.extend_from_slice(&pattern(3, BYTES)));
    let reading = std::thread::spawn(move || {
        let mut bytes = vec![0; BYTES];
        client.read_exact(&mut bytes).unwrap();
        (client, bytes)
    });
    let mut at = (0, conn);
    while !reading.is_finished() {
        at = (1 - at.0, pair.bring(at.0, at.1));
        pair.turn();
    }
    assert!(reading.join().unwrap().1 == pattern(3, BYTES));
}

#[test]
fn a_sealed_connection_is_sealed_where_it_is_sent() {
    let mut pair = Pair::new(Config { unsent_max: 1 << 24, ..open_to_others() }, ignore);
    let mut sealers = [Complement, Complement];
    let (mut client, conn) = pair.0[0].client();
    pair.0[0].reactor.io().seal(conn);
    let plain = pattern(4, 5_000_000);
    let pieces: Vec<_> = plain.chunks(500_000).collect();
    let mut at = (0, conn);
    for piece in &pieces {
        pair.0[at.0].reactor.io().write(at.1, |out| out.extend_from_slice(piece));
        if at.0 == 0 {
            // Written in this turn, and not sealed yet.
            assert!(pair.0[0].reactor.io().detach(at.1));
        } else {
            pair.0[1].reactor.seal(&mut sealers[1]);
            pair.turn();
            assert!(pair.0[1].reactor.io().detach(at.1));
        }
        let known = pair.0[at.0].heard.detached.len();
        pair.until("it is still", |worlds| {
            seal_both(worlds, &mut sealers);
            worlds[at.0].heard.detached.len() > known
        });
        let known = pair.0[1 - at.0].heard.arrived.len();
        pair.pass(at.0, at.1, ()).unwrap();
        pair.until("it is there", |worlds| {
            seal_both(worlds, &mut sealers);
            worlds[1 - at.0].heard.arrived.len() > known
        });
        at = (1 - at.0, pair.0[1 - at.0].heard.arrived[known].0);
    }
    client.set_nonblocking(true).unwrap();
    let (mut wire, mut got) = (vec![0; plain.len()], 0);
    pair.until("the client has read it all", |worlds| {
        seal_both(worlds, &mut sealers);
        while let Ok(count @ 1..) = client.read(&mut wire[got..]) {
            got += count;
        }
        got == plain.len()
    });
    assert!(wire.iter().zip(&plain).all(|(wire, plain)| *wire == !plain));

    /// Turns every byte over: one that was sealed twice, or not at all, shows.
    struct Complement;

    impl Sealer for Complement {
        fn seal(&mut self, _: ConnId, plain: &[u8], wire: &mut Vec<u8>) {
            wire.extend(plain.iter().map(|byte| !byte));
        }
        fn finish(&mut self, _: ConnId, _: &mut Vec<u8>) {}
        fn released(&mut self, _: ConnId) {}
    }

    fn seal_both(worlds: &mut [World; 2], sealers: &mut [Complement; 2]) {
        worlds.iter_mut().zip(sealers).for_each(|(world, sealer)| world.reactor.seal(sealer));
    }
}

#[test]
fn bytes_and_an_end_that_come_meanwhile_are_heard_where_it_goes() {
    let mut pair = Pair::new(open_to_others(), ignore);
    let (mut client, conn) = pair.0[0].client();
    client.write_all(b"heard here").unwrap();
    pair.until("it is heard", |worlds| worlds[0].heard.received_bytes == 10);
    assert!(pair.0[0].reactor.io().detach(conn));
    client.write_all(b"in flight").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    pair.until("it is still", |worlds| !worlds[0].heard.detached.is_empty());
    pair.pass(0, conn, ()).unwrap();
    pair.until("its end is heard", |worlds| !worlds[1].heard.closed.is_empty());
    let (there, _) = pair.0[1].heard.arrived[0];
    assert_eq!(pair.0[1].heard.received_from(there), b"in flight");
    assert_eq!(pair.0[1].heard.why(there), Some(Closed::Peer));
    assert_eq!(pair.0[0].heard.received_from(conn), b"heard here");
    assert_eq!(pair.0[0].heard.why(conn), None);
}

/// Received and not yet dispatched when the move begins: it comes along as well.
#[test]
fn bytes_that_were_received_and_not_heard_are_heard_where_it_goes() {
    let config = Config { event_budget: 1, ..open_to_others() };
    let mut pair = Pair::new(config, ignore);
    let (mut client, conn) = pair.0[0].client();
    let bytes = pattern(5, 100_000);
    client.write_all(&bytes).unwrap();
    pair.until("some is heard", |worlds| worlds[0].heard.received_bytes > 0);
    let there = pair.bring(0, conn);
    let heard = pair.0[0].heard.received_bytes;
    assert!(heard < bytes.len());
    pair.until("the rest is heard", |worlds| worlds[1].heard.received_bytes == bytes.len() - heard);
    assert_eq!(pair.0[0].heard.received_from(conn), &bytes[..heard]);
    assert_eq!(pair.0[1].heard.received_from(there), &bytes[heard..]);
}

#[test]
fn a_reset_meanwhile_is_heard_in_one_place() {
    for turns in 0..6 {
        let mut pair = Pair::new(open_to_others(), ignore);
        let (client, conn) = pair.0[0].client();
        socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        assert!(pair.0[0].reactor.io().detach(conn));
        let mut client = Some(client);
        let mut turn = 0;
        pair.until("its end is heard", |worlds| {
            if turn == turns {
                client = None; // a reset
            }
            turn += 1;
            if let Some(conn) = worlds[0].heard.detached.pop() {
                let to = worlds[1].reactor.wake_handle();
                worlds[0].reactor.io().pass(conn, &to, Box::new(())).unwrap();
            }
            worlds.iter().any(|world| !world.heard.closed.is_empty())
        });
        pair.until("both are empty", |worlds| {
            worlds.iter_mut().all(|world| world.reactor.io().open_connections() == 0)
        });
        assert_eq!(pair.0.iter().map(|world| world.heard.closed.len()).sum::<usize>(), 1);
    }
}

#[test]
fn a_full_table_sends_a_connection_back() {
    let config = Config { slots: 16, arrivals_max: 9, accept_watermark: 4, ..Config::default() };
    let mut pair = Pair([World::new(open_to_others(), echo), World::new(config, echo)]);
    let _kept: Vec<_> = (0..14).map(|_| pair.0[1].client()).collect();
    let waits = TcpStream::connect(pair.0[1].address).unwrap();
    let mut clients: Vec<_> = (0..4).map(|_| pair.0[0].client()).collect();
    for (_, conn) in &clients[..2] {
        pair.bring(0, *conn); // there is room for these, which accepting left
    }
    let (mut client, conn) = clients.pop().unwrap();
    client.write_all(b"not heard yet").unwrap();
    pair.detach(0, conn);
    pair.pass(0, conn, 77_u8).unwrap();
    pair.until("it is back", |worlds| worlds[0].heard.returned == 1);
    let (back, cargo) = pair.0[0].heard.arrived.pop().unwrap();
    assert_eq!((back, cargo.downcast_ref()), (conn, Some(&77_u8)));
    assert_eq!(pair.read(&mut client, 13), b"not heard yet", "it is served as before");
    assert_eq!(pair.0[0].reactor.counters().moves_failed, 1);
    assert_eq!(pair.0[1].heard.opened.len(), 14, "nobody was accepted in the kept places");
    drop((waits, clients));
}

#[test]
fn no_more_are_on_their_way_than_may_be() {
    let config = Config { arrivals_max: 1, ..Config::default() };
    let mut pair = Pair::new(config, echo);
    let (mut clients, conns): (Vec<_>, Vec<_>) = (0..2).map(|_| pair.0[0].client()).unzip();
    for conn in &conns {
        pair.detach(0, *conn);
    }
    pair.pass(0, conns[0], 0_u8).unwrap();
    let refused = pair.pass(0, conns[1], 1_u8).expect_err("one is on its way");
    assert_eq!(refused.downcast_ref(), Some(&1_u8), "the cargo stays with its owner");
    pair.until("the first is there", |worlds| !worlds[1].heard.arrived.is_empty());
    pair.pass(0, conns[1], 1_u8).expect("there is room now");
    for client in &mut clients {
        client.write_all(b"hello").unwrap();
        assert_eq!(pair.read(client, 5), b"hello");
    }
}

#[test]
fn who_takes_nobody_is_passed_nobody() {
    let mut pair = Pair::new(Config::default(), echo);
    let (mut client, conn) = pair.0[0].client();
    pair.detach(0, conn);
    pair.pass(0, conn, ()).expect_err("no slots are kept for arrivals");
    client.write_all(b"hello").unwrap();
    pair.turn();
    assert_eq!(pair.0[0].heard.received_bytes, 0, "it is not served meanwhile");
    pair.0[0].reactor.io().reattach(conn);
    assert_eq!(pair.read(&mut client, 5), b"hello");
}

#[test]
fn a_reactor_that_is_gone_takes_nobody() {
    let mut here = World::new(open_to_others(), echo);
    let there = World::new(open_to_others(), echo);
    let handle = there.reactor.wake_handle();
    let (client, conn) = here.client();
    assert!(here.reactor.io().detach(conn));
    here.until("it is still", |world| !world.heard.detached.is_empty());
    drop(there);
    assert!(here.reactor.io().pass(conn, &handle, Box::new(())).is_err());
    here.reactor.io().abort(conn);
    here.until("it is closed", |world| world.heard.why(conn) == Some(Closed::Local));
    here.until_empty();
    drop(client);
}

#[test]
fn what_is_on_its_way_to_a_reactor_that_ends_is_freed() {
    let Pair([mut here, there]) = Pair::new(open_to_others(), echo);
    let cargo = Arc::new(());
    let (mut client, conn) = here.client();
    assert!(here.reactor.io().detach(conn));
    here.until("it is still", |world| !world.heard.detached.is_empty());
    let handle = there.reactor.wake_handle();
    assert!(here.reactor.io().pass(conn, &handle, Box::new(Arc::clone(&cargo))).is_ok());
    here.until("it has left", |world| world.reactor.io().open_connections() == 0);
    drop(there);
    assert_eq!(Arc::strong_count(&cargo), 1);
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)), "the peer isn't left hanging");
}

#[test]
fn a_connection_that_is_leaving_can_be_closed() {
    for detached in [false, true] {
        let mut pair = Pair::new(open_to_others(), echo);
        let (mut client, conn) = pair.0[0].client();
        assert!(pair.0[0].reactor.io().detach(conn));
        assert!(!pair.0[0].reactor.io().detach(conn), "it is leaving already");
        if detached {
            pair.until("it is still", |worlds| !worlds[0].heard.detached.is_empty());
        }
        pair.0[0].reactor.io().close(conn);
        pair.pass(0, conn, ()).expect_err("it is closed");
        pair.0[0].reactor.io().reattach(conn);
        pair.until("the end is read", |_| {
            client.set_nonblocking(true).unwrap();
            matches!(client.read(&mut [0]), Ok(0))
        });
        drop(client);
        pair.until("it is gone", |worlds| worlds[0].reactor.io().open_connections() == 0);
        assert_eq!(pair.0[0].heard.closed, [(conn, Closed::Local)]);
        assert_eq!(pair.0[0].heard.detached.len(), usize::from(detached));
    }
}

/// Whoever pours in megabytes while leaving is not kept in memory.
#[test]
fn what_a_flooding_peer_makes_us_keep_is_bounded() {
    let mut pair = Pair::new(open_to_others(), ignore);
    let (mut client, conn) = pair.0[0].client();
    let flooding = std::thread::spawn(move || client.write_all(&[0; 20_000_000]));
    while pair.0[0].reactor.counters().received_bytes < 600_000 {
        pair.0[0].reactor.wait(Wait::Forever).unwrap(); // and none of it is heard
    }
    assert!(pair.0[0].reactor.io().detach(conn));
    pair.until("it is closed", |worlds| worlds[0].heard.why(conn).is_some());
    assert_eq!(pair.0[0].heard.why(conn), Some(Closed::Error(libc::ENOBUFS)));
    assert!(pair.0[0].heard.detached.is_empty());
    pair.until("it is gone", |worlds| worlds[0].reactor.io().open_connections() == 0);
    flooding.join().unwrap().expect_err("it was cut off");
    assert!(pair.is_empty(1));
}

#[test]
fn a_sleeping_reactor_is_woken_by_an_arrival() {
    let (tell, told) = mpsc::channel();
    let other = std::thread::spawn(move || {
        let mut there = World::new(open_to_others(), echo);
        tell.send(there.reactor.wake_handle()).unwrap();
        while there.heard.closed.is_empty() {
            there.turn_with(Wait::Forever);
        }
        there.heard.received_bytes
    });
    let handle = told.recv().unwrap();
    let mut here = World::new(open_to_others(), ignore);
    let (mut client, conn) = here.client();
    assert!(here.reactor.io().detach(conn));
    here.until("it is still", |world| !world.heard.detached.is_empty());
    assert!(here.reactor.io().pass(conn, &handle, Box::new(())).is_ok());
    here.until_empty();
    client.write_all(b"anybody there?").unwrap();
    let mut answer = [0; 14];
    client.read_exact(&mut answer).unwrap();
    drop(client);
    assert_eq!(other.join().unwrap(), 14);
}
