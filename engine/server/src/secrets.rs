//! The keys of a process: one kept under the data dir, what derives from it, and what is random at
//! each start.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data_encoding::HEXLOWER;
use whisper_store::bans::Keys;

/// The cluster's secret, from which keys for single uses derive.
pub(crate) struct ClusterSecret([u8; 32]);

const FILE: &str = "cluster.key";

impl ClusterSecret {
    /// Reads the secret from the data dir; makes both at the first start.
    ///
    /// # Errors
    /// Where the dir or the file can't be made or read, or the file is no key.
    pub(crate) fn load_or_create(data_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(data_dir)?;
        let path = data_dir.join(FILE);
        Self::load_or_create_file(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Reads the secret that nodes share.
    ///
    /// # Errors
    /// Where the file can't be read, or is no key.
    pub(crate) fn load(path: &Path) -> io::Result<Self> {
        Self::read(path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    fn read(path: &Path) -> io::Result<Self> {
        let mut text = Vec::new();
        // A key is 64 digits; no need to read more of whatever stands there.
        fs::File::open(path)?.take(128).read_to_end(&mut text)?;
        let bytes = HEXLOWER.decode(text.trim_ascii()).ok();
        let secret = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
            let why = "is no key of 64 hexadecimal digits";
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        Ok(Self(secret))
    }

    fn load_or_create_file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let secret = random()?;
                file.write_all(HEXLOWER.encode(&secret).as_bytes())?;
                file.sync_all()?;
                Ok(Self(secret))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(error),
        }
    }

    /// The key that places interests on shards.
    pub(crate) fn placement_key(&self) -> [u8; 16] {
        let key = self.derive("placement");
        key[..16].try_into().expect("a key has 32 bytes")
    }

    /// The key that evidence tags derive from.
    pub(crate) fn evidence_key(&self) -> [u8; 32] {
        self.derive("evidence")
    }

    /// A name for the node that has its data here: the same after every start, and another's only
    /// by a copy of the machine.
    pub(crate) fn node_name(&self, data_dir: &Path) -> String {
        let host = fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
        let place = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        let name = [&host[..], place.as_os_str().as_encoded_bytes()].concat();
        HEXLOWER.encode(&blake3::keyed_hash(&self.derive("node name"), &name).as_bytes()[..8])
    }

    /// The keys of bans.
    pub(crate) fn ban_keys(&self) -> Keys {
        Keys::new(&self.derive("bans"))
    }

    /// The secret that nodes prove their heartbeats by.
    pub(crate) fn cluster_key(&self) -> [u8; 32] {
        self.derive("cluster")
    }

    /// The secret by which nodes read whose a token is.
    pub(crate) fn ways_key(&self) -> [u8; 32] {
        self.derive("ways of tokens")
    }

    /// The secret that reports hide people by.
    pub(crate) fn reports_key(&self) -> [u8; 32] {
        self.derive("reports")
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(&format!("whisper 2026-11 {purpose}"), &self.0)
    }
}

/// Fresh bytes from the system.
///
/// # Errors
/// Where the system has none to give.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
