//! Certificates for tests, and clients that trust them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// A certificate for some names, and its key.
pub(crate) struct Papers {
    pub(crate) certificate: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

impl Papers {
    /// New ones.
    pub(crate) fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        let certificate_pem = cert.pem();
        Self {
            certificate: cert.into(),
            certificate_pem,
            key_pem: KeyPair::serialize_pem(&signing_key),
        }
    }

    /// Writes both as `NAME.pem` and `NAME.key`; where they are.
    pub(crate) fn write(&self, dir: &Path, name: &str) -> [PathBuf; 2] {
        let files = [dir.join(format!("{name}.pem")), dir.join(format!("{name}.key"))];
        fs::write(&files[0], &self.certificate_pem).expect("a file");
        fs::write(&files[1], &self.key_pem).expect("a file");
        files
    }

    /// A client that trusts only these.
    pub(crate) fn client(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("it is a certificate");
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let mut config = ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[version])
            .expect("the provider speaks it")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.into()
    }
}
