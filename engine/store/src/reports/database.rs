//! What reports ask of a database: statements, all or nothing, and rows. SQLite and PostgreSQL both
//! understand the SQL here, which is kept to what they share; columns are text and 64-bit integers.

use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use thiserror::Error;

use super::postgres::{Postgres, PostgresError};
use crate::sqlite::{Sqlite, SqliteError};

/// Why a database didn't do it. It may have, where its answer was lost: everything here can be
/// done twice.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The file's.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    /// PostgreSQL's.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

/// A database with the tables of reports.
#[derive(Clone, Debug)]
pub(super) enum Database {
    File(Sqlite),
    Server(Postgres),
}

/// A value of a column, or for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
}

/// SQL with its parameters, which are numbered in the order they first appear in: `$1`, `$2`.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

/// The columns of a row.
pub(super) type Row = Vec<Value>;

impl Database {
    /// Runs statements, all or none of them; how many rows the last one changed.
    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<u64, DatabaseError> {
        match self {
            Self::File(file) => Ok(file.call(move |it| run(it, &statements)).await?),
            Self::Server(server) => Ok(server.run(&statements).await?),
        }
    }

    /// The rows that a statement gives.
    pub(super) async fn rows(&self, statement: Statement) -> Result<Vec<Row>, DatabaseError> {
        match self {
            Self::File(file) => Ok(file.call(move |it| rows(it, &statement)).await?),
            Self::Server(server) => Ok(server.rows(&statement).await?),
        }
    }
}

/// A statement with its parameters.
pub(super) fn statement<const N: usize>(sql: &'static str, values: [Value; N]) -> Statement {
    Statement { sql, values: values.into() }
}

fn run(connection: &mut Connection, statements: &[Statement]) -> rusqlite::Result<u64> {
    let all = connection.transaction()?;
    let mut changed = 0;
    for Statement { sql, values } in statements {
        changed = all.prepare_cached(sql)?.execute(params_from_iter(values))?;
    }
    all.commit()?;
    Ok(changed as u64)
}

fn rows(connection: &mut Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    let mut query = connection.prepare_cached(statement.sql)?;
    let columns = query.column_count();
    let found = query.query_map(params_from_iter(&statement.values), |row| {
        (0..columns).map(|column| Ok(Value::of(row.get_ref(column)?))).collect()
    })?;
    found.collect()
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqliteValue::Null),
            Self::Int(number) => ToSqlOutput::Owned(SqliteValue::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl Value {
    /// Nothing else is in the columns.
    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Integer(number) => Self::Int(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Self::Null,
        }
    }

    /// The number, 0 where there is none.
    pub(super) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            Self::Null | Self::Text(_) => 0,
        }
    }

    /// The text, empty where there is none.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Null | Self::Int(_) => String::new(),
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    /// PostgreSQL takes no zero bytes.
    fn from(text: &str) -> Self {
        Self::Text(text.replace('\0', "\u{fffd}"))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}
