//! The settings of a cluster, validated.

use std::path::PathBuf;

use super::ConfigError;
use super::credential::locate;
use super::origin::Ledger;
use crate::cli::{ClusterSettings, ServerUrl};
use crate::control::NatsServers;

/// What a cluster is called, unless said otherwise.
const NAME: &str = "main";

/// The longest name of a cluster, in bytes.
const NAME_MAX: usize = 64;

/// How this node finds the others.
#[derive(Debug)]
pub(crate) struct ClusterConfig {
    /// Where NATS is; at least one server.
    pub(crate) nats: NatsServers,
    /// This node's number.
    pub(crate) node: u16,
    /// The file with the secret that all share.
    pub(crate) secret_file: PathBuf,
    /// What the cluster is called: a part of subjects.
    pub(crate) name: String,
}

pub(super) fn resolve(
    ledger: &mut Ledger<'_>,
    typed: ClusterSettings,
    file: ClusterSettings,
) -> Result<Option<ClusterConfig>, ConfigError> {
    let wrong = |key, why: String| Err(ConfigError::Value { key, why });
    let nats = ledger.pick("nats", typed.nats, file.nats, Vec::new());
    let node = ledger.pick_some("node_id", typed.node_id, file.node_id);
    let key = "cluster_secret_file";
    let secret_file = ledger.pick_some(key, typed.cluster_secret_file, file.cluster_secret_file);
    let name = ledger.pick("cluster_name", typed.cluster_name, file.cluster_name, NAME.into());
    let servers = match NatsServers::read(nats.iter().map(|ServerUrl(url)| url.as_str())) {
        Ok(servers) => servers,
        Err(why) => return wrong("nats", why.into()),
    };
    if !is_name(&name) {
        let why = format!("{name:?} must be 1 to {NAME_MAX} letters, digits, - and _");
        return wrong("cluster_name", why);
    }
    match (nats.is_empty(), node, secret_file) {
        (true, None, None) => Ok(None),
        (true, Some(_), _) => wrong("node_id", "is of no use without nats".into()),
        (true, None, Some(_)) => wrong(key, "is of no use without nats".into()),
        (false, None, _) => {
            wrong("node_id", "is needed with nats: a number that no other node has".into())
        }
        (false, _, None) => {
            wrong(key, "is needed with nats: a copy of the first node's cluster.key will do".into())
        }
        (false, Some(node), Some(path)) => {
            Ok(Some(ClusterConfig { nats: servers, node, secret_file: locate(key, &path)?, name }))
        }
    }
}

/// A part of a subject: without what means something there.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_a_subject() {
        for good in ["main", "eu-1", "A_b"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a.b", "*", ">", "a b", "\u{e9}", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
