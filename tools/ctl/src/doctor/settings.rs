//! What of the engine's settings says how large it is and whom it talks to. `whisper config check`
//! judges the file; what isn't of use here is passed over.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Before the name of a credential.
const CREDENTIAL: &str = "credential:secret_";

/// From where the unit has its credentials.
const SECRETS: &str = "/etc/whisper/secrets";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) reactors: Option<u64>,
    pub(super) redis: Vec<String>,
    pub(super) nats: Vec<String>,
    pub(super) people: People,
    pub(super) limits: Limits,
    pub(super) tls: Tls,
    pub(super) reports: Reports,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct People {
    pub(super) per_reactor: u64,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    pub(super) memory_reserve_mib: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tls {
    pub(super) cert: Vec<PathBuf>,
    pub(super) self_signed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reports {
    pub(super) url: Option<String>,
}

impl Default for People {
    fn default() -> Self {
        Self { per_reactor: 65_536 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_reserve_mib: 512 }
    }
}

impl Settings {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| format!("can't read {}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| {
            format!("{}: {}; `whisper config check` says where", path.display(), error.message())
        })
    }

    /// Whether people speak TLS with the engine itself.
    pub(super) fn has_tls(&self) -> bool {
        self.tls.self_signed || !self.tls.cert.is_empty()
    }

    /// The files of the certificates; a credential's is where the unit has it from.
    pub(super) fn certificates(&self) -> impl Iterator<Item = PathBuf> {
        self.tls.cert.iter().map(|path| {
            let name = path.to_str().and_then(|path| path.strip_prefix(CREDENTIAL));
            name.map_or_else(|| path.clone(), |name| Path::new(SECRETS).join(name))
        })
    }
}
