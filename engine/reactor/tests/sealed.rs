//! Connections whose bytes become others on their way out. The cipher here turns every byte over
//! and puts what it was given at once in brackets, so that a test sees both.

mod harness;

use std::collections::HashMap;
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use harness::{World, ignore, pattern};
use whisper_reactor::{Closed, Config, ConnId, Reactor, Sealer, Wait};

const END: &[u8] = b"<end>";

/// What the sealer was asked for.
#[derive(Default)]
struct Brackets {
    sealed: HashMap<ConnId, Vec<usize>>,
    finished: Vec<ConnId>,
    released: Vec<ConnId>,
    /// To be said of its own accord.
    own: &'static [u8],
}

impl Sealer for Brackets {
    fn seal(&mut self, conn: ConnId, plain: &[u8], wire: &mut Vec<u8>) {
        assert!(!self.finished.contains(&conn), "nothing is sealed behind the end");
        wire.extend_from_slice(std::mem::take(&mut self.own));
        if !plain.is_empty() {
            self.sealed.entry(conn).or_default().push(plain.len());
            wire.push(b'[');
            wire.extend(plain.iter().map(|byte| !byte));
            wire.push(b']');
        }
    }

    fn finish(&mut self, conn: ConnId, wire: &mut Vec<u8>) {
        assert!(!self.finished.contains(&conn), "there is one end");
        self.finished.push(conn);
        wire.extend_from_slice(END);
    }

    fn released(&mut self, conn: ConnId) {
        assert!(!self.released.contains(&conn), "it is released once");
        self.released.push(conn);
    }
}

/// What a client reads of what was sealed in these pieces.
fn sealed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut wire = Vec::new();
    for piece in pieces {
        wire.push(b'[');
        wire.extend(piece.iter().map(|byte| !byte));
        wire.push(b']');
    }
    wire
}

fn turn(world: &mut World, brackets: &mut Brackets) {
    world.reactor.seal(brackets);
    world.turn_with(Wait::For(Duration::from_millis(5)));
}

/// Takes turns until the client has read so many bytes.
fn read(world: &mut World, brackets: &mut Brackets, client: &mut TcpStream, len: usize) -> Vec<u8> {
    client.set_nonblocking(true).unwrap();
    let mut bytes = vec![0; len];
    let mut got = 0;
    world.until("the client has read all", |world| {
        turn(world, brackets);
        while let Ok(count @ 1..) = client.read(&mut bytes[got..]) {
            got += count;
        }
        got == len
    });
    client.set_nonblocking(false).unwrap();
    bytes
}

fn sealed_client(world: &mut World) -> (TcpStream, ConnId) {
    let (client, conn) = world.client();
    world.reactor.io().seal(conn);
    (client, conn)
}

fn write(reactor: &mut Reactor, conn: ConnId, bytes: &[u8]) {
    reactor.io().write(conn, |out| out.extend_from_slice(bytes));
}

#[test]
fn a_turn_of_writes_is_sealed_and_sent_at_once() {
    let (mut world, mut brackets) = (World::new(Config::default(), ignore), Brackets::default());
    let (mut client, conn) = sealed_client(&mut world);
    let (mut other, plain) = world.client();
    for _ in 0..3 {
        write(&mut world.reactor, conn, b"abc");
        write(&mut world.reactor, plain, b"abc");
        write(&mut world.reactor, conn, b"def");
    }
    assert_eq!(world.reactor.io().unsent(conn), 18);
    let expected = sealed([&b"abcdef".repeat(3)[..]]);
    let wire = read(&mut world, &mut brackets, &mut client, expected.len());
    assert_eq!(wire, expected);
    assert_eq!(world.reactor.counters().sends, 2, "one for each connection");
    assert_eq!(read(&mut world, &mut brackets, &mut other, 9), b"abcabcabc");
}

#[test]
fn nothing_leaves_unsealed() {
    let (mut world, mut brackets) = (World::new(Config::default(), ignore), Brackets::default());
    let (mut client, conn) = sealed_client(&mut world);
    write(&mut world.reactor, conn, b"secret");
    for _ in 0..3 {
        world.turn_with(Wait::No);
    }
    world.reactor.io().close(conn);
    for _ in 0..3 {
        world.turn_with(Wait::No);
    }
    assert_eq!(world.reactor.counters().sends, 0);
    let expected = [sealed([&b"secret"[..]]), END.to_vec()].concat();
    let wire = read(&mut world, &mut brackets, &mut client, expected.len());
    assert_eq!(wire, expected);
}

#[test]
fn the_sealer_may_speak_for_itself() {
    let (mut world, mut brackets) = (World::new(Config::default(), ignore), Brackets::default());
    let (mut client, conn) = sealed_client(&mut world);
    turn(&mut world, &mut brackets);
    brackets.own = b"hello";
    world.reactor.io().seal_soon(conn);
    world.reactor.io().seal_soon(conn);
    assert_eq!(read(&mut world, &mut brackets, &mut client, 5), b"hello");
    brackets.own = b"well,";
    write(&mut world.reactor, conn, b"");
    write(&mut world.reactor, conn, b"x");
    let expected = [&b"well,"[..], &sealed([&b"x"[..]])].concat();
    assert_eq!(read(&mut world, &mut brackets, &mut client, expected.len()), expected);
}

