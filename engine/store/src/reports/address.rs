//! The address of a PostgreSQL, and what it says of TLS.
//!
//! `sslmode` and `sslrootcert` mean what they mean to PostgreSQL's own programs, but that there is no
//! TLS with whoever happens to answer: `require` is held to what `verify-full` asks for.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::postgres::{PostgresError, explain};

/// The authorities that the system trusts, where the address names no file.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where a server is, and how it is spoken to.
pub(super) struct Address {
    pub(super) config: Config,
    /// None: in the clear.
    pub(super) tls: Option<ClientConfig>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE`.
    pub(super) fn parse(url: &str) -> Result<Self, PostgresError> {
        let wrong = |why: String| PostgresError::Address(why);
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut verified, mut roots) = (Vec::new(), false, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("sslmode", "require" | "verify-full") => verified = true,
                ("sslmode", "verify-ca") => {
                    let why = "sslmode=verify-ca isn't spoken here: verify-full, for a certificate \
                               of the very host";
                    return Err(wrong(why.into()));
                }
                ("sslrootcert", path) => {
                    roots = Some(decoded(path).ok_or_else(|| {
                        wrong("sslrootcert: after a % two hexadecimal digits are expected".into())
                    })?)
                }
                ("sslcert" | "sslkey" | "sslcrl" | "sslcrldir", _) => {
                    let why = "certificates of clients, and lists of revoked ones, aren't spoken \
                               here: a password, or a private network";
                    return Err(wrong(why.into()));
                }
                _ => rest.push(pair),
            }
        }
        let separator = if rest.is_empty() { "" } else { "?" };
        let bare = format!("{base}{separator}{}", rest.join("&"));
        let mut config = Config::from_str(&bare).map_err(|error| wrong(explain(&error)))?;
        verified |= config.get_ssl_mode() == SslMode::Require;
        if roots.is_some() && !verified {
            return Err(wrong("sslrootcert without sslmode=verify-full would trust nobody".into()));
        }
        if !verified {
            return Ok(Self { config, tls: None });
        }
        config.ssl_mode(SslMode::Require);
        let roots = roots.unwrap_or_else(|| SYSTEM_ROOTS.into());
        Ok(Self { config, tls: Some(trusting(&roots)?) })
    }
}

/// TLS 1.2 and 1.3 with whom the authorities in a file vouch for.
fn trusting(path: &Path) -> Result<ClientConfig, PostgresError> {
    let unusable = |why: String| PostgresError::Roots { path: path.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|it| unusable(it.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        // A system's file may have some that rustls takes for none.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(unusable("no certificate of an authority is in it".into()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Takes percent-encoding off.
fn decoded(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    Some(String::from_utf8(bytes).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_tls_is_taken_or_refused() {
        let refused = |url: &str| Address::parse(url).err().map(|error| error.to_string());
        for (url, why) in [
            ("postgres://h/d?sslmode=verify-ca", "verify-full"),
            ("postgres://h/d?sslmode=verify-full&sslkey=/k", "certificates of clients"),
            ("postgres://h/d?sslrootcert=/ca.pem", "sslmode"),
            ("postgres://h/d?sslmode=verify-full&sslrootcert=/no/such%20file", "/no/such file"),
            ("postgres://h/d?sslmode=verify-full&sslrootcert=%zz", "%"),
            ("postgres://h/d?sslmode=verify-full&sslrootcert=/dev/null", "no certificate"),
            ("postgres://h/d?sslmode=perhaps", "sslmode"),
            ("mysql://h/d", ""),
        ] {
            let error = refused(url).unwrap_or_else(|| panic!("{url} is taken"));
            assert!(error.contains(why), "{url}: {error}");
        }
        for clear in ["postgres://h/d", "postgres://h/d?sslmode=disable&connect_timeout=3"] {
            assert!(Address::parse(clear).is_ok_and(|it| it.tls.is_none()), "{clear}");
        }
    }
}
