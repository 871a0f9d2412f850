//! Deadlines of numbered things, at most one each: a binary heap that knows where everybody stands,
//! so that a cancelled deadline leaves nothing behind.

use crate::time::Micros;

const NOWHERE: u32 = u32::MAX;

/// Deadlines by key. Setting, cancelling and taking are O(log n); memory is bounded by the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timers {
    heap: Vec<(Micros, u32)>,
    places: Vec<u32>,
}

impl Timers {
    /// The earliest deadline.
    pub fn next(&self) -> Option<Micros> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// The deadline of `key`, if it has one.
    pub fn of(&self, key: u32) -> Option<Micros> {
        let place = *self.places.get(key as usize)?;
        (place != NOWHERE).then(|| self.heap[place as usize].0)
    }

    /// How many deadlines there are.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: u32, at: Micros) {
        if self.places.len() <= key as usize {
            self.places.resize(key as usize + 1, NOWHERE);
        }
        let place = self.places[key as usize];
        let place = if place == NOWHERE {
            self.heap.push((at, key));
            self.heap.len() - 1
        } else {
            self.heap[place as usize].0 = at;
            place as usize
        };
        let place = self.sift_up(place);
        self.sift_down(place);
    }

    /// Forgets the deadline of `key`, if it has one.
    pub fn cancel(&mut self, key: u32) {
        let Some(&place) = self.places.get(key as usize) else { return };
        if place == NOWHERE {
            return;
        }
        self.places[key as usize] = NOWHERE;
        self.heap.swap_remove(place as usize);
        if (place as usize) < self.heap.len() {
            let place = self.sift_up(place as usize);
            self.sift_down(place);
        }
    }

    /// Takes the earliest deadline that is not after `now`. Ties go to the lower key.
    pub fn take_due(&mut self, now: Micros) -> Option<u32> {
        let &(at, key) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.cancel(key);
        Some(key)
    }

    fn sift_up(&mut self, mut place: usize) -> usize {
        while place > 0 && self.heap[place] < self.heap[(place - 1) / 2] {
            self.heap.swap(place, (place - 1) / 2);
            self.note(place);
            place = (place - 1) / 2;
        }
        self.note(place);
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            let Some(&first) = self.heap.get(left) else { break };
            let least = match self.heap.get(left + 1) {
                Some(&second) if second < first => left + 1,
                _ => left,
            };
            if self.heap[place] <= self.heap[least] {
                break;
            }
            self.heap.swap(place, least);
            self.note(place);
            place = least;
        }
        self.note(place);
    }

    fn note(&mut self, place: usize) {
        let key = self.heap[place].1;
        self.places[key as usize] = u32::try_from(place).expect("fewer than 2^32 deadlines");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_sorted_map(
            steps in prop::collection::vec((0u32..20, prop::option::of(0u64..100)), 0..200),
        ) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            for (key, at) in steps {
                match at {
                    Some(at) => {
                        timers.set(key, Micros(at));
                        model.insert(key, at);
                    }
                    None => {
                        timers.cancel(key);
                        model.remove(&key);
                    }
                }
                prop_assert_eq!(timers.next(), model.values().min().map(|&at| Micros(at)));
            }
            let mut expected: Vec<_> = model.into_iter().map(|(key, at)| (at, key)).collect();
            expected.sort_unstable();
            for (at, key) in expected {
                prop_assert_eq!(timers.take_due(Micros(at)), Some(key));
            }
            prop_assert_eq!(timers.take_due(Micros(u64::MAX)), None);
        }
    }
}
