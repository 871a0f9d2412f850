//! The bans of this process: decided in memory, without waiting for any store.
//!
//! Where there is a store that others write to as well, it says what there is by scans and by single
//! changes. It is believed, but not when much is suddenly gone: somebody may have emptied it, or put
//! an empty one in its place. What is missing then is withheld: it stays in force until an operator
//! decides.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::{BANS_MAX, Ban, BanSet};

/// So many bans must be gone before that can be much.
const MANY: usize = 10;

/// Within this time, in milliseconds.
const SUDDENLY_MS: u64 = 10_000;

/// Bans and their ends that wait to be written; past that the store misses some.
const UNWRITTEN_MAX: usize = 10_000;

/// How a ban stands with the store that is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is there; or there is no such store.
    Stored,
    /// It has yet to be written there.
    Unwritten,
    /// It was there, and is gone with many others.
    Withheld,
}

/// What a scan of the store has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// New, or not as before.
    pub changed: Vec<Arc<Ban>>,
    /// No longer there, and so no longer in force.
    pub lifted: Vec<Arc<Ban>>,
    /// No longer there, and in force nevertheless.
    pub withheld: usize,
}

/// What it means that a ban is gone from the store.
#[derive(Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: it wasn't known, has ended by itself, or hasn't been written yet.
    Nothing,
    /// Somebody has lifted it.
    Lifted(Arc<Ban>),
    /// Too many were lost in a short time: it stays in force.
    Withheld,
}

/// All bans, and how each stands with the store.
#[derive(Debug, Default)]
pub struct Ledger {
    bans: HashMap<Box<str>, (Arc<Ban>, Standing)>,
    set: BanSet,
    by_end: BTreeSet<(u64, Box<str>)>,
    /// Ended by us, and perhaps still in the store.
    ended: BTreeSet<Box<str>>,
    unwritten: usize,
    withheld: usize,
    /// When bans were lost lately.
    losses: VecDeque<u64>,
    by_kind: BTreeMap<&'static str, usize>,
}

impl Ledger {
    /// The bans, for looking newcomers up.
    pub fn picture(&self) -> BanSet {
        self.set.clone()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bans.is_empty()
    }

