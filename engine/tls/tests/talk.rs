//! Conversations with rustls's client, in all that both can speak.

mod peer;

use std::sync::Arc;

use peer::{Authority, Pair, acceptor, words};
use proptest::prelude::*;
use rcgen::KeyPair;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, NamedGroup, ProtocolVersion};
use whisper_tls::{Heard, Tickets};

/// Every suite that both sides have, with both kinds of key.
#[test]
fn every_suite_is_spoken() {
    let authority = Authority::new();
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let identities = vec![
        authority.identity(&["chat.example"], None),
        authority.identity(&["chat.example"], Some(rsa)),
    ];
    let acceptor = acceptor(identities, &Tickets::new().unwrap());
    let suites: Vec<CipherSuite> = rustls::crypto::aws_lc_rs::DEFAULT_CIPHER_SUITES
        .iter()
        .map(rustls::SupportedCipherSuite::suite)
        .collect();
    assert_eq!(suites.len(), 9, "{suites:?}");
    for suite in suites {
        let config = Arc::new(authority.client(&[&TLS13, &TLS12], |provider| {
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }));
        for cuts in [vec![usize::MAX], vec![1], vec![7, 1400, 3]] {
            let mut pair = Pair::new(&config, &acceptor, "chat.example");
            pair.cuts = cuts;
            pair.shake();
            assert_eq!(pair.client.negotiated_cipher_suite().unwrap().suite(), suite);
            pair.talk(b"hello", b"well met");
            pair.talk(b"", b"");
            pair.talk(&[1; 40_000], &[2; 50_000]);
            pair.talk(b"x", b"y");
            pair.client.send_close_notify();
            pair.carry().unwrap();
            assert_eq!(pair.news.last(), Some(&Heard::Closed));
            let mut wire = pair.say(b"after yours");
            pair.server.finish(&mut wire);
            pair.down(&wire).unwrap();
            assert!(pair.client_heard.ends_with(b"after yours") && pair.client_is_done);
        }
    }
}

#[test]
fn every_group_is_spoken() {
    let authority = Authority::new();
    let acceptor =
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap());
    let quantum = NamedGroup::X25519MLKEM768;
    for group in [quantum, NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1] {
        let config = Arc::new(authority.client(&[&TLS13, &TLS12], |provider| {
            provider.kx_groups.retain(|it| it.name() == group);
        }));
        let mut pair = Pair::new(&config, &acceptor, "chat.example");
        pair.shake();
        assert_eq!(pair.client.negotiated_key_exchange_group().unwrap().name(), group);
        pair.talk(b"hello", b"well met");
    }
}

#[test]
fn several_frames_of_a_turn_make_one_record() {
    let authority = Authority::new();
    let acceptor =
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap());
    let config = Arc::new(authority.client(&[&TLS13], |_| ()));
    let mut pair = Pair::new(&config, &acceptor, "chat.example");
    pair.shake();
    assert_eq!(pair.say(&[0; 1000]).len(), 5 + 1000 + 1 + 16);
    assert_eq!(pair.say(&[0; 1 << 14]).len(), 5 + (1 << 14) + 1 + 16);
    assert_eq!(pair.say(&[0; (1 << 14) + 1]).len(), 2 * (5 + 1 + 16) + (1 << 14) + 1);
    assert_eq!(pair.say(&[]), [], "nothing to say, nothing sent");
}

#[test]
fn what_comes_with_the_end_of_the_handshake_is_heard() {
    let authority = Authority::new();
    let acceptor =
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap());
    for version in [&TLS13, &TLS12] {
        for cuts in [vec![usize::MAX], vec![1], vec![100, 1]] {
            let config = Arc::new(authority.client(&[version], |_| ()));
            let mut pair = Pair::new(&config, &acceptor, "chat.example");
            pair.cuts = cuts;
            // rustls keeps it until it may be sent: right behind its Finished.
            std::io::Write::write_all(&mut pair.client.writer(), &[7; 30_000]).unwrap();
            pair.shake();
            assert_eq!(pair.server_heard, [7; 30_000]);
            pair.talk(b"hello", b"well met");
        }
    }
}