#[test]
fn the_end_comes_after_all_that_was_written() {
    let config = Config { unsent_max: 16 << 20, ..Config::default() };
    let (mut world, mut brackets) = (World::new(config, ignore), Brackets::default());
    let (mut client, conn) = sealed_client(&mut world);
    let shared: Arc<[u8]> = pattern(1, 3 << 20).into();
    write(&mut world.reactor, conn, b"head");
    world.reactor.io().write_shared(conn, Arc::clone(&shared));
    write(&mut world.reactor, conn, b"between");
    world.reactor.io().write_shared(conn, Arc::clone(&shared));
    write(&mut world.reactor, conn, b"tail");
    world.reactor.io().close(conn);
    write(&mut world.reactor, conn, b"too late");

    let mut pieces = vec![&b"head"[..]];
    pieces.extend(shared.chunks(16 << 10));
    pieces.push(b"between");
    pieces.extend(shared.chunks(16 << 10));
    pieces.push(b"tail");
    let expected = [sealed(pieces), END.to_vec()].concat();
    let wire = read(&mut world, &mut brackets, &mut client, expected.len());
    assert!(wire == expected, "all of it, in order, and then the end");
    assert_eq!(world.heard.why(conn), Some(Closed::Local));
    assert_eq!(brackets.released, [], "not before the last byte has left");
    drop(client);
    until_released(&mut world, &mut brackets, conn);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn what_a_slow_reader_leaves_is_sealed_as_it_goes() {
    let config = Config { unsent_max: 16 << 20, ..Config::default() };
    let (mut world, mut brackets) = (World::new(config, ignore), Brackets::default());
    let (mut client, conn) = sealed_client(&mut world);
    let bytes = pattern(2, 8 << 20);
    let mut chunks = bytes.chunks(100_000);
    for chunk in chunks.by_ref().take(70) {
        write(&mut world.reactor, conn, chunk);
        turn(&mut world, &mut brackets);
    }
    assert!(world.reactor.counters().sends_short > 0);
    let waiting = world.reactor.io().unsent(conn);
    let sealed_so_far: usize = brackets.sealed[&conn].iter().sum();
    assert!(waiting > 1 << 20 && sealed_so_far < bytes.len() - waiting + (1 << 20));
    for chunk in chunks {
        write(&mut world.reactor, conn, chunk);
    }
    let mut plain = Vec::new();
    let mut last = Vec::new();
    while plain.len() < bytes.len() {
        let more = read(&mut world, &mut brackets, &mut client, 1);
        last.extend(more);
        read_available(&mut world, &mut brackets, &mut client, &mut last);
        plain = unseal(&last, &brackets.sealed[&conn]);
    }
    assert!(plain == bytes);
    assert!(!world.heard.drained.is_empty(), "it is told when all has left");
}

#[test]
fn each_end_releases_once() {
    let stall = Duration::from_millis(200);
    let config = Config { unsent_max: 1 << 20, stall, ..Config::default() };
    let (mut world, mut brackets) = (World::new(config, ignore), Brackets::default());

    let (client, conn) = sealed_client(&mut world);
    drop(client);
    until_released(&mut world, &mut brackets, conn);
    assert_eq!(world.heard.why(conn), Some(Closed::Peer));
    assert_eq!(brackets.finished, [conn], "a peer that has said all may still listen");

    let (_client, conn) = sealed_client(&mut world);
    write(&mut world.reactor, conn, b"never");
    world.reactor.io().abort(conn);
    until_released(&mut world, &mut brackets, conn);
    assert!(!brackets.finished.contains(&conn) && !brackets.sealed.contains_key(&conn));

    let (_client, conn) = sealed_client(&mut world);
    world.until("a slow reader is cut off", |world| {
        write(&mut world.reactor, conn, &[0; 1 << 19]);
        turn(world, &mut brackets);
        world.heard.why(conn) == Some(Closed::SlowReader)
    });
    until_released(&mut world, &mut brackets, conn);

    let (client, conn) = sealed_client(&mut world);
    client.shutdown(Shutdown::Write).unwrap();
    world.until("the end is heard", |world| {
        turn(world, &mut brackets);
        world.heard.why(conn) == Some(Closed::Peer)
    });
    let mut wire = Vec::new();
    world.until("the end is sent", |world| {
        turn(world, &mut brackets);
        brackets.released.contains(&conn)
    });
    (&client).read_to_end(&mut wire).unwrap();
    assert_eq!(wire, END);

    let (plain_client, plain) = world.client();
    drop(plain_client);
    world.until("the plain one is gone", |world| {
        turn(world, &mut brackets);
        world.heard.why(plain).is_some()
    });
    assert!(!brackets.released.contains(&plain));
}

fn until_released(world: &mut World, brackets: &mut Brackets, conn: ConnId) {
    world.until("the slot is free", |world| {
        turn(world, brackets);
        brackets.released.contains(&conn)
    });
}

/// Reads what is there already.
fn read_available(
    world: &mut World,
    brackets: &mut Brackets,
    client: &mut TcpStream,
    to: &mut Vec<u8>,
) {
    client.set_nonblocking(true).unwrap();
    let mut chunk = [0; 65_536];
    while let Ok(count @ 1..) = client.read(&mut chunk) {
        to.extend_from_slice(&chunk[..count]);
        turn(world, brackets);
    }
    client.set_nonblocking(false).unwrap();
}

/// What was sealed in pieces of these lengths, as far as it has come.
fn unseal(wire: &[u8], lengths: &[usize]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = wire;
    for len in lengths {
        let Some((piece, behind)) = rest.split_at_checked(len + 2) else { break };
        assert!(piece.starts_with(b"[") && piece.ends_with(b"]"));
        plain.extend(piece[1..=*len].iter().map(|byte| !byte));
        rest = behind;
    }
    plain
}
