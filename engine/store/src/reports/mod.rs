//! What people report of their partners: the reason, what the reporter says to it, and the messages
//! that proved true; of both sides only what a ban needs, sealed, and keyed hashes to count by.
//!
//! Reports lie in the SQLite file, or in PostgreSQL with the file as the queue before it: whatever is
//! filed is on disk before anything else happens, and is delivered when the server is there, as often
//! as it takes. All that is written can be written twice.

mod address;
mod database;
mod postgres;
mod tables;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Mutex;

pub use self::database::DatabaseError;
use self::database::{Database, Row, Statement, Value};
use self::postgres::Postgres;
pub use self::postgres::{PostgresAbout, PostgresError};
pub use self::tables::MIGRATIONS;
use crate::sqlite::Sqlite;

/// Most messages that are kept with a report.
pub const EVIDENCE_MAX: u64 = 20;

/// Most reports that wait for PostgreSQL.
pub const WAITING_MAX: u64 = 10_000;

/// Reports delivered between two looks at whether more came.
const BATCH: u64 = 64;

/// Most rows in one answer.
const ROWS_MAX: u32 = 1_000;

/// Reasons that come before all others.
pub const URGENT: [&str; 2] = ["minor", "threat"];

/// A report. Reports of the same id are one: see [`Reports::file`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The same for all that one side of a chat reports of the other.
    pub id: String,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// The reason, as the protocol has it.
    pub reason: String,
    /// What the reporter says to it.
    pub comment: String,
    /// Who is reported, by a keyed hash; empty where that isn't known.
    pub accused: String,
    /// What a ban needs of them, sealed.
    pub accused_handle: String,
    /// Who reports, by a keyed hash.
    pub reporter: String,
    /// What a ban would need of them, sealed.
    pub reporter_handle: String,
    /// What the accused said, proved; at most [`EVIDENCE_MAX`] are kept.
    pub evidence: Vec<Evidence>,
    /// What became of it.
    pub status: Status,
    /// Kept past its time.
    pub held: bool,
    /// The ban that came of it, by its appeal id; empty where none did.
    pub ban: String,
}

/// A message that was proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Its number in the chat.
    pub seq: u64,
    /// When it was said, in Unix milliseconds.
    pub at_ms: u64,
    /// What was said.
    pub content: String,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nobody has decided.
    #[default]
    Open,
    /// It is right.
    Upheld,
    /// There is nothing in it; it doesn't count against anybody.
    Dismissed,
    /// It led to a ban.
    Banned,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Upheld, Self::Dismissed, Self::Banned];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
            Self::Banned => "banned",
        }
    }

    /// The status that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A decision on a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of it.
    pub status: Status,
    /// The ban that comes of it, by its appeal id.
    pub ban: String,
}

/// Which reports are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    /// With this status.
    pub status: Option<Status>,
    /// For this reason.
    pub reason: Option<String>,
    /// On this person.
    pub accused: Option<String>,
    /// Not before, in Unix milliseconds.
    pub since_ms: u64,
    /// Not after, in Unix milliseconds.
    pub until_ms: u64,
    /// Only those that are kept past their time.
    pub held: bool,
    /// Only those with evidence.
    pub verified: bool,
    /// So many; at most 1,000.
    pub limit: u32,
}

impl Default for Filter {
    /// The first 100 of all.
    fn default() -> Self {
        Self {
            status: None,
            reason: None,
            accused: None,
            since_ms: 0,
            until_ms: u64::MAX,
            held: false,
            verified: false,
            limit: 100,
        }
    }
}

/// A report, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// See [`Report::id`].
    pub id: String,
    /// See [`Report::at_ms`].
    pub at_ms: u64,
    /// See [`Report::reason`].
    pub reason: String,
    /// Comes before those that aren't.
    pub urgent: bool,
    /// See [`Report::status`].
    pub status: String,
    /// See [`Report::held`].
    pub held: bool,
    /// See [`Report::ban`].
    pub ban: String,
    /// See [`Report::accused`].
    pub accused: String,
    /// Messages that proved true.
    pub evidence: u64,
    /// See [`Report::comment`].
    pub comment: String,
}

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Different people with open reports on them.
    pub reporters: u64,
    /// Bans that came of reports before.
    pub strikes: u64,
}

