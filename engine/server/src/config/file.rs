//! The TOML file, as written. Unknown keys are errors, told with line and column.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{ChallengeMode, ConfigError};
use crate::cli::RedisAddress;

/// Every key of the file; all are optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<Vec<SocketAddr>>,
    pub(super) admin: Option<SocketAddr>,
    pub(super) admin_socket: Option<PathBuf>,
    pub(super) admin_token: Option<PathBuf>,
    pub(super) reactors: Option<u16>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) web_root: Option<PathBuf>,
    pub(super) rules: Option<PathBuf>,
    pub(super) redis: Option<Vec<RedisAddress>>,
    pub(super) exempt: Option<Vec<IpNet>>,
    pub(super) origin: Option<Vec<String>>,
    #[serde(default)]
    pub(super) tls: Tls,
    #[serde(default)]
    pub(super) turn: Turn,
    pub(super) proxies: Option<Vec<IpNet>>,
    pub(super) proxy_protocol: Option<Vec<SocketAddr>>,
    pub(super) client_ip_header: Option<String>,
    pub(super) event_log: Option<PathBuf>,
    pub(super) event_log_max_mib: Option<u64>,
    pub(super) drain_secs: Option<u64>,
    #[serde(default)]
    pub(super) reports: Reports,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) challenge: Challenge,
    #[serde(default)]
    pub(super) matching: Matching,
    #[serde(default)]
    pub(super) people: People,
}

/// `[tls]`: listeners that speak TLS, and what they show.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) listen: Option<Vec<SocketAddr>>,
    pub(super) cert: Option<Vec<PathBuf>>,
    pub(super) key: Option<Vec<PathBuf>>,
    pub(super) self_signed: Option<bool>,
    pub(super) redirect: Option<Vec<SocketAddr>>,
    pub(super) hsts_secs: Option<u32>,
}

/// `[turn]`: relays for calls, and what they know us by.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    pub(super) urls: Option<Vec<String>>,
    pub(super) secret: Option<PathBuf>,
    pub(super) ttl_secs: Option<u64>,
}

/// `[matching]`: who meets whom, and when.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Matching {
    pub(super) single_after_ms: Option<u64>,
    pub(super) any_after_ms: Option<u64>,
    pub(super) again_after_ms: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) lanes: Option<Vec<String>>,
    pub(super) aliases: Option<PathBuf>,
}

/// `[people]`: connections and what they are told.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct People {
    pub(super) ping_interval_ms: Option<u64>,
    pub(super) head_max_ms: Option<u64>,
    pub(super) stats_interval_ms: Option<u64>,
    pub(super) idle_max_ms: Option<u64>,
    pub(super) per_reactor: Option<u32>,
}

/// `[limits]`: what one address may hold, and how often a client may say what.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) sockets: Option<u32>,
    pub(super) upgrades: Option<PerMinute>,
    pub(super) plain_connections: Option<u32>,
    pub(super) requests: Option<PerMinute>,
    pub(super) handshakes: Option<PerMinute>,
    pub(super) messages: Option<PerMinute>,
    pub(super) typing: Option<PerMinute>,
    pub(super) signals: Option<PerMinute>,
    pub(super) joins: Option<PerMinute>,
    pub(super) reports: Option<PerMinute>,
    pub(super) others: Option<PerMinute>,
    pub(super) refusals: Option<PerMinute>,
    pub(super) memory_reserve_mib: Option<u64>,
}

/// `[reports]`: where they are kept, and what comes of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reports {
    pub(super) url: Option<String>,
    pub(super) ban_after: Option<u64>,
    pub(super) within_hours: Option<u64>,
    pub(super) ban_minutes: Option<u64>,
    pub(super) retention_days: Option<u64>,
}

/// `[challenge]`: when newcomers must prove some work.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Challenge {
    pub(super) mode: Option<ChallengeMode>,
    pub(super) upgrades_per_second: Option<u32>,
}

/// `{ per_minute = 60, burst = 20 }`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PerMinute {
    pub(super) per_minute: u32,
    pub(super) burst: u32,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = super::read(path)?;
        toml::from_str(&text).map_err(|error| {
            let (line, column) = error.span().map_or((1, 1), |span| position(&text, span.start));
            let why = error.message().to_owned();
            ConfigError::File { path: path.to_owned(), line, column, why }
        })
    }
}

/// Line and column of a byte, both from 1.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one() {
        assert_eq!(position("a\nbc", 0), (1, 1));
        assert_eq!(position("a\nbc", 3), (2, 2));
    }
}
