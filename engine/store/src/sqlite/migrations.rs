//! How the tables of each area come to be, step by step, each step once.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use thiserror::Error;

/// The tables of one area. Areas don't know one another's, so that each has its own steps.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// What the area is called; never changed once it has been shipped.
    pub area: &'static str,
    /// SQL, in order. A step that has been shipped is never edited: what is to change is a new one.
    pub steps: &'static [&'static str],
}

/// Why the tables can't be used.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// A step failed. Nothing of it was done.
    #[error("step {step} of its tables for {area} failed: {error}")]
    Failed {
        /// Of which area.
        area: &'static str,
        /// Which step, from 1.
        step: usize,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// The file has been used by a program that knows more.
    #[error(
        "its tables for {area} are of version {found}, and this program knows {known}: \
         run the newer program, or put back a copy of the file from before it"
    )]
    Newer {
        /// Of which area.
        area: &'static str,
        /// The file's version.
        found: usize,
        /// The last one known here.
        known: usize,
    },
}

/// Takes every step that hasn't been taken, all or none of an area.
pub(super) fn run(
    connection: &mut Connection,
    areas: &[Migrations],
) -> Result<(), super::SqliteError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (area TEXT PRIMARY KEY, version INTEGER NOT NULL) \
         STRICT",
    )?;
    for Migrations { area, steps } in areas {
        // At once as a writer: of two processes that start on a file, one waits.
        let changes = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: usize = changes
            .query_row("SELECT version FROM migrations WHERE area = ?1", [area], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        let known = steps.len();
        if found > known {
            return Err(MigrationError::Newer { area, found, known }.into());
        }
        for (step, sql) in (1..).zip(*steps).skip(found) {
            changes.execute_batch(sql).map_err(|error| MigrationError::Failed {
                area,
                step,
                error,
            })?;
        }
        changes.execute(
            "INSERT INTO migrations VALUES (?1, ?2) \
             ON CONFLICT (area) DO UPDATE SET version = excluded.version",
            params![area, known],
        )?;
        changes.commit()?;
    }
    Ok(())
}
