//! msgpack → JSON.

use std::io::Write;

use data_encoding::BASE64URL_NOPAD;

use crate::DecodeError;
use crate::limits::MESSAGE_BYTES;
use crate::reader::{Reader, Token};

/// Why a frame can't be spelled as JSON. Only a map that is carried verbatim can hold any of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// The frame is no msgpack.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// An extension type.
    #[error("JSON has no extension types")]
    Extension,
    /// A key that isn't a str.
    #[error("a key is no string")]
    Key,
    /// A str that isn't UTF-8.
    #[error("a string is not UTF-8")]
    BadUtf8,
    /// NaN or an infinity.
    #[error("a number is not finite")]
    NotFinite,
    /// The text would be longer than [`MESSAGE_BYTES`].
    #[error("longer than {MESSAGE_BYTES} bytes as JSON")]
    TooLarge,
}

/// Appends the JSON of a msgpack frame to `out`. With an error, `out` is left as it was.
///
/// # Errors
/// Where the frame holds what JSON can't say, or is too long in it.
pub fn from_msgpack(frame: &[u8], out: &mut Vec<u8>) -> Result<(), Unsayable> {
    let start = out.len();
    let written = write(frame, out).and_then(|()| {
        if out.len() - start > MESSAGE_BYTES { Err(Unsayable::TooLarge) } else { Ok(()) }
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write(frame: &[u8], out: &mut Vec<u8>) -> Result<(), Unsayable> {
    let mut r = Reader::new(frame);
    write_value(&mut r, out)?;
    Ok(r.end()?)
}

fn write_value(r: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Unsayable> {
    match r.token()? {
        Token::Nil => out.extend_from_slice(b"null"),
        Token::Bool(value) => put(out, format_args!("{value}")),
        Token::Unsigned(value) => put(out, format_args!("{value}")),
        Token::Signed(value) => put(out, format_args!("{value}")),
        Token::Float(value) if value.is_finite() => put_serialized(out, &value),
        Token::Float(_) => return Err(Unsayable::NotFinite),
        Token::Str(bytes) => put_serialized(out, text(bytes)?),
        Token::Bin(bytes) => {
            put(out, format_args!("\"{}\"", BASE64URL_NOPAD.encode_display(bytes)))
        }
        Token::Array(elements) => {
            r.enter()?;
            out.push(b'[');
            for element in 0..elements {
                separate(element, out);
                write_value(r, out)?;
            }
            out.push(b']');
            r.leave();
        }
        Token::Map(entries) => {
            r.enter()?;
            out.push(b'{');
            for entry in 0..entries {
                separate(entry, out);
                let Token::Str(key) = r.token()? else { return Err(Unsayable::Key) };
                put_serialized(out, text(key)?);
                out.push(b':');
                write_value(r, out)?;
            }
            out.push(b'}');
            r.leave();
        }
        Token::Ext => return Err(Unsayable::Extension),
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, Unsayable> {
    str::from_utf8(bytes).map_err(|_| Unsayable::BadUtf8)
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn put(out: &mut Vec<u8>, formatted: std::fmt::Arguments<'_>) {
    out.write_fmt(formatted).expect("a vector takes all that is written to it");
}

/// Strings with their escapes, and floats in the fewest digits that tell them apart.
fn put_serialized<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("a vector takes all that is written to it");
}
