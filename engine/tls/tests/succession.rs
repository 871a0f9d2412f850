//! Connections with rustls's client that go on in another process, in the middle of whatever.

mod peer;

use std::io::Write;
use std::sync::Arc;

use peer::{Authority, Pair, acceptor, words};
use proptest::prelude::*;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedProtocolVersion};
use whisper_tls::{Acceptor, Alert, Connection, Damage, FORMATS, Failure, Heard, Tickets};

/// The server goes on elsewhere.
fn succeed(pair: &mut Pair, heir: &Acceptor) {
    let state = pair.server.bequeath().expect("hands are shaken");
    pair.server = Connection::inherit(heir, &state).unwrap();
    let again = pair.server.bequeath().unwrap();
    assert!(*again == *state, "it is the same there");
}

/// An authority, an acceptor, and another process's.
fn house() -> (Authority, Acceptor, Acceptor) {
    let authority = Authority::new();
    let [here, there] = [0; 2].map(|_| {
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap())
    });
    (authority, here, there)
}

fn shaken(
    authority: &Authority,
    acceptor: &Acceptor,
    of: &'static SupportedProtocolVersion,
) -> Pair {
    let config = Arc::new(authority.client(&[of], |_| ()));
    let mut pair = Pair::new(&config, acceptor, "chat.example");
    pair.shake();
    pair
}

/// What the client sends when it says this.
fn wire_of(pair: &mut Pair, plain: &[u8]) -> Vec<u8> {
    pair.client.writer().write_all(plain).unwrap();
    let mut wire = Vec::new();
    while pair.client.wants_write() {
        pair.client.write_tls(&mut wire).unwrap();
    }
    wire
}

#[test]
fn every_suite_goes_on() {
    let (authority, here, there) = house();
    let rsa = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let rsa =
        acceptor(vec![authority.identity(&["chat.example"], Some(rsa))], &Tickets::new().unwrap());
    let mut spoken = 0;
    for suite in rustls::crypto::aws_lc_rs::DEFAULT_CIPHER_SUITES {
        let suite = suite.suite();
        let config = Arc::new(authority.client(&[&TLS13, &TLS12], |provider| {
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }));
        let is_rsa = format!("{suite:?}").contains("RSA");
        let mut pair = Pair::new(&config, if is_rsa { &rsa } else { &here }, "chat.example");
        pair.shake();
        assert_eq!(pair.client.negotiated_cipher_suite().unwrap().suite(), suite);
        for round in 0..3 {
            succeed(&mut pair, &there);
            pair.talk(&[round; 40_000], &[round; 50_000]);
            pair.talk(b"", b"down");
            pair.talk(b"up", b"");
        }
        pair.client.send_close_notify();
        pair.carry().unwrap();
        assert_eq!(pair.news.last(), Some(&Heard::Closed));
        succeed(&mut pair, &there);
        let mut wire = pair.say(b"after yours");
        succeed(&mut pair, &there);
        pair.server.finish(&mut wire);
        pair.down(&wire).unwrap();
        assert!(pair.client_heard.ends_with(b"after yours") && pair.client_is_done);
        spoken += 1;
    }
    assert_eq!(spoken, 9);
}

#[test]
fn a_record_goes_on_wherever_it_is_cut() {
    let (authority, here, there) = house();
    for version in [&TLS13, &TLS12] {
        let mut pair = shaken(&authority, &here, version);
        let said = b"some words";
        let len = wire_of(&mut pair, said).len();
        let mut pair = shaken(&authority, &here, version);
        for cut in 0..=2 * len {
            let mut wire = wire_of(&mut pair, said);
            wire.extend(wire_of(&mut pair, said));
            let (head, tail) = wire.split_at_mut(cut);
            pair.server_heard.clear();
            pair.up(head);
            succeed(&mut pair, &there);
            assert_eq!(pair.server_heard, said.repeat(cut / len), "what is whole was heard");
            pair.up(tail);
            assert_eq!(pair.server_heard, said.repeat(2), "cut at {cut}");
        }
    }
}

