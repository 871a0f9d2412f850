//! Reports, in the file and in a real PostgreSQL: the same of both, and none lost or twice when
//! either goes away.

mod postgres;

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use postgres::Postgres;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use whisper_store::reports::{
    Count, Decision, EVIDENCE_MAX, Evidence, Filter, MIGRATIONS, Report, Reports, Standing, Status,
    Summary,
};
use whisper_store::sqlite::Sqlite;

const HOUR: u64 = 3_600_000;

fn file(dir: &TempDir) -> Sqlite {
    Sqlite::open(dir.path(), &[MIGRATIONS]).expect("it opens")
}

fn report(id: &str, at_ms: u64) -> Report {
    Report {
        id: id.into(),
        at_ms,
        reason: "spam".into(),
        accused: "mallory".into(),
        accused_handle: "sealed".into(),
        reporter: format!("reporter of {id}"),
        ..Report::default()
    }
}

fn said(seq: u64, content: &str) -> Evidence {
    Evidence { seq, at_ms: seq, content: content.into() }
}

async fn ids(reports: &Reports, filter: Filter) -> Vec<String> {
    let list = reports.list(&filter).await.expect("a list");
    list.into_iter().map(|it| it.id).collect()
}

async fn put(reports: &Reports, report: Report) {
    reports.file(&report).await.expect("filed");
    reports.deliver().await.expect("delivered");
}

#[tokio::test]
async fn the_file_keeps_reports() {
    let dir = TempDir::new().expect("a directory");
    keeps_reports(&Reports::in_file(file(&dir))).await;
}

#[tokio::test]
async fn postgres_keeps_reports_and_is_not_needed_to_take_them() {
    let mut server = Postgres::start();
    let dir = TempDir::new().expect("a directory");
    let reports = Reports::in_postgres(file(&dir), &server.url()).expect("a URL");
    keeps_reports(&reports).await;

    let count = reports.count().await.expect("a count");
    // Away by force: reports wait on disk, also over our own end.
    server.kill();
    reports.file(&report("while it is killed", 70)).await.expect("filed");
    reports.deliver().await.expect_err("there is nobody");
    drop(reports);
    let reports = Reports::in_postgres(file(&dir), &server.url()).expect("a URL");
    reports.file(&report("after our own end", 71)).await.expect("filed");
    assert_eq!(reports.waiting().await.expect("a number"), 2);
    server.run();
    assert_eq!(reports.deliver().await.expect("delivered").len(), 2);
    assert_eq!(reports.waiting().await.expect("a number"), 0);

    // Stopped in the middle: it may have done what it didn't answer.
    server.signal_all(Signal::SIGSTOP);
    let start = Instant::now();
    reports.file(&report("while it is stopped", 72)).await.expect("filed at once");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    reports.deliver().await.expect_err("it doesn't answer");
    assert_eq!(reports.waiting().await.expect("a number"), 1);
    server.signal_all(Signal::SIGCONT);
    reports.deliver().await.expect("delivered");
    for _ in 0..2 {
        // Once more, as if the answer had been lost.
        put(&reports, report("while it is stopped", 72)).await;
    }
    let now = reports.count().await.expect("a count");
    assert_eq!(now, Count { kept: count.kept + 3, open: count.open + 3 });
}

