//! Asks Redis and PostgreSQL how they are, each within a few seconds.

use std::time::Duration;

use redis::{Client, Connection, RedisResult, Value};
use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_postgres::NoTls;

use super::settings::Settings;
use super::snapshot::{Postgres, Redis};

/// How long any of them may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the database is asked, all at once.
const QUESTION: &str = "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), \
                        has_schema_privilege(current_schema(), 'CREATE')";

type Answers = (Vec<(String, Result<Redis, String>)>, Option<Result<Postgres, String>>);

pub(super) fn ask(settings: &Settings) -> Answers {
    let redis = settings.redis.iter().map(|address| {
        (without_password(address), ask_redis(address).map_err(|error| error.to_string()))
    });
    (redis.collect(), settings.reports.url.as_deref().map(ask_postgres))
}

fn ask_redis(address: &str) -> RedisResult<Redis> {
    let mut connection = Client::open(address)?.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let about: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    let version = about.lines().find_map(|line| line.strip_prefix("redis_version:"));
    let role: Vec<Value> = redis::cmd("ROLE").query(&mut connection)?;
    let is_master = matches!(role.first(), Some(Value::BulkString(it)) if it == b"master");
    Ok(Redis {
        version: version.unwrap_or("of no version").trim().to_owned(),
        is_master,
        maxmemory_policy: policy(&mut connection).ok(),
    })
}

/// Those who may not see the configuration may not.
fn policy(connection: &mut Connection) -> RedisResult<String> {
    let mut ask = redis::cmd("CONFIG");
    let (_, policy): (String, String) = ask.arg("GET").arg("maxmemory-policy").query(connection)?;
    Ok(policy)
}

fn ask_postgres(url: &str) -> Result<Postgres, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let answer = async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.query_one(QUESTION, &[]).await
    };
    let row = runtime
        .map_err(|error| error.to_string())?
        .block_on(async { timeout(PATIENCE, answer).await })
        .map_err(|_| format!("doesn't answer within {} s", PATIENCE.as_secs()))?
        .map_err(|error| match error.as_db_error() {
            Some(it) => it.message().to_owned(),
            None => error.to_string(),
        })?;
    Ok(Postgres {
        version: row.get::<_, i32>(0).try_into().unwrap_or(0),
        is_read_only: row.get(1),
        may_create_tables: row.get(2),
    })
}

/// An address as it may be shown.
fn without_password(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, host)) => format!("redis://…@{host}"),
        None => address.to_owned(),
    }
}
