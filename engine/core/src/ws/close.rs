//! The payload of a close frame (RFC 6455, sections 5.5.1 and 7.4).

use arrayvec::ArrayVec;

use super::{CONTROL_BYTES_MAX, Violation};

/// The longest reason in a close frame, in bytes.
pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// The payload of a close frame. A reason longer than [`REASON_BYTES_MAX`] is cut at a character.
pub fn close_payload(code: u16, reason: &str) -> ArrayVec<u8, CONTROL_BYTES_MAX> {
    let cut = reason.floor_char_boundary(REASON_BYTES_MAX);
    code.to_be_bytes().into_iter().chain(reason.bytes().take(cut)).collect()
}

/// Reads the payload of a close frame.
pub(super) fn parse(payload: &[u8]) -> Result<Option<(u16, &str)>, Violation> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (code, reason) = payload.split_first_chunk().ok_or(Violation::CloseTruncated)?;
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(Violation::BadCloseCode(code));
    }
    let reason = str::from_utf8(reason).map_err(|_| Violation::BadUtf8)?;
    Ok(Some((code, reason)))
}

/// Whether a close frame may carry the code: one registered for that use, or one of a library's or
/// an application's own. (1004 to 1006 and 1015 are reserved for reports within a program.)
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
