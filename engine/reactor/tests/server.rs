//! The accepting role, over real sockets.

mod harness;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use harness::{LAST_WORD, World, echo, ignore, pattern};
use whisper_reactor::{Closed, Config, ConnId, Opened};

#[test]
fn one_connection_is_echoed() {
    let mut world = World::new(Config::default(), echo);
    let (mut client, conn) = world.client();
    for round in 0..100_u8 {
        client.write_all(&[round; 64]).unwrap();
        world.until("the message is heard", |world| {
            world.heard.received_bytes == 64 * (usize::from(round) + 1)
        });
        world.turn();
        let mut answer = [0; 64];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [round; 64]);
    }
    assert_eq!(world.reactor.counters().sends, 100);
    drop(client);
    world.until("the end is heard", |world| world.heard.why(conn).is_some());
    assert_eq!(world.heard.why(conn), Some(Closed::Peer));
    world.until_empty();
}

#[test]
fn three_thousand_connections_are_echoed() {
    const CLIENTS: usize = 3000;
    const BYTES: usize = 300;
    let mut world = World::new(Config::default(), echo);
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|_| TcpStream::connect(world.address).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&pattern(number as u64, BYTES)).unwrap();
    }
    world.until("all is heard", |world| world.heard.received_bytes == CLIENTS * BYTES);
    world.turn();
    for (number, client) in clients.iter_mut().enumerate() {
        let mut answer = [0; BYTES];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(answer[..], pattern(number as u64, BYTES));
    }
    drop(clients);
    world.until("all ends are heard", |world| world.heard.closed.len() == CLIENTS);
    assert!(world.heard.closed.iter().all(|(_, why)| *why == Closed::Peer));
    world.until_empty();
    let counters = world.reactor.counters();
    assert_eq!((counters.receive_armed_now, counters.poll_armed_now), (0, 0));
}

#[test]
fn a_burst_beyond_the_buffers_waits_in_the_sockets() {
    const CLIENTS: usize = 50;
    const BYTES: usize = 20_000;
    let config =
        Config { recv_buffers: 4, recv_buffer_bytes: 256, event_budget: 3, ..Config::default() };
    let mut world = World::new(config, ignore);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| world.client()).collect();
    for (number, (client, _)) in clients.iter_mut().enumerate() {
        client.write_all(&pattern(number as u64, BYTES)).unwrap();
    }
    world.until("all is heard", |world| world.heard.received_bytes == CLIENTS * BYTES);
    for (number, (_, conn)) in clients.iter().enumerate() {
        assert_eq!(world.heard.received_from(*conn), pattern(number as u64, BYTES));
    }
    let counters = world.reactor.counters();
    assert!(counters.receives_starved > 0);
    assert_eq!((counters.buffers_now, counters.buffers_max), (4, 4));
    assert_eq!(world.reactor.take_low_water(), 0);
    assert_eq!(world.reactor.take_low_water(), 4, "nothing is in use any more");
}

#[test]
fn the_buffer_pool_grows_with_the_burst() {
    let mut world = World::new(Config::default(), ignore);
    assert!(world.reactor.counters().buffers_now <= 64);
    let (mut client, _) = world.client();
    client.write_all(&[1; 1_000_000]).unwrap();
    world.until("all is heard", |world| world.heard.received_bytes == 1_000_000);
    let grown = world.reactor.counters().buffers_now;
    assert!(grown > 64 && grown <= 2048, "{grown}");
    let free = world.reactor.take_low_water();
    assert!((1..2048 - 48).contains(&free), "{free}");
    let counters = world.reactor.counters();
    assert!(counters.completions > counters.receives && counters.sleeps <= counters.turns);
}

#[test]
fn an_ipv4_peer_of_an_ipv6_listener_is_named_as_mapped() {
    let mut world = World::new(Config::default(), ignore);
    let listener = std::net::TcpListener::bind("[::ffff:127.0.0.1]:0").unwrap();
    let address = (Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port());
    world.reactor.listen(listener, 8).unwrap();
    world.turn();
    let client = TcpStream::connect(address).unwrap();
    world.until("it is accepted", |world| world.heard.opened.len() == 1);
    let peer = (Ipv4Addr::LOCALHOST.to_ipv6_mapped(), client.local_addr().unwrap().port()).into();
    assert_eq!(world.heard.opened[0].1, Opened::Accepted { listener: 8, peer });
}

