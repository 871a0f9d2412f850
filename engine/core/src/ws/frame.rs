//! The frame header (RFC 6455, section 5.2).

use arrayvec::ArrayVec;

use super::{Role, Violation, mask};
use crate::codec::fields;

/// The greatest payload of a control frame, in bytes.
pub const CONTROL_BYTES_MAX: usize = 125;

/// The longest header: two bytes, a 64-bit length, a masking key.
pub(super) const HEADER_BYTES_MAX: usize = 14;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const CONTROL: u8 = 0x08;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;
/// Where the seven bits of the length say so, the length follows in 16 or in 64 bits.
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What a message or control frame is. (A continuation frame has none: it goes on with what its
/// message began.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A message of UTF-8 text.
    Text = 0x1,
    /// A message of bytes.
    Binary = 0x2,
    /// The end of the conversation.
    Close = 0x8,
    /// «Are you there?»
    Ping = 0x9,
    /// «I am.»
    Pong = 0xA,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        self as u8 & CONTROL != 0
    }
}

/// A frame: its header, with `len` and `mask` kept up to date for the part of the payload still to
/// come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Whether it is the last one of its message.
    pub(super) fin: bool,
    /// None: it continues a message.
    pub(super) opcode: Option<Opcode>,
    /// Bytes of the payload still to come.
    pub(super) len: u64,
    /// The masking key, as it applies to the next byte.
    pub(super) mask: Option<[u8; 4]>,
}

fields! {
    struct Frame { fin, opcode, len, mask }
    enum Opcode {
        1 Text;
        2 Binary;
        8 Close;
        9 Ping;
        10 Pong;
    }
}

impl Frame {
    /// Reads the header at the start of `bytes`: the frame and the header's length, or None while
    /// it is incomplete. Whatever is wrong in an incomplete one is found as early as its bytes
    /// tell.
    pub(super) fn parse(bytes: &[u8], role: Role) -> Result<Option<(Self, usize)>, Violation> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let fin = first & FIN != 0;
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = match first & OPCODE {
            0x0 => None,
            0x1 => Some(Opcode::Text),
            0x2 => Some(Opcode::Binary),
            0x8 => Some(Opcode::Close),
            0x9 => Some(Opcode::Ping),
            0xA => Some(Opcode::Pong),
            other => return Err(Violation::ReservedOpcode(other)),
        };
        let control = opcode.is_some_and(Opcode::is_control);
        if control && !fin {
            return Err(Violation::ControlFragmented);
        }

        let Some(&second) = bytes.get(1) else { return Ok(None) };
        let masked = second & MASKED != 0;
        match role {
            Role::Server if !masked => return Err(Violation::NotMasked),
            Role::Client if masked => return Err(Violation::Masked),
            _ => {}
        }
        let short = second & LENGTH;
        if control && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(Violation::ControlTooLong);
        }

        let rest = &bytes[2..];
        let (len, rest) = match short {
            LENGTH_16 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return Ok(None),
            },
            LENGTH_64 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            _ => (u64::from(short), rest),
        };
        if len > i64::MAX as u64 {
            return Err(Violation::LengthOutOfRange);
        }
        if short != short_length(len) {
            return Err(Violation::LengthNotShortest);
        }

        let (mask, rest) = match (masked, rest.split_first_chunk()) {
            (false, _) => (None, rest),
            (true, Some((mask, rest))) => (Some(*mask), rest),
            (true, None) => return Ok(None),
        };
        Ok(Some((Self { fin, opcode, len, mask }, bytes.len() - rest.len())))
    }

    /// Writes the header.
    pub(super) fn header(&self) -> ArrayVec<u8, HEADER_BYTES_MAX> {
        let mut header = ArrayVec::new();
        let fin = if self.fin { FIN } else { 0 };
        header.push(fin | self.opcode.map_or(0, |opcode| opcode as u8));
        let short = short_length(self.len);
        header.push(short | if self.mask.is_some() { MASKED } else { 0 });
        match short {
            LENGTH_16 => header.extend((self.len as u16).to_be_bytes()),
            LENGTH_64 => header.extend(self.len.to_be_bytes()),
            _ => {}
        }
        header.extend(self.mask.into_iter().flatten());
        header
    }

    /// Takes off `input` what it has of this frame's payload, unmasked in place.
    pub(super) fn take_payload<'b>(&mut self, input: &mut &'b mut [u8]) -> &'b mut [u8] {
        let len = usize::try_from(self.len).map_or(input.len(), |len| len.min(input.len()));
        let (payload, rest) = std::mem::take(input).split_at_mut(len);
        *input = rest;
        self.len -= len as u64;
        if let Some(key) = &mut self.mask {
            mask::apply(payload, *key);
            key.rotate_left(len % 4);
        }
        payload
    }
}

/// The seven bits that stand for `len`: itself, or which of the longer forms follows.
fn short_length(len: u64) -> u8 {
    match len {
        0..=125 => len as u8,
        126..=0xFFFF => LENGTH_16,
        _ => LENGTH_64,
    }
}
