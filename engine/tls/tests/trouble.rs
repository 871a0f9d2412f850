//! Clients that break the rules, and what somebody on the way can do.

mod peer;

use std::io::Write;
use std::sync::Arc;

use peer::{Authority, Pair, acceptor};
use proptest::prelude::*;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, Error, SupportedProtocolVersion};
use whisper_tls::{Acceptor, Alert, Connection, Failure, Heard, Tickets};

struct World {
    authority: Authority,
    acceptor: Acceptor,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new();
        let identity = authority.identity(&["chat.example"], None);
        let acceptor = acceptor(vec![identity], &Tickets::new().unwrap());
        Self { authority, acceptor }
    }

    /// A pair that has shaken hands.
    fn pair(&self, version: &'static SupportedProtocolVersion) -> Pair {
        let config = Arc::new(self.authority.client(&[version], |_| ()));
        let mut pair = Pair::new(&config, &self.acceptor, "chat.example");
        pair.shake();
        pair.news.clear();
        pair
    }
}

/// What a client writes to the wire.
fn wire(pair: &mut Pair, plain: &[u8]) -> Vec<u8> {
    pair.client.writer().write_all(plain).unwrap();
    let mut wire = Vec::new();
    while pair.client.wants_write() {
        pair.client.write_tls(&mut wire).unwrap();
    }
    wire
}

/// The server ends the stream with this alert, and the client understands it.
fn assert_ends(pair: &mut Pair, alert: Alert, description: AlertDescription) {
    assert_eq!(pair.news, [Heard::Failed(Failure::Traffic(alert))]);
    let mut heard = b"never mind".to_vec();
    assert_eq!(pair.server.receive(&mut heard, |_| panic!("it is over")), Heard::Open);
    let mut wire = pair.say(b"never said");
    pair.server.finish(&mut wire);
    assert_eq!(pair.down(&wire), Err(Error::AlertReceived(description)));
    assert_eq!(pair.client_heard, b"");
}

#[test]
fn a_record_that_was_changed_ends_it() {
    let world = World::new();
    for version in [&TLS13, &TLS12] {
        let mut pair = world.pair(version);
        let len = wire(&mut pair, b"hello").len();
        for at in 5..len {
            let mut pair = world.pair(version);
            let mut bytes = wire(&mut pair, b"hello");
            bytes[at] ^= 0x10;
            pair.up(&mut bytes);
            assert_ends(&mut pair, Alert::BadRecordMac, AlertDescription::BadRecordMac);
        }
    }
}

#[test]
fn records_are_taken_once_and_in_order() {
    let world = World::new();
    for version in [&TLS13, &TLS12] {
        let mut pair = world.pair(version);
        let mut first = wire(&mut pair, b"first");
        let mut second = wire(&mut pair, b"second");
        let mut again = first.clone();
        pair.up(&mut first);
        pair.up(&mut again);
        assert_eq!(pair.server_heard, b"first");
        assert_ends(&mut pair, Alert::BadRecordMac, AlertDescription::BadRecordMac);

        let mut pair = world.pair(version);
        wire(&mut pair, b"lost");
        second.clone_from(&wire(&mut pair, b"second"));
        pair.up(&mut second);
        assert_eq!(pair.server_heard, b"");
        assert_ends(&mut pair, Alert::BadRecordMac, AlertDescription::BadRecordMac);
    }
}

