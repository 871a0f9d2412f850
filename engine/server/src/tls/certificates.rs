//! Where certificates and keys come from, and when they change.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use whisper_tls::{BadIdentity, Identities, Identity};

use crate::config::{CertificateSource, PemPair};

/// The longest file that is read: a chain of many certificates has a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The certificates in use, and what their files looked like when they were read.
pub(crate) struct Certificates {
    source: CertificateSource,
    seen: Vec<Option<Stamp>>,
    /// The files changed since, and may still be changing.
    settling: Option<Vec<Option<Stamp>>>,
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

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl Certificates {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// Where they can't be used.
    pub(crate) fn load(
        source: &CertificateSource,
    ) -> Result<(Self, Arc<Identities>), CertificateError> {
        let mut certificates = Self { source: source.clone(), seen: Vec::new(), settling: None };
        let identities = certificates.reload()?;
        Ok((certificates, identities))
    }

    /// Reads them again.
    ///
    /// # Errors
    /// Where they can't be used; then the old ones should stay.
    pub(crate) fn reload(&mut self) -> Result<Arc<Identities>, CertificateError> {
        // Looked at before they are read: what changes meanwhile counts as a change.
        self.seen = self.stamps();
        self.settling = None;
        let identities = match &self.source {
            CertificateSource::SelfSigned(names) => {
                vec![Identity::self_signed(names).map_err(CertificateError::SelfSigned)?]
            }
            CertificateSource::Files(pairs) => pairs.iter().map(read).collect::<Result<_, _>>()?,
        };
        let none = || CertificateError::SelfSigned(BadIdentity::NoCertificate);
        Ok(Arc::new(Identities::new(identities).ok_or_else(none)?))
    }

    /// Whether the files have changed since they were read, and are at rest since the last time
    /// this was asked: two files are seldom replaced at once.
    pub(crate) fn have_changed(&mut self) -> bool {
        let now = self.stamps();
        if now == self.seen {
            self.settling = None;
            return false;
        }
        let before = self.settling.replace(now);
        before.is_some() && before == self.settling
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        let CertificateSource::Files(pairs) = &self.source else { return Vec::new() };
        let files = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        files.map(|path| stamp(path)).collect()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    // Of what a link points to: certbot moves links.
    let metadata = fs::metadata(path).ok()?;
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    Some(Stamp { inode: metadata.ino(), len: metadata.len(), modified })
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
        let mut certificates = Certificates { source, seen: Vec::new(), settling: None };
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
