//! A table of numbered places, each reused after it falls free.

use std::ops::{Index, IndexMut};

/// Values at stable `u32` places; a freed place is taken again, the latest freed first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

/// Places that an empty table keeps, see [`Slots::remove_or_shrink`].
const KEPT: usize = 256;

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> From<Vec<Option<T>>> for Slots<T> {
    /// Values at these places. Of those that are free the lowest is taken first.
    fn from(places: Vec<Option<T>>) -> Self {
        let vacant = places.iter().enumerate().filter(|(_, value)| value.is_none());
        let free = vacant.rev().map(|(place, _)| place as u32).collect();
        Self { places, free }
    }
}

impl<T> Slots<T> {
    /// Makes the table long enough for so many values, so that it need not grow by being copied.
    /// What isn't used is address space, not memory.
    pub(crate) fn reserve(&mut self, values: usize) {
        self.places.reserve_exact(values.saturating_sub(self.places.len()));
    }

    /// Values held.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// One past the highest place ever taken.
    pub(crate) fn span(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn insert_with(&mut self, make: impl FnOnce(u32) -> T) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = Some(make(place));
            return place;
        }
        let place = u32::try_from(self.places.len()).expect("fewer than 2^32 places");
        self.places.push(Some(make(place)));
        place
    }

    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        self.places.get(place as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<T> {
        let value = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(value)
    }

    /// The same, and a table that falls empty begins anew where it was long: a rush is over.
    pub(crate) fn remove_or_shrink(&mut self, place: u32) -> Option<T> {
        let value = self.remove(place)?;
        if self.len() == 0 && self.places.len() > KEPT {
            *self = Self::default();
        }
        Some(value)
    }
}

impl<T> Index<u32> for Slots<T> {
    type Output = T;

    fn index(&self, place: u32) -> &T {
        self.get(place).expect("the place is taken")
    }
}

impl<T> IndexMut<u32> for Slots<T> {
    fn index_mut(&mut self, place: u32) -> &mut T {
        self.get_mut(place).expect("the place is taken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_falls_empty_after_a_rush_begins_anew() {
        let mut slots = Slots::default();
        for place in 0..2 * KEPT as u32 {
            assert_eq!(slots.insert_with(|place| place), place);
        }
        for place in 1..2 * KEPT as u32 {
            assert_eq!(slots.remove_or_shrink(place), Some(place));
        }
        assert_eq!((slots.len(), slots.span(), slots[0]), (1, 2 * KEPT, 0));
        slots.remove_or_shrink(0);
        assert_eq!((slots.len(), slots.span(), slots.places.capacity()), (0, 0, 0));
        assert_eq!(slots.insert_with(|place| place), 0);
    }
}
