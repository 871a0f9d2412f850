//! `[turn]`, validated.

use std::path::{Path, PathBuf};
use std::{fs, io};

use whisper_core::ice::IceServers;
use whisper_core::time::Span;

use super::credential::locate;
use super::origin::Ledger;
use super::{ConfigError, file};
use crate::cli;

/// Ways to relays that a client may be told of: more than any browser tries.
const URLS_MAX: usize = 8;
/// The longest of them, in bytes.
const URL_BYTES_MAX: usize = 256;
/// The longest secret, in bytes.
const SECRET_BYTES_MAX: usize = 1_024;
/// How long credentials hold, unless said otherwise: longer than anybody stays connected.
const TTL_SECS: u64 = 24 * 60 * 60;

pub(super) fn resolve(
    ledger: &mut Ledger<'_>,
    settings: cli::TurnSettings,
    file: file::Turn,
) -> Result<Option<IceServers>, ConfigError> {
    let wrong = |key, why: String| Err(ConfigError::Value { key, why });
    let urls: Vec<String> = ledger.pick("turn.urls", settings.urls, file.urls, Vec::new());
    let secret: Option<PathBuf> = ledger.pick_some("turn.secret", settings.secret, file.secret);
    let ttl = ledger.file_only("turn.ttl_secs", file.ttl_secs, TTL_SECS);
    if let Some(bad) = urls.iter().find(|url| !is_url(url)) {
        return wrong(
            "turn.urls",
            format!("{bad:?} is no URL of a relay, as turn:relay.example.org:3478?transport=udp"),
        );
    }
    if urls.len() > URLS_MAX {
        return wrong("turn.urls", format!("must be at most {URLS_MAX}"));
    }
    if !(60..=30 * TTL_SECS).contains(&ttl) {
        return wrong("turn.ttl_secs", "must be from a minute to 30 days".into());
    }
    let relays = urls.iter().any(|url| url.starts_with("turn"));
    match secret {
        Some(path) if relays => {
            let secret = read_secret(&locate("turn.secret", &path)?)?;
            Ok(Some(IceServers::turn(urls, &secret, Span::secs(ttl))))
        }
        Some(_) => wrong("turn.secret", "is of no use without a relay in turn.urls".into()),
        None if relays => {
            wrong("turn.secret", "is needed: the file with the secret of the relay".into())
        }
        None => Ok((!urls.is_empty()).then(|| IceServers::stun(urls))),
    }
}

/// STUN and TURN (RFC 7064, RFC 7065), as far as a mistake would show nowhere else.
fn is_url(url: &str) -> bool {
    let Some((scheme, host)) = url.split_once(':') else { return false };
    matches!(scheme, "stun" | "stuns" | "turn" | "turns")
        && !host.is_empty()
        && !host.starts_with('/')
        && url.len() <= URL_BYTES_MAX
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The file without the end of its line. What it holds is in no error.
fn read_secret(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
    let text = fs::read(path).map_err(unreadable)?;
    let secret = text.trim_ascii_end();
    if secret.is_empty() || secret.len() > SECRET_BYTES_MAX {
        let why = format!("must hold a secret of 1 to {SECRET_BYTES_MAX} bytes");
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    Ok(secret.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_relays() {
        for good in ["turn:relay.example", "turns:[::1]:5349?transport=tcp", "stun:192.0.2.1:3478"]
        {
            assert!(is_url(good), "{good}");
        }
        for bad in ["relay.example", "turn:", "turn://relay.example", "https:relay", "turn:a b"] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
