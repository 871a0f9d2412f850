//! Tokens that name a session to a later connection of the same person.

use std::fmt;

use crate::ids::SessionId;

/// Bytes of a token.
pub const TOKEN_BYTES: usize = 28;

/// Mints and opens tokens under the process's secret.
#[derive(Clone)]
pub struct Mint([u8; 32]);

impl Mint {
    /// A mint under a secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The token of a session: 16 bytes that only this process can have made, and the session's
    /// name hidden under a pad that follows from them.
    pub fn token(&self, session: SessionId) -> [u8; TOKEN_BYTES] {
        let mut token = [0; TOKEN_BYTES];
        token[..16].copy_from_slice(&self.seal(session).as_bytes()[..16]);
        let pad = blake3::keyed_hash(&self.0, &token[..16]);
        let hidden = session.to_bytes().into_iter().zip(pad.as_bytes()).map(|(id, pad)| id ^ pad);
        token[16..].iter_mut().zip(hidden).for_each(|(byte, hidden)| *byte = hidden);
        token
    }

    /// A name for a session that tells nothing of it and is never used again.
    pub fn public_id(&self, session: SessionId) -> arrayvec::ArrayString<16> {
        crate::ids::encode_base64url(&self.seal(session).as_bytes()[16..28])
    }

    fn seal(&self, session: SessionId) -> blake3::Hash {
        blake3::keyed_hash(&self.0, &session.to_bytes())
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_names_differ_and_stay() {
        let mint = Mint::new([5; 32]);
        let session = |slot| SessionId { node: 0, shard: 0, slot, generation: 1 };
        assert_eq!(mint.token(session(1)), mint.token(session(1)));
        assert_ne!(mint.token(session(1))[16..], mint.token(session(2))[16..]);
        assert_ne!(mint.public_id(session(1)), mint.public_id(session(2)));
        assert_ne!(mint.token(session(1)), Mint::new([6; 32]).token(session(1)));
    }
}
