//! Records, the frames of TLS (RFC 8446, section 5.1): where one ends.

use crate::alert::Alert;

/// Type, version, length.
pub(crate) const HEADER_BYTES: usize = 5;

/// The most that one record says.
pub(crate) const PLAIN_BYTES_MAX: usize = 1 << 14;

/// The longest body of a record: what TLS 1.3 allows. (1.2 allows more, for ciphers that are not
/// spoken here; none that is adds more than 24 bytes.)
pub(crate) const BODY_BYTES_MAX: usize = PLAIN_BYTES_MAX + 256;

/// The version that stands in every record, whichever is spoken.
pub(crate) const VERSION: [u8; 2] = [3, 3];

/// What a record is about. There is one more, for the handshake's sake, that nobody sends after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Alert = 21,
    Handshake = 22,
    Data = 23,
}

impl Kind {
    pub(crate) fn parse(byte: u8) -> Result<Self, Alert> {
        Ok(match byte {
            21 => Self::Alert,
            22 => Self::Handshake,
            23 => Self::Data,
            _ => return Err(Alert::UnexpectedMessage),
        })
    }
}

/// The length of the record at the start of `bytes`, its header included; None while not enough of
/// the header is there.
///
/// # Errors
/// [`Alert::RecordOverflow`] where it is too long, [`Alert::DecodeError`] where it is no record.
pub(crate) fn length(bytes: &[u8]) -> Result<Option<usize>, Alert> {
    let Some(&[_, major, _, high, low]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    if major != VERSION[0] {
        return Err(Alert::DecodeError);
    }
    let body = usize::from(u16::from_be_bytes([high, low]));
    if body > BODY_BYTES_MAX {
        return Err(Alert::RecordOverflow);
    }
    Ok(Some(HEADER_BYTES + body))
}

/// Puts records together from the pieces that they come in. 8 bytes, and nothing on the heap unless
/// a record is under way.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    partial: Option<Box<Partial>>,
}

#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// Handed out, and forgotten at the next call.
    whole: bool,
}

impl Reader {
    /// One that has received so much of a record; None where that can't be.
    pub(crate) fn with_partial(bytes: &[u8]) -> Option<Self> {
        let whole = length(bytes).ok()?.unwrap_or(HEADER_BYTES);
        let partial = || Box::new(Partial { bytes: bytes.to_vec(), whole: false });
        (bytes.len() < whole).then(|| Self { partial: (!bytes.is_empty()).then(partial) })
    }

    /// What was received of a record that isn't whole.
    pub(crate) fn partial(&self) -> &[u8] {
        let partial = self.partial.as_ref().filter(|partial| !partial.whole);
        partial.map_or(&[], |partial| &partial.bytes)
    }

    /// Takes a record off the front of `input`, its header included; None when all of `input` was
    /// taken and the record goes on. A record that lies whole in the chunk is borrowed from it.
    ///
    /// # Errors
    /// As [`length`] gives. The reader must not be used after an error.
    pub(crate) fn next<'s, 'b: 's>(
        &'s mut self,
        input: &mut &'b mut [u8],
    ) -> Result<Option<&'s mut [u8]>, Alert> {
        self.partial.take_if(|partial| partial.whole);
        if self.partial.is_none()
            && let Some(len) = length(input)?
            && len <= input.len()
        {
            let (record, rest) = std::mem::take(input).split_at_mut(len);
            *input = rest;
            return Ok(Some(record));
        }
        if input.is_empty() {
            return Ok(None);
        }
        let Partial { bytes, whole } = &mut **self.partial.get_or_insert_default();
        loop {
            let known = length(bytes)?;
            let missing = known.unwrap_or(HEADER_BYTES) - bytes.len();
            let taken = missing.min(input.len());
            let (head, rest) = std::mem::take(input).split_at_mut(taken);
            bytes.extend_from_slice(head);
            *input = rest;
            if taken < missing {
                return Ok(None);
            }
            if known.is_some() {
                *whole = true;
                return Ok(Some(bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 3, 3];
        record.extend((body.len() as u16).to_be_bytes());
        record.extend_from_slice(body);
        record
    }

    #[test]
    fn what_is_no_record_is_found_at_its_header() {
        assert_eq!(length(&[22, 3, 1, 0x40]), Ok(None));
        assert_eq!(length(&[22, 3, 1, 0x41, 0]), Ok(Some(HEADER_BYTES + BODY_BYTES_MAX)));
        assert_eq!(length(&[22, 3, 1, 0x41, 1]), Err(Alert::RecordOverflow));
        assert_eq!(length(b"GET /"), Err(Alert::DecodeError));
    }

    proptest! {
        #[test]
        fn pieces_make_the_same_records(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8),
            cuts in prop::collection::vec(1..40_usize, 1..8),
        ) {
            let records: Vec<_> = bodies.iter().map(|body| record(23, body)).collect();
            let mut wire = records.concat();
            let (mut reader, mut read) = (Reader::default(), Vec::new());
            let mut rest = &mut wire[..];
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let cut = (*cuts.next().expect("a cut")).min(rest.len());
                let (mut piece, behind) = rest.split_at_mut(cut);
                while let Some(record) = reader.next(&mut piece).expect("records") {
                    read.push(record.to_vec());
                }
                rest = behind;
            }
            prop_assert_eq!(read, records);
        }
    }
}
