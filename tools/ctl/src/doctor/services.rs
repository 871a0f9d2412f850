//! Asks Redis, PostgreSQL and NATS how they are, each within a few seconds.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use redis::{Client, Connection, RedisResult, Value};
use tokio::runtime::Builder;
use whisper_store::reports::PostgresAbout;

use super::settings::Settings;
use super::snapshot::{Nats, Redis};

/// How long each of them may take for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where a NATS listens whose address names no port.
const NATS_PORT: u16 = 4222;

/// Most bytes of what it says first.
const NATS_SAYS_MAX: u64 = 64 << 10;

/// How they are; Redis and NATS by their addresses without passwords.
pub(super) struct Answers {
    pub(super) redis: Vec<(String, Result<Redis, String>)>,
    pub(super) postgres: Option<Result<PostgresAbout, String>>,
    pub(super) nats: Vec<(String, Result<Nats, String>)>,
}

pub(super) fn ask(settings: &Settings) -> Answers {
    let redis = settings.redis.iter().map(|address| {
        (without_password(address), ask_redis(address).map_err(|error| error.to_string()))
    });
    let nats = settings.nats.iter().map(|address| {
        (without_password(address), ask_nats(address).map_err(|error| error.to_string()))
    });
    Answers {
        redis: redis.collect(),
        postgres: settings.reports.url.as_deref().map(ask_postgres),
        nats: nats.collect(),
    }
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

/// It says what it is as soon as one connects: `INFO {…}`.
fn ask_nats(address: &str) -> io::Result<Nats> {
    let wrong = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let place = address.split_once("://").map_or(address, |(_, place)| place);
    let (login, place) = place.rsplit_once('@').map_or((None, place), |(it, at)| (Some(it), at));
    let place = place.trim_end_matches('/');
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let place = if has_port { place.to_owned() } else { format!("{place}:{NATS_PORT}") };
    let address = place.to_socket_addrs()?.next().ok_or_else(|| wrong("no such host"))?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(NATS_SAYS_MAX)).read_line(&mut line)?;
    let about = line.strip_prefix("INFO ").ok_or_else(|| wrong("what listens is no NATS"))?;
    let about: serde_json::Value = serde_json::from_str(about)?;
    Ok(Nats {
        version: about["version"].as_str().unwrap_or("of no version").to_owned(),
        lacks_login: about["auth_required"] == true && login.is_none(),
        payload_max: about["max_payload"].as_u64().unwrap_or(u64::MAX),
    })
}

/// An address as it may be shown.
fn without_password(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((before, host)) => {
            let kind = before.split_once("://").map_or("redis", |(kind, _)| kind);
            format!("{kind}://…@{host}")
        }
        None => address.to_owned(),
    }
}
