//! Where certificates and keys come from, and when they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use whisper_tls::{BadIdentity, Identities, Identity};

use crate::config::{CertificateSource, PemPair};
use crate::watch::Watch;

/// The longest file that is read: a chain of many certificates has a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The certificates in use.
pub(crate) struct Certificates {
    source: CertificateSource,
    watch: Watch,
}

/// Why certificates can't be used. Each says which file to mend.
#[derive(Debug, Error)]
pub(crate) enum CertificateError {
    /// A file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Two files make no certificate with its key.
    #[error("{} with {}: {why}", certificate.display(), key.display())]
    Bad {
        /// The certificate's.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// What is wrong with which.
        why: BadIdentity,
    },
    /// None can be made here.
    #[error("can't make a certificate: {0}")]
    SelfSigned(BadIdentity),
}

impl Certificates {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// Where they can't be used.
    pub(crate) fn load(
        source: &CertificateSource,
    ) -> Result<(Self, Arc<Identities>), CertificateError> {
        let mut certificates = Self::of(source.clone());
        let identities = certificates.reload()?;
        Ok((certificates, identities))
    }

    /// Those of a source, not read yet.
    fn of(source: CertificateSource) -> Self {
        let files = match &source {
            CertificateSource::SelfSigned(_) => Vec::new(),
            CertificateSource::Files(pairs) => {
                let files = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
                files.cloned().collect()
            }
        };
        Self { source, watch: Watch::new(files) }
    }

    /// Reads them again.
    ///
    /// # Errors
    /// Where they can't be used; then the old ones should stay.
    pub(crate) fn reload(&mut self) -> Result<Arc<Identities>, CertificateError> {
        self.watch.reading();
        let identities = match &self.source {
            CertificateSource::SelfSigned(names) => {
                vec![Identity::self_signed(names).map_err(CertificateError::SelfSigned)?]
            }
            CertificateSource::Files(pairs) => pairs.iter().map(read).collect::<Result<_, _>>()?,
        };
        let none = || CertificateError::SelfSigned(BadIdentity::NoCertificate);
        Ok(Arc::new(Identities::new(identities).ok_or_else(none)?))
    }

    /// Whether they are to be read again, see [`Watch::have_changed`].
    pub(crate) fn have_changed(&mut self) -> bool {
        self.watch.have_changed()
    }
}

fn read(pair: &PemPair) -> Result<Identity, CertificateError> {
    let PemPair { certificate, key } = pair;
    let file = |path: &Path| {
        let unreadable = |error| CertificateError::Unreadable { path: path.to_owned(), error };
        let len = fs::metadata(path).map_err(unreadable)?.len();
        if len > FILE_BYTES_MAX {
            return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
        }
        fs::read(path).map_err(unreadable)
    };
    Identity::from_pem(&file(certificate)?, &file(key)?).map_err(|why| CertificateError::Bad {
        certificate: certificate.clone(),
        key: key.clone(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_when_it_is_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        for path in [&certificate, &key] {
            fs::write(path, "first").expect("a file");
        }
        let pair = PemPair { certificate: certificate.clone(), key: key.clone() };
        let source = CertificateSource::Files(vec![pair]);
        let mut certificates = Certificates::of(source);
        assert!(certificates.reload().is_err(), "nothing of PEM is in them");
        assert!(!certificates.have_changed());

        fs::write(&certificate, "second").expect("a file");
        assert!(!certificates.have_changed(), "there may be more to come");
        fs::write(&key, "the second one, too").expect("a file");
        assert!(!certificates.have_changed());
        assert!(certificates.have_changed());
        assert!(certificates.have_changed(), "until they are read");
        let _ = certificates.reload();
        assert!(!certificates.have_changed() && !certificates.have_changed());

        fs::remove_file(&key).expect("it was there");
        assert!(!certificates.have_changed());
        assert!(certificates.have_changed());
    }
}