    /// How many there are of each kind that there ever was.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.by_kind.iter().map(|(kind, bans)| (*kind, *bans))
    }

    /// How many are withheld.
    pub fn withheld(&self) -> usize {
        self.withheld
    }

    /// How many bans and ends of bans wait to be written.
    pub fn unwritten(&self) -> usize {
        self.unwritten + self.ended.len()
    }

    /// The ban under a key.
    pub fn get(&self, key: &str) -> Option<(&Arc<Ban>, Standing)> {
        self.bans.get(key).map(|(ban, standing)| (ban, *standing))
    }

    /// Every ban, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Ban>, Standing)> {
        self.bans.values().map(|(ban, standing)| (ban, *standing))
    }

    /// Puts a ban in force, in the place of what its key said before. None where nothing changes by
    /// it, or there are [`BANS_MAX`].
    pub fn put(&mut self, ban: Ban, standing: Standing) -> Option<Arc<Ban>> {
        let room = self.unwritten() < UNWRITTEN_MAX;
        let standing = match standing {
            Standing::Unwritten if !room => Standing::Withheld,
            standing => standing,
        };
        self.ended.remove(&ban.key);
        if let Some((known, stood)) = self.bans.get(&ban.key)
            && known.is_like(&ban)
        {
            if *stood != standing {
                let known = Arc::clone(known);
                self.insert(known, standing);
            }
            return None;
        }
        if self.bans.len() >= BANS_MAX && !self.bans.contains_key(&ban.key) {
            return None;
        }
        let ban = Arc::new(ban);
        self.insert(Arc::clone(&ban), standing);
        Some(ban)
    }

    /// Ends a ban; what was in force. Where it stands in a store, that has to be told: see
    /// [`Ledger::to_write`].
    pub fn lift(&mut self, key: &str, shared: bool) -> Option<Arc<Ban>> {
        let (ban, _) = self.remove(key)?;
        if shared && self.ended.len() < UNWRITTEN_MAX {
            self.ended.insert(ban.key.clone());
        }
        Some(ban)
    }

    /// Takes out what has ended by itself.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Arc<Ban>> {
        let mut over = Vec::new();
        while let Some((until, key)) = self.by_end.first()
            && *until <= now_ms
        {
            let key = key.clone();
            over.extend(self.remove(&key).map(|(ban, _)| ban));
        }
        over
    }

    /// When the next one ends, in Unix milliseconds.
    pub fn next_end(&self) -> Option<u64> {
        self.by_end.first().map(|(until, _)| *until)
    }

    /// All that stands in the store.
    pub fn scanned(&mut self, now_ms: u64, bans: Vec<Ban>) -> Scan {
        self.expire(now_ms);
        let mut scan = Scan::default();
        let stood = self.iter().filter(|(_, standing)| *standing == Standing::Stored).count();
        let mut missing: BTreeSet<Box<str>> = self
            .iter()
            .filter(|(_, standing)| *standing != Standing::Unwritten)
            .map(|(ban, _)| ban.key.clone())
            .collect();
        let empty = bans.is_empty();
        for ban in bans {
            missing.remove(&ban.key);
            if !self.ended.contains(&ban.key) {
                scan.changed.extend(self.put_stored(ban));
            }
        }
        let gone = missing.iter().filter(|key| self.stands(key)).count();
        let much = empty || gone >= MANY && gone * 2 > stood;
        for key in missing.into_iter().filter(|_| gone > 0) {
            if !self.stands(&key) {
                continue;
            }
            if much {
                self.withhold(&key);
            } else {
                scan.lifted.extend(self.remove(&key).map(|(ban, _)| ban));
            }
        }
        scan.withheld = if much { gone } else { 0 };
        scan
    }

    /// Something stands under a key of the store, since just now.
    pub fn put_stored(&mut self, ban: Ban) -> Option<Arc<Ban>> {
        // What waits to be written here is newer than what is read there.
        match self.bans.get(&ban.key) {
            Some((known, Standing::Unwritten)) if !known.is_like(&ban) => None,
            _ => self.put(ban, Standing::Stored),
        }
    }

    /// Nothing stands under a key of the store any more.
    pub fn lost(&mut self, now_ms: u64, key: &str) -> Loss {
        self.ended.remove(key);
        if !self.stands(key) {
            return Loss::Nothing;
        }
        let ban = Arc::clone(&self.bans[key].0);
        // It ends there when it does here, give or take.
        if ban.until.is_some_and(|until| until <= now_ms + 2_000) {
            return Loss::Nothing;
        }
        while self.losses.pop_front_if(|at| *at + SUDDENLY_MS < now_ms).is_some() {}
        if self.losses.len() < BANS_MAX {
            self.losses.push_back(now_ms);
        }
        let lost = self.losses.len();
        if lost >= MANY && lost > self.bans.len() - self.withheld {
            self.withhold(key);
            return Loss::Withheld;
        }
        self.remove(key);
        Loss::Lifted(ban)
    }

    /// What is to be written: bans, and keys to be deleted.
    pub fn to_write(&self) -> (Vec<Arc<Ban>>, Vec<Box<str>>) {
        let unwritten = self.iter().filter(|(_, standing)| *standing == Standing::Unwritten);
        let bans = unwritten.map(|(ban, _)| Arc::clone(ban)).collect();
        (bans, self.ended.iter().cloned().collect())
    }

    /// A ban was written as it stands here.
    pub fn written(&mut self, ban: &Arc<Ban>) {
        if let Some((known, Standing::Unwritten)) = self.bans.get(&ban.key)
            && Arc::ptr_eq(known, ban)
        {
            self.insert(Arc::clone(ban), Standing::Stored);
        }
    }

    /// A key was deleted.
    pub fn deleted(&mut self, key: &str) {
        self.ended.remove(key);
    }

    /// The operator's decision on what is withheld: it shall stand in the store again.
    pub fn restore(&mut self) -> Vec<Arc<Ban>> {
        let bans = self.withheld_keys().into_iter().map(|key| Arc::clone(&self.bans[&key].0));
        let bans: Vec<_> = bans.collect();
        bans.iter().for_each(|ban| self.insert(Arc::clone(ban), Standing::Unwritten));
        bans
    }

    /// The other decision: it was meant to go.
    pub fn release(&mut self) -> Vec<Arc<Ban>> {
        let keys = self.withheld_keys();
        keys.iter().filter_map(|key| self.remove(key)).map(|(ban, _)| ban).collect()
    }

    fn withheld_keys(&self) -> Vec<Box<str>> {
        let withheld = self.iter().filter(|(_, standing)| *standing == Standing::Withheld);
        withheld.map(|(ban, _)| ban.key.clone()).collect()
    }

    /// Whether it is known, and known to the store.
    fn stands(&self, key: &str) -> bool {
        matches!(self.bans.get(key), Some((_, Standing::Stored)))
    }

    fn withhold(&mut self, key: &str) {
        if let Some((ban, _)) = self.bans.get(key) {
            let ban = Arc::clone(ban);
            self.insert(ban, Standing::Withheld);
        }
    }

    fn insert(&mut self, ban: Arc<Ban>, standing: Standing) {
        self.remove(&ban.key);
        self.count(standing, 1);
        if let Some(until) = ban.until {
            self.by_end.insert((until, ban.key.clone()));
        }
        *self.by_kind.entry(ban.subject.kind()).or_default() += 1;
        self.set.insert(Arc::clone(&ban));
        self.bans.insert(ban.key.clone(), (ban, standing));
    }

    fn remove(&mut self, key: &str) -> Option<(Arc<Ban>, Standing)> {
        let (ban, standing) = self.bans.remove(key)?;
        self.count(standing, -1);
        if let Some(until) = ban.until {
            self.by_end.remove(&(until, ban.key.clone()));
        }
        self.by_kind.entry(ban.subject.kind()).and_modify(|bans| *bans -= 1);
        self.set.remove(&ban);
        Some((ban, standing))
    }

    fn count(&mut self, standing: Standing, by: isize) {
        match standing {
            Standing::Stored => {}
            Standing::Unwritten => self.unwritten = self.unwritten.saturating_add_signed(by),
            Standing::Withheld => self.withheld = self.withheld.saturating_add_signed(by),
        }
    }
}
