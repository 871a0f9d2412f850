//! A connection that is shaking hands: rustls, fed record by record.

use std::ops::RangeInclusive;
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};
use rustls::{HandshakeKind, ProtocolVersion};

use crate::acceptor::{Acceptor, Secrets, Tap};
use crate::connection::Failure;
use crate::half::Half;
use crate::record;
use crate::traffic::Traffic;

/// What a client may have sent that isn't dealt with: a ClientHello in one record of full size, and
/// what came with it.
const INCOMING_BYTES_MAX: usize = 20 * 1024;

/// The types of records: nothing of TLS begins with another byte.
const KINDS: RangeInclusive<u8> = 20..=23;

pub(crate) struct Handshake {
    rustls: UnbufferedServerConnection,
    /// What came and isn't dealt with.
    incoming: Vec<u8>,
    /// Of that, so much was shown to rustls: records of a message that goes on in the next.
    shown: usize,
    /// The first byte was one of TLS.
    is_tls: bool,
    tap: Arc<Tap>,
    secrets: Secrets,
}

/// Hands were shaken.
pub(crate) struct Done {
    pub(crate) traffic: Traffic,
    /// What the client said right after.
    pub(crate) rest: Vec<u8>,
    pub(crate) resumed: bool,
}

impl Handshake {
    pub(crate) fn new(acceptor: &Acceptor) -> Result<Self, rustls::Error> {
        Ok(Self {
            rustls: UnbufferedServerConnection::new(Arc::clone(&acceptor.config))?,
            incoming: Vec::new(),
            shown: 0,
            is_tls: false,
            tap: Arc::clone(&acceptor.tap),
            secrets: Secrets::default(),
        })
    }

    /// Keeps what came over the wire, as much of it as may be; returns how much.
    pub(crate) fn keep(&mut self, wire: &[u8]) -> usize {
        let taken = wire.len().min(INCOMING_BYTES_MAX - self.incoming.len());
        self.incoming.extend_from_slice(&wire[..taken]);
        taken
    }

    /// Goes as far as the bytes suffice; what is to be sent is appended to `outgoing`, also where
    /// it fails.
    pub(crate) fn drive(&mut self, outgoing: &mut Vec<u8>) -> Result<bool, Failure> {
        match self.incoming.first() {
            Some(first) if !self.is_tls && !KINDS.contains(first) => return Err(Failure::NotTls),
            Some(_) => self.is_tls = true,
            None => {}
        }
        // One record at a time: behind the last of the handshake nothing is for rustls to read.
        loop {
            let Ok(next) = record::length(&self.incoming[self.shown..]) else {
                // rustls may know what to say to that. Where it would wait for more, we don't: it
                // takes versions that never were, and would see records where we see none.
                self.shown = self.incoming.len();
                self.step(outgoing)?;
                return Err(Failure::Handshake);
            };
            let Some(len) = next.filter(|len| self.shown + len <= self.incoming.len()) else {
                return Ok(false);
            };
            self.shown += len;
            if self.step(outgoing)? {
                return Ok(true);
            }
        }
    }

    /// Takes over from rustls.
    pub(crate) fn finish(self) -> Result<Done, Failure> {
        let Self { rustls, incoming, shown, secrets, .. } = self;
        if shown > 0 {
            // A message of the handshake begins behind its end.
            return Err(Failure::Handshake);
        }
        let resumed = rustls.handshake_kind() == Some(HandshakeKind::Resumed);
        let tls13 = rustls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let (keys, _) = rustls.dangerous_into_kernel_connection().map_err(|_| Failure::Internal)?;
        let Secrets { client, server } = secrets;
        if tls13 != client.is_some() || tls13 != server.is_some() {
            return Err(Failure::Internal);
        }
        let receiving = Half::new(&keys.rx.1, client, keys.rx.0).ok_or(Failure::Internal)?;
        let sending = Half::new(&keys.tx.1, server, keys.tx.0).ok_or(Failure::Internal)?;
        Ok(Done { traffic: Traffic::new(receiving, sending), rest: incoming, resumed })
    }

    /// Shows rustls what it may see. True when hands are shaken.
    fn step(&mut self, outgoing: &mut Vec<u8>) -> Result<bool, Failure> {
        loop {
            let shown = &mut self.incoming[..self.shown];
            let UnbufferedStatus { discard, state } = self.rustls.process_tls_records(shown);
            let done = match state {
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, outgoing)?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(Ok(false)),
                Ok(ConnectionState::WriteTraffic(_)) => Some(Ok(true)),
                // Nothing else happens to a server before its handshake is done, unless the client
                // closes it.
                Ok(_) | Err(_) => Some(Err(Failure::Handshake)),
            };
            self.incoming.drain(..discard);
            self.shown -= discard;
            let Secrets { client, server } = self.tap.take();
            self.secrets.client = client.or(self.secrets.client.take());
            self.secrets.server = server.or(self.secrets.server.take());
            match done {
                None => {}
                Some(Ok(done)) => return Ok(done),
                Some(Err(failure)) => {
                    self.say_why(outgoing)?;
                    return Err(failure);
                }
            }
        }
    }

    /// Appends the alert that rustls may have ready. It is asked once: it would go on to read what
    /// it could not read before, and is not made for that.
    fn say_why(&mut self, outgoing: &mut Vec<u8>) -> Result<(), Failure> {
        let shown = &mut self.incoming[..self.shown];
        match self.rustls.process_tls_records(shown).state {
            Ok(ConnectionState::EncodeTlsData(alert)) => encode(alert, outgoing),
            _ => Ok(()),
        }
    }
}

fn encode<Data>(mut data: EncodeTlsData<'_, Data>, outgoing: &mut Vec<u8>) -> Result<(), Failure> {
    let Err(EncodeError::InsufficientSize(wanted)) = data.encode(&mut []) else {
        return Err(Failure::Internal);
    };
    let start = outgoing.len();
    outgoing.resize(start + wanted.required_size, 0);
    data.encode(&mut outgoing[start..]).map(drop).map_err(|_| Failure::Internal)
}
