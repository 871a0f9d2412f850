//! What one process leaves to the next: all of it comes back, from any moment on, and whatever else
//! the bytes say is refused.

mod connections;
mod shards;
#[path = "../town/mod.rs"]
mod town;

use whisper_core::codec::{Damage, Field, Reader, Writer};

/// A value as it is left to the next process.
fn left<T: Field>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.put(&mut Writer::new(&mut bytes));
    bytes
}

/// The value that all of these bytes are.
fn taken<T: Field>(bytes: &[u8]) -> Result<T, Damage> {
    let mut r = Reader::new(bytes);
    let value = T::get(&mut r)?;
    r.end().map(|()| value)
}

/// The same value in the next process.
fn handed_over<T: Field>(value: &T) -> T {
    let bytes = left(value);
    let again = taken(&bytes).expect("what was left can be taken");
    assert_eq!(left(&again), bytes, "and left again");
    again
}
