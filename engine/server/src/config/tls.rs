//! `[tls]`, validated.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::credential::locate;
use super::origin::Ledger;
use super::{ConfigError, file};
use crate::cli;

/// Listeners that speak TLS.
#[derive(Debug)]
pub(crate) struct TlsConfig {
    /// Where; at least one.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where plain HTTP is answered with the way to the first of them.
    pub(crate) redirect: Vec<SocketAddr>,
    /// What they show.
    pub(crate) source: CertificateSource,
    /// For how many seconds browsers shall not try without TLS; 0 for saying nothing about it.
    pub(crate) hsts_secs: u32,
}

/// Where certificates come from.
#[derive(Clone, Debug)]
pub(crate) enum CertificateSource {
    /// From files; at least one pair.
    Files(Vec<PemPair>),
    /// Made at the start, for these names and addresses.
    SelfSigned(Vec<String>),
}

/// The files of one certificate.
#[derive(Clone, Debug)]
pub(crate) struct PemPair {
    /// The certificate and its chain.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

pub(super) fn resolve(
    ledger: &mut Ledger<'_>,
    settings: cli::TlsSettings,
    file: file::Tls,
) -> Result<Option<TlsConfig>, ConfigError> {
    let wrong = |key, why: &str| Err(ConfigError::Value { key, why: why.to_owned() });
    let certificates = ledger.pick("tls.cert", settings.cert, file.cert, Vec::new());
    let keys = ledger.pick("tls.key", settings.key, file.key, Vec::new());
    let self_signed = ledger.pick("tls.self_signed", settings.self_signed, file.self_signed, false);
    let wanted = self_signed || !certificates.is_empty();
    let default = if wanted { vec![SocketAddr::from(([127, 0, 0, 1], 8443))] } else { Vec::new() };
    let listen = ledger.pick_following("tls.listen", settings.listen, file.listen, default);
    let redirect = ledger.pick("tls.redirect", settings.redirect, file.redirect, Vec::new());
    let hsts_secs = ledger.file_only("tls.hsts_secs", file.hsts_secs, 0);
    if certificates.len() != keys.len() {
        return wrong("tls.key", "must name a key for each certificate of tls.cert, in its order");
    }
    if self_signed && !certificates.is_empty() {
        return wrong("tls.self_signed", "can't be used along with tls.cert: leave one of them");
    }
    if listen.is_empty() {
        if !redirect.is_empty() {
            return wrong("tls.redirect", "leads to tls.listen, where there is no address");
        }
        if wanted {
            return wrong("tls.listen", "needs at least one address");
        }
        return Ok(None);
    }
    if !wanted {
        return wrong(
            "tls.listen",
            "needs tls.cert and tls.key, or tls.self_signed for trying out",
        );
    }
    let source = match self_signed {
        true => CertificateSource::SelfSigned(own_names(&listen)),
        false => {
            let pairs = certificates.iter().zip(&keys).map(|(certificate, key)| {
                let certificate = locate("tls.cert", certificate)?;
                Ok(PemPair { certificate, key: locate("tls.key", key)? })
            });
            CertificateSource::Files(pairs.collect::<Result<_, ConfigError>>()?)
        }
    };
    Ok(Some(TlsConfig { listen, redirect, source, hsts_secs }))
}

/// What a machine is called by those who try it out.
fn own_names(listen: &[SocketAddr]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    for address in listen.iter().map(|it| it.ip()).filter(|ip| !ip.is_unspecified()) {
        let name = address.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_certificate_names_where_it_is_shown() {
        let listen = ["0.0.0.0:1", "192.0.2.7:1", "192.0.2.7:2", "[::1]:1"];
        let listen = listen.map(|address| address.parse().expect("an address"));
        assert_eq!(own_names(&listen), ["localhost", "127.0.0.1", "::1", "192.0.2.7"]);
    }
}
