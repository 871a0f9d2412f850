//! A table of numbered places, each reused after it falls free.

use std::ops::{Index, IndexMut};

/// Values at stable `u32` places; a freed place is taken again, the latest freed first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

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