/// How many reports there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All that are kept.
    pub kept: u64,
    /// Those that nobody has decided.
    pub open: u64,
}

/// Why a report couldn't be filed.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file can't be written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// PostgreSQL has been away for too long.
    #[error("{WAITING_MAX} reports wait for PostgreSQL, which is all that is kept: bring it back")]
    Full,
}

/// The reports. Clones share them.
#[derive(Clone, Debug)]
pub struct Reports {
    /// Where they last.
    home: Database,
    /// Where they wait, if that is elsewhere.
    queue: Option<Database>,
    /// Held while reports are delivered.
    delivering: Arc<Mutex<()>>,
}

impl Reports {
    /// Those in the file, opened with [`MIGRATIONS`].
    pub fn in_file(file: Sqlite) -> Self {
        Self { home: Database::File(file), queue: None, delivering: Arc::default() }
    }

    /// Those of the PostgreSQL at this URL, with the file as the queue before it. Reports that the
    /// file kept before are delivered as well.
    ///
    /// # Errors
    /// Where the URL can't be used. Whether the server is there isn't asked.
    pub fn in_postgres(file: Sqlite, url: &str) -> Result<Self, PostgresError> {
        let home = Database::Server(Postgres::new(url)?);
        Ok(Self { home, queue: Some(Database::File(file)), delivering: Arc::default() })
    }

    /// Keeps a report; on disk by the time this returns. One of the same id adds evidence to it, a
    /// comment where it had none, and a graver reason. Where it waits for PostgreSQL it counts, and
    /// is listed, once [`Reports::deliver`] has brought it there.
    ///
    /// # Errors
    /// [`FileError`]; it isn't kept then.
    pub async fn file(&self, report: &Report) -> Result<(), FileError> {
        let first = self.queue.as_ref().unwrap_or(&self.home);
        if self.queue.is_some() && self.waiting().await? >= WAITING_MAX {
            return Err(FileError::Full);
        }
        first.run(tables::file(report)).await?;
        Ok(())
    }

    /// Brings what waits to PostgreSQL, oldest first; who was accused. What was there already, for
    /// an answer was lost, isn't there twice.
    ///
    /// # Errors
    /// Where PostgreSQL or the file fails; what isn't delivered goes on waiting.
    pub async fn deliver(&self) -> Result<Vec<String>, DatabaseError> {
        let Some(queue) = &self.queue else { return Ok(Vec::new()) };
        let _one = self.delivering.lock().await;
        let mut accused = Vec::new();
        loop {
            let batch = queue.rows(tables::oldest(BATCH)).await?;
            if batch.is_empty() {
                return Ok(accused);
            }
            for mut report in batch.iter().filter_map(tables::whole) {
                report.evidence = evidence(queue, &report.id).await?;
                self.home.run(tables::file(&report)).await?;
                // Evidence that came meanwhile goes on waiting, with its report.
                let brought = report.evidence.len() as u64;
                queue.run(vec![tables::delete_brought(&report.id, brought)]).await?;
                accused.push(report.accused);
            }
        }
    }

