//! Frames into a caller's buffer. Every message goes out as one frame.

use super::frame::Frame;
use super::{Opcode, close_payload, mask};

/// Header bytes reserved for a frame of yet unknown length: a 16-bit length. Most of our frames are
/// either shorter than 126 bytes (and then short enough to move cheaply) or fit this exactly.
const RESERVED: usize = 4;
const MASK_KEY: usize = 4;

/// A frame begun in a buffer by [`begin_frame`], to be ended by [`end_frame`].
#[derive(Debug)]
#[must_use = "a frame that was begun has no header until it is ended"]
pub struct Mark {
    start: usize,
    mask: Option<[u8; 4]>,
}

/// Appends a server's frame to `out`. A control frame's payload is at most
/// [`CONTROL_BYTES_MAX`](super::CONTROL_BYTES_MAX), and text is UTF-8; both are the caller's to
/// keep.
pub fn encode_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    encode(out, opcode, payload, None);
}

/// Appends a client's frame to `out`, masked with `key`. A client takes a new unpredictable key for
/// each frame (RFC 6455, section 10.3).
pub fn encode_masked_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    encode(out, opcode, payload, Some(key));
}

/// Appends a server's close frame to `out`; see [`close_payload`].
pub fn encode_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    encode(out, Opcode::Close, &close_payload(code, reason), None);
}

/// Begins a server's frame at the end of `out`. What is appended from here on is its payload, until
/// [`end_frame`].
pub fn begin_frame(out: &mut Vec<u8>) -> Mark {
    begin(out, None)
}

/// Begins a client's frame, as [`begin_frame`] does. [`end_frame`] masks it with `key`.
pub fn begin_masked_frame(out: &mut Vec<u8>, key: [u8; 4]) -> Mark {
    begin(out, Some(key))
}

/// Ends the frame begun at `mark`.
///
/// # Panics
/// Where `out` is shorter than it was left by [`begin_frame`]: it must be the same buffer, and
/// nothing taken off it.
pub fn end_frame(out: &mut Vec<u8>, mark: Mark, opcode: Opcode) {
    let Mark { start, mask } = mark;
    let payload = start + reserved(mask);
    let len = out.len() - payload;
    let header = Frame { fin: true, opcode: Some(opcode), len: len as u64, mask }.header();
    if let Some(key) = mask {
        mask::apply(&mut out[payload..], key);
    }

    // Close the gap, or widen it, where the header is not of the reserved length.
    let moved = start + header.len();
    if moved > payload {
        out.resize(moved + len, 0);
    }
    if moved != payload {
        out.copy_within(payload..payload + len, moved);
        out.truncate(moved + len);
    }
    out[start..moved].copy_from_slice(&header);
}

fn encode(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) {
    let header =
        Frame { fin: true, opcode: Some(opcode), len: payload.len() as u64, mask }.header();
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        mask::apply(&mut out[start..], key);
    }
}

fn begin(out: &mut Vec<u8>, mask: Option<[u8; 4]>) -> Mark {
    let start = out.len();
    out.resize(start + reserved(mask), 0);
    Mark { start, mask }
}

fn reserved(mask: Option<[u8; 4]>) -> usize {
    RESERVED + mask.map_or(0, |_| MASK_KEY)
}
