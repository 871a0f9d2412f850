//! The file: its tables come by themselves, and what was answered is there for the next.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use whisper_store::audit::{self, Audit, Entry};
use whisper_store::sqlite::{FILE, MigrationError, Migrations, Sqlite, SqliteError};

fn entry(subject: &str, at_ms: u64) -> Entry {
    let (who, what, why) = ("operator:ann".into(), "ban".into(), "Spam".into());
    Entry { at_ms, who, what, subject: subject.into(), why }
}

fn open(dir: &TempDir) -> Sqlite {
    Sqlite::open(dir.path(), &[audit::MIGRATIONS]).expect("it opens")
}

#[tokio::test]
async fn decisions_are_read_by_whoever_opens_the_file_next() {
    let dir = TempDir::new().expect("a directory");
    let audit = Audit::new(open(&dir));
    for (subject, at) in [("a", 1), ("b", 2), ("a", 3)] {
        audit.write(entry(subject, at)).await.expect("written");
    }
    // The first is still open, as it is in a process that is killed.
    let next = Audit::new(open(&dir));
    let all = next.latest(None, 10).await.expect("read");
    assert_eq!(all, [entry("a", 3), entry("b", 2), entry("a", 1)]);
    let of_a = next.latest(Some("a".into()), 1).await.expect("read");
    assert_eq!(of_a, [entry("a", 3)]);
}

#[tokio::test]
async fn a_long_reason_is_cut_between_characters() {
    let dir = TempDir::new().expect("a directory");
    let audit = Audit::new(open(&dir));
    audit.write(Entry { why: "é".repeat(2_000), ..entry("a", 1) }).await.expect("written");
    let why = &audit.latest(None, 1).await.expect("read")[0].why;
    assert_eq!(why.len(), 1_000);
}

#[test]
fn only_its_owner_may_read_it() {
    let dir = TempDir::new().expect("a directory");
    let _file = open(&dir);
    for file in fs::read_dir(dir.path()).expect("a directory") {
        let file = file.expect("an entry");
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", file.file_name());
    }
}

#[test]
fn each_step_is_taken_once_and_a_newer_file_is_left_alone() {
    let dir = TempDir::new().expect("a directory");
    const ONE: &str = "CREATE TABLE things (name TEXT) STRICT";
    const TWO: &str = "ALTER TABLE things ADD COLUMN size INTEGER";
    const BROKEN: &str = "CREATE TABLE more (a TEXT) STRICT; CREATE TABLE things (a TEXT) STRICT";
    let things = |steps| [Migrations { area: "things", steps }];
    for steps in [&[ONE][..], &[ONE], &[ONE, TWO], &[ONE, TWO]] {
        Sqlite::open(dir.path(), &things(steps)).expect("it opens");
    }
    match Sqlite::open(dir.path(), &things(&[ONE])) {
        Err(SqliteError::Migration(MigrationError::Newer { found: 2, known: 1, .. })) => {}
        other => panic!("{other:?}"),
    }
    match Sqlite::open(dir.path(), &things(&[ONE, TWO, BROKEN])) {
        Err(SqliteError::Migration(MigrationError::Failed { step: 3, .. })) => {}
        other => panic!("{other:?}"),
    }
    Sqlite::open(dir.path(), &things(&[ONE, TWO])).expect("nothing of the broken step was done");
}

#[test]
fn what_is_no_database_says_its_name() {
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join(FILE), "this is no database, and long enough to tell".repeat(100))
        .expect("a file");
    let error = Sqlite::open(dir.path(), &[]).expect_err("no database");
    assert!(error.to_string().contains(FILE), "{error}");
}
