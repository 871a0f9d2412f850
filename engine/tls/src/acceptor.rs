//! What all connections of a thread are made from.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self as provider, cipher_suite, kx_group};
use rustls::server::{NoServerSessionStorage, ProducesTickets, ServerConfig};
use rustls::{KeyLog, SupportedCipherSuite};

use crate::half::Secret;
use crate::identity::Identities;

/// The one protocol that is spoken inside.
const ALPN: &[u8] = b"http/1.1";

/// In our order: all are strong, and the first takes the least time on a processor of today.
const SUITES: [SupportedCipherSuite; 9] = [
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// Each can be used once; browsers like to have a spare one.
const TICKETS_PER_HANDSHAKE: usize = 2;

/// The keys that session tickets are sealed with. They change every six hours; a ticket is good for
/// as long as its key or the one after it. Clones share them: give one to each [`Acceptor`], so
/// that what one has sealed any other resumes.
#[derive(Clone)]
pub struct Tickets(Arc<dyn ProducesTickets>);

impl Tickets {
    /// Fresh keys.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn new() -> Result<Self, rustls::Error> {
        provider::Ticketer::new().map(Self)
    }
}

/// Makes connections. Clones make the same. Belongs to one thread: only one of its connections may be shaking hands at a
/// time, in the sense that a call into it has to return before the next connection is called.
#[derive(Clone)]
pub struct Acceptor {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) tap: Arc<Tap>,
}

impl Acceptor {
    /// Makes connections that show one of `identities`.
    ///
    /// # Panics
    /// Where rustls finds its own provider inconsistent.
    pub fn new(identities: Arc<Identities>, tickets: &Tickets) -> Self {
        let kx_groups = vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
        ];
        let mut provider = CryptoProvider { kx_groups, ..provider::default_provider() };
        provider.cipher_suites = SUITES.to_vec();
        let tap = Arc::new(Tap::default());
        let mut config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both versions")
            .with_no_client_auth()
            .with_cert_resolver(identities);
        config.ignore_client_order = true;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.ticketer = Arc::clone(&tickets.0);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = TICKETS_PER_HANDSHAKE;
        config.enable_secret_extraction = true;
        config.key_log = Arc::clone(&tap) as Arc<dyn KeyLog>;
        Self { config: config.into(), tap }
    }
}

/// Where rustls leaves the traffic secrets of TLS 1.3, from which later keys derive: of all its
/// doors only the one for key logs gives them. They are picked up as soon as the call into rustls
/// returns. Should they ever be another connection's, no record would decrypt.
#[derive(Default)]
pub(crate) struct Tap(Mutex<Secrets>);

#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) client: Option<Secret>,
    pub(crate) server: Option<Secret>,
}

const CLIENT: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER: &str = "SERVER_TRAFFIC_SECRET_0";

impl Tap {
    pub(crate) fn take(&self) -> Secrets {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeyLog for Tap {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = Secret::try_from(secret).ok();
        match label {
            CLIENT => secrets.client = secret,
            SERVER => secrets.server = secret,
            _ => {}
        }
    }

    fn will_log(&self, label: &str) -> bool {
        matches!(label, CLIENT | SERVER)
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}
