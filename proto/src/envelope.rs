//! The outer map of every message: `{type, data}`.

use crate::DecodeError;
use crate::key;
use crate::limits::MESSAGE_BYTES;
use crate::reader::{Reader, Result, Slot};

const EMPTY_MAP: &[u8] = &[0x80];

enum Data<'a, T> {
    Read(T),
    /// It stood before `type`, so nobody knew yet how to read it.
    Kept(Reader<'a>),
}

/// Decodes a frame: finds the type and hands the reader of `data` to `read`. Where `data` is
/// absent, `read` sees an empty map.
#[inline]
pub(crate) fn decode<'a, T>(
    frame: &'a [u8],
    read: impl Fn(&str, &mut Reader<'a>) -> Result<T>,
) -> Result<T> {
    if frame.len() > MESSAGE_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let mut r = Reader::new(frame);
    let mut kind = Slot::new(key::TYPE);
    let mut data = Slot::new(key::DATA);
    r.fields(DecodeError::NotAMap, |name, r| match name {
        key::TYPE => kind.fill(r, Reader::str),
        key::DATA => data.fill(r, |r, _| match kind.get() {
            Some(kind) => read(kind, r).map(Data::Read),
            None => r.keep().map(Data::Kept),
        }),
        _ => r.skip(),
    })?;
    r.end()?;

    let kind = kind.required()?;
    match data.optional() {
        Some(Data::Read(message)) => Ok(message),
        Some(Data::Kept(mut data)) => read(kind, &mut data),
        None => read(kind, &mut Reader::within_envelope(EMPTY_MAP)),
    }
}
