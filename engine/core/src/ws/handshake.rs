//! The proof that a server has read the upgrade request (RFC 6455, section 4.2.2).

use data_encoding::BASE64;
use sha1::{Digest, Sha1};

/// The length of an accept key: 20 bytes in base64.
pub const ACCEPT_KEY_BYTES: usize = 28;

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`. It is ASCII.
pub fn accept_key(key: &[u8]) -> [u8; ACCEPT_KEY_BYTES] {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; ACCEPT_KEY_BYTES];
    BASE64.encode_mut(&digest, &mut accept);
    accept
}