#[test]
fn keys_are_updated_by_either_side() {
    let authority = Authority::new();
    let acceptor =
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap());
    for suite in [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        let config = Arc::new(authority.client(&[&TLS13], |provider| {
            provider.cipher_suites.retain(|it| it.suite() == suite);
        }));
        let mut pair = Pair::new(&config, &acceptor, "chat.example");
        pair.shake();
        for round in 0..100_u8 {
            // rustls asks us to update as well.
            pair.client.refresh_traffic_keys().unwrap();
            pair.talk(&[round; 100], &[round; 200]);
        }
        pair.talk(b"", b"and once more");
    }
}

#[test]
fn tickets_are_resumed_wherever_their_keys_are() {
    let authority = Authority::new();
    let identity = authority.identity(&["chat.example"], None);
    let tickets = Tickets::new().unwrap();
    let here = acceptor(vec![identity.clone()], &tickets);
    let there = acceptor(vec![identity.clone()], &tickets);
    let renewed = acceptor(vec![authority.identity(&["chat.example"], None)], &tickets);
    let stranger = acceptor(vec![identity], &Tickets::new().unwrap());
    for version in [&TLS13, &TLS12] {
        let config = Arc::new(authority.client(&[version], |_| ()));
        let shake = |acceptor| {
            let mut pair = Pair::new(&config, acceptor, "chat.example");
            pair.shake();
            pair.talk(b"hello", b"well met");
            pair.resumed()
        };
        assert!(!shake(&here));
        assert!(shake(&here));
        assert!(shake(&there), "{version:?}");
        assert!(shake(&renewed), "{version:?}: a renewed certificate is no reason to start anew");
        assert!(!shake(&stranger));
    }
}

#[test]
fn versions_are_as_agreed() {
    let authority = Authority::new();
    let acceptor =
        acceptor(vec![authority.identity(&["chat.example"], None)], &Tickets::new().unwrap());
    for (versions, expected) in [
        (vec![&TLS13, &TLS12], ProtocolVersion::TLSv1_3),
        (vec![&TLS13], ProtocolVersion::TLSv1_3),
        (vec![&TLS12], ProtocolVersion::TLSv1_2),
    ] {
        let config = Arc::new(authority.client(&versions, |_| ()));
        let mut pair = Pair::new(&config, &acceptor, "chat.example");
        pair.shake();
        assert_eq!(pair.client.protocol_version(), Some(expected));
    }
}

/// A turn in a conversation.
#[derive(Clone, Debug)]
enum Turn {
    Up(Vec<u8>),
    Down(Vec<u8>),
    Update,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        4 => words().prop_map(Turn::Up),
        4 => words().prop_map(Turn::Down),
        1 => Just(Turn::Update),
    ];
    prop::collection::vec(turn, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_conversation_is_heard_word_for_word(
        tls13: bool,
        turns in turns(),
        cuts in prop::collection::vec(1..3000_usize, 1..6),
    ) {
        let authority = Authority::new();
        let identity = authority.identity(&["chat.example"], None);
        let acceptor = acceptor(vec![identity], &Tickets::new().unwrap());
        let version = if tls13 { &TLS13 } else { &TLS12 };
        let config = Arc::new(authority.client(&[version], |_| ()));
        let mut pair = Pair::new(&config, &acceptor, "chat.example");
        pair.cuts = cuts;
        pair.shake();
        for turn in turns {
            match turn {
                Turn::Up(bytes) => pair.talk(&bytes, b""),
                Turn::Down(bytes) => pair.talk(b"", &bytes),
                Turn::Update if tls13 => pair.client.refresh_traffic_keys().unwrap(),
                Turn::Update => {}
            }
        }
    }
}
