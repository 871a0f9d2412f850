//! rustls as the other side: a client, its certificates, and a wire that cuts what it carries.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::io::{Read, Write};
use std::sync::Arc;

use proptest::prelude::*;
use rcgen::{CertificateParams, CertifiedIssuer, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use whisper_tls::{Acceptor, Connection, Heard, Identities, Identity, Tickets};

/// A certificate authority of our own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Two PEM files for these names: with a key that is made here, or of ECDSA.
    pub(crate) fn issue(&self, names: &[&str], key: Option<KeyPair>) -> (String, String) {
        let key = key.unwrap_or_else(|| KeyPair::generate().unwrap());
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issuer: &Issuer<'_, KeyPair> = &self.0;
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
        (certificate.pem() + &self.0.pem(), key.serialize_pem())
    }

    pub(crate) fn identity(&self, names: &[&str], key: Option<KeyPair>) -> Identity {
        let (certificate, key) = self.issue(names, key);
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.0.pem().as_bytes()).unwrap()).unwrap();
        roots
    }

    /// A client that trusts this authority, of these versions; the provider may be cut down.
    pub(crate) fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        cut: impl FnOnce(&mut CryptoProvider),
    ) -> ClientConfig {
        let mut provider = provider::default_provider();
        cut(&mut provider);
        let mut config = ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(8);
        config
    }
}

pub(crate) fn acceptor(identities: Vec<Identity>, tickets: &Tickets) -> Acceptor {
    Acceptor::new(Arc::new(Identities::new(identities).unwrap()), tickets)
}

/// What may be said at once: mostly little, and now and then more than a record holds.
pub(crate) fn words() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![4 => 0..300_usize, 1 => 16_000..40_000_usize];
    (any::<u8>(), len).prop_map(|(byte, len)| vec![byte; len])
}

/// A client and a server, and what each has heard.
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: Connection,
    pub(crate) client_heard: Vec<u8>,
    pub(crate) server_heard: Vec<u8>,
    /// The client has read the server's end.
    pub(crate) client_is_done: bool,
    /// What the server made of it, where that was more than nothing.
    pub(crate) news: Vec<Heard>,
    /// The server gets at most so many bytes at once, in turn.
    pub(crate) cuts: Vec<usize>,
}

impl Pair {
    pub(crate) fn new(client: &Arc<ClientConfig>, acceptor: &Acceptor, name: &str) -> Self {
        let name = name.to_owned().try_into().unwrap();
        Self {
            client: ClientConnection::new(Arc::clone(client), name).unwrap(),
            server: Connection::new(acceptor),
            client_heard: Vec::new(),
            server_heard: Vec::new(),
            client_is_done: false,
            news: Vec::new(),
            cuts: vec![usize::MAX],
        }
    }

    /// Carries bytes to and fro until there are no more.
    pub(crate) fn carry(&mut self) -> Result<(), rustls::Error> {
        loop {
            let mut up = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut up).unwrap();
            }
            self.up(&mut up);
            let mut down = Vec::new();
            self.server.send(&[], &mut down);
            self.down(&down)?;
            if up.is_empty() && down.is_empty() {
                return Ok(());
            }
        }
    }

    pub(crate) fn up(&mut self, wire: &mut [u8]) {
        let mut rest = wire;
        let mut cuts = self.cuts.iter().cycle();
        while !rest.is_empty() {
            let cut = rest.len().min(*cuts.next().unwrap());
            let (piece, behind) = rest.split_at_mut(cut);
            let heard =
                self.server.receive(piece, |plain| self.server_heard.extend_from_slice(plain));
            if heard != Heard::Open {
                self.news.push(heard);
            }
            rest = behind;
        }
    }

    pub(crate) fn down(&mut self, wire: &[u8]) -> Result<(), rustls::Error> {
        let mut rest = wire;
        while !rest.is_empty() {
            self.client.read_tls(&mut rest).unwrap();
            self.client.process_new_packets()?;
            let mut chunk = [0; 4096];
            loop {
                match self.client.reader().read(&mut chunk) {
                    Ok(0) => {
                        self.client_is_done = true;
                        return Ok(());
                    }
                    Ok(count) => self.client_heard.extend_from_slice(&chunk[..count]),
                    Err(_) => break,
                }
            }
        }
        Ok(())
    }

    pub(crate) fn shake(&mut self) {
        self.carry().unwrap();
        assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
        assert_eq!(self.client.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert!(matches!(self.news[..], [Heard::Shaken { .. }]), "{:?}", self.news);
    }

    pub(crate) fn resumed(&self) -> bool {
        self.news.contains(&Heard::Shaken { resumed: true })
    }

    /// The server says something; what goes over the wire.
    pub(crate) fn say(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        self.server.send(plain, &mut wire);
        wire
    }

    /// Says something on each side, and sees it arrive on the other.
    pub(crate) fn talk(&mut self, up: &[u8], down: &[u8]) {
        let (client_heard, server_heard) = (self.client_heard.len(), self.server_heard.len());
        self.client.set_buffer_limit(None);
        self.client.writer().write_all(up).unwrap();
        self.carry().unwrap();
        let wire = self.say(down);
        self.down(&wire).unwrap();
        self.carry().unwrap();
        assert!(self.server_heard[server_heard..] == *up, "the server hears the client");
        assert!(self.client_heard[client_heard..] == *down, "the client hears the server");
    }
}