#[test]
fn a_slow_reader_is_closed_and_costs_no_more_than_its_bound() {
    let config =
        Config { unsent_max: 50_000, stall: Duration::from_millis(50), ..Config::default() };
    let mut world = World::new(config, ignore);
    let (client, conn) = world.client();
    let mut most = 0;
    world.until("the slow reader is closed", |world| {
        world.reactor.io().write(conn, |out| out.extend_from_slice(&[7; 10_000]));
        // What was written this turn is not waiting yet.
        most = most.max(world.reactor.io().unsent(conn).saturating_sub(10_000));
        world.heard.why(conn).is_some()
    });
    assert_eq!(world.heard.why(conn), Some(Closed::SlowReader));
    assert!(most > 0 && most <= 50_000, "{most}");
    let counters = world.reactor.counters();
    assert_eq!((counters.slow_readers, counters.closed), (1, 1));
    assert!(counters.sends_refused <= 1);
    assert_eq!(counters.sends_short, 1, "after the first refusal all goes through the outbox");
    world.until_empty();
    drop(client);
}

#[test]
fn a_slow_reader_that_reads_after_all_hears_why_it_was_closed() {
    let config = Config { unsent_max: 50_000, ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, conn) = world.client();
    let mut written = 0;
    world.until("it is closed", |world| {
        if world.heard.why(conn).is_none() {
            world.reactor.io().write(conn, |out| out.extend_from_slice(&[7; 10_000]));
            written += 10_000;
        }
        world.heard.why(conn).is_some()
    });
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap();
        all
    });
    world.until("all is read", |_| reading.is_finished());
    let all = reading.join().unwrap();
    let before = all.strip_suffix(LAST_WORD).expect("the last word comes last");
    assert!(before.iter().all(|byte| *byte == 7));
    assert!(before.len() <= written && before.len() + 20_000 > written, "{}", before.len());
}

#[test]
fn a_peer_that_hardly_reads_is_given_up() {
    let config = Config {
        unsent_max: 10_000_000,
        stall: Duration::from_millis(50),
        stall_bytes: 4096,
        ..Config::default()
    };
    let mut world = World::new(config, ignore);
    let (client, conn) = world.client();
    let (mut reader, read) = world.client();
    for conn in [conn, read] {
        world.reactor.io().write(conn, |out| out.extend_from_slice(&[7; 9_000_000]));
    }
    let reading = std::thread::spawn(move || {
        let mut all = vec![0; 9_000_000];
        reader.read_exact(&mut all).map(|()| reader)
    });
    world.until("one is closed", |world| world.heard.why(conn).is_some());
    assert_eq!(world.heard.why(conn), Some(Closed::SlowReader));
    world.until("the other has read it all", |_| reading.is_finished());
    reading.join().unwrap().expect("whoever reads is served");
    assert_eq!(world.heard.why(read), None);
    drop(client);
}

#[test]
fn what_waits_for_all_peers_together_is_bounded() {
    let config = Config { unsent_sum_max: 100_000, ..Config::default() };
    let mut world = World::new(config, ignore);
    let clients: Vec<_> = (0..8).map(|_| world.client()).collect();
    let conns: Vec<_> = clients.iter().map(|(_, conn)| *conn).collect();
    let mut most = 0;
    world.until("some are closed", |world| {
        for conn in &conns {
            world.reactor.io().write(*conn, |out| out.extend_from_slice(&[7; 10_000]));
        }
        let waiting = |conn: &ConnId| world.reactor.io().unsent(*conn).saturating_sub(10_000);
        most = most.max(conns.iter().map(waiting).sum::<usize>());
        conns.iter().filter(|conn| world.heard.why(**conn).is_some()).count() == conns.len()
    });
    assert!(most <= 100_000 + 8 * 10_000, "{most}");
}

