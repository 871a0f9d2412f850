//! Every bound of the protocol, and how they relate.
//!
//! "Chars" are Unicode code points. A limit is checked where the value is decoded, from declared
//! lengths, before anything is allocated; encoding doesn't check.

use crate::{AgeCategory, Mode, QueueType};

/// The longest message, in bytes, in either direction.
pub const MESSAGE_BYTES: usize = 16 * 1024;
/// The deepest nesting of maps and arrays; the envelope itself is depth 1.
pub const DEPTH: u8 = 8;

/// The longest `content` of a `message`, in chars. The shortest is 1.
pub const CONTENT_CHARS: usize = 2_000;
/// The longest id a client may give a message or a report, in chars: a UUID in text fits.
pub const ID_CHARS: usize = 36;
/// The longest `reason` of a `skip`, in chars.
pub const REASON_CHARS: usize = 64;
/// The longest `comment` of a `report`, in chars.
pub const COMMENT_CHARS: usize = 500;
/// The longest `fingerprint` of a `hello`, in chars.
pub const FINGERPRINT_CHARS: usize = 128;
/// The longest `language` of a `hello`, in chars: what RFC 5646, section 4.4.1, asks buffers to
/// hold.
pub const LANGUAGE_CHARS: usize = 35;

/// The most interests of a `join`, as sent: empty and double ones count.
pub const INTERESTS: usize = 10;
/// The longest interest, in chars, after normalising. Normalising is not done here, so the codec
/// doesn't check it.
pub const INTEREST_CHARS: usize = 32;
/// The most messages proven by one `report`.
pub const EVIDENCE: usize = 20;
/// The length of a message's tag.
pub const TAG_BYTES: usize = 16;
/// How many lanes there are: every age category, mode and queue.
pub const LANES: usize = AgeCategory::ALL.len() * Mode::ALL.len() * QueueType::ALL.len();

/// The longest UTF-8 encoding of one char, in bytes.
pub(crate) const UTF8_BYTES_MAX: usize = 4;

/// What an envelope and its keys may take beside one full text field, in bytes. Generous: the
/// widest is a delivered `message` with its ids, times and tag.
const ENVELOPE_BYTES: usize = 512;

// The longest thing a person can type fits a message, whatever the script, both on its way in
// and on its way out with sender, time, seq and tag added.
const _: () = assert!(CONTENT_CHARS * UTF8_BYTES_MAX + ENVELOPE_BYTES <= MESSAGE_BYTES);
// A report can carry its comment, its id and the longest message as evidence: one always fits,
// and further ones go into further reports.
const _: () = assert!(
    (COMMENT_CHARS + ID_CHARS + CONTENT_CHARS) * UTF8_BYTES_MAX + ENVELOPE_BYTES <= MESSAGE_BYTES
);
// `matched` shows both lists of normalised interests. Normalising may not lengthen them past
// their limit, so both full lists fit.
const _: () =
    assert!(2 * INTERESTS * INTEREST_CHARS * UTF8_BYTES_MAX + ENVELOPE_BYTES <= MESSAGE_BYTES);
// All of a `hello` but its opaque tokens fits a quarter of a message; the rest is theirs.
const _: () = assert!(
    (FINGERPRINT_CHARS + LANGUAGE_CHARS) * UTF8_BYTES_MAX + ENVELOPE_BYTES <= MESSAGE_BYTES / 4
);
// The deepest map of the protocol itself (envelope, data, evidence, its entry) leaves room for
// signalling, which browsers nest once more.
const _: () = assert!(DEPTH > 4);
