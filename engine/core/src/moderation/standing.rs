//! What is held against people for a day, beyond the connection in which it was earned.

use std::collections::VecDeque;

use whisper_shard_router::KeyHash;

use super::{Action, Ladder, Record, Severity};
use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::seeded_map::SeededMap;

/// Names that one shard remembers a record under. Past that the oldest is forgotten.
const NAMES_MAX: usize = 1 << 16;

/// A person's record of today. A new day has a clean one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since the Unix epoch; enough until 2149.
    day: u16,
    record: Record,
}

fields! { struct Standing { day, record } }

impl Standing {
    /// What is held against them on this day.
    pub fn on(self, day: u16) -> Record {
        if self.day == day { self.record } else { Record::default() }
    }

    /// Takes note of a fault, and says what is to be done.
    pub fn fault(&mut self, day: u16, severity: Severity, ladder: Ladder) -> Action {
        let mut record = self.on(day);
        let action = record.fault(severity, ladder);
        *self = Self { day, record };
        action
    }

    /// Takes note of what else is known to be held against them.
    pub fn learn(&mut self, day: u16, record: Record) {
        *self = Self { day, record: self.on(day).joined(record) };
    }
}

/// Records of one day, under names that people are known by: the hashes that one shard owns.
#[derive(Clone, Debug)]
pub struct Standings {
    day: u16,
    records: SeededMap<KeyHash, Record>,
    /// The oldest first.
    order: VecDeque<KeyHash>,
}

impl Standings {
    /// Nothing is held against anybody. The hash table takes its order from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { day: 0, records: SeededMap::new(seed), order: VecDeque::new() }
    }

    /// What is held against whoever has this name, on a day; a new one begins with nothing.
    pub fn on(&mut self, day: u16, name: KeyHash) -> Record {
        self.begin(day);
        self.records.get(&name).copied().unwrap_or_default()
    }

    /// Takes note of a fault of whoever has this name.
    pub fn fault(&mut self, day: u16, name: KeyHash, severity: Severity, ladder: Ladder) {
        self.begin(day);
        self.insert(name, Record::default()).fault(severity, ladder);
    }

    /// Writes what is held against whom.
    pub fn bequeath(&self, w: &mut Writer<'_>) {
        self.day.put(w);
        w.number(self.order.len() as u64);
        for name in &self.order {
            name.put(w);
            self.records.get(name).copied().unwrap_or_default().put(w);
        }
    }

    /// Takes on what another shard held against those who are `mine` by their name.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn inherit(
        &mut self,
        mut r: Reader<'_>,
        mine: impl Fn(KeyHash) -> bool,
    ) -> Result<(), Damage> {
        let day = u16::get(&mut r)?;
        if day > self.day {
            self.begin(day);
        }
        for _ in 0..r.count()? {
            let (name, record) = (KeyHash::get(&mut r)?, Record::get(&mut r)?);
            if day == self.day && mine(name) {
                self.insert(name, record);
            }
        }
        r.end()
    }

    fn insert(&mut self, name: KeyHash, record: Record) -> &mut Record {
        if self.records.get(&name).is_none() {
            if self.order.len() == NAMES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.records.remove(&oldest);
            }
            self.order.push_back(name);
        }
        self.records.get_or_insert_with(name, || record)
    }

    fn begin(&mut self, day: u16) {
        if self.day != day {
            self.day = day;
            for name in self.order.drain(..) {
                self.records.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_its_day() {
        let ladder = Ladder::default();
        let mut standing = Standing::default();
        for _ in 0..3 {
            assert_eq!(standing.fault(7, Severity::Medium, ladder), Action::Warn);
        }
        let mut tomorrow = standing;
        assert_eq!(standing.fault(7, Severity::Medium, ladder), Action::Block);
        assert_eq!(tomorrow.on(8), Record::default());
        assert_eq!(tomorrow.fault(8, Severity::Medium, ladder), Action::Warn);
        tomorrow.learn(8, standing.on(7));
        assert_eq!(tomorrow.on(8), standing.on(7));
        tomorrow.learn(9, Record { warnings: 1, strikes: 1 });
        assert_eq!(tomorrow.on(9), Record { warnings: 1, strikes: 1 });
    }

    #[test]
    fn names_are_bounded_and_forgotten_with_the_day() {
        let ladder = Ladder::default();
        let mut standings = Standings::new(3);
        for name in 0..=NAMES_MAX as u64 {
            standings.fault(7, KeyHash(name), Severity::High, ladder);
        }
        let one = Record { warnings: 1, strikes: 1 };
        assert_eq!(standings.on(7, KeyHash(0)), Record::default(), "the oldest");
        assert_eq!(standings.on(7, KeyHash(1)), one);
        assert_eq!((standings.order.len(), standings.records.len()), (NAMES_MAX, NAMES_MAX));
        assert_eq!(standings.on(8, KeyHash(1)), Record::default());
        assert_eq!((standings.order.len(), standings.records.len()), (0, 0));
    }
}
