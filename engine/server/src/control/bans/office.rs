//! Where bans are decided upon, one thing at a time.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};
use whisper_store::audit::Entry;
use whisper_store::bans::{
    Ban, BanSet, Book, Identity, Keys, Ledger, Loss, Standing, Subject, Written,
};
use whisper_store::shared::{Link, News, Write};
use whisper_store::sqlite::{Sqlite, SqliteError};
use whisper_store::stats::{NodeStats, Others};

use super::{ASKS, Ask, Bans, Decision, Listed, Numbers, Terms, Whom};
use crate::control::Lines;
use crate::worker::Command;

/// When workers are given a picture again whose mailboxes were full.
const RETRY: Duration = Duration::from_millis(20);

/// What is done with one picture, at most.
const ASKS_AT_ONCE: usize = 256;

/// Who decides what is found in Redis: an operator, or another node.
const BY_REDIS: &str = "redis";

/// Changes that may wait for the file; past that the oldest are given up.
const UNSAVED_MAX: usize = 20_000;

/// The way to Redis, and whether it answers.
struct Redis {
    link: Link,
    is_up: bool,
    /// What was written last and not confirmed is not written again until it is.
    busy: bool,
}

/// The office behind the door.
pub(crate) struct Office {
    asks: mpsc::Receiver<Ask>,
    ledger: Ledger,
    book: Book,
    keys: Keys,
    numbers: Numbers,
    /// What the file has yet to take.
    unsaved: Written,
    /// Who waits until the file has it.
    waiting: Vec<(oneshot::Sender<Vec<String>>, Vec<String>)>,
    /// The store that nodes share, if there is one.
    redis: Option<Redis>,
    /// Workers have yet to be given a picture.
    unseen: bool,
    /// Somebody's session is to be looked for by name.
    users: bool,
}

