//! Things kept once, and known by number.

use std::hash::Hash;
use std::rc::Rc;

use super::explorer::Table;

/// Every different value seen so far, numbered from 0.
pub(super) struct Interned<T> {
    numbers: Table<Rc<T>, u32>,
    values: Vec<Rc<T>>,
}

impl<T: Hash + Eq> Interned<T> {
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = u32::try_from(self.values.len()).expect("fewer than 2^32 values");
        let value = Rc::new(value);
        self.values.push(Rc::clone(&value));
        self.numbers.insert(value, number);
        number
    }

    pub(super) fn get(&self, number: u32) -> &Rc<T> {
        &self.values[number as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { numbers: Table::default(), values: Vec::new() }
    }
}
