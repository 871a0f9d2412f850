//! Where bans are decided upon, one thing at a time.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};
use whisper_store::audit::Entry;
use whisper_store::bans::{
    AppealId, Ban, BanSet, Book, Identity, Keys, Ledger, Loss, Standing, Subject, Written,
};
use whisper_store::shared::{Link, News, Write};
use whisper_store::sqlite::{Sqlite, SqliteError};
use whisper_store::stats::{NodeStats, Others};

use super::{ASKS, Answer, Ask, Bans, Decision, Listed, Numbers, Terms, Whom};
use crate::control::Lines;
use crate::worker::Command;

/// When workers are given a picture again whose mailboxes were full.
const RETRY: Duration = Duration::from_millis(20);

/// What is done with one picture, at most.
const ASKS_AT_ONCE: usize = 256;

/// Who decides what is found in Redis: an operator, or another node.
const BY_REDIS: &str = "redis";

/// Why an operator had to decide on bans that were withheld.
const GONE_FROM_REDIS: &str = "gone from Redis";

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
    waiting: Vec<(Answer, Option<AppealId>)>,
    /// The store that nodes share, if there is one.
    redis: Option<Redis>,
    /// Workers have yet to be given a picture.
    unseen: bool,
    /// Somebody's session is to be looked for by name.
    users: bool,
    /// See [`Office::succeeds`].
    succeeds: bool,
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
            succeeds: false,
        };
        if office.redis.is_some() {
            office.numbers.want_redis();
        }
        office.count();
        Ok((bans, office))
    }

    /// Another process writes to the file until this one works: it is read once more then.
    pub(crate) fn succeeds(&mut self) {
        self.succeeds = true;
    }

    async fn read_again(&mut self) -> Result<(), SqliteError> {
        let kept = self.book.load(now_ms()).await?;
        self.ledger = Ledger::default();
        for (ban, standing) in kept {
            self.ledger.put(ban, standing);
        }
        (self.unseen, self.users) = (true, true);
        Ok(())
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
        if self.succeeds
            && let Err(error) = self.read_again().await
        {
            tracing::error!(%error, "bans of the last moments aren't known");
        }
        self.show(&lines);
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
            self.answer();
            if self.unseen {
                sleep(RETRY).await;
                self.show(&lines);
            }
        }
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Impose { whom, terms, by, answer } => {
                let appeal = self.impose(whom, &terms, &by);
                self.waiting.extend(answer.map(|answer| (answer, appeal)));
            }
            Ask::Caught { key, who } => self.caught(&key, who),
            Ask::Lift { name, by, why, answer } => {
                let _ = answer.send(self.lift(&name, &by, &why));
            }
            Ask::List { most, answer } => {
                let _ = answer.send(self.list(most));
            }
            Ask::Rest { answer } => self.waiting.push((answer, None)),
            Ask::Decide { decision, by, answer } => {
                let _ = answer.send(self.decide(decision, &by));
            }
        }
    }

    fn impose(&mut self, whom: Whom, terms: &Terms, by: &str) -> Option<AppealId> {
        let Terms { reason, code, until, why } = terms;
        let mut bans = match &whom {
            Whom::Person(who) => who.bans(reason, code, *until),
            Whom::Subject(subject) => vec![Ban::new(subject.clone(), reason, code, *until)],
        };
        let appeal = self.keys.unite(&mut bans);
        if let Whom::Person(_) = whom {
            bans.retain(|ban| !self.has_longer(ban));
        }
        self.put_all(bans, by, why);
        appeal
    }

    /// A session that was banned by its name is banned by what it is known by: it is the same ban.
    fn caught(&mut self, key: &str, who: Identity) {
        let Some((ban, _)) = self.ledger.get(key) else { return };
        let appeal = self.keys.appeal_of(ban);
        let mut bans = who.bans(&ban.reason, &ban.code, ban.until);
        bans.retain(|ban| !self.has_longer(ban));
        bans.iter_mut().for_each(|ban| ban.appeal = Some(appeal));
        self.put_all(bans, "engine: a banned user", "what they are known by");
    }

    /// Whether there is a ban under the same key that lasts longer: what somebody is known by may be
    /// others' too, and their ban stays.
    fn has_longer(&self, ban: &Ban) -> bool {
        let end = |ban: &Ban| ban.until.unwrap_or(u64::MAX);
        self.ledger.get(&ban.key).is_some_and(|(known, _)| end(known) > end(ban))
    }

    /// Puts the bans of one decision in force: one row of the audit, whatever they are on.
    fn put_all(&mut self, bans: Vec<Ban>, by: &str, why: &str) {
        let standing = match self.redis {
            Some(_) => Standing::Unwritten,
            None => Standing::Stored,
        };
        let changed = bans.into_iter().filter_map(|ban| self.ledger.put(ban, standing));
        let changed: Vec<_> = changed.collect();
        self.write_down("ban", changed.iter().map(|ban| &**ban), by, why);
        changed.into_iter().for_each(|ban| self.changed(ban));
    }

    /// A ban is new in the ledger, or says something else.
    fn changed(&mut self, ban: Arc<Ban>) {
        let standing = self.ledger.get(&ban.key).map_or(Standing::Stored, |(_, standing)| standing);
        self.users |= ban.subject.kind() == "users";
        self.unseen = true;
        self.unsaved.bans.push((ban, standing));
    }

    /// Redis has bans that weren't known, or say something else.
    fn found(&mut self, bans: Vec<Arc<Ban>>) {
        for ban in bans {
            self.write_down("ban", [&*ban], BY_REDIS, &ban.reason);
            self.changed(ban);
        }
    }

    fn lift(&mut self, name: &str, by: &str, why: &str) -> usize {
        // Several keys may mean the same subject.
        let subject = Subject::from_key(name).ok();
        let appeal = AppealId::read(name);
        let is_meant = |ban: &Ban| match &subject {
            Some(subject) => ban.subject == *subject,
            None => Some(self.keys.appeal_of(ban)) == appeal,
        };
        let meant = self.ledger.iter().filter(|(ban, _)| is_meant(ban));
        let keys: Vec<Box<str>> = meant.map(|(ban, _)| ban.key.clone()).collect();
        let shared = self.redis.is_some();
        let bans: Vec<_> = keys.iter().filter_map(|key| self.ledger.lift(key, shared)).collect();
        self.lifted(&bans, by, why);
        bans.len()
    }

    fn lifted(&mut self, bans: &[Arc<Ban>], by: &str, why: &str) {
        self.write_down("unban", bans.iter().map(|ban| &**ban), by, why);
        self.unseen |= !bans.is_empty();
        self.unsaved.gone.extend(bans.iter().map(|ban| ban.key.clone()));
    }

    fn list(&self, most: usize) -> Vec<Listed> {
        let mut bans: Vec<_> = self.ledger.iter().collect();
        bans.sort_by_key(|(ban, _)| (ban.until.unwrap_or(u64::MAX), ban.key.clone()));
        let listed = |(ban, standing): (&Arc<Ban>, _)| {
            let appeal = self.keys.appeal_of(ban);
            Listed { ban: Ban::clone(ban), appeal, standing }
        };
        bans.into_iter().take(most).map(listed).collect()
    }

    fn decide(&mut self, decision: Decision, by: &str) -> usize {
        match decision {
            Decision::Restore => {
                let restored = self.ledger.restore();
                let bans = restored.iter().map(|ban| &**ban);
                self.write_down("restore", bans, by, GONE_FROM_REDIS);
                restored.len()
            }
            Decision::Release => {
                let released = self.ledger.release();
                self.lifted(&released, by, GONE_FROM_REDIS);
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
                self.found(scan.changed);
                self.lifted(&scan.lifted, BY_REDIS, "gone");
                self.alarm(scan.withheld);
            }
            News::Changed { keys, unreadable } => {
                self.numbers.unreadable(unreadable);
                let (mut found, mut lifted, mut withheld) = (Vec::new(), Vec::new(), 0);
                for (key, ban) in keys {
                    if let Some(ban) = ban {
                        found.extend(self.ledger.put_stored(ban));
                        continue;
                    }
                    match self.ledger.lost(now_ms(), &key) {
                        Loss::Nothing => {}
                        Loss::Lifted(ban) => lifted.push(ban),
                        Loss::Withheld => withheld += 1,
                    }
                }
                self.found(found);
                self.lifted(&lifted, BY_REDIS, "deleted");
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

    /// A row of the audit for each decision on these bans: what was decided with one is known by its id.
    fn write_down<'a>(
        &mut self,
        what: &str,
        bans: impl IntoIterator<Item = &'a Ban>,
        by: &str,
        why: &str,
    ) {
        let mut before = HashSet::new();
        for ban in bans {
            let appeal = self.keys.appeal_of(ban);
            tracing::info!(%appeal, kind = ban.subject.kind(), code = %ban.code, by, "{what}");
            if before.insert(appeal) {
                let (who, what, why) = (by.to_owned(), what.to_owned(), why.to_owned());
                let subject = appeal.to_string();
                self.unsaved.audit.push(Entry { at_ms: now_ms(), who, what, subject, why });
            }
        }
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
    }

    /// Answers who waited until it is written down, and counted.
    fn answer(&mut self) {
        for (answer, appeal) in self.waiting.drain(..) {
            let _ = answer.send(appeal);
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
