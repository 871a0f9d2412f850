//! Lists of interests.

use arrayvec::ArrayVec;

use crate::DecodeError;
use crate::limits::INTERESTS;
use crate::reader::{Field, Reader, Result};

/// A list of interests, as many as one `join` may send.
pub type Names<'a> = ArrayVec<&'a str, INTERESTS>;

/// Reads a list of interests. Too many have a code of their own on the wire.
pub(crate) fn read_names<'a>(r: &mut Reader<'a>, field: Field) -> Result<Names<'a>> {
    let mut names = ArrayVec::new();
    r.elements(field, INTERESTS, DecodeError::TooManyInterests, |r| {
        names.push(r.str(field)?);
        Ok(())
    })?;
    Ok(names)
}
