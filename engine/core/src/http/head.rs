//! Where a head ends.

use super::Reject;
use crate::codec::{Damage, Field, Reader, Writer};

/// The longest head, in bytes, its final empty line included.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

const END: &[u8] = b"\r\n\r\n";

/// Puts heads together from the pieces that they come in. 8 bytes, and nothing on the heap unless a
/// head is under way.
#[derive(Debug, Default)]
pub struct HeadReader {
    partial: Option<Box<Partial>>,
}

#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// Handed out, and forgotten at the next call.
    whole: bool,
}

impl HeadReader {
    /// A reader at the beginning of a head.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a head has begun to come, and isn't whole.
    pub fn is_within_head(&self) -> bool {
        self.partial.as_ref().is_some_and(|partial| !partial.whole)
    }

    /// Takes a head off the front of `input`, its final empty line included; None when all of
    /// `input` was taken and the head goes on. A head that lies whole in the chunk is borrowed
    /// from it.
    ///
    /// # Errors
    /// [`Reject::HeadTooLong`] after [`HEAD_BYTES_MAX`] bytes without an end.
    /// [`Reject::BadRequest`] where the first byte already is none of HTTP (but of TLS, say),
    /// or a line ends in a bare LF. The reader must not be used after an error.
    pub fn next<'s, 'b: 's>(
        &'s mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<&'s [u8]>, Reject> {
        self.partial.take_if(|partial| partial.whole);
        if self.partial.is_none()
            && let Some(end) = find_end(input, 0)?
        {
            let (head, rest) = std::mem::take(input).split_at_mut(end);
            *input = rest;
            return Ok(Some(head));
        }
        if input.is_empty() {
            return Ok(None);
        }
        let Partial { bytes, whole } = &mut **self.partial.get_or_insert_default();
        let known = bytes.len();
        let room = HEAD_BYTES_MAX - known;
        bytes.extend_from_slice(&input[..input.len().min(room)]);
        let end = find_end(bytes, known)?;
        let used = end.map_or(input.len(), |end| end - known);
        *input = &mut std::mem::take(input)[used..];
        bytes.truncate(known + used);
        *whole = end.is_some();
        Ok(whole.then_some(&bytes[..]))
    }
}

/// With what has come of a head that isn't whole.
impl Field for HeadReader {
    fn put(&self, w: &mut Writer<'_>) {
        let half_read = self.partial.as_ref().filter(|partial| !partial.whole);
        half_read.map_or(&Vec::new(), |partial| &partial.bytes).put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let bytes = Vec::get(r)?;
        let begun = find_end(&bytes, 0) == Ok(None);
        let partial = (!bytes.is_empty()).then(|| Box::new(Partial { bytes, whole: false }));
        begun.then_some(Self { partial }).ok_or(Damage)
    }
}

/// Where the head at the start of `bytes` ends, its bytes below `known` having been looked at
/// before.
fn find_end(bytes: &[u8], known: usize) -> Result<Option<usize>, Reject> {
    if bytes.first().is_some_and(|first| !first.is_ascii_uppercase()) {
        return Err(Reject::BadRequest);
    }
    let bytes = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    for (at, _) in bytes.iter().enumerate().skip(known).filter(|(_, byte)| **byte == b'\n') {
        let line = &bytes[..=at];
        if line.ends_with(END) {
            return Ok(Some(line.len()));
        }
        if !line.ends_with(b"\r\n") {
            return Err(Reject::BadRequest);
        }
    }
    if bytes.len() == HEAD_BYTES_MAX { Err(Reject::HeadTooLong) } else { Ok(None) }
}
