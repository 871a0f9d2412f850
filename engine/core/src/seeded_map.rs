//! A hash map that cannot be iterated: its order would depend on the seed.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use ahash::RandomState;

/// A map with keys hashed under a seed handed in. Offers look-ups only.
///
/// Equality and hashing go by content in key order, so that two states of a shard can be compared
/// and explored by a model checker.
#[derive(Clone)]
pub(crate) struct SeededMap<K, V> {
    inner: HashMap<K, V, RandomState>,
}

/// Entries that there is always room for, once there was.
const KEPT: usize = 1024;

impl<K: Hash + Eq + Ord, V> SeededMap<K, V> {
    pub(crate) fn new(seed: u64) -> Self {
        let state = RandomState::with_seeds(seed, !seed, seed.rotate_left(32), 0x5EED);
        Self { inner: HashMap::with_hasher(state) }
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.len()
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.inner.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.inner.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.inner.insert(key, value)
    }

    pub(crate) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.inner.entry(key).or_insert_with(make)
    }

    /// Removes an entry, and gives memory back once there is room for eight times as many as are left.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let removed = self.inner.remove(key);
        let (len, capacity) = (self.inner.len(), self.inner.capacity());
        if capacity > KEPT && len < capacity / 8 {
            self.inner.shrink_to(2 * len);
        }
        removed
    }

    /// Everything, in the order of the keys. Costs a sort: for comparing and handing over only.
    pub(crate) fn sorted(&self) -> Vec<(&K, &V)> {
        let mut all: Vec<_> = self.inner.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }
}

impl<K: Hash + Eq + Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for SeededMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.sorted()).finish()
    }
}

impl<K: Hash + Eq + Ord, V: PartialEq> PartialEq for SeededMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl<K: Hash + Eq + Ord, V: Eq> Eq for SeededMap<K, V> {}

impl<K: Hash + Eq + Ord, V: Hash> Hash for SeededMap<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sorted().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_rush_a_map_is_as_large_as_what_is_left_needs() {
        let mut map = SeededMap::new(7);
        (0..20_000).for_each(|key| assert_eq!(map.insert(key, key), None));
        (0..19_900).for_each(|key| assert_eq!(map.remove(&key), Some(key)));
        assert!(map.inner.capacity() <= KEPT);
        assert!((19_900..20_000).all(|key| map.get(&key) == Some(&key)) && map.len() == 100);
    }
}