#[tokio::test]
async fn several_nodes_make_the_tables_once() {
    let server = Postgres::start();
    let dirs = [(); 4].map(|()| TempDir::new().expect("a directory"));
    let nodes = dirs.each_ref().map(|dir| {
        let reports = Reports::in_postgres(file(dir), &server.url()).expect("a URL");
        tokio::spawn(async move { reports.count().await })
    });
    for node in nodes {
        let count = node.await.expect("no panic").expect("tables");
        assert_eq!(count, Count::default());
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_told() {
    let dir = TempDir::new().expect("a directory");
    for (url, why) in
        [("mysql://x", "postgres"), ("postgres://h/d?sslmode=verify-ca", "verify-full")]
    {
        let error = Reports::in_postgres(file(&dir), url).expect_err("refused").to_string();
        assert!(error.contains(why) || error.contains("address of PostgreSQL"), "{error}");
    }
}

/// What holds wherever they are.
async fn keeps_reports(reports: &Reports) {
    // Two reports of an id are one: evidence adds up, the graver reason counts.
    let first = Report { evidence: vec![said(1, "one"), said(2, "two")], ..report("a", 10) };
    put(reports, first.clone()).await;
    put(reports, first).await;
    let more = Report {
        reason: "threat".into(),
        comment: "he means it\0".into(),
        evidence: vec![said(2, "other words"), said(3, "three")],
        ..report("a", 20)
    };
    put(reports, more).await;
    put(reports, Report { reason: "other".into(), comment: "late".into(), ..report("a", 30) })
        .await;
    let (summary, evidence) = reports.show("a").await.expect("an answer").expect("it is there");
    let expected = Summary {
        id: "a".into(),
        at_ms: 10,
        reason: "threat".into(),
        urgent: true,
        status: "open".into(),
        held: false,
        ban: String::new(),
        accused: "mallory".into(),
        evidence: 3,
        comment: "he means it\u{fffd}".into(),
    };
    assert_eq!(summary, expected);
    assert_eq!(evidence, [said(1, "one"), said(2, "two"), said(3, "three")]);
    let flood = (1..100).map(|seq| said(seq, "word")).collect();
    put(reports, Report { evidence: flood, ..report("a", 40) }).await;
    let (summary, _) = reports.show("a").await.expect("an answer").expect("it is there");
    assert_eq!(summary.evidence, EVIDENCE_MAX);
    assert_eq!(
        reports.handle("a").await.expect("an answer"),
        Some(("sealed".into(), "mallory".into()))
    );
    assert_eq!(reports.show("b").await.expect("an answer"), None);

    // Urgent ones first, then the oldest; and what is asked for.
    for (id, at_ms, reason) in [("b", 50, "spam"), ("c", 40, "minor"), ("d", 30, "explicit")] {
        put(reports, Report { reason: reason.into(), ..report(id, at_ms) }).await;
    }
    assert_eq!(ids(reports, Filter::default()).await, ["a", "c", "d", "b"]);
    let minor = Filter { reason: Some("minor".into()), ..Filter::default() };
    assert_eq!(ids(reports, minor).await, ["c"]);
    assert_eq!(ids(reports, Filter { verified: true, ..Filter::default() }).await, ["a"]);
    let between = Filter { since_ms: 35, until_ms: 45, ..Filter::default() };
    assert_eq!(ids(reports, between).await, ["c"]);
    assert_eq!(ids(reports, Filter { limit: 2, ..Filter::default() }).await, ["a", "c"]);

    // Different reporters count, each once; what is dismissed or older doesn't.
    put(reports, Report { reporter: "reporter of a".into(), ..report("e", 60) }).await;
    let standing = async |since| reports.standing("mallory", since).await.expect("a standing");
    assert_eq!(standing(0).await, Standing { reporters: 4, strikes: 0 });
    assert_eq!(standing(45).await, Standing { reporters: 2, strikes: 0 });
    let dismissed = Decision { status: Status::Dismissed, ban: String::new() };
    assert!(reports.decide("b", &dismissed).await.expect("decided"));
    assert!(!reports.decide("b", &dismissed).await.expect("an answer"), "it is decided");
    assert_eq!(standing(45).await, Standing { reporters: 1, strikes: 0 });

    // A ban takes all that is open along, and they don't count for the next.
    let banned = Decision { status: Status::Banned, ban: "APPEAL42".into() };
    assert_eq!(reports.decide_all("mallory", &banned).await.expect("decided"), 4);
    assert_eq!(standing(0).await, Standing { reporters: 0, strikes: 1 });
    put(reports, Report { evidence: vec![said(1, "again")], ..report("a", 61) }).await;
    assert_eq!(standing(0).await.reporters, 0, "more evidence opens nothing again");
    let open = Filter { status: Some(Status::Open), ..Filter::default() };
    assert_eq!(ids(reports, open).await, [""; 0]);

    // What is old goes with its evidence, unless it is held.
    let new = 40 * 24 * HOUR;
    put(reports, Report { evidence: vec![said(1, "new")], ..report("new", new) }).await;
    assert!(reports.hold("c", true).await.expect("held"));
    assert!(!reports.hold("nobody's", true).await.expect("an answer"));
    assert_eq!(ids(reports, Filter { held: true, ..Filter::default() }).await, ["c"]);
    assert_eq!(reports.expire(new - 30 * 24 * HOUR).await.expect("expired"), 4);
    assert_eq!(ids(reports, Filter::default()).await, ["c", "new"]);
    assert_eq!(reports.count().await.expect("a count"), Count { kept: 2, open: 1 });
}

/// The child of the next test: files reports until it is killed, and says each that is on disk.
#[tokio::test]
async fn writer() {
    let Some(dir) = std::env::var_os("WHISPER_TEST_WRITER") else { return };
    let reports = Reports::in_file(Sqlite::open(dir.as_ref(), &[MIGRATIONS]).expect("it opens"));
    for number in 0.. {
        let evidence = vec![said(1, "one"), said(2, "two")];
        let id = format!("{number:06}");
        reports.file(&Report { evidence, ..report(&id, number) }).await.expect("filed");
        eprintln!("filed {id}");
    }
}

#[tokio::test]
async fn what_was_filed_outlives_a_killed_process() {
    use std::io::{BufRead as _, BufReader};
    let dir = TempDir::new().expect("a directory");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "writer", "--nocapture"])
        .env("WHISPER_TEST_WRITER", dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let filed = lines.map_while(Result::ok).filter(|line| line.starts_with("filed ")).take(50);
    let last = filed.last().expect("it files");
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let reports = Reports::in_file(file(&dir));
    let all = reports.list(&Filter { limit: 1_000, ..Filter::default() }).await.expect("a list");
    assert!(all.iter().any(|it| last.ends_with(&it.id)), "{last} is there");
    assert!(all.iter().all(|it| it.evidence == 2), "each is whole");
}

/// An authority in PEM, and the certificate and key that it gave a host.
fn papers(host: &str) -> (String, String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of a test");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([host.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    (authority, certificate.pem(), key.serialize_pem())
}

#[tokio::test]
async fn postgres_is_spoken_to_over_tls_and_only_to_whom_somebody_trusted_vouches_for() {
    let (authority, certificate, key) = papers("127.0.0.1");
    let (stranger, ..) = papers("127.0.0.1");
    let server = Postgres::start_tls(&certificate, &key);
    let dir = TempDir::new().expect("a directory");
    let trust = |name: &str, pem: &str| {
        std::fs::write(dir.path().join(name), pem).expect("a file");
        dir.path().join(name).display().to_string()
    };
    let (trusted, untrusted) = (trust("authority.pem", &authority), trust("other.pem", &stranger));
    let url = |more: &str| format!("{}?{more}", server.url());
    let reports = |url: &str| {
        let kept = TempDir::new_in(dir.path()).expect("a directory").keep();
        let file = Sqlite::open(&kept, &[MIGRATIONS]).expect("it opens");
        Reports::in_postgres(file, url).expect("a URL")
    };
    for (more, why) in [
        ("connect_timeout=3".to_owned(), "pg_hba"),
        (format!("sslmode=verify-full&sslrootcert={untrusted}"), "certificate"),
        (format!("sslmode=require&sslrootcert={untrusted}"), "certificate"),
    ] {
        let reports = reports(&url(&more));
        reports.file(&report("a", HOUR)).await.expect("filed");
        let error = reports.deliver().await.expect_err("it isn't delivered").to_string();
        assert!(error.contains(why), "{more}: {error}");
    }
    // For another name than the certificate has.
    let elsewhere = url(&format!("sslmode=verify-full&sslrootcert={trusted}"));
    let elsewhere = reports(&elsewhere.replace("127.0.0.1", "localhost"));
    elsewhere.file(&report("b", HOUR)).await.expect("filed");
    let error = elsewhere.deliver().await.expect_err("of another name").to_string();
    assert!(error.contains("certificate") || error.contains("hba"), "{error}");
    for mode in ["verify-full", "require"] {
        let reports = reports(&url(&format!("sslmode={mode}&sslrootcert={trusted}")));
        put(&reports, report(mode, HOUR)).await;
        assert!(ids(&reports, Filter::default()).await.contains(&mode.to_owned()));
    }
}
