//! Whom to trust where TLS is spoken.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

use crate::cli::Encryption;

/// How to speak TLS.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    /// Whom the certificate shall name.
    pub(crate) name: ServerName<'static>,
}

/// Why TLS can't be spoken.
#[derive(Clone, Debug, Error, PartialEq)]
pub(crate) enum TlsError {
    /// A file without certificates.
    #[error("can't take certificates from {}: {error}", path.display())]
    Authority {
        /// Which.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// A name that is none.
    #[error("{0:?} is no name that a certificate could have")]
    Name(String),
    /// rustls itself.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl Tls {
    /// As the options say; None where it isn't to be spoken.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn new(options: &Encryption, host: &str) -> Result<Option<Self>, TlsError> {
        if !options.is_wanted() {
            return Ok(None);
        }
        let name = options.tls_name.as_deref().unwrap_or(host);
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let mut config = match &options.tls_ca {
            Some(path) => builder.with_root_certificates(authorities(path)?).with_no_client_auth(),
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
                .with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Everybody is a stranger: a ticket would be another person's.
        config.resumption = Resumption::disabled();
        Ok(Some(Self { config: config.into(), name }))
    }
}

fn authorities(path: &PathBuf) -> Result<RootCertStore, TlsError> {
    let wrong = |error: String| TlsError::Authority { path: path.clone(), error };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|it| wrong(it.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("there is none".to_owned())) } else { Ok(roots) }
}

/// Takes everybody for whom they say they are, as long as they can sign for it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
