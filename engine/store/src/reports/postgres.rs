//! PostgreSQL, one connection at a time, made when it is needed. Nothing here waits for longer than
//! [`PATIENCE`]: a server that is stopped, or a network that swallows all, is a server that is away.

use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Column, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::database::{Row, Statement, Value};
use super::tables::STEPS;

/// How long a connection may take, and how long a question.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody else takes this lock (`pg_advisory_xact_lock`): of several nodes that start at once, one
/// makes the tables.
const MIGRATION_LOCK: i64 = 0x5768_6973_7065_7221;

/// Why PostgreSQL didn't do it.
#[derive(Debug, Error)]
pub enum PostgresError {
    /// The address can't be used.
    #[error("the address of PostgreSQL: {0}")]
    Address(String),
    /// Whom to trust isn't known.
    #[error("the authorities to trust for PostgreSQL, {}: {why}", path.display())]
    Roots {
        /// Their file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It refuses, or the connection is broken.
    #[error("PostgreSQL: {}", explain(.0))]
    Server(#[from] tokio_postgres::Error),
    /// It doesn't answer.
    #[error("PostgreSQL doesn't answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// Its tables were made by a program that knows more.
    #[error(
        "PostgreSQL: its tables for reports are of version {found}, and this program knows {known}: \
         run the newer program"
    )]
    Newer {
        /// The database's version.
        found: usize,
        /// The last one known here.
        known: usize,
    },
}

/// The error of the server where there is one, or else what it stems from, as a certificate that
/// isn't trusted; values of a statement are never part of it.
pub(super) fn explain(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

/// A server, and the connection to it while there is one.
#[derive(Clone)]
pub(super) struct Postgres {
    config: Arc<Config>,
    /// None: in the clear.
    tls: Option<MakeRustlsConnect>,
    client: Arc<Mutex<Option<Client>>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

impl Postgres {
    /// The server at this URL (`postgres://user:password@host:port/database`). Nothing is asked of
    /// it yet.
    pub(super) fn new(url: &str) -> Result<Self, PostgresError> {
        let Address { mut config, tls } = Address::parse(url)?;
        config.connect_timeout(PATIENCE).application_name("whisper");
        let tls = tls.map(MakeRustlsConnect::new);
        Ok(Self { config: Arc::new(config), tls, client: Arc::default() })
    }

    /// Runs statements, all or none of them; how many rows the last one changed.
    pub(super) async fn run(&self, statements: &[Statement]) -> Result<u64, PostgresError> {
        let mut kept = self.client.lock().await;
        let mut client = self.take(&mut kept).await?;
        let changed = in_time(run(&mut client, statements)).await?;
        *kept = Some(client);
        Ok(changed)
    }

    /// The rows that a statement gives.
    pub(super) async fn rows(&self, statement: &Statement) -> Result<Vec<Row>, PostgresError> {
        let mut kept = self.client.lock().await;
        let client = self.take(&mut kept).await?;
        let rows = in_time(rows(&client, statement)).await?;
        *kept = Some(client);
        Ok(rows)
    }

    /// The connection, to be put back where all went well: after a failure nobody knows what state
    /// it is in, and it is made anew.
    async fn take(&self, kept: &mut Option<Client>) -> Result<Client, PostgresError> {
        match kept.take().filter(|client| !client.is_closed()) {
            Some(client) => Ok(client),
            None => in_time(self.connect()).await,
        }
    }

    async fn connect(&self) -> Result<Client, PostgresError> {
        let mut client = self.open().await?;
        migrate(&mut client).await?;
        Ok(client)
    }

    async fn open(&self) -> Result<Client, PostgresError> {
        match &self.tls {
            Some(tls) => self.connect_by(tls.clone()).await,
            None => self.connect_by(NoTls).await,
        }
    }
}

/// What a server says of itself and of the user of its address.
#[derive(Clone, Copy, Debug)]
pub struct PostgresAbout {
    /// As 150012.
    pub version: u32,
    /// A standby, most likely.
    pub is_read_only: bool,
    /// Whether the tables for reports can be made there.
    pub may_create_tables: bool,
}

impl PostgresAbout {
    /// Asks the server at this address, as the engine would, and changes nothing there.
    ///
    /// # Errors
    /// Where the address can't be used, or the server refuses or doesn't answer in time.
    pub async fn ask(url: &str) -> Result<Self, PostgresError> {
        const QUESTION: &str = "SELECT current_setting('server_version_num')::int, \
                                pg_is_in_recovery(), \
                                has_schema_privilege(current_schema(), 'CREATE')";
        let postgres = Postgres::new(url)?;
        let row = in_time(async { Ok(postgres.open().await?.query_one(QUESTION, &[]).await?) });
        let row = row.await?;
        Ok(Self {
            version: row.try_get::<_, i32>(0)?.try_into().unwrap_or(0),
            is_read_only: row.try_get(1)?,
            // Without a schema to make them in, there is no answer.
            may_create_tables: row.try_get::<_, Option<bool>>(2)?.unwrap_or(false),
        })
    }
}

impl Postgres {
    async fn connect_by<T>(&self, tls: T) -> Result<Client, PostgresError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = self.config.connect(tls).await?;
        // It ends with the client. What breaks it is told to whoever asks.
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }
}

/// Waits for the server, but not for ever.
async fn in_time<T>(
    work: impl Future<Output = Result<T, PostgresError>>,
) -> Result<T, PostgresError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(PostgresError::Silent))
}

async fn run(client: &mut Client, statements: &[Statement]) -> Result<u64, PostgresError> {
    let all = client.transaction().await?;
    let mut changed = 0;
    for Statement { sql, values } in statements {
        changed = all.execute(*sql, &parameters(values)).await?;
    }
    all.commit().await?;
    Ok(changed)
}

async fn rows(client: &Client, statement: &Statement) -> Result<Vec<Row>, PostgresError> {
    let found = client.query(statement.sql, &parameters(&statement.values)).await?;
    found.iter().map(row).collect()
}

/// Brings the tables up to date, all or nothing.
async fn migrate(client: &mut Client) -> Result<(), PostgresError> {
    let all = client.transaction().await?;
    all.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    all.batch_execute(
        "CREATE TABLE IF NOT EXISTS migrations (area TEXT PRIMARY KEY, version BIGINT NOT NULL)",
    )
    .await?;
    let area = "reports";
    let row = all.query_opt("SELECT version FROM migrations WHERE area = $1", &[&area]).await?;
    let found = row.map_or(Ok(0), |row| row.try_get::<_, i64>(0))? as usize;
    let known = STEPS.len();
    if found > known {
        return Err(PostgresError::Newer { found, known });
    }
    for step in &STEPS[found..] {
        all.batch_execute(step).await?;
    }
    all.execute(
        "INSERT INTO migrations VALUES ($1, $2) \
         ON CONFLICT (area) DO UPDATE SET version = excluded.version",
        &[&area, &(known as i64)],
    )
    .await?;
    Ok(all.commit().await?)
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row(row: &tokio_postgres::Row) -> Result<Row, PostgresError> {
    let value = |(column, of): (usize, &Column)| {
        Ok(match *of.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map_or(Value::Null, Value::Int),
            _ => row.try_get::<_, Option<String>>(column)?.map_or(Value::Null, Value::Text),
        })
    };
    row.columns().iter().enumerate().map(value).collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}
