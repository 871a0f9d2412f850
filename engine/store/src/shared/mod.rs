//! Redis, where nodes share what each must know: bans, and how busy everybody is.
//!
//! A [`Link`] is a task with one connection. It tells of every ban that changes ([`News`]) and
//! writes what it is given ([`Write`]). Redis says what has changed by client-side caching in
//! broadcast mode (RESP3, `CLIENT TRACKING ON BCAST PREFIX banned:`): that is switched on first, and
//! everything is read after, at each connection anew, so that nothing falls between. Every second it
//! exchanges numbers, by which it knows too whether Redis still answers. What doesn't answer within
//! a second, says that it is a replica, or goes away is left for the next address of the list.

mod connection;
mod exchange;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::connection::{Connection, Push};
use crate::bans::Ban;
use crate::stats::{NodeStats, Others};

pub use self::connection::{AddressError, check_address};

/// News that may wait to be heard. Past that the link waits, and Redis keeps what it has to say.
const NEWS: usize = 256;

/// Bans and ends of bans that may wait to be written.
const WRITES: usize = 1_024;

/// How many of them are written at once.
const WRITES_AT_ONCE: usize = 128;

/// How long to wait before an address is tried again; it doubles up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What is to be written.
#[derive(Clone, Debug)]
pub enum Write {
    /// A ban, under its key.
    Put(Arc<Ban>),
    /// Nothing under this key any more.
    Delete(Box<str>),
}

/// What there is to tell.
#[derive(Debug)]
pub enum News {
    /// Everything that stands there, after a connection was made or everything may have changed.
    Scanned {
        /// The bans.
        bans: Vec<Ban>,
        /// Keys that mean nobody.
        unreadable: usize,
    },
    /// What stands now under some keys.
    Changed {
        /// The keys, each with its ban if there is one.
        keys: Vec<(Box<str>, Option<Ban>)>,
        /// Keys that mean nobody.
        unreadable: usize,
    },
    /// These were written.
    Written(Vec<Write>),
    /// How busy the others are.
    Others(Others),
    /// Redis is away. It is said once, with the reason.
    Away(String),
}

/// The way to the task. It ends when the news are heard no more.
#[derive(Debug)]
pub struct Link {
    /// What it is to write.
    pub writes: mpsc::Sender<Write>,
    /// What it tells.
    pub news: mpsc::Receiver<News>,
    /// What it tells other nodes of this one.
    pub mine: watch::Sender<NodeStats>,
}

impl Link {
    /// Starts the task within the present runtime. The addresses, at least one, are tried in their
    /// order; `node` is a name that this data dir alone has, and always.
    pub fn start(addresses: Vec<String>, node: String) -> Self {
        let (send_write, writes) = mpsc::channel(WRITES);
        let (send_news, news) = mpsc::channel(NEWS);
        let (send_mine, mine) = watch::channel(NodeStats::default());
        let task = Task { addresses, node, writes, news: send_news, mine, told: 0 };
        tokio::spawn(task.run());
        Self { writes: send_write, news, mine: send_mine }
    }
}

struct Task {
    addresses: Vec<String>,
    node: String,
    writes: mpsc::Receiver<Write>,
    news: mpsc::Sender<News>,
    mine: watch::Receiver<NodeStats>,
    /// Of our matches, how many Redis has counted.
    told: u64,
}

/// Why a connection is over.
enum Over {
    /// It failed.
    Failed(redis::RedisError),
    /// Nobody hears the news any more.
    Unheard,
}

impl From<redis::RedisError> for Over {
    fn from(error: redis::RedisError) -> Self {
        Self::Failed(error)
    }
}

impl Task {
    async fn run(mut self) {
        let (mut next, mut wait, mut is_away) = (0, RETRY.0, false);
        loop {
            let address = self.addresses[next % self.addresses.len()].clone();
            let mut was_there = false;
            match self.connect(&address, &mut was_there).await {
                Over::Unheard => return,
                Over::Failed(error) => {
                    if was_there {
                        (wait, is_away) = (RETRY.0, false);
                    } else {
                        next += 1;
                    }
                    // An error of the client names no address; one of the server is its own word.
                    if !is_away && self.tell(News::Away(error.to_string())).await.is_err() {
                        return;
                    }
                    is_away = true;
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(RETRY.1);
        }
    }

    /// One connection, to its end.
    async fn connect(&mut self, address: &str, was_there: &mut bool) -> Over {
        match self.talk(address, was_there).await {
            Ok(never) => match never {},
            Err(over) => over,
        }
    }

    async fn talk(
        &mut self,
        address: &str,
        was_there: &mut bool,
    ) -> Result<std::convert::Infallible, Over> {
        let (mut connection, mut pushes) = Connection::open(address).await?;
        self.scan(&mut connection).await?;
        *was_there = true;
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                push = pushes.next() => match push {
                    Some(Push::Keys(keys)) => {
                        let (keys, unreadable) = connection.read(keys).await?;
                        if pushes.is_everything() {
                            self.scan(&mut connection).await?;
                        } else {
                            self.tell(News::Changed { keys, unreadable }).await?;
                        }
                    }
                    Some(Push::Everything) => self.scan(&mut connection).await?,
                    None => return Err(connection::gone().into()),
                },
                write = self.writes.recv() => {
                    let Some(write) = write else { return Err(Over::Unheard) };
                    let mut writes = vec![write];
                    while writes.len() < WRITES_AT_ONCE {
                        let Ok(write) = self.writes.try_recv() else { break };
                        writes.push(write);
                    }
                    connection.write(&writes).await?;
                    self.tell(News::Written(writes)).await?;
                }
                _ = tick.tick() => {
                    let mine = *self.mine.borrow();
                    let more = mine.total_matches.saturating_sub(self.told);
                    let others = connection.exchange(&self.node, mine, more).await?;
                    self.told = mine.total_matches;
                    self.tell(News::Others(others)).await?;
                }
            }
        }
    }

    /// Tells of all that stands there.
    async fn scan(&self, connection: &mut Connection) -> Result<(), Over> {
        let (bans, unreadable) = connection.scan().await?;
        self.tell(News::Scanned { bans, unreadable }).await
    }

    async fn tell(&self, news: News) -> Result<(), Over> {
        self.news.send(news).await.map_err(|_| Over::Unheard)
    }
}
