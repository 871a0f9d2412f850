//! A NATS that wants to know who comes, and one that encrypts.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::harness::{Engine, Nats, Papers};
use crate::{SECRET, await_map, metric, settings_of};

/// A node that says all it has to say.
fn node_at(url: &str, id: u16, env: &[(&str, &Path)]) -> Engine {
    let dir = TempDir::new().expect("a directory");
    let toml = settings_of(&dir, url, id, SECRET) + "log_level = \"debug\"\n";
    Engine::with_env(dir, 1, &toml, env)
}

#[test]
fn nodes_log_in_and_a_wrong_password_is_told_and_not_shown() {
    let nats = Nats::with(&["--user", "some-node", "--pass", "right/word"]);
    let url = |login: &str| format!("nats://{login}127.0.0.1:{}", nats.port);
    let nodes = [1, 2].map(|id| node_at(&url("some-node:right%2Fword@"), id, &[]));
    await_map(&nodes.each_ref(), &[1, 2]);
    for login in ["some-node:wr0ngw0rd@", "wr0ngw0rd@", ""] {
        let stranger = node_at(&url(login), 3, &[]);
        let log = stranger.await_log("it refuses the login");
        assert!(log.contains("nats://USER:PASSWORD@HOST"), "{log}");
        assert!(!log.contains("wr0ngw0rd"), "{log}");
        assert_eq!(metric(&stranger, "whisper_cluster_nats_up"), 0.0);
    }
    for node in &nodes {
        let log = node.log();
        assert!(!log.contains("right") && !log.contains("some-node"), "{log}");
    }
}

#[test]
fn nodes_log_in_with_a_token() {
    let nats = Nats::with(&["--auth", "t0ken"]);
    let node = node_at(&format!("nats://t0ken@127.0.0.1:{}", nats.port), 1, &[]);
    let log = node.await_log("NATS is there");
    assert!(!log.contains("t0ken"), "{log}");
}

#[test]
fn a_nats_that_takes_too_little_is_told_of() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("nats.conf");
    fs::write(&file, "max_payload: 64KB\n").expect("a config file");
    let nats = Nats::with(&["--config", file.to_str().expect("UTF-8")]);
    let node = node_at(&format!("nats://127.0.0.1:{}", nats.port), 1, &[]);
    node.await_log("max_payload is to be 128 KiB");
}

#[test]
fn nodes_reach_a_nats_that_encrypts_where_they_trust_it() {
    let dir = TempDir::new().expect("a directory");
    let [certificate, key] = Papers::new(&["localhost"]).write(dir.path(), "nats");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let files = [text(&certificate), text(&key)];
    let nats = Nats::with(&["--tls", "--tlscert", &files[0], "--tlskey", &files[1]]);
    let url = format!("tls://localhost:{}", nats.port);
    // Where the system's own certificates are, for programs that look there.
    let trust = [("SSL_CERT_FILE", certificate.as_path())];
    let nodes = [1, 2].map(|id| node_at(&url, id, &trust));
    await_map(&nodes.each_ref(), &[1, 2]);
    let [other, _] = Papers::new(&["localhost"]).write(dir.path(), "other");
    let wary = node_at(&url, 3, &[("SSL_CERT_FILE", &other)]);
    wary.await_log("a certificate that the system doesn't trust");
    assert_eq!(metric(&wary, "whisper_cluster_nats_up"), 0.0);
}
