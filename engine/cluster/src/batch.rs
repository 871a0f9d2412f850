//! What travels between nodes at once: some items, one after another.

use thiserror::Error;

/// Most bytes of a batch, lengths included. What NATS takes by default is sixteen times that.
pub const BATCH_BYTES: usize = 1 << 16;

/// Most bytes of an item: a batch of its own.
pub const ITEM_BYTES: usize = BATCH_BYTES - LENGTH;

/// Bytes that an item's length takes, big-endian.
const LENGTH: usize = size_of::<u16>();

const _: () = assert!(ITEM_BYTES <= u16::MAX as usize);

/// Items, each after its length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(Vec<u8>);

/// Bytes that are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("bytes that are no items, each after its length")]
pub struct NoBatch;

impl Batch {
    /// Takes these bytes for a batch.
    ///
    /// # Errors
    /// Where they are none.
    pub fn read(bytes: Vec<u8>) -> Result<Self, NoBatch> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            (_, rest) = split(rest).ok_or(NoBatch)?;
        }
        Ok(Self(bytes))
    }

    /// Adds an item of at most [`ITEM_BYTES`]. False where there is no room for it here.
    #[must_use]
    pub fn push(&mut self, item: &[u8]) -> bool {
        let Ok(length) = u16::try_from(item.len()) else { return false };
        if self.0.len() + LENGTH + item.len() > BATCH_BYTES {
            return false;
        }
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(item);
        true
    }

    /// The items, in their order.
    pub fn items(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (item, after) = split(rest)?;
            rest = after;
            Some(item)
        })
    }

    /// The bytes that travel.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first item, and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_back_as_they_were_pushed() {
        let items = [&b""[..], b"one", &[7; 32 << 10]];
        let mut batch = Batch::default();
        assert!(batch.is_empty() && items.iter().all(|item| batch.push(item)));
        let read = Batch::read(batch.bytes().to_vec()).expect("a batch");
        assert!(read.items().eq(items));
        let cut = read.bytes()[..read.bytes().len() - 1].to_vec();
        assert_eq!(Batch::read(cut), Err(NoBatch));
    }

    #[test]
    fn a_batch_has_its_bounds() {
        let mut batch = Batch::default();
        assert!(!batch.push(&[0; ITEM_BYTES + 1]) && batch.is_empty());
        assert!(batch.push(&[0; ITEM_BYTES]));
        assert_eq!(batch.bytes().len(), BATCH_BYTES);
        assert!(!batch.push(b""));
    }
}