#[test]
fn every_byte_of_short_sends_arrives_in_order() {
    const BYTES: usize = 16_000_000;
    let config = Config { unsent_max: 2 * BYTES, ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, conn) = world.client();
    let sent = pattern(3, BYTES);
    for piece in sent.chunks(777_777) {
        world.reactor.io().write(conn, |out| out.extend_from_slice(piece));
        world.turn();
    }
    assert!(world.reactor.counters().sends_short > 0);
    let reader = std::thread::spawn(move || {
        let mut received = vec![0; BYTES];
        client.read_exact(&mut received).unwrap();
        received
    });
    world.until("all has left", |world| world.reactor.io().unsent(conn) == 0);
    world.turn();
    assert!(reader.join().unwrap() == sent);
    assert_eq!(world.heard.drained, [conn]);
}

#[test]
fn shared_bodies_keep_their_place_between_writes() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    let body: std::sync::Arc<[u8]> = pattern(1, 3_000_000).into();
    let io = world.reactor.io();
    io.write(conn, |out| out.extend_from_slice(b"head"));
    io.write_shared(conn, body.clone());
    io.write(conn, |out| out.extend_from_slice(b"between"));
    io.write_shared(conn, body.clone());
    assert_eq!(io.unsent(conn), 11);
    io.close(conn);
    let reader = std::thread::spawn(move || {
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        received
    });
    world.until("the reader is done", |_| reader.is_finished());
    assert!(reader.join().unwrap() == [b"head", &body[..], b"between", &body[..]].concat());
    world.until_empty();
    assert_eq!(std::sync::Arc::strong_count(&body), 1, "no copy is kept");
}

#[test]
fn droppable_bytes_are_dropped_only_behind_waiting_ones() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().write_droppable(conn, |out| out.extend_from_slice(b"typing"));
    world.turn();
    let mut answer = [0; 6];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"typing");

    world.until("the kernel refuses more", |world| {
        world.reactor.io().write(conn, |out| out.extend_from_slice(&[0; 20_000]));
        world.reactor.io().unsent(conn) > 20_000
    });
    let unsent = world.reactor.io().unsent(conn);
    world.reactor.io().write_droppable(conn, |out| out.extend_from_slice(b"typing"));
    assert_eq!(world.reactor.io().unsent(conn), unsent);
}

#[test]
fn all_writes_of_a_turn_leave_as_one_send() {
    let mut world = World::new(Config::default(), ignore);
    let (mut first, a) = world.client();
    let (mut second, b) = world.client();
    for _ in 0..100 {
        world.reactor.io().write(a, |out| out.extend_from_slice(b"aa"));
        world.reactor.io().write(b, |out| out.extend_from_slice(b"b"));
    }
    world.turn();
    assert_eq!(world.reactor.counters().sends, 2);
    let mut answer = [0; 200];
    first.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [b'a'; 200]);
    second.read_exact(&mut answer[..100]).unwrap();
    assert_eq!(answer[..100], [b'b'; 100]);
}

#[test]
fn close_delivers_the_last_bytes_although_input_is_unread() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().pause(conn);
    world.turn();
    client.write_all(&[1; 30_000]).unwrap();
    world.reactor.io().write(conn, |out| out.extend_from_slice(&pattern(9, 5000)));
    world.reactor.io().close(conn);
    world.until("closed is heard", |world| world.heard.why(conn).is_some());
    assert_eq!(world.heard.why(conn), Some(Closed::Local));
    client.write_all(&[2; 30_000]).unwrap();
    world.turn();
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, pattern(9, 5000));
    drop(client);
    world.until_empty();
}

#[test]
fn close_delivers_more_than_a_slow_reader_may_have_waiting() {
    const BYTES: usize = 8_000_000;
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().write(conn, |out| out.extend_from_slice(&pattern(2, BYTES)));
    world.reactor.io().close(conn);
    let reader = std::thread::spawn(move || {
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        received
    });
    world.until_empty();
    assert!(reader.join().unwrap() == pattern(2, BYTES));
    assert_eq!(world.reactor.counters().sends_short, 1);
}

