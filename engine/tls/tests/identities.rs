//! Which certificate a client is shown, and which files make one.

mod peer;

use std::sync::Arc;

use peer::{Authority, Pair, acceptor};
use rcgen::KeyPair;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, Error, SignatureScheme};
use whisper_tls::{BadIdentity, Identities, Identity, Tickets};

#[test]
fn a_client_is_shown_what_is_for_its_name_and_what_it_can_verify() {
    let authority = Authority::new();
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let identities = [
        authority.identity(&["first.example", "other.example"], None),
        authority.identity(&["Chat.Example"], None),
        authority.identity(&["chat.example"], Some(rsa)),
        authority.identity(&["*.wild.example"], None),
    ];
    let acceptor = acceptor(identities.to_vec(), &Tickets::new().unwrap());
    let only_rsa = |schemes: &mut rustls::crypto::CryptoProvider| {
        let mut algorithms = schemes.signature_verification_algorithms;
        let mapping = algorithms.mapping.iter().filter(|(scheme, _)| {
            // The authority's own signature is of ECDSA, and verified whatever is offered.
            matches!(*scheme, SignatureScheme::RSA_PSS_SHA256 | SignatureScheme::RSA_PKCS1_SHA256)
        });
        algorithms.mapping = Vec::leak(mapping.copied().collect());
        schemes.signature_verification_algorithms = algorithms;
    };
    for version in [&TLS13, &TLS12] {
        let any = Arc::new(authority.client(&[version], |_| ()));
        let rsa = Arc::new(authority.client(&[version], only_rsa));
        for (name, client, shown) in [
            ("first.example", &any, 0),
            ("other.example", &any, 0),
            ("chat.example", &any, 1),
            ("chat.example", &rsa, 2),
            ("a.wild.example", &any, 3),
        ] {
            let mut pair = Pair::new(client, &acceptor, name);
            pair.shake();
            let certificates = pair.client.peer_certificates().unwrap();
            assert_eq!(&certificates[0][..], identities[shown].certificate(), "{name}");
            assert_eq!(certificates.len(), 2, "the chain goes along");
        }
        // Whoever asks for nobody we know is shown the first, and trusts it or not.
        for name in ["stranger.example", "a.b.wild.example", "wild.example", "127.0.0.1"] {
            let mut pair = Pair::new(&any, &acceptor, name);
            let error = pair.carry().unwrap_err();
            assert!(matches!(error, rustls::Error::InvalidCertificate(_)), "{name}: {error}");
        }
    }
}

#[test]
fn who_can_verify_nothing_is_told_that_nothing_can_be_agreed_on() {
    let authority = Authority::new();
    let identity = authority.identity(&["chat.example"], None);
    let acceptor = acceptor(vec![identity], &Tickets::new().unwrap());
    let config = authority.client(&[&TLS12], |provider| {
        provider.cipher_suites.retain(|it| format!("{:?}", it.suite()).contains("RSA_WITH"));
        provider.cipher_suites.retain(|it| !format!("{:?}", it.suite()).contains("ECDSA"));
    });
    let mut pair = Pair::new(&Arc::new(config), &acceptor, "chat.example");
    let refused = AlertDescription::HandshakeFailure;
    assert_eq!(pair.carry(), Err(Error::AlertReceived(refused)));
}

#[test]
fn names_are_known() {
    let authority = Authority::new();
    let identity = authority.identity(&["Chat.Example", "*.wild.example", "127.0.0.1"], None);
    assert_eq!(identity.names(), ["chat.example", "*.wild.example"]);
    assert!(Identities::new(vec![]).is_none());
}

#[test]
fn bad_files_are_told_apart() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["chat.example"], None);
    let (_, other_key) = authority.issue(&["chat.example"], None);
    let small = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let broken = certificate.replacen("-----END", "----END", 1);
    let of = |certificate: &str, key: &str| {
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).map(drop)
    };
    assert_eq!(of(&certificate, &key), Ok(()));
    assert_eq!(of(&(key.clone() + &certificate), &(certificate.clone() + &key)), Ok(()));
    assert_eq!(of("", &key), Err(BadIdentity::NoCertificate));
    assert_eq!(of("hello", &key), Err(BadIdentity::NoCertificate));
    assert!(matches!(of(&broken, &key), Err(BadIdentity::CertificateSyntax(_))));
    assert!(matches!(of(no_certificate, &key), Err(BadIdentity::BadCertificate(_))));
    assert_eq!(of(&certificate, ""), Err(BadIdentity::NoKey));
    assert_eq!(of(&certificate, &certificate), Err(BadIdentity::NoKey));
    assert_eq!(of(&certificate, small), Err(BadIdentity::BadKey));
    assert_eq!(of(&certificate, &other_key), Err(BadIdentity::Mismatch));
}

#[test]
fn one_can_vouch_for_oneself() {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let identity = Identity::self_signed(&names).unwrap();
    assert_eq!(identity.names(), ["localhost"]);
    let authority = Authority::new();
    let mut config = authority.client(&[&TLS13], |_| ());
    let acceptor = acceptor(vec![identity.clone()], &Tickets::new().unwrap());
    let mut pair = Pair::new(&Arc::new(config.clone()), &acceptor, "localhost");
    assert!(pair.carry().is_err(), "nobody trusts it unasked");

    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity.certificate().to_vec().into()).unwrap();
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
        roots.into(),
        rustls::crypto::aws_lc_rs::default_provider().into(),
    );
    config.dangerous().set_certificate_verifier(verifier.build().unwrap());
    let config = Arc::new(config);
    for name in names {
        let mut pair = Pair::new(&config, &acceptor, &name);
        pair.shake();
        pair.talk(b"hello", b"well met");
    }
}
