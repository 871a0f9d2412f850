//! Certificates and their keys, and which of them a client is shown.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use webpki::EndEntityCert;

use crate::validity::not_after;

/// How long a certificate of our own making is good for: some clients take none that is good for
/// much longer.
const SELF_SIGNED_DAYS: u32 = 90;

const DAY: Duration = Duration::from_hours(24);

/// A certificate with its chain, and its key.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    /// The names it is for, in lower case; `*.` may stand before one.
    names: Vec<String>,
}

/// Why files make no identity.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadIdentity {
    /// The first file is not what it should be.
    #[error("the certificate file is not PEM: {0}")]
    CertificateSyntax(String),
    /// The first file is empty of them.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// The second file holds none.
    #[error("the key file holds no private key in PEM (PKCS#8, SEC1 or PKCS#1, not encrypted)")]
    NoKey,
    /// The second file holds one that can't be used.
    #[error(
        "the key can't be used: it must be of RSA with 2048 to 8192 bits, or of ECDSA with P-256, P-384 or P-521, or Ed25519"
    )]
    BadKey,
    /// The first certificate can't be read.
    #[error("the first certificate can't be read: {0}")]
    BadCertificate(String),
    /// The two are not of one pair.
    #[error("the key doesn't belong to the first certificate of the file")]
    Mismatch,
}

impl Identity {
    /// An identity from two PEM files: the certificate, followed by those between it and the root;
    /// and its key. Whether anybody trusts it, and when it expires, is not looked at.
    ///
    /// # Errors
    /// What is wrong, with which of the two.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, BadIdentity> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|error| BadIdentity::CertificateSyntax(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| BadIdentity::NoKey)?;
        Self::new(chain, &key)
    }

    /// A key of our own making, and a certificate for these names (or addresses) that it vouches
    /// for itself. For trying out: no client trusts it.
    ///
    /// # Errors
    /// Where a name can't stand in a certificate.
    pub fn self_signed(names: &[String]) -> Result<Self, BadIdentity> {
        let bad = |error: rcgen::Error| BadIdentity::BadCertificate(error.to_string());
        let mut params = CertificateParams::new(names).map_err(bad)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Whisper, self-signed");
        let now = SystemTime::now();
        params.not_before = (now - DAY).into();
        params.not_after = (now + SELF_SIGNED_DAYS * DAY).into();
        let key = KeyPair::generate().map_err(bad)?;
        let certificate = params.self_signed(&key).map_err(bad)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| BadIdentity::BadKey)?;
        Self::new(vec![certificate.der().clone()], &key)
    }

    /// The names that the certificate is for, in lower case; `*.` may stand before one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The certificate itself, without its chain, in DER.
    pub fn certificate(&self) -> &[u8] {
        self.certified.cert.first().map_or(&[], |certificate| certificate)
    }

    /// When the certificate ends, in Unix seconds; None where it doesn't say so as it should.
    pub fn not_after(&self) -> Option<u64> {
        not_after(self.certificate())
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Self, BadIdentity> {
        let first = chain.first().ok_or(BadIdentity::NoCertificate)?;
        let bad = |error: webpki::Error| BadIdentity::BadCertificate(error.to_string());
        let names = EndEntityCert::try_from(first).map_err(bad)?;
        let names = names.valid_dns_names().map(str::to_ascii_lowercase).collect();
        let key = any_supported_type(key).map_err(|_| BadIdentity::BadKey)?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| BadIdentity::Mismatch)?;
        Ok(Self { certified: Arc::new(certified), names })
    }
}

/// All identities of a server. A client is shown the first that is for the name it asks for (SNI)
/// and whose key it can verify; where there is none, or it asks for none, the first it can verify.
/// So a name may have a certificate of ECDSA and one of RSA.
pub struct Identities {
    not_after: Option<u64>,
    all: Vec<Arc<CertifiedKey>>,
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
}

impl Identities {
    /// The identities, the default one first; None where there are none.
    pub fn new(identities: Vec<Identity>) -> Option<Self> {
        let mut by_name: HashMap<String, Vec<Arc<CertifiedKey>>> = HashMap::new();
        for Identity { certified, names } in &identities {
            for name in names {
                by_name.entry(name.clone()).or_default().push(Arc::clone(certified));
            }
        }
        let not_after = identities.iter().filter_map(Identity::not_after).min();
        let all: Vec<_> = identities.into_iter().map(|identity| identity.certified).collect();
        (!all.is_empty()).then_some(Self { not_after, all, by_name })
    }

    /// When the first of the certificates ends, in Unix seconds; None where none says so.
    pub fn not_after(&self) -> Option<u64> {
        self.not_after
    }

    /// Those for a name, itself or by a wildcard in place of its first label.
    fn named(&self, name: &str) -> impl Iterator<Item = &Arc<CertifiedKey>> {
        let wildcard = name.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        let exact = self.by_name.get(name);
        let wild = wildcard.and_then(|wildcard| self.by_name.get(&wildcard));
        exact.into_iter().chain(wild).flatten()
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = client.signature_schemes();
        let name = client.server_name().map(str::to_ascii_lowercase);
        let named = name.iter().flat_map(|name| self.named(name));
        let mut candidates = named.chain(&self.all);
        let verifiable = candidates.find(|it| it.key.choose_scheme(schemes).is_some());
        // Where there is none, rustls finds that nothing can be agreed on, and says so.
        verifiable.or(self.all.first()).cloned()
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