#[test]
fn a_closed_connection_waits_for_its_peer_only_so_long() {
    let config = Config { linger: Duration::from_millis(30), ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().close(conn);
    world.until_empty();
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn a_closed_connection_hears_its_peer_only_so_much() {
    let config = Config { linger_bytes: 20_000, ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().close(conn);
    client.set_nonblocking(true).unwrap();
    world.until("the flood is cut off", |world| {
        let _ = client.write(&[0; 4096]);
        world.reactor.io().open_connections() == 0
    });
}

#[test]
fn a_peer_that_never_reads_cannot_hold_a_closed_connection() {
    let config = Config { flush_timeout: Duration::from_millis(50), ..Config::default() };
    let mut world = World::new(config, ignore);
    let (mut client, conn) = world.client();
    let body: std::sync::Arc<[u8]> = vec![0; 64 << 20].into();
    world.reactor.io().write_shared(conn, body.clone());
    world.reactor.io().close(conn);
    world.until_empty();
    assert_eq!(std::sync::Arc::strong_count(&body), 1);
    // Nor does the kernel keep any of it, and nobody takes what came for the whole.
    let error = client.read_to_end(&mut Vec::new()).expect_err("it was cut off");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn an_answer_reaches_a_peer_that_ended_its_own_side() {
    let mut world = World::new(Config::default(), echo);
    let (mut client, conn) = world.client();
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    world.until("the end is heard", |world| world.heard.why(conn).is_some());
    world.until_empty();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"question");
}

#[test]
fn abort_drops_what_was_written() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().write(conn, |out| out.extend_from_slice(b"never"));
    world.reactor.io().abort(conn);
    world.until("closed is heard", |world| world.heard.why(conn).is_some());
    world.until_empty();
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn a_peer_can_be_reset() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().reset(conn);
    world.until("closed is heard", |world| world.heard.why(conn) == Some(Closed::Local));
    world.until_empty();
    assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_is_told_apart_from_an_end() {
    let mut world = World::new(Config::default(), ignore);
    let (client, conn) = world.client();
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    world.until("the reset is heard", |world| world.heard.why(conn).is_some());
    assert_eq!(world.heard.why(conn), Some(Closed::Reset));
    world.until_empty();
}

#[test]
fn a_full_table_drops_nobody() {
    const SLOTS: u32 = 200;
    const WAVE: usize = 100;
    // Above the watermark all that waits is accepted at once, so it covers a wave.
    for accept_watermark in [WAVE as u32 + 20, 4096] {
        let config = Config { slots: SLOTS, accept_watermark, ..Config::default() };
        let mut world = World::new(config, echo);
        assert_eq!(world.reactor.slots(), SLOTS);
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.extend((0..WAVE).map(|_| {
                let mut client = TcpStream::connect(world.address).unwrap();
                client.write_all(b"here").unwrap();
                client.set_nonblocking(true).unwrap();
                client
            }));
            let wanted = clients.len().min(SLOTS as usize);
            world.until("there is no more room", |world| world.heard.opened.len() == wanted);
        }
        for mut client in clients {
            let mut answer = [0; 4];
            world.until("the next one is served", |world| {
                assert!(world.reactor.io().open_connections() <= SLOTS as usize);
                match client.read(&mut answer) {
                    Ok(read) => read == 4,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock, "nobody is dropped");
                        false
                    }
                }
            });
        }
        world.until("all ends are heard", |world| world.heard.closed.len() == 3 * WAVE);
        world.until_empty();
    }
}

#[test]
fn a_name_of_the_past_does_nothing() {
    let mut world = World::new(Config::default(), ignore);
    let (client, old) = world.client();
    drop(client);
    world.until("the end is heard", |world| world.heard.why(old).is_some());
    world.until_empty();

    let mut heirs = Vec::new();
    let new = loop {
        let (client, conn) = world.client();
        heirs.push(client);
        if conn.slot() == old.slot() {
            break conn;
        }
    };
    assert_ne!(new.generation(), old.generation());
    let io = world.reactor.io();
    io.write(old, |_| unreachable!("nobody to write to"));
    io.write_shared(old, std::sync::Arc::from([0_u8; 4]));
    io.pause(old);
    io.close(old);
    io.abort(old);
    assert_eq!(io.unsent(old), 0);
    world.turn();
    let mut heir = heirs.pop().unwrap();
    heir.write_all(b"still here").unwrap();
    world.until("the heir is heard", |world| world.heard.received_bytes == 10);
    assert_eq!(world.heard.received_from(new), b"still here");
    assert_eq!(world.heard.why(new), None);
}