#[test]
fn what_is_no_record_ends_it() {
    let world = World::new();
    for (version, bytes, alert, description) in [
        (&TLS13, &[23, 3, 3, 0x41, 1][..], Alert::RecordOverflow, AlertDescription::RecordOverflow),
        (&TLS13, &[23, 2, 3, 0, 1], Alert::DecodeError, AlertDescription::DecodeError),
        (&TLS13, &[23, 3, 3, 0, 0], Alert::BadRecordMac, AlertDescription::BadRecordMac),
        (&TLS12, &[23, 3, 3, 0, 0], Alert::BadRecordMac, AlertDescription::BadRecordMac),
        (
            &TLS12,
            &[23, 3, 3, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Alert::BadRecordMac,
            AlertDescription::BadRecordMac,
        ),
        // Not encrypted: an alert, a change of ciphers, a handshake; and no kind at all.
        (
            &TLS13,
            &[21, 3, 3, 0, 2, 1, 0],
            Alert::UnexpectedMessage,
            AlertDescription::UnexpectedMessage,
        ),
        (
            &TLS13,
            &[20, 3, 3, 0, 1, 1],
            Alert::UnexpectedMessage,
            AlertDescription::UnexpectedMessage,
        ),
        (
            &TLS13,
            &[22, 3, 3, 0, 1, 1],
            Alert::UnexpectedMessage,
            AlertDescription::UnexpectedMessage,
        ),
        (
            &TLS13,
            &[24, 3, 3, 0, 1, 1],
            Alert::UnexpectedMessage,
            AlertDescription::UnexpectedMessage,
        ),
        (
            &TLS12,
            &[20, 3, 3, 0, 1, 1],
            Alert::UnexpectedMessage,
            AlertDescription::UnexpectedMessage,
        ),
        (&TLS12, &[22, 3, 3, 0, 1, 1], Alert::BadRecordMac, AlertDescription::BadRecordMac),
    ] {
        let mut pair = world.pair(version);
        pair.up(&mut bytes.to_vec());
        assert_ends(&mut pair, alert, description);
    }
}

#[test]
fn the_clients_own_alert_ends_it() {
    let world = World::new();
    let mut pair = world.pair(&TLS13);
    // The client doesn't understand us, and says so.
    assert!(
        pair.down(&[23, 3, 3, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_err()
    );
    let mut alert = wire(&mut pair, b"");
    pair.up(&mut alert);
    assert_eq!(pair.news, [Heard::Failed(Failure::Peer)]);
    let mut wire = Vec::new();
    pair.server.finish(&mut wire);
    assert_eq!(wire, [], "nothing is left to be said");
}

#[test]
fn what_is_not_tls_is_told_so_in_its_own_words() {
    let world = World::new();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0", b"\xff\xff", b"SSH-2.0-x\r\n"] {
        let mut server = Connection::new(&world.acceptor);
        let heard = server.receive(&mut bytes.to_vec(), |_| panic!("nothing is said"));
        assert_eq!(heard, Heard::Failed(Failure::NotTls));
        server.answer_in_clear(b"400");
        let mut wire = Vec::new();
        server.send(b"", &mut wire);
        server.finish(&mut wire);
        assert_eq!(wire, b"400");
    }
}

/// A ClientHello of this version, with one suite of the time and no extensions.
fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = Vec::from(version);
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0xC0, 0x13, 0x00, 0x2F, 1, 0]);
    let mut hello = vec![1, 0, 0, body.len() as u8];
    hello.extend(body);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8];
    record.extend(hello);
    record
}

#[test]
fn old_versions_are_refused() {
    let world = World::new();
    for version in [[3, 0], [3, 1], [3, 2]] {
        let mut server = Connection::new(&world.acceptor);
        let heard = server.receive(&mut old_hello(version), |_| panic!("nothing is said"));
        assert_eq!(heard, Heard::Failed(Failure::Handshake));
        let mut wire = Vec::new();
        server.finish(&mut wire);
        const HANDSHAKE_FAILURE: u8 = 40;
        const PROTOCOL_VERSION: u8 = 70;
        assert_eq!((wire[0], &wire[3..6]), (21, &[0, 2, 2][..]));
        assert!([HANDSHAKE_FAILURE, PROTOCOL_VERSION].contains(&wire[6]));
    }
}

#[test]
fn handshakes_that_are_none_fail_with_an_alert() {
    let world = World::new();
    for bytes in [
        vec![22, 3, 1, 0, 4, 9, 9, 9, 9],
        vec![22, 3, 1, 0, 4, 1, 0, 0, 0],
        vec![21, 3, 1, 0, 2, 2, 40],
        vec![23, 3, 1, 0, 2, 2, 40],
        vec![22, 3, 1, 0xFF, 0xFF],
        vec![22, 9, 1, 0, 4, 9, 9, 9, 9],
    ] {
        let mut server = Connection::new(&world.acceptor);
        let heard = server.receive(&mut bytes.clone(), |_| panic!("nothing is said"));
        assert_eq!(heard, Heard::Failed(Failure::Handshake), "{bytes:?}");
        let mut wire = Vec::new();
        server.finish(&mut wire);
        assert!(wire.is_empty() || wire[0] == 21, "{wire:?}");
    }
}

#[test]
fn a_client_can_only_make_us_hold_so_much() {
    let world = World::new();
    // A message of 60,000 bytes, in records of 1000.
    let mut server = Connection::new(&world.acceptor);
    let mut first = vec![22, 3, 1, 3, 0xE8, 1, 0, 0xEA, 0x60];
    first.resize(5 + 1000, 0);
    let mut more = vec![22, 3, 1, 3, 0xE8];
    more.resize(5 + 1000, 0);
    assert_eq!(server.receive(&mut first, |_| ()), Heard::Open);
    let mut sent = first.len();
    let failed = loop {
        sent += more.len();
        match server.receive(&mut more.clone(), |_| ()) {
            Heard::Open => assert!(sent < 30_000),
            heard => break heard,
        }
    };
    assert_eq!(failed, Heard::Failed(Failure::Handshake));

    let mut server = Connection::new(&world.acceptor);
    assert_eq!(server.keep(&[22; 20_000]), Heard::Open);
    assert_eq!(server.keep(&[22; 1000]), Heard::Failed(Failure::Handshake));
    assert_eq!(server.keep(&[22; 1000]), Heard::Open);
}

