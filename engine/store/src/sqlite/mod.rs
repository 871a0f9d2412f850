//! One SQLite file under the data dir, opened once, on a thread of its own.
//!
//! Whatever is asked of it is a function of the connection, run there in order ([`Sqlite::call`]).
//! Its journal is a write-ahead log that is synced at each commit: what was answered survives the
//! end of the process, and of the power. [`Migrations`] run by themselves when it is opened.

mod migrations;

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

pub use self::migrations::{MigrationError, Migrations};

/// The file's name under the data dir.
pub const FILE: &str = "whisper.db";

/// Questions that may wait for the thread; past that, [`Sqlite::call`] waits for room.
const QUEUE: usize = 256;

/// How long to wait for somebody else (a backup, a shell) who holds the file.
const BUSY: Duration = Duration::from_secs(5);

/// The journal shrinks to this after a checkpoint, in bytes.
const JOURNAL_MAX: i64 = 16 << 20;

/// Why something couldn't be had from the file.
#[derive(Debug, Error)]
pub enum SqliteError {
    /// SQLite, or the disk under it, refused.
    #[error("{FILE}: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file's tables can't be brought to what this program knows.
    #[error("{FILE}: {0}")]
    Migration(#[from] MigrationError),
    /// The file or its directory can't be made.
    #[error("{FILE}: {0}")]
    Io(#[from] std::io::Error),
    /// Its thread has ended: the process is ending, or a question panicked.
    #[error("{FILE} is closed")]
    Closed,
}

/// A question, with the way back for its answer inside.
type Question = Box<dyn FnOnce(&mut Connection) + Send>;

/// The open file. Clones ask the same thread; it ends, and closes the file, with the last of them.
#[derive(Clone, Debug)]
pub struct Sqlite(mpsc::Sender<Question>);

impl Sqlite {
    /// Opens the file in this directory, makes it where there is none (readable by its owner only),
    /// and brings its tables up to date.
    ///
    /// # Errors
    /// Where the file can't be opened, or was made by a newer program.
    pub fn open(dir: &Path, areas: &[Migrations]) -> Result<Self, SqliteError> {
        let mut connection = connect(&dir.join(FILE))?;
        migrations::run(&mut connection, areas)?;
        let (send, mut questions) = mpsc::channel::<Question>(QUEUE);
        thread::Builder::new().name("sqlite".into()).spawn(move || {
            while let Some(question) = questions.blocking_recv() {
                question(&mut connection);
            }
        })?;
        Ok(Self(send))
    }

    /// Asks something. It is carried out even where nobody waits for the answer any more.
    ///
    /// # Errors
    /// What the question gives, or [`SqliteError::Closed`].
    pub async fn call<T, F>(&self, question: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let question = move |connection: &mut Connection| {
            // Nobody to tell is no reason not to do it.
            let _ = answer.send(question(connection));
        };
        self.0.send(Box::new(question)).await.map_err(|_| SqliteError::Closed)?;
        Ok(answered.await.map_err(|_| SqliteError::Closed)??)
    }
}

fn connect(path: &Path) -> Result<Connection, SqliteError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // SQLite would make it readable for all; its journals take the mode of the file.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten: an expired ban or report is nowhere in the file.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_MAX)?;
    Ok(connection)
}