#[test]
fn a_paused_connection_is_not_heard_until_resumed() {
    let mut world = World::new(Config::default(), ignore);
    let (mut client, conn) = world.client();
    world.reactor.io().pause(conn);
    world.until("the receive is given back", |world| {
        let counters = world.reactor.counters();
        counters.receive_armed_now + counters.poll_armed_now == 0
    });
    client.write_all(b"wait for it").unwrap();
    for _ in 0..20 {
        world.turn();
    }
    assert_eq!(world.heard.received_bytes, 0);
    world.reactor.io().resume(conn);
    world.until("all is heard", |world| world.heard.received_from(conn) == b"wait for it");
}

#[test]
fn a_quiet_connection_holds_a_poll_and_still_hears() {
    let config = Config { quiet: Duration::from_millis(20), ..Config::default() };
    let mut world = World::new(config, echo);
    let (mut client, _) = world.client();
    for round in 1..=3 {
        world.until("it is quiet", |world| {
            let counters = world.reactor.counters();
            (counters.receive_armed_now, counters.poll_armed_now) == (0, 1)
        });
        client.write_all(b"again").unwrap();
        world.until("it is heard", |world| world.heard.received_bytes == 5 * round);
        world.turn();
        client.read_exact(&mut [0; 5]).unwrap();
    }
    drop(client);
    world.until("its end is heard", |world| world.heard.closed.len() == 1);
}

#[test]
fn a_lone_pong_keeps_no_receive_and_a_conversation_does() {
    // Long enough for a slow machine to take both messages for a conversation.
    let config = Config { quiet: Duration::from_millis(1500), ..Config::default() };
    let mut world = World::new(config, echo);
    let (mut client, conn) = world.client();
    let armed = |world: &World| {
        let counters = world.reactor.counters();
        (counters.receive_armed_now, counters.poll_armed_now)
    };
    world.until("it is quiet", |world| armed(world) == (0, 1));
    client.write_all(b"pong").unwrap();
    world.until("it is heard", |world| world.heard.received_from(conn) == b"pong");
    world.turn();
    assert_eq!(armed(&world), (0, 1));
    client.write_all(b", and more").unwrap();
    world.until("all is heard", |world| world.heard.received_from(conn) == b"pong, and more");
    world.turn();
    assert_eq!(armed(&world), (1, 0));
}

#[test]
fn a_quiet_connection_s_end_is_heard() {
    let config = Config { quiet: Duration::from_millis(5), ..Config::default() };
    let mut world = World::new(config, echo);
    let (client, conn) = world.client();
    world.until("it is quiet", |world| world.reactor.counters().poll_armed_now == 1);
    drop(client);
    world.until("its end is heard", |world| world.heard.why(conn) == Some(Closed::Peer));
    world.until_empty();
}

#[test]
fn a_small_completion_queue_loses_nothing() {
    let config = Config { sq_entries: 8, cq_entries: 16, ..Config::default() };
    let mut world = World::new(config, echo);
    let mut clients: Vec<_> =
        (0..200).map(|_| TcpStream::connect(world.address).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&pattern(number as u64, 10_000)).unwrap();
    }
    world.until("all is heard", |world| world.heard.received_bytes == 200 * 10_000);
    world.turn();
    for (number, client) in clients.iter_mut().enumerate() {
        let mut answer = vec![0; 10_000];
        client.read_exact(&mut answer).unwrap();
        assert!(answer == pattern(number as u64, 10_000));
    }
}

#[test]
fn listening_stops_and_connections_stay() {
    for accept_watermark in [0, 1 << 20] {
        let config = Config { accept_watermark, ..Config::default() };
        let mut world = World::new(config, echo);
        let (mut client, _) = world.client();
        world.reactor.stop_listening();
        world.until("the port is closed", |world| {
            TcpStream::connect(world.address)
                .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        });
        client.write_all(b"still here").unwrap();
        world.until("it is heard", |world| world.heard.received_bytes == 10);
        world.turn();
        client.read_exact(&mut [0; 10]).unwrap();
    }
}
