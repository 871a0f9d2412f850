//! Asks Redis and PostgreSQL how they are, each within a few seconds.

use std::time::Duration;

use redis::{Client, Connection, RedisResult, Value};
use tokio::runtime::Builder;
use whisper_store::reports::PostgresAbout;

use super::settings::Settings;
use super::snapshot::Redis;

/// How long Redis may take for each answer.
const PATIENCE: Duration = Duration::from_secs(3);

type Answers = (Vec<(String, Result<Redis, String>)>, Option<Result<PostgresAbout, String>>);

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

/// By the very way that the engine has.
fn ask_postgres(url: &str) -> Result<PostgresAbout, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(PostgresAbout::ask(url)).map_err(|error| error.to_string())
}

/// An address as it may be shown.
fn without_password(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, host)) => format!("redis://…@{host}"),
        None => address.to_owned(),
    }
}