#[test]
fn keys_are_updated_afterwards() {
    let (authority, here, there) = house();
    for suite in [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        let config = Arc::new(authority.client(&[&TLS13], |provider| {
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }));
        let mut pair = Pair::new(&config, &here, "chat.example");
        pair.shake();
        for round in 0..10 {
            succeed(&mut pair, &there);
            // It asks us to update as well.
            pair.client.refresh_traffic_keys().unwrap();
            if round % 2 == 0 {
                pair.talk(&[round; 100], &[round; 200]);
                continue;
            }
            // Our answer is owed when it goes on elsewhere.
            let mut wire = wire_of(&mut pair, b"");
            pair.up(&mut wire);
            assert!(pair.server.has_output());
            succeed(&mut pair, &there);
            assert!(pair.server.has_output());
            pair.talk(&[round; 100], &[round; 200]);
        }
    }
}

#[test]
fn who_has_not_begun_to_shake_hands_can_go_and_who_has_cannot() {
    let (authority, here, there) = house();
    for version in [&TLS13, &TLS12] {
        let config = Arc::new(authority.client(&[version], |_| ()));
        let mut pair = Pair::new(&config, &here, "chat.example");
        succeed(&mut pair, &there);
        pair.shake();
        pair.talk(b"hello", b"well met");

        let mut pair = Pair::new(&config, &here, "chat.example");
        let mut hello = wire_of(&mut pair, b"");
        let (head, tail) = hello.split_at_mut(1);
        pair.up(head);
        assert!(pair.server.bequeath().is_none());
        pair.up(tail);
        assert!(pair.server.bequeath().is_none());
        pair.carry().unwrap();
        pair.talk(b"hello", b"well met");
    }
}

#[test]
fn an_alert_that_is_owed_is_told_afterwards() {
    let (authority, here, there) = house();
    for version in [&TLS13, &TLS12] {
        let mut pair = shaken(&authority, &here, version);
        let mut wire = wire_of(&mut pair, b"changed on its way");
        let last = wire.len() - 1;
        wire[last] ^= 1;
        pair.up(&mut wire);
        let broken = Heard::Failed(Failure::Traffic(Alert::BadRecordMac));
        assert_eq!(pair.news.last(), Some(&broken));
        succeed(&mut pair, &there);
        let mut wire = Vec::new();
        pair.server.finish(&mut wire);
        let told = pair.down(&wire).unwrap_err();
        let alert = rustls::AlertDescription::BadRecordMac;
        assert_eq!(told, rustls::Error::AlertReceived(alert));
        succeed(&mut pair, &there);
        assert_eq!(pair.say(b"over"), []);
    }
}

