//! Who decided what, when and why: a row for each ban and its end, each change of rules, each
//! decision on a report.
//!
//! A row names its subject by what the operator can quote (a ban's appeal id, a report's id), never
//! by an address or a fingerprint: rows outlive what they speak of.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::sqlite::{Migrations, Sqlite, SqliteError};

/// Its table.
pub const MIGRATIONS: Migrations = Migrations {
    area: "audit",
    steps: &["CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        who TEXT NOT NULL,
        what TEXT NOT NULL,
        subject TEXT NOT NULL,
        why TEXT NOT NULL
     ) STRICT;
     CREATE INDEX audit_by_subject ON audit (subject, id);"],
};

/// Most bytes of a reason that are kept.
const WHY_MAX: usize = 1_000;

/// Most rows in one answer.
const ROWS_MAX: u32 = 1_000;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// Who: `engine`, `redis`, or `operator:` and a name.
    pub who: String,
    /// What was done: `ban`, `unban`, `rules`, `report` and a decision.
    pub what: String,
    /// To whom or what, as it can be quoted.
    pub subject: String,
    /// Why; cut to 1,000 bytes.
    pub why: String,
}

/// The book of decisions.
#[derive(Clone, Debug)]
pub struct Audit(Sqlite);

impl Audit {
    /// The book that lies in this file, opened with [`MIGRATIONS`].
    pub fn new(file: Sqlite) -> Self {
        Self(file)
    }

    /// Writes a decision down.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub async fn write(&self, entry: Entry) -> Result<(), SqliteError> {
        self.0.call(move |connection| insert(connection, &entry)).await
    }

    /// What a decision of this kind was on last, if there is any.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub async fn last_subject(&self, what: &'static str) -> Result<Option<String>, SqliteError> {
        let read = move |connection: &mut Connection| {
            let query = "SELECT subject FROM audit WHERE what = ?1 ORDER BY id DESC LIMIT 1";
            connection.query_row(query, [what], |row| row.get(0)).optional()
        };
        self.0.call(read).await
    }

    /// The latest decisions, newest first, at most 1,000; of one subject, where it is given.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub async fn latest(
        &self,
        subject: Option<String>,
        rows: u32,
    ) -> Result<Vec<Entry>, SqliteError> {
        let read = move |connection: &mut Connection| {
            let mut query = connection.prepare_cached(
                "SELECT at_ms, who, what, subject, why FROM audit \
                 WHERE ?1 IS NULL OR subject = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let entries = query.query_map(params![subject, rows.min(ROWS_MAX)], |row| {
                let (who, what) = (row.get(1)?, row.get(2)?);
                Ok(Entry { at_ms: row.get(0)?, who, what, subject: row.get(3)?, why: row.get(4)? })
            })?;
            entries.collect()
        };
        self.0.call(read).await
    }
}

/// Writes a decision down within somebody's transaction: it is made if and only if it is written.
///
/// # Errors
/// SQLite's.
pub fn insert(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Entry { at_ms, who, what, subject, why } = entry;
    let why = &why[..why.floor_char_boundary(WHY_MAX)];
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit (at_ms, who, what, subject, why) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.execute(params![at_ms, who, what, subject, why])?;
    Ok(())
}