#[test]
fn a_handshake_may_wait() {
    let world = World::new();
    let config = Arc::new(world.authority.client(&[&TLS13], |_| ()));
    let mut pair = Pair::new(&config, &world.acceptor, "chat.example");
    let hello = wire(&mut pair, b"");
    for byte in &hello {
        assert_eq!(pair.server.keep(&[*byte]), Heard::Open);
    }
    assert!(!pair.server.has_output());
    assert_eq!(pair.server.receive(&mut [], |_| ()), Heard::Open);
    assert!(pair.server.has_output());
    pair.shake();
    pair.talk(b"hello", b"well met");
}

#[test]
fn nothing_is_said_before_hands_are_shaken() {
    let world = World::new();
    let config = Arc::new(world.authority.client(&[&TLS13], |_| ()));
    let mut pair = Pair::new(&config, &world.acceptor, "chat.example");
    assert_eq!(pair.say(b"secret"), []);
    let mut hello = wire(&mut pair, b"");
    pair.up(&mut hello);
    let mut flight = pair.say(b"secret");
    assert!(flight.windows(6).all(|it| it != b"secret"));
    pair.server.finish(&mut flight);
    pair.down(&flight).unwrap();
    assert_eq!(pair.client_heard, b"");
}

/// What may happen to a client's bytes.
#[derive(Clone, Debug)]
enum Harm {
    Flip { at: usize, bits: u8 },
    Cut { at: usize, len: usize },
    Double { at: usize, len: usize },
    Insert { at: usize, bytes: Vec<u8> },
}

impl Harm {
    fn to(&self, wire: &mut Vec<u8>) {
        let place = |at: usize| at % wire.len().max(1);
        match self {
            Self::Flip { at, bits } => {
                let at = place(*at);
                wire.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            }
            Self::Cut { at, len } => {
                let at = place(*at);
                let end = wire.len().min(at + len);
                wire.drain(at.min(end)..end);
            }
            Self::Double { at, len } => {
                let at = place(*at);
                let end = wire.len().min(at + len);
                let piece = wire[at.min(end)..end].to_vec();
                wire.splice(end..end, piece);
            }
            Self::Insert { at, bytes } => {
                let at = place(*at).min(wire.len());
                wire.splice(at..at, bytes.iter().copied());
            }
        }
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    // The first bytes, headers and lengths, are the more interesting ones.
    let at = || prop_oneof![0..12_usize, 0..2000_usize];
    let record = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (20..25_u8, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(kind, body)| { [&[kind, 3, 3, 0, body.len() as u8], &body[..]].concat() }),
    ];
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bits)| Harm::Flip { at, bits }),
        (at(), 1..200_usize).prop_map(|(at, len)| Harm::Cut { at, len }),
        (at(), 1..200_usize).prop_map(|(at, len)| Harm::Double { at, len }),
        (at(), record).prop_map(|(at, bytes)| Harm::Insert { at, bytes }),
    ]
}

thread_local! {
    static WORLD: World = World::new();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Whatever a client sends, hands are shaken or not, and what is over stays over.
    #[test]
    fn harm_ends_a_connection_and_nothing_else(
        tls13: bool,
        resumed: bool,
        first in prop::collection::vec(harm(), 0..3),
        second in prop::collection::vec(harm(), 0..3),
        cuts in prop::collection::vec(1..600_usize, 1..4),
    ) {
        WORLD.with(|world| {
            let version = if tls13 { &TLS13 } else { &TLS12 };
            let config = Arc::new(world.authority.client(&[version], |_| ()));
            if resumed {
                Pair::new(&config, &world.acceptor, "chat.example").shake();
            }
            let mut pair = Pair::new(&config, &world.acceptor, "chat.example");
            pair.cuts = cuts;
            for harms in [first, second, vec![]] {
                let mut bytes = wire(&mut pair, b"");
                harms.iter().for_each(|harm| harm.to(&mut bytes));
                pair.up(&mut bytes);
                let flight = pair.say(b"");
                if pair.down(&flight).is_err() {
                    break;
                }
            }
            let over = pair.news.iter().any(|news| matches!(news, Heard::Failed(_)));
            if over {
                let mut more = b"never mind".to_vec();
                let heard = pair.server.receive(&mut more, |_| panic!("it is over"));
                prop_assert_eq!(heard, Heard::Open);
                prop_assert!(!pair.server.is_handshaking());
            }
            pair.server.finish(&mut Vec::new());
            Ok(())
        })?;
    }
}
