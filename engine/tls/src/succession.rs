//! A connection goes on in another process: its state in bytes, and back.
//!
//! After the handshake a connection is plain data: for each direction version, cipher, key, iv, count
//! of records and, in TLS 1.3, the secret that later keys derive from; what was received of a record
//! that isn't whole; and what is still to be said, an answer to an update of keys or an alert. All of
//! it is written, 88 to 216 bytes where nothing is under way, and nothing else has to be known of the connection where it goes on.
//!
//! Whoever holds these bytes can read and forge what is said. They are wiped where they are made;
//! whoever copies them has the copy to wipe.

use std::ops::RangeInclusive;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::acceptor::Acceptor;
use crate::alert::Alert;
use crate::connection::{Connection, State};
use crate::traffic::Traffic;

/// The formats that are read here. The last one is written.
pub const FORMATS: RangeInclusive<u8> = 1..=1;

/// What nearly every connection takes.
const USUAL_BYTES: usize = 256;

/// Why bytes are no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// They were written by a release that is too new, or too old.
    #[error("a TLS connection in format {0}; known are {first} to {last}",
        first = FORMATS.start(), last = FORMATS.end())]
    Format(u8),
    /// They are not what was written.
    #[error("not a TLS connection as one is written")]
    Content,
}

const FRESH: u8 = 0;
const TRAFFIC: u8 = 1;
const ENDING: u8 = 2;
const OVER: u8 = 3;

impl Connection {
    /// All that there is of the connection, for [`Connection::inherit`]. It is still good here, but
    /// must go on in one place only: with keys in two of them, numbers would be used twice.
    ///
    /// None while hands are being shaken: that is rustls's, and can't leave. (Before the first byte
    /// it can.)
    pub fn bequeath(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (stage, traffic, alert) = match &self.state {
            State::Fresh(_) => (FRESH, None, None),
            State::Handshake(_) => return None,
            State::Traffic(traffic) => (TRAFFIC, Some(traffic), None),
            State::Ending(traffic, alert) => (ENDING, Some(traffic), Some(alert)),
            State::Over => (OVER, None, None),
        };
        let bytes = USUAL_BYTES + self.outgoing.len() + traffic.map_or(0, Traffic::partial_bytes);
        // All at once: what grows leaves copies behind.
        let mut out = Writer(Zeroizing::new(Vec::with_capacity(bytes)));
        out.byte(*FORMATS.end());
        out.byte(stage);
        out.run(&self.outgoing);
        if let Some(traffic) = traffic {
            traffic.put(&mut out);
        }
        if let Some(alert) = alert {
            out.byte(*alert as u8);
        }
        debug_assert!(out.0.capacity() == bytes);
        Some(out.0)
    }

    /// A connection that goes on here. `acceptor` is for one of which no byte had come.
    ///
    /// # Errors
    /// Where the bytes are not what [`Connection::bequeath`] wrote, in a format that is known.
    pub fn inherit(acceptor: &Acceptor, bytes: &[u8]) -> Result<Self, Damage> {
        let mut bytes = Reader(bytes);
        let format = bytes.byte()?;
        if !FORMATS.contains(&format) {
            return Err(Damage::Format(format));
        }
        let stage = bytes.byte()?;
        let outgoing = bytes.run()?.to_vec();
        let state = match stage {
            FRESH => State::Fresh(acceptor.clone()),
            TRAFFIC => State::Traffic(Traffic::get(&mut bytes)?),
            ENDING => {
                let traffic = Traffic::get(&mut bytes)?;
                let alert = Alert::from_byte(bytes.byte()?).ok_or(Damage::Content)?;
                State::Ending(traffic, alert)
            }
            OVER => State::Over,
            _ => return Err(Damage::Content),
        };
        bytes.end()?;
        Ok(Self { state, outgoing })
    }
}

/// Where a state is written.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Bytes whose number the reader knows.
    pub(crate) fn array(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes, behind how many they are.
    pub(crate) fn run(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

/// What is left to be read of a state.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn byte(&mut self) -> Result<u8, Damage> {
        self.array(1).map(|bytes| bytes[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64, Damage> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Damage::Content)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    pub(crate) fn array(&mut self, len: usize) -> Result<&'b [u8], Damage> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Damage::Content)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn run(&mut self) -> Result<&'b [u8], Damage> {
        let (len, rest) = self.0.split_first_chunk().ok_or(Damage::Content)?;
        self.0 = rest;
        self.array(u32::from_le_bytes(*len) as usize)
    }

    fn end(self) -> Result<(), Damage> {
        if self.0.is_empty() { Ok(()) } else { Err(Damage::Content) }
    }
}
