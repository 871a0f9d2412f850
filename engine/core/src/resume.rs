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

    /// The token of a session.
    pub fn token(&self, session: SessionId) -> [u8; TOKEN_BYTES] {
        let mut token = [0; TOKEN_BYTES];
        token[..12].copy_from_slice(&session.to_bytes());
        token[12..].copy_from_slice(&self.seal(session).as_bytes()[..16]);
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
