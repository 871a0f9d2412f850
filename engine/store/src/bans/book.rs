//! The bans in the SQLite file. With no shared store it is where they last; beside one it is what
//! is known of it when it can't be reached, and what has yet to be written there.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{Ban, Standing};
use crate::audit::{self, Entry};
use crate::sqlite::{Migrations, Sqlite, SqliteError};

/// Its table.
pub const MIGRATIONS: Migrations = Migrations {
    area: "bans",
    steps: &["CREATE TABLE bans (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        until_ms INTEGER,
        standing INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX bans_by_end ON bans (until_ms) WHERE until_ms IS NOT NULL;"],
};

/// What is to be written down, all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Bans, as they stand.
    pub bans: Vec<(Arc<Ban>, Standing)>,
    /// Keys without a ban any more.
    pub gone: Vec<Box<str>>,
    /// Who decided it.
    pub audit: Vec<Entry>,
}

impl Written {
    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.bans.len() + self.gone.len() + self.audit.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The bans of the file.
#[derive(Clone, Debug)]
pub struct Book(Sqlite);

impl Book {
    /// Those in this file, opened with [`MIGRATIONS`] and [`audit::MIGRATIONS`].
    pub fn new(file: Sqlite) -> Self {
        Self(file)
    }

    /// Every ban that hasn't ended. What can't be read any more is left out.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub async fn load(&self, now_ms: u64) -> Result<Vec<(Ban, Standing)>, SqliteError> {
        self.0.call(move |connection| load(connection, now_ms)).await
    }

    /// Writes changes down, and who made them.
    ///
    /// # Errors
    /// Where the file can't be written; nothing is, then.
    pub async fn write(&self, changes: Written) -> Result<(), SqliteError> {
        self.0.call(move |connection| write(connection, &changes)).await
    }

    /// Forgets what has ended.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub async fn prune(&self, now_ms: u64) -> Result<(), SqliteError> {
        const PRUNE: &str = "DELETE FROM bans WHERE until_ms <= ?1";
        self.0.call(move |connection| connection.execute(PRUNE, [now_ms]).map(drop)).await
    }
}

fn load(connection: &mut Connection, now_ms: u64) -> rusqlite::Result<Vec<(Ban, Standing)>> {
    let mut query = connection.prepare(
        "SELECT key, value, until_ms, standing FROM bans WHERE until_ms IS NULL OR until_ms > ?1",
    )?;
    let rows = query.query_map([now_ms], |row| {
        let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((Ban::read(&key, &value, row.get(2)?), standing_of(row.get(3)?)))
    })?;
    let mut bans = Vec::new();
    for row in rows {
        if let (Ok(ban), standing) = row? {
            bans.push((ban, standing));
        }
    }
    Ok(bans)
}

fn write(connection: &mut Connection, changes: &Written) -> rusqlite::Result<()> {
    let all = connection.transaction()?;
    {
        let mut put = all.prepare_cached("INSERT OR REPLACE INTO bans VALUES (?1, ?2, ?3, ?4)")?;
        for (ban, standing) in &changes.bans {
            put.execute(params![ban.key, ban.value(), ban.until, number_of(*standing)])?;
        }
        let mut delete = all.prepare_cached("DELETE FROM bans WHERE key = ?1")?;
        for key in &changes.gone {
            delete.execute([key])?;
        }
    }
    for entry in &changes.audit {
        audit::insert(&all, entry)?;
    }
    all.commit()
}

fn number_of(standing: Standing) -> u8 {
    match standing {
        Standing::Stored => 0,
        Standing::Unwritten => 1,
        Standing::Withheld => 2,
    }
}

fn standing_of(number: u8) -> Standing {
    match number {
        1 => Standing::Unwritten,
        2 => Standing::Withheld,
        _ => Standing::Stored,
    }
}
