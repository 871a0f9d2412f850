//! What somebody quotes who asks for their ban to be lifted.

use std::fmt;

/// Characters of an id: base32 of 40 bits.
const LEN: usize = 8;

/// Eight letters and digits that tell nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AppealId([u8; LEN]);

impl AppealId {
    /// The beginning of a hash, as people can write it.
    pub(super) fn of(hash: &blake3::Hash) -> Self {
        let (first, _) = hash.as_bytes().split_first_chunk::<5>().expect("a hash has 32 bytes");
        let mut id = [0; LEN];
        data_encoding::BASE32_NOPAD.encode_mut(first, &mut id);
        Self(id)
    }

    /// Reads one; None for what is none.
    pub fn read(text: &str) -> Option<Self> {
        let id: [u8; LEN] = text.as_bytes().try_into().ok()?;
        let is_ours = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
        id.iter().all(is_ours).then_some(Self(id))
    }
}

impl fmt::Display for AppealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}
