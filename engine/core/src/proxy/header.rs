//! The PROXY protocol, versions 1 and 2, as HAProxy's `proxy-protocol.txt` has it: a header before
//! the first byte of the client's own.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::codec::{Damage, Field, Reader, Writer};

/// The longest header, in bytes: version 2 with room for what proxies add behind the addresses.
pub const PROXY_BYTES_MAX: usize = 16 + 1024;

/// The longest header of version 1, its CRLF included.
const LINE_BYTES_MAX: usize = 107;

const LINE_START: &[u8] = b"PROXY ";
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Puts a header together from the pieces that it comes in.
#[derive(Debug, Default)]
pub struct ProxyReader {
    partial: Vec<u8>,
}

/// What a proxy says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// It carries this client.
    Client(IpAddr),
    /// It is the proxy's own: a health check. Its address is that of the proxy.
    Local,
}

/// Why a header isn't believed. Nothing can be answered, for nobody knows what is spoken behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProxyError {
    /// The connection begins with something else.
    #[error("no PROXY header, on a listener where every connection must have one")]
    Missing,
    /// It begins like a header, and isn't one.
    #[error("a broken PROXY header")]
    Broken,
    /// It is longer than [`PROXY_BYTES_MAX`].
    #[error("a PROXY header of more than {PROXY_BYTES_MAX} bytes")]
    TooLong,
    /// It speaks of a client that isn't on an IP network.
    #[error("a PROXY header without an IP address")]
    NoAddress,
}

impl ProxyReader {
    /// Takes the header off the front of `input`; None when all of `input` was taken and the header
    /// goes on. What is left of `input` is the client's own.
    ///
    /// # Errors
    /// [`ProxyError`], by which the connection must be closed.
    pub fn next(&mut self, input: &mut &mut [u8]) -> Result<Option<Proxied>, ProxyError> {
        let partial = &mut self.partial;
        let known = partial.len();
        let room = PROXY_BYTES_MAX - known;
        partial.extend_from_slice(&input[..input.len().min(room)]);
        let Some((length, proxied)) = parse(partial)? else {
            if partial.len() == PROXY_BYTES_MAX {
                return Err(ProxyError::TooLong);
            }
            *input = &mut [];
            return Ok(None);
        };
        // What was known alone was no whole header.
        *input = &mut std::mem::take(input)[length - known..];
        self.partial = Vec::new();
        Ok(Some(proxied))
    }
}

/// With what has come of a header.
impl Field for ProxyReader {
    fn put(&self, w: &mut Writer<'_>) {
        self.partial.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let partial = Vec::get(r)?;
        let begun = partial.len() < PROXY_BYTES_MAX && parse(&partial) == Ok(None);
        begun.then_some(Self { partial }).ok_or(Damage)
    }
}

/// The header at the start of `bytes` and its length; None where it goes on.
fn parse(bytes: &[u8]) -> Result<Option<(usize, Proxied)>, ProxyError> {
    if begins(bytes, SIGNATURE) {
        parse_binary(bytes)
    } else if begins(bytes, LINE_START) {
        parse_line(bytes)
    } else {
        Err(ProxyError::Missing)
    }
}

/// Whether `bytes` begin like `start`, as far as they go.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let common = bytes.len().min(start.len());
    bytes[..common] == start[..common]
}

/// Version 1: `PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n`.
fn parse_line(bytes: &[u8]) -> Result<Option<(usize, Proxied)>, ProxyError> {
    let line = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        return if line.len() == LINE_BYTES_MAX { Err(ProxyError::Broken) } else { Ok(None) };
    };
    let line = line[..end].strip_suffix(b"\r").ok_or(ProxyError::Broken)?;
    let line = str::from_utf8(&line[LINE_START.len()..]).map_err(|_| ProxyError::Broken)?;
    let mut words = line.split(' ');
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Ok(Some((end + 1, Proxied::Local)));
    }
    let mut address = || words.next()?.parse::<IpAddr>().ok();
    let (source, destination) = (address(), address());
    let mut port = || words.next()?.parse::<u16>().ok();
    let (from, to, rest) = (port(), port(), words.next());
    match (family, source, destination, from, to, rest) {
        (
            Some("TCP4"),
            Some(source @ IpAddr::V4(_)),
            Some(IpAddr::V4(_)),
            Some(_),
            Some(_),
            None,
        )
        | (
            Some("TCP6"),
            Some(source @ IpAddr::V6(_)),
            Some(IpAddr::V6(_)),
            Some(_),
            Some(_),
            None,
        ) => Ok(Some((end + 1, Proxied::Client(source.to_canonical())))),
        _ => Err(ProxyError::Broken),
    }
}

/// Version 2: signature, version and command, family and protocol, length, addresses, and
/// extensions that mean nothing to us.
fn parse_binary(bytes: &[u8]) -> Result<Option<(usize, Proxied)>, ProxyError> {
    let Some(&[command, family, high, low]) = bytes.get(12..16) else { return Ok(None) };
    let length = 16 + usize::from(u16::from_be_bytes([high, low]));
    if length > PROXY_BYTES_MAX {
        return Err(ProxyError::TooLong);
    }
    // A version or command of another kind must be refused at once, not waited for.
    if !matches!(command, 0x20 | 0x21) {
        return Err(ProxyError::Broken);
    }
    let Some(body) = bytes.get(16..length) else { return Ok(None) };
    let proxied = match (command, family) {
        (0x20, _) | (0x21, 0x00) => Proxied::Local,
        (_, 0x11) => {
            let source: [u8; 4] = field(body, 12)?;
            Proxied::Client(Ipv4Addr::from(source).into())
        }
        (_, 0x21) => {
            let source: [u8; 16] = field(body, 36)?;
            Proxied::Client(IpAddr::from(Ipv6Addr::from(source)).to_canonical())
        }
        _ => return Err(ProxyError::NoAddress),
    };
    Ok(Some((length, proxied)))
}

/// The source address at the start of an address block, which must be there whole.
fn field<const N: usize>(body: &[u8], block: usize) -> Result<[u8; N], ProxyError> {
    let block = body.get(..block).ok_or(ProxyError::Broken)?;
    Ok(*block.first_chunk().expect("a block begins with the source"))
}