    /// How many reports wait for PostgreSQL.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub async fn waiting(&self) -> Result<u64, DatabaseError> {
        match &self.queue {
            Some(queue) => Ok(count(queue).await?.kept),
            None => Ok(0),
        }
    }

    /// How many reports there are.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self) -> Result<Count, DatabaseError> {
        count(&self.home).await
    }

    /// The reports that are wanted: urgent ones first, and of those the oldest.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Summary>, DatabaseError> {
        let filter = Filter { limit: filter.limit.min(ROWS_MAX), ..filter.clone() };
        self.read(tables::list(&filter), tables::summary).await
    }

    /// A report with its evidence.
    ///
    /// # Errors
    /// The database's.
    pub async fn show(&self, id: &str) -> Result<Option<(Summary, Vec<Evidence>)>, DatabaseError> {
        let Some(summary) = self.read(tables::one(id), tables::summary).await?.pop() else {
            return Ok(None);
        };
        Ok(Some((summary, evidence(&self.home, id).await?)))
    }

    /// The sealed handle of who is reported, and the hash they are counted by.
    ///
    /// # Errors
    /// The database's.
    pub async fn handle(&self, id: &str) -> Result<Option<(String, String)>, DatabaseError> {
        let pair = |row: &Row| match row.as_slice() {
            [handle, accused] => Some((handle.text(), accused.text())),
            _ => None,
        };
        Ok(self.read(tables::handle(id), pair).await?.pop())
    }

    /// The newest sealed handle of somebody who was reported.
    ///
    /// # Errors
    /// The database's.
    pub async fn latest_handle(&self, accused: &str) -> Result<Option<String>, DatabaseError> {
        let first = |row: &Row| row.first().map(Value::text);
        Ok(self.read(tables::latest_handle(accused), first).await?.pop())
    }

    /// Decides on a report; false where it isn't there, or was decided before.
    ///
    /// # Errors
    /// The database's.
    pub async fn decide(&self, id: &str, decision: &Decision) -> Result<bool, DatabaseError> {
        Ok(self.home.run(vec![tables::decide(id, decision)]).await? > 0)
    }

    /// Decides on all open reports on somebody; how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn decide_all(
        &self,
        accused: &str,
        decision: &Decision,
    ) -> Result<u64, DatabaseError> {
        self.home.run(vec![tables::decide_all(accused, decision)]).await
    }

    /// Keeps a report past its time, or no longer; false where it isn't there.
    ///
    /// # Errors
    /// The database's.
    pub async fn hold(&self, id: &str, held: bool) -> Result<bool, DatabaseError> {
        Ok(self.home.run(vec![tables::hold(id, held)]).await? > 0)
    }

    /// How somebody stands who was reported, looking back to `since_ms`.
    ///
    /// # Errors
    /// The database's.
    pub async fn standing(&self, accused: &str, since_ms: u64) -> Result<Standing, DatabaseError> {
        let number = |row: &Row| row.first().map(|value| value.int() as u64);
        let reporters = self.read(tables::reporters(accused, since_ms), number).await?;
        let strikes = self.read(tables::strikes(accused), number).await?;
        let first = |numbers: Vec<u64>| numbers.first().copied().unwrap_or(0);
        Ok(Standing { reporters: first(reporters), strikes: first(strikes) })
    }

    /// Deletes what is older, but for what is held; how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn expire(&self, before_ms: u64) -> Result<u64, DatabaseError> {
        if let Some(queue) = &self.queue {
            queue.run(vec![tables::expire(before_ms)]).await?;
        }
        self.home.run(vec![tables::expire(before_ms)]).await
    }

    async fn read<T>(
        &self,
        statement: Statement,
        of: impl Fn(&Row) -> Option<T>,
    ) -> Result<Vec<T>, DatabaseError> {
        Ok(self.home.rows(statement).await?.iter().filter_map(of).collect())
    }
}

async fn evidence(database: &Database, id: &str) -> Result<Vec<Evidence>, DatabaseError> {
    Ok(database.rows(tables::evidence(id)).await?.iter().filter_map(tables::piece).collect())
}

async fn count(database: &Database) -> Result<Count, DatabaseError> {
    let rows = database.rows(tables::count()).await?;
    let Some([kept, open]) = rows.first().map(Vec::as_slice) else { return Ok(Count::default()) };
    Ok(Count { kept: kept.int() as u64, open: open.int() as u64 })
}
