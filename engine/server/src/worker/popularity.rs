//! What people like, counted while an operator looks: some places a turn, in a table of bounded size.
//! Whoever is told gets counts by key, and a name only where many here like it.

use std::collections::HashMap;

use tokio::sync::mpsc;
use whisper_core::shard::Shard;
use whisper_shard_router::KeyHash;

/// Places of the shard that are looked at in one turn.
const PLACES_PER_TURN: usize = 512;

/// Interests that are counted at the same time.
const INTERESTS_MAX: usize = 4_096;

/// How many of a shard's people like something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Liked {
    /// What, as its owner knows it.
    pub(crate) key: KeyHash,
    /// How many, or up to one in [`INTERESTS_MAX`] of all that is liked fewer.
    pub(crate) people: u32,
    /// What, in words, where enough people here like it.
    pub(crate) name: Option<Box<str>>,
}

/// A count under way.
pub(super) struct Popularity {
    tally: Tally,
    place: usize,
    answer: mpsc::Sender<Vec<Liked>>,
}

impl Popularity {
    /// Begins a count that is told when it is done, with the names of what at least so many like.
    pub(super) fn begin(named_from: u32, answer: mpsc::Sender<Vec<Liked>>) -> Self {
        Self { tally: Tally { named_from, counts: HashMap::new() }, place: 0, answer }
    }

    /// Counts on. True when it is done.
    pub(super) fn go_on(&mut self, shard: &Shard) -> bool {
        let end = shard.places().min(self.place + PLACES_PER_TURN);
        for place in self.place..end {
            shard.liked_at(place).for_each(|(key, name)| self.tally.add(key, name));
        }
        self.place = end;
        let is_done = end == shard.places();
        if is_done {
            // Who asked may have given up.
            let _ = self.answer.try_send(self.tally.told());
        }
        is_done
    }
}

/// The frequent ones of more things than there is room for: Misra and Gries, "Finding repeated
/// elements" (1982). A count is never too high.
struct Tally {
    named_from: u32,
    counts: HashMap<KeyHash, (u32, Option<Box<str>>)>,
}

impl Tally {
    fn add(&mut self, key: KeyHash, name: &str) {
        if self.counts.len() == INTERESTS_MAX && !self.counts.contains_key(&key) {
            return self.counts.retain(|_, (people, _)| {
                *people -= 1;
                *people > 0
            });
        }
        let (people, known) = self.counts.entry(key).or_default();
        *people += 1;
        if *people >= self.named_from && known.is_none() {
            *known = Some(name.into());
        }
    }

    fn told(&mut self) -> Vec<Liked> {
        let named_from = self.named_from;
        let liked = |(key, (people, name)): (KeyHash, (u32, Option<Box<str>>))| Liked {
            key,
            people,
            name: name.filter(|_| people >= named_from),
        };
        self.counts.drain().map(liked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(named_from: u32) -> Tally {
        Tally { named_from, counts: HashMap::new() }
    }

    #[test]
    fn what_few_like_has_no_name() {
        let mut tally = tally(3);
        for _ in 0..3 {
            tally.add(KeyHash(1), "chess");
        }
        for _ in 0..2 {
            tally.add(KeyHash(2), "medieval falconry");
        }
        let mut told = tally.told();
        told.sort_by_key(|it| it.key);
        let chess = Liked { key: KeyHash(1), people: 3, name: Some("chess".into()) };
        assert_eq!(told, [chess, Liked { key: KeyHash(2), people: 2, name: None }]);
    }

    #[test]
    fn the_table_is_bounded_and_no_count_too_high() {
        let mut tally = tally(1);
        for round in 0..200_u64 {
            tally.add(KeyHash(0), "popular");
            (1..100).for_each(|nth| tally.add(KeyHash(round * 100 + nth), "rare"));
            assert!(tally.counts.len() <= INTERESTS_MAX);
        }
        let told = tally.told();
        let popular = told.iter().find(|it| it.key == KeyHash(0)).expect("it is the most frequent");
        let lost = 200 * 100 / (INTERESTS_MAX as u32 + 1);
        assert!((200 - lost..=200).contains(&popular.people), "{}", popular.people);
    }
}
