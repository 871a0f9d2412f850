//! The dialling role, over real sockets.

mod harness;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use harness::{World, ignore, listener, pattern};
use socket2::{Domain, Socket, Type};
use whisper_reactor::{Config, Opened};

#[test]
fn dials_reach_a_listener_and_carry_bytes_both_ways() {
    let mut world = World::new(Config::default(), ignore);
    let there = listener();
    let from = IpAddr::V4(Ipv4Addr::new(127, 9, 8, 7));
    for token in 0..50 {
        world.reactor.io().connect(there.local_addr().unwrap(), Some(from), token);
    }
    world.until("all are connected", |world| world.heard.opened.len() == 50);
    let mut tokens: Vec<_> = world
        .heard
        .opened
        .iter()
        .map(|(_, how)| match how {
            Opened::Connected { token } => *token,
            Opened::Accepted { .. } => unreachable!("nobody comes here"),
        })
        .collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (0..50).collect::<Vec<_>>());

    let mut peers: Vec<_> = (0..50).map(|_| there.accept().unwrap()).collect();
    assert!(peers.iter().all(|(_, address)| address.ip() == from));
    for (conn, _) in world.heard.opened.clone() {
        world.reactor.io().write(conn, |out| out.extend_from_slice(&pattern(5, 1000)));
    }
    world.turn();
    for (peer, _) in &mut peers {
        let mut received = [0; 1000];
        peer.read_exact(&mut received).unwrap();
        assert_eq!(received[..], pattern(5, 1000));
        peer.write_all(b"thanks").unwrap();
    }
    world.until("all answers are heard", |world| world.heard.received_bytes == 50 * 6);
    drop(peers);
    world.until("all ends are heard", |world| world.heard.closed.len() == 50);
    world.until_empty();
}

#[test]
fn a_refused_dial_is_told_with_its_token() {
    let mut world = World::new(Config::default(), ignore);
    let nobody = listener().local_addr().unwrap();
    world.reactor.io().connect(nobody, None, 42);
    world.until("the refusal is heard", |world| !world.heard.failed.is_empty());
    let (token, error) = &world.heard.failed[0];
    assert_eq!((*token, error.kind()), (42, std::io::ErrorKind::ConnectionRefused));
    assert!(world.heard.opened.is_empty());
}

#[test]
fn a_dial_from_a_foreign_address_is_told_with_its_token() {
    let mut world = World::new(Config::default(), ignore);
    let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let address = world.address;
    world.reactor.io().connect(address, Some(foreign), 1);
    world.until("the failure is heard", |world| !world.heard.failed.is_empty());
    assert_eq!(world.heard.failed[0].1.kind(), std::io::ErrorKind::AddrNotAvailable);
}

#[test]
fn a_dial_that_is_not_answered_times_out_and_frees_its_slot() {
    let config =
        Config { connect_timeout: Duration::from_millis(50), slots: 8, ..Config::default() };
    let mut world = World::new(config, ignore);
    // A backlog that is full: further SYNs are dropped.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    for round in 0..5 {
        for token in 0..6 {
            world.reactor.io().connect(address, None, token);
        }
        world.until("each is told of", |world| {
            world.heard.failed.len() + world.heard.opened.len() == 6 * (round + 1)
        });
        for (conn, _) in world.heard.opened.clone() {
            world.reactor.io().abort(conn);
        }
        world.until_empty();
    }
    let timed_out =
        |(_, error): &(u64, std::io::Error)| error.kind() == std::io::ErrorKind::TimedOut;
    assert!(!world.heard.failed.is_empty());
    assert!(world.heard.failed.iter().all(timed_out), "{:?}", world.heard.failed);
}

#[test]
fn a_dial_without_a_slot_fails() {
    let config = Config { slots: 4, ..Config::default() };
    let mut world = World::new(config, ignore);
    let there = listener();
    world.reactor.stop_listening();
    for token in 0..6 {
        world.reactor.io().connect(there.local_addr().unwrap(), None, token);
    }
    world
        .until("each is told of", |world| world.heard.failed.len() + world.heard.opened.len() == 6);
    assert_eq!(world.heard.opened.len(), 4);
}

#[test]
fn a_reactor_can_talk_to_itself() {
    let mut world = World::new(Config::default(), harness::ignore);
    let address = world.address;
    world.reactor.io().connect(address, None, 1);
    world.until("both ends are open", |world| world.heard.opened.len() == 2);
    for (conn, _) in world.heard.opened.clone() {
        world.reactor.io().write(conn, |out| out.extend_from_slice(b"hello, me"));
    }
    world.until("both are heard", |world| world.heard.received_bytes == 18);
    let first = world.heard.opened[0].0;
    world.reactor.io().close(first);
    world.until("both ends are closed", |world| world.heard.closed.len() == 2);
    world.until_empty();
}