impl Office {
    /// Opens the office with the bans of the file.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub(crate) async fn open(
        file: Sqlite,
        keys: Keys,
        redis: Option<Link>,
    ) -> Result<(Bans, Self), SqliteError> {
        let book = Book::new(file);
        let mut ledger = Ledger::default();
        book.prune(now_ms()).await?;
        for (ban, standing) in book.load(now_ms()).await? {
            ledger.put(ban, standing);
        }
        let (send, asks) = mpsc::channel(ASKS);
        let bans = Bans { asks: send, keys: keys.clone() };
        let office = Self {
            asks,
            ledger,
            book,
            keys,
            numbers: Numbers::default(),
            unsaved: Written::default(),
            waiting: Vec::new(),
            redis: redis.map(|link| Redis { link, is_up: false, busy: false }),
            unseen: false,
            users: false,
        };
        if office.redis.is_some() {
            office.numbers.want_redis();
        }
        office.count();
        Ok((bans, office))
    }

    /// The bans in force now.
    pub(crate) fn picture(&self) -> Arc<BanSet> {
        Arc::new(self.ledger.picture())
    }

    /// Where to say what this node does, where others want to know.
    pub(crate) fn mine(&self) -> Option<watch::Sender<NodeStats>> {
        self.redis.as_ref().map(|redis| redis.link.mine.clone())
    }

    /// How many they are, kept up to date.
    pub(crate) fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// Works until nobody can come to the door any more.
    pub(crate) async fn run(mut self, lines: Lines) {
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ask = self.asks.recv() => {
                    let Some(ask) = ask else { return };
                    self.hear(ask);
                    for _ in 1..ASKS_AT_ONCE {
                        let Ok(ask) = self.asks.try_recv() else { break };
                        self.hear(ask);
                    }
                }
                news = hear(&mut self.redis) => self.heard(news, &lines),
                _ = tick.tick() => self.expire(),
            }
            self.show(&lines);
            self.share();
            self.save().await;
            self.count();
            if self.unseen {
                sleep(RETRY).await;
                self.show(&lines);
            }
        }
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Impose { whom, terms, by, answer } => {
                let appeals = self.impose(whom, &terms, &by);
                self.waiting.extend(answer.map(|answer| (answer, appeals)));
            }
            Ask::Caught { key, who } => self.caught(&key, who),
            Ask::Lift { name, by, why, answer } => {
                let _ = answer.send(self.lift(&name, &by, &why));
            }
            Ask::List { most, answer } => {
                let _ = answer.send(self.list(most));
            }
            Ask::Decide { decision, by, answer } => {
                let _ = answer.send(self.decide(decision, &by));
            }
        }
    }

    fn impose(&mut self, whom: Whom, terms: &Terms, by: &str) -> Vec<String> {
        let Terms { reason, code, until, why } = terms;
        let bans = match whom {
            Whom::Person(who) => who.bans(reason, code, *until),
            Whom::Subject(subject) => vec![Ban::new(subject, reason, code, *until)],
        };
        let appeals = bans.iter().map(|ban| self.keys.appeal_id(&ban.key)).collect();
        for ban in bans {
            self.put(ban, (by, why));
        }
        appeals
    }

    /// A session that was banned by its name is banned by what it is known by, for as long.
    fn caught(&mut self, key: &str, who: Identity) {
        let Some((ban, _)) = self.ledger.get(key) else { return };
        let bans = who.bans(&ban.reason, &ban.code, ban.until);
        for ban in bans {
            // A longer one that is there already stays.
            let end = |ban: &Ban| ban.until.unwrap_or(u64::MAX);
            if self.ledger.get(&ban.key).is_none_or(|(known, _)| end(known) < end(&ban)) {
                let why = format!("as {}", self.keys.appeal_id(key));
                self.put(ban, ("engine: a banned user", &why));
            }
        }
    }

    fn put(&mut self, ban: Ban, (by, why): (&str, &str)) {
        let standing = match self.redis {
            Some(_) => Standing::Unwritten,
            None => Standing::Stored,
        };
        if let Some(ban) = self.ledger.put(ban, standing) {
            self.changed(ban, by, why);
        }
    }

    /// A ban is new in the ledger, or says something else.
    fn changed(&mut self, ban: Arc<Ban>, by: &str, why: &str) {
        let standing = self.ledger.get(&ban.key).map_or(Standing::Stored, |(_, standing)| standing);
        self.write_down("ban", &ban, by, why);
        self.users |= ban.subject.kind() == "users";
        self.unseen = true;
        self.unsaved.bans.push((ban, standing));
    }

    /// Redis has a ban that wasn't known, or says something else.
    fn found(&mut self, ban: Arc<Ban>) {
        let why = ban.reason.clone();
        self.changed(ban, BY_REDIS, &why);
    }

    fn lift(&mut self, name: &str, by: &str, why: &str) -> usize {
        // Several keys may mean the same subject.
        let subject = Subject::from_key(name).ok();
        let is_meant = |ban: &Ban| match &subject {
            Some(subject) => ban.subject == *subject,
            None => self.keys.appeal_id(&ban.key) == name,
        };
        let meant = self.ledger.iter().filter(|(ban, _)| is_meant(ban));
        let keys: Vec<Box<str>> = meant.map(|(ban, _)| ban.key.clone()).collect();
        for key in &keys {
            if let Some(ban) = self.ledger.lift(key, self.redis.is_some()) {
                self.lifted(&ban, by, why);
            }
        }
        keys.len()
    }

    fn lifted(&mut self, ban: &Ban, by: &str, why: &str) {
        self.write_down("unban", ban, by, why);
        self.unseen = true;
        self.unsaved.gone.push(ban.key.clone());
    }

    fn list(&self, most: usize) -> Vec<Listed> {
        let mut bans: Vec<_> = self.ledger.iter().collect();
        bans.sort_by_key(|(ban, _)| (ban.until.unwrap_or(u64::MAX), ban.key.clone()));
        let listed = |(ban, standing): (&Arc<Ban>, _)| {
            let appeal = self.keys.appeal_id(&ban.key);
            Listed { ban: Ban::clone(ban), appeal, standing }
        };
        bans.into_iter().take(most).map(listed).collect()
    }

    fn decide(&mut self, decision: Decision, by: &str) -> usize {
        match decision {
            Decision::Restore => self.ledger.restore(),
            Decision::Release => {
                let released = self.ledger.release();
                released.iter().for_each(|ban| self.lifted(ban, by, "gone from Redis"));
                released.len()
            }
        }
    }

    /// Takes out what has ended by itself. Workers have seen that on their own.
    fn expire(&mut self) {
        let over = self.ledger.expire(now_ms());
        self.unseen |= !over.is_empty();
        self.unsaved.gone.extend(over.iter().map(|ban| ban.key.clone()));
    }

    /// Takes what Redis says.
    fn heard(&mut self, news: News, lines: &Lines) {
        if !matches!(news, News::Away(_)) {
            self.numbers.heard_redis();
        }
        match news {
            News::Scanned { bans, unreadable } => {
                tracing::info!(bans = bans.len(), unreadable, "all bans were read from Redis");
                self.redis_is(true);
                self.numbers.unreadable(unreadable);
                let scan = self.ledger.scanned(now_ms(), bans);
                scan.changed.into_iter().for_each(|ban| self.found(ban));
                scan.lifted.iter().for_each(|ban| self.lifted(ban, BY_REDIS, "gone"));
                self.alarm(scan.withheld);
            }
            News::Changed { keys, unreadable } => {
                self.numbers.unreadable(unreadable);
                let mut withheld = 0;
                for (key, ban) in keys {
                    if let Some(ban) = ban {
                        if let Some(ban) = self.ledger.put_stored(ban) {
                            self.found(ban);
                        }
                        continue;
                    }
                    match self.ledger.lost(now_ms(), &key) {
                        Loss::Nothing => {}
                        Loss::Lifted(ban) => self.lifted(&ban, BY_REDIS, "deleted"),
                        Loss::Withheld => withheld += 1,
                    }
                }
                self.alarm(withheld);
            }
            News::Written(writes) => {
                for write in writes {
                    match write {
                        Write::Put(ban) => {
                            self.ledger.written(&ban);
                            self.unsaved.bans.push((ban, Standing::Stored));
                        }
                        Write::Delete(key) => self.ledger.deleted(&key),
                    }
                }
                if let Some(redis) = &mut self.redis {
                    redis.busy = false;
                }
            }
            News::Others(others) => {
                // The next is a second away.
                let _ = lines.tell(&Command::Others { others, stale: false });
            }
            News::Away(why) => {
                tracing::error!(%why, "Redis is away: bans are enforced from memory");
                self.redis_is(false);
                let _ = lines.tell(&Command::Others { others: Others::default(), stale: true });
            }
        }
    }

    fn redis_is(&mut self, up: bool) {
        self.numbers.set_redis(up);
        if let Some(redis) = &mut self.redis {
            (redis.is_up, redis.busy) = (up, false);
        }
    }

    /// Has Redis written what it hasn't, some at a time.
    fn share(&mut self) {
        let Some(Redis { link, is_up: true, busy }) = &mut self.redis else { return };
        if *busy || self.ledger.unwritten() == 0 {
            return;
        }
        let (bans, ended) = self.ledger.to_write();
        let ended = ended.into_iter().map(Write::Delete);
        for write in ended.chain(bans.into_iter().map(Write::Put)) {
            if link.writes.try_send(write).is_err() {
                break;
            }
            *busy = true;
        }
    }

    /// Much is gone from Redis at once.
    fn alarm(&mut self, withheld: usize) {
        if withheld > 0 {
            tracing::error!(
                withheld,
                "many bans are suddenly gone from Redis and stay in force, until an operator \
                 decides on them: POST /admin/bans/withheld, restore or release"
            );
        }
    }

    fn write_down(&mut self, what: &str, ban: &Ban, by: &str, why: &str) {
        let (who, what, why) = (by.to_owned(), what.to_owned(), why.to_owned());
        let subject = self.keys.appeal_id(&ban.key);
        tracing::info!(%subject, kind = ban.subject.kind(), code = %ban.code, by, "{what}");
        self.unsaved.audit.push(Entry { at_ms: now_ms(), who, what, subject, why });
    }

    /// Gives workers the picture, if it is new.
    fn show(&mut self, lines: &Lines) {
        if self.unseen {
            let command = Command::Bans { set: self.picture(), users: self.users };
            // Who hasn't room for it is given a newer one in a moment.
            self.unseen = !lines.tell(&command);
            self.users &= self.unseen;
        }
    }

    /// Writes down what isn't. What the file doesn't take is tried again with the next.
    async fn save(&mut self) {
        if !self.unsaved.is_empty() {
            match self.book.write(self.unsaved.clone()).await {
                Ok(()) => self.unsaved = Written::default(),
                Err(error) => {
                    tracing::error!(%error, "bans are in force, and not written down");
                    let Written { bans, gone, audit } = &mut self.unsaved;
                    bans.drain(..bans.len().saturating_sub(UNSAVED_MAX));
                    gone.drain(..gone.len().saturating_sub(UNSAVED_MAX));
                    audit.drain(..audit.len().saturating_sub(UNSAVED_MAX));
                }
            }
        }
        for (answer, appeals) in self.waiting.drain(..) {
            let _ = answer.send(appeals);
        }
    }

    fn count(&self) {
        for (kind, bans) in self.ledger.by_kind() {
            self.numbers.set_kind(kind, bans);
        }
        let (withheld, unwritten) = (self.ledger.withheld(), self.ledger.unwritten());
        self.numbers.set_standing(withheld, unwritten, self.unsaved.len());
    }
}

/// The next that Redis says; nothing ever, where there is none.
async fn hear(redis: &mut Option<Redis>) -> News {
    let news = match redis {
        Some(redis) => redis.link.news.recv().await,
        None => None,
    };
    match news {
        Some(news) => news,
        None => pending().await,
    }
}

/// Now, in Unix milliseconds, as other nodes count them.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
