//! What of a configuration takes effect when it is read again.

/// Settings that do, by their keys; `TABLE.` is all of a table.
const RELOADED: &[&str] = &[
    "rules",
    "exempt",
    "origin",
    "proxies",
    "client_ip_header",
    "drain_secs",
    "log_level",
    "tls.cert",
    "tls.key",
    "limits.",
    "challenge.",
    "matching.lanes",
];

/// Whether a setting takes effect on SIGHUP; the others do at the next start.
pub(crate) fn is_reloaded(key: &str) -> bool {
    RELOADED.iter().any(|it| if it.ends_with('.') { key.starts_with(it) } else { key == *it })
}