#[test]
fn what_is_said_in_clear_is_said_afterwards() {
    let (authority, here, there) = house();
    let config = Arc::new(authority.client(&[&TLS13], |_| ()));
    let mut pair = Pair::new(&config, &here, "chat.example");
    pair.up(&mut b"GET / HTTP/1.1\r\n\r\n".to_vec());
    assert_eq!(pair.news, [Heard::Failed(Failure::NotTls)]);
    pair.server.answer_in_clear(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    succeed(&mut pair, &there);
    assert_eq!(pair.say(b""), b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

#[test]
fn an_idle_connection_takes_few_bytes() {
    let (authority, here, _) = house();
    for (version, bytes) in [(&TLS13, 152), (&TLS12, 88)] {
        let state = shaken(&authority, &here, version).server.bequeath().unwrap();
        assert_eq!(state.len(), bytes, "with AES-128");
    }
}

#[test]
fn no_other_format_is_read() {
    let (authority, here, there) = house();
    let mut state = shaken(&authority, &here, &TLS13).server.bequeath().unwrap();
    state[0] = FORMATS.end() + 1;
    let refused = Connection::inherit(&there, &state).err();
    assert_eq!(refused, Some(Damage::Format(FORMATS.end() + 1)));
}

#[test]
fn what_is_cut_off_or_goes_on_is_no_state() {
    let (authority, here, there) = house();
    for version in [&TLS13, &TLS12] {
        let mut pair = shaken(&authority, &here, version);
        let mut wire = wire_of(&mut pair, b"half of it");
        pair.up(&mut wire[..20]);
        let state = pair.server.bequeath().unwrap();
        for len in 0..state.len() {
            assert_eq!(Connection::inherit(&there, &state[..len]).err(), Some(Damage::Content));
        }
        let longer = [&state[..], &[0]].concat();
        assert_eq!(Connection::inherit(&there, &longer).err(), Some(Damage::Content));
    }
}

/// Whatever is done to a state: it is refused, or is a connection that fails as any does.
#[test]
fn harm_to_any_byte_does_no_harm() {
    let (authority, here, there) = house();
    for version in [&TLS13, &TLS12] {
        let mut pair = shaken(&authority, &here, version);
        let wire = wire_of(&mut pair, b"some words");
        pair.up(&mut wire[..7].to_vec());
        let state = pair.server.bequeath().unwrap();
        for at in 0..state.len() {
            for value in [0, 1, 2, 0x7f, 0xff] {
                let mut harmed = state.to_vec();
                harmed[at] = value;
                let Ok(mut heir) = Connection::inherit(&there, &harmed) else { continue };
                let _ = heir.receive(&mut wire[7..].to_vec(), |_| ());
                let mut out = Vec::new();
                heir.send(b"some words", &mut out);
                heir.finish(&mut out);
            }
        }
    }
}

/// A turn in a conversation.
#[derive(Clone, Debug)]
enum Turn {
    Up(Vec<u8>),
    Down(Vec<u8>),
    Update,
    Succeed,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        4 => words().prop_map(Turn::Up),
        4 => words().prop_map(Turn::Down),
        1 => Just(Turn::Update),
        4 => Just(Turn::Succeed),
    ];
    prop::collection::vec(turn, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The server goes on elsewhere between any two turns, and between any two pieces of a record.
    #[test]
    fn any_conversation_goes_on(
        tls13: bool,
        turns in turns(),
        cuts in prop::collection::vec(1..3000_usize, 1..6),
    ) {
        let (authority, here, there) = house();
        let version = if tls13 { &TLS13 } else { &TLS12 };
        let mut pair = shaken(&authority, &here, version);
        for turn in turns {
            match turn {
                Turn::Up(bytes) => {
                    pair.client.set_buffer_limit(None);
                    let mut wire = wire_of(&mut pair, &bytes);
                    pair.server_heard.clear();
                    let mut rest = &mut wire[..];
                    for cut in cuts.iter().cycle() {
                        let (piece, behind) = rest.split_at_mut(rest.len().min(*cut));
                        pair.up(piece);
                        succeed(&mut pair, &there);
                        rest = behind;
                        if rest.is_empty() {
                            break;
                        }
                    }
                    prop_assert!(pair.server_heard == bytes);
                }
                Turn::Down(bytes) => pair.talk(b"", &bytes),
                Turn::Update if tls13 => pair.client.refresh_traffic_keys().unwrap(),
                Turn::Update => {}
                Turn::Succeed => succeed(&mut pair, &there),
            }
        }
    }

    #[test]
    fn no_bytes_are_harmful(bytes in prop::collection::vec(any::<u8>(), 0..300), stage in 0..4_u8) {
        let (_, _, there) = house();
        let state = [&[*FORMATS.end(), stage, 0, 0, 0, 0][..], &bytes].concat();
        let _ = Connection::inherit(&there, &bytes);
        let _ = Connection::inherit(&there, &state);
    }
}
