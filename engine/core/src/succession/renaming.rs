//! How people are named where their process has another number of shards than the one in which they
//! came.
//!
//! Who was at home in shard `s` of many is at home in shard `s % n` of `n`, behind those who were
//! there: a shard, and a distance by which places move. So nothing is listed for each person; and a
//! token, which has the name that somebody had then, is still theirs. No name is ever somebody
//! else's: nobody is moved to a place that another had there, whether they are gone or not, and
//! generations go on from the highest that any shard gave.

use std::sync::Arc;

use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::ids::SessionId;

/// Moves that are remembered. Past that the oldest is forgotten: whoever is still here since then has
/// another name, and no token of then.
const MOVES_MAX: usize = 1_024;

/// All moves so far, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Renaming(Arc<[Move]>);

/// The people of a shard that is no more went to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    from: u16,
    to: u16,
    /// How far places moved.
    by: u32,
    /// How many moved.
    span: u32,
    /// The generation given last at the time. A later one is of a shard that has its number again.
    until: u32,
}

fields! { struct Move { from, to, by, span, until } }

impl Renaming {
    /// The same, and what becomes of shards that have so many places each, where there are `shards`
    /// from now on. None where a place has no number.
    pub(super) fn followed(&self, spans: &[u32], shards: u16, until: u32) -> Option<Self> {
        let mut taken: Vec<u32> = spans.iter().copied().take(shards.into()).collect();
        let mut moves = self.0.to_vec();
        for (from, &span) in spans.iter().enumerate().skip(shards.into()) {
            let to = from % usize::from(shards);
            let (by, from, to) = (taken[to], from as u16, to as u16);
            taken[usize::from(to)] = by.checked_add(span)?;
            if span > 0 {
                moves.push(Move { from, to, by, span, until });
            }
        }
        let forgotten = moves.len().saturating_sub(MOVES_MAX);
        Some(Self(moves[forgotten..].into()))
    }

    /// The name that somebody has now who ever had this one.
    pub(crate) fn current(&self, session: SessionId) -> SessionId {
        self.0.iter().fold(session, |it, moved| {
            let left = it.shard == moved.from && it.slot < moved.span && moved.is_before(it);
            if !left {
                return it;
            }
            SessionId { shard: moved.to, slot: it.slot + moved.by, ..it }
        })
    }

    /// The name that somebody came with who has this one now.
    pub(crate) fn original(&self, session: SessionId) -> SessionId {
        self.0.iter().rev().fold(session, |it, moved| {
            let slot = it.slot.checked_sub(moved.by).filter(|slot| *slot < moved.span);
            match slot.filter(|_| it.shard == moved.to && moved.is_before(it)) {
                Some(slot) => SessionId { shard: moved.from, slot, ..it },
                None => it,
            }
        })
    }
}

impl Move {
    /// Whether somebody had come by then.
    fn is_before(self, session: SessionId) -> bool {
        later(self.until, session.generation) == self.until
    }
}

/// The later of two generations. They go round, and are compared as sequence numbers are (RFC 1982).
pub(super) fn later(one: u32, other: u32) -> u32 {
    if one.wrapping_sub(other) as i32 >= 0 { one } else { other }
}

impl Field for Renaming {
    fn put(&self, w: &mut Writer<'_>) {
        w.list(self.0.iter());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let moves = r.list::<Move>()?;
        // Sums of a place and a distance must be places.
        let fits = |it: &Move| it.by.checked_add(it.span).is_some();
        let good = moves.len() <= MOVES_MAX && moves.iter().all(fits);
        good.then(|| Self(moves.into())).ok_or(Damage)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Somebody by the name they came with, and the one they have.
    type Person = (SessionId, SessionId);

    #[derive(Default)]
    struct Processes {
        renaming: Renaming,
        /// By shard and place.
        people: Vec<Vec<Option<Person>>>,
        arrivals: Vec<u32>,
        /// Every name that anybody ever had, and the one they came with.
        names: BTreeMap<SessionId, SessionId>,
    }

    impl Processes {
        fn arrive(&mut self, shard: usize) {
            let shard = shard % self.people.len();
            let table = &mut self.people[shard];
            let slot = table.iter().position(Option::is_none).unwrap_or(table.len());
            if slot == table.len() {
                table.push(None);
            }
            self.arrivals[shard] += 1;
            let generation = self.arrivals[shard];
            let name = SessionId { node: 7, shard: shard as u16, slot: slot as u32, generation };
            table[slot] = Some((name, name));
            self.note(name, name);
        }

        fn note(&mut self, name: SessionId, came_as: SessionId) {
            let before = self.names.insert(name, came_as);
            assert!(before.is_none_or(|it| it == came_as), "{name:?} was somebody before");
        }

        fn leave(&mut self, shard: usize, slot: usize) {
            let shard = shard % self.people.len();
            if let Some(place) = self.people[shard].get_mut(slot) {
                *place = None;
            }
        }

        fn follow(&mut self, shards: u16) {
            let spans: Vec<_> = self.people.iter().map(|table| table.len() as u32).collect();
            let arrivals = self.arrivals.iter().copied().reduce(later).expect("a shard");
            self.renaming = self.renaming.followed(&spans, shards, arrivals).expect("few places");
            let mut people = vec![Vec::new(); shards.into()];
            for (shard, table) in self.people.drain(..).enumerate() {
                people[shard % usize::from(shards)].extend(table);
            }
            self.people = people;
            self.arrivals = vec![arrivals; shards.into()];
            for shard in 0..self.people.len() {
                for slot in 0..self.people[shard].len() {
                    let Some((came_as, name)) = &mut self.people[shard][slot] else { continue };
                    let before = *name;
                    *name = SessionId { shard: shard as u16, slot: slot as u32, ..before };
                    let (came_as, name) = (*came_as, *name);
                    assert_eq!(self.renaming.current(before), name);
                    self.note(name, came_as);
                }
            }
        }

        fn look(&self) {
            let living: BTreeMap<_, _> = self
                .people
                .iter()
                .flatten()
                .flatten()
                .map(|&(came_as, name)| (name, came_as))
                .collect();
            for (name, came_as) in &living {
                assert_eq!(self.renaming.original(*name), *came_as);
            }
            for (name, came_as) in &self.names {
                let now = self.renaming.current(*name);
                match living.iter().find(|(_, it)| *it == came_as) {
                    Some((name, _)) => assert_eq!(now, *name),
                    None => assert_eq!(living.get(&now), None, "{name:?} is gone"),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn over_any_processes_everybody_is_found_and_nobody_taken_for_another(
            steps in prop::collection::vec((0usize..8, 0usize..6, 1u16..6), 0..120),
        ) {
            let people = vec![Vec::new(); 4];
            let mut processes = Processes { people, arrivals: vec![0; 4], ..Processes::default() };
            for (what, at, shards) in steps {
                match what {
                    0..4 => processes.arrive(at),
                    4..7 => processes.leave(at, shards.into()),
                    _ => processes.follow(shards),
                }
                processes.look();
            }
        }
    }
}
