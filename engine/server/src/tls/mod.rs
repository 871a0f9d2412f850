//! TLS on the listeners for people: certificates from files, and the connections of a worker.
//!
//! What TLS is stands in `whisper-tls`; here is where its certificates come from, and how its bytes
//! get from the reactor to it and back.

mod certificates;
mod streams;

pub(crate) use certificates::{CertificateError, Certificates};
pub(crate) use streams::{Stage, Stream, Streams, Tally};
