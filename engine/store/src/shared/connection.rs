//! One connection to Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, ProtocolVersion, PushInfo,
    PushKind, RedisError, RedisResult, Value,
};
use thiserror::Error;
use tokio::sync::mpsc;

use super::Write;
use crate::bans::{BANS_MAX, Ban};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a scan asks for at once.
const SCAN: usize = 1_000;

/// Keys read at once.
const READ: usize = 500;

/// Notices that may wait; past that everything is read again.
const PUSHES: usize = 256;

/// What Redis says by itself.
pub(super) enum Push {
    /// Something has changed under these keys.
    Keys(Vec<Box<str>>),
    /// Anything may have changed.
    Everything,
}

/// What Redis has said by itself.
pub(super) struct Pushes {
    queue: mpsc::Receiver<Push>,
    /// More came than the queue had room for.
    missed: Arc<AtomicBool>,
    /// Keys that were taken from the queue ahead of their turn.
    ahead: Vec<Box<str>>,
}

impl Pushes {
    /// The next; None when the connection has ended. Takes nothing where it is dropped.
    pub(super) async fn next(&mut self) -> Option<Push> {
        if !self.ahead.is_empty() {
            return Some(Push::Keys(std::mem::take(&mut self.ahead)));
        }
        let push = self.queue.recv().await?;
        let missed = self.missed.swap(false, Ordering::Relaxed);
        Some(if missed { Push::Everything } else { push })
    }

    /// Whether it has been said by now that anything may have changed; then nothing else is left of
    /// what was said.
    ///
    /// What Redis answers comes behind what it said before: where everything was deleted before some
    /// keys were read, this is true as soon as the answer is there. Those keys weren't deleted one by
    /// one.
    pub(super) fn is_everything(&mut self) -> bool {
        let mut everything = self.missed.swap(false, Ordering::Relaxed);
        while let Ok(push) = self.queue.try_recv() {
            match push {
                Push::Keys(keys) => self.ahead.extend(keys),
                Push::Everything => everything = true,
            }
        }
        if everything {
            self.ahead.clear();
        }
        everything
    }
}

/// An address that can't be one of Redis.
#[derive(Debug, Error)]
#[error("not an address of Redis, as redis://127.0.0.1:6379 or unix:/run/redis.sock: {0}")]
pub struct AddressError(RedisError);

/// Looks whether it can be the address of a Redis.
///
/// # Errors
/// [`AddressError`], which doesn't repeat it: there may be a password in it.
pub fn check_address(address: &str) -> Result<(), AddressError> {
    address.into_connection_info().map(drop).map_err(AddressError)
}

/// Why a connection is over that has ended.
pub(super) fn gone() -> RedisError {
    (ErrorKind::Io, "the connection has ended").into()
}

pub(super) struct Connection(pub(super) MultiplexedConnection);

type Keys = (Vec<(Box<str>, Option<Ban>)>, usize);

impl Connection {
    /// Connects, and has it tell what changes from here on.
    pub(super) async fn open(address: &str) -> RedisResult<(Self, Pushes)> {
        let info = address.into_connection_info()?;
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let (send, queue) = mpsc::channel(PUSHES);
        let missed = Arc::<AtomicBool>::default();
        let pushes = Pushes { queue, missed: Arc::clone(&missed), ahead: Vec::new() };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_push_sender(hear(send, missed));
        let client = Client::open(info.set_redis_settings(redis))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
        let is_master = role.first().is_some_and(|role| text(role) == Some("master"));
        if !is_master {
            return Err((ErrorKind::Client, "it is a replica").into());
        }
        let mut tracking = redis::cmd("CLIENT");
        tracking.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg("banned:");
        tracking.query_async::<()>(&mut connection).await?;
        Ok((Self(connection), pushes))
    }

    /// Every ban that stands there.
    pub(super) async fn scan(&mut self) -> RedisResult<(Vec<Ban>, usize)> {
        let (mut bans, mut bad, mut cursor) = (Vec::new(), 0, 0_u64);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg("banned:*").arg("COUNT").arg(SCAN);
            let (next, keys): (u64, Vec<Value>) = scan.query_async(&mut self.0).await?;
            let (found, unreadable) = self.read(keys.iter().filter_map(boxed).collect()).await?;
            bans.extend(found.into_iter().filter_map(|(_, ban)| ban));
            bad += unreadable;
            cursor = next;
            if cursor == 0 || bans.len() >= BANS_MAX {
                return Ok((bans, bad));
            }
        }
    }

    /// What stands under some keys.
    pub(super) async fn read(&mut self, keys: Vec<Box<str>>) -> RedisResult<Keys> {
        let (mut found, mut bad) = (Vec::with_capacity(keys.len()), 0);
        for keys in keys.chunks(READ) {
            let mut pipe = redis::pipe();
            // Somebody may keep a list there, or a set.
            pipe.ignore_errors();
            for key in keys {
                pipe.cmd("GET").arg(&**key).cmd("PTTL").arg(&**key);
            }
            let answers: Vec<RedisResult<Value>> = pipe.query_async(&mut self.0).await?;
            let now = now_ms();
            for (key, answers) in keys.iter().zip(answers.chunks_exact(2)) {
                let (value, ttl) = (&answers[0], &answers[1]);
                let ban = match (value, ttl) {
                    // -2: it has ended since it was read.
                    (Ok(Value::Nil), _) | (Ok(_), Ok(Value::Int(-2))) => None,
                    (Ok(value), Ok(Value::Int(ttl))) => {
                        let until = u64::try_from(*ttl).ok().map(|ttl| now + ttl);
                        text(value).and_then(|value| Ban::read(key, value, until).ok())
                    }
                    _ => None,
                };
                let was_there =
                    !matches!((value, ttl), (Ok(Value::Nil), _) | (_, Ok(Value::Int(-2))));
                if ban.is_none() && was_there {
                    bad += 1;
                }
                found.push((key.clone(), ban));
            }
        }
        Ok((found, bad))
    }

    /// Writes changes, in their order.
    pub(super) async fn write(&mut self, writes: &[Write]) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        let now = now_ms();
        for write in writes {
            match write {
                Write::Put(ban) => {
                    let put = pipe.cmd("SET").arg(&*ban.key).arg(ban.value());
                    if let Some(until) = ban.until {
                        put.arg("PX").arg(until.saturating_sub(now).max(1));
                    }
                }
                Write::Delete(key) => {
                    pipe.cmd("DEL").arg(&**key);
                }
            }
        }
        pipe.query_async::<Value>(&mut self.0).await.map(drop)
    }
}

/// Takes notices as they come, without waiting.
fn hear(
    send: mpsc::Sender<Push>,
    missed: Arc<AtomicBool>,
) -> impl Fn(PushInfo) -> Result<(), Gone> + Send + Sync + 'static {
    let send = std::sync::Mutex::new(Some(send));
    move |info| {
        let mut send = send.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if info.kind == PushKind::Disconnection {
            // Who hears learns it by the end of the channel.
            *send = None;
        }
        let (Some(send), PushKind::Invalidate) = (&*send, info.kind) else { return Ok(()) };
        let push = match info.data.first() {
            Some(Value::Array(keys)) => Push::Keys(keys.iter().filter_map(boxed).collect()),
            _ => Push::Everything,
        };
        if send.try_send(push).is_err() {
            missed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Never given: what can't be told is told later.
enum Gone {}

pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

fn boxed(value: &Value) -> Option<Box<str>> {
    text(value).map(Into::into)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
