//! The server's side of TLS 1.3 (RFC 8446) and 1.2 (RFC 5246): what the wire carries on one side,
//! what is said on the other. No sockets, no threads, no files, no logging.
//!
//! [rustls] shakes hands: versions, suites, certificates, key exchange, tickets, and every
//! message of the handshake are its business. Once that is done, rustls has done its work and is
//! dropped: what stays of a connection is its keys, and `traffic`, a record layer that decrypts
//! where the bytes lie and encrypts where they leave from. It keeps some 250 bytes a connection
//! where rustls keeps 3,300, copies and allocates nothing per message, and is plain data: nothing
//! in it but keys and numbers.
//!
//! What is spoken:
//!
//! - TLS 1.3 and 1.2 only; key exchange by X25519MLKEM768 (which a quantum computer doesn't undo),
//!   X25519 or NIST's curves; encryption by AES-GCM or ChaCha20-Poly1305. That is what rustls
//!   speaks; nothing weaker is compiled in.
//! - ALPN `http/1.1`. Resumption by tickets that carry the state; the server keeps none. No early
//!   data, no renegotiation, no client certificates, no compression.

mod acceptor;
mod alert;
mod connection;
mod half;
mod handshake;
mod identity;
mod record;
mod succession;
mod traffic;
mod validity;

pub use acceptor::{Acceptor, Tickets};
pub use alert::Alert;
pub use connection::{Connection, Failure, Heard};
pub use identity::{BadIdentity, Identities, Identity};
pub use succession::{Damage, FORMATS};
pub use zeroize::Zeroizing;
