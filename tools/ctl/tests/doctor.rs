//! `whisperctl doctor` on this very machine, with a real Redis, PostgreSQL and NATS.

// What else it offers, the store's tests use.
#[allow(dead_code, reason = "each test binary uses its own part of this")]
#[path = "../../../engine/server/tests/harness/nats.rs"]
mod nats;
#[allow(dead_code, reason = "each test binary uses its own part of this")]
#[path = "../../../engine/store/tests/postgres/mod.rs"]
mod postgres;
#[allow(dead_code, reason = "each test binary uses its own part of this")]
#[path = "../../../engine/server/tests/harness/redis.rs"]
mod redis;
#[allow(dead_code, reason = "each test binary uses its own part of this")]
#[path = "../../../engine/server/tests/harness/waiting.rs"]
mod waiting;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use nats::Nats;
use postgres::Postgres;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use redis::Redis;
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn this_machine_and_its_stores_are_looked_at() {
    let (redis, postgres, nats) = (Redis::start(), Postgres::start(), Nats::start());
    let dir = TempDir::new().expect("a directory");
    let cert = dir.path().join("cert.pem");
    fs::write(&cert, certificate(2020)).expect("a certificate");
    let settings = format!(
        "redis = [{:?}]\nnats = [\"nats://127.0.0.1:{}\"]\n[reports]\nurl = {:?}\n[tls]\n\
         cert = [{cert:?}]\nkey = [\"not looked at\"]\n",
        redis.url(),
        nats.port,
        postgres.url(),
    );
    let settings = settings_in(&dir, &settings);
    let findings = look(&settings, 2);
    // The engine's own tests run here, so this does.
    for of in ["kernel", "io_uring", "memory", "fs.file-max", "Redis", "PostgreSQL", "NATS"] {
        assert_eq!(level(&findings, of), "ok", "{findings:#}");
    }
    assert_eq!(level(&findings, "certificate"), "failure", "{findings:#}");

    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    fs::write(&cert, certificate(4000)).expect("a certificate");
    let findings = look(&settings, 1);
    assert_eq!(level(&findings, "certificate"), "ok", "{findings:#}");
    assert_eq!(level(&findings, "Redis"), "warning", "{findings:#}");
    redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(level(&look(&settings, 2), "Redis"), "failure");
}

#[test]
fn stores_that_are_away_are_told_without_their_passwords() {
    let dir = TempDir::new().expect("a directory");
    // Nobody listens on port 1.
    let settings = "redis = [\"redis://:sesame@127.0.0.1:1\"]\n\
                    nats = [\"nats://whisper:sesame@127.0.0.1:1\"]\n\
                    reports.url = \"postgres://whisper:sesame@127.0.0.1:1/whisper\"\n";
    let settings = settings_in(&dir, settings);
    let findings = look(&settings, 1);
    for of in ["Redis", "PostgreSQL", "NATS"] {
        assert_eq!(level(&findings, of), "warning", "{findings:#}");
    }
    assert!(!findings.to_string().contains("sesame"), "{findings:#}");
}

#[test]
fn settings_that_cant_be_read_are_an_error_of_their_own() {
    let dir = TempDir::new().expect("a directory");
    let settings = settings_in(&dir, "redis = 6379\n");
    let output = doctor(&settings);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("whisper config check"));
}

/// What is found; it ended with this status at least, for this machine may have faults of its own.
#[track_caller]
fn look(settings: &Path, status: i32) -> Value {
    let output = doctor(settings);
    let said = String::from_utf8_lossy(&output.stdout);
    let answer: Value = serde_json::from_str(&said).expect("one object of JSON");
    let code = output.status.code().expect("it ends by itself");
    assert!((status..=2).contains(&code), "{code}: {answer:#}");
    let worst = ["ok", "warning", "failure"][code as usize];
    assert_eq!(answer["worst"], worst, "{answer:#}");
    answer["findings"].clone()
}

fn doctor(settings: &Path) -> Output {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_whisperctl"));
    for name in
        ["WHISPER_CONFIG", "WHISPER_TLS_CERT", "WHISPER_REDIS", "WHISPER_REPORTS", "WHISPER_NATS"]
    {
        doctor.env_remove(name);
    }
    let doctor = doctor.args(["doctor", "--json", "--for", "100", "--config"]).arg(settings);
    doctor.output().expect("the binary runs")
}

fn level<'a>(findings: &'a Value, of: &str) -> &'a str {
    let mut all = findings.as_array().expect("a list").iter();
    let found =
        all.find(|finding| finding["of"] == of).unwrap_or_else(|| panic!("nothing of {of}"));
    assert_eq!(found["mend"].is_null(), found["level"] == "ok", "what is wrong can be mended");
    found["level"].as_str().expect("a word")
}

fn settings_in(dir: &TempDir, text: &str) -> std::path::PathBuf {
    let path = dir.path().join("whisper.toml");
    fs::write(&path, text).expect("settings");
    path
}

/// One that ends with the beginning of a year.
fn certificate(year: i32) -> String {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2010, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().expect("a key");
    params.self_signed(&key).expect("a certificate").pem()
}
