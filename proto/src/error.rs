//! What can be wrong with a message, whose fault it is, and what the client is told.

use crate::{ErrorCode, key};

/// Why bytes are not a message of the protocol.
///
/// Fields are named by their wire spelling; `"type"` and `"data"` are the envelope's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A length points past the end of the message.
    #[error("the message ends before its value does")]
    Truncated,
    /// There is more after the value.
    #[error("bytes follow the value")]
    TrailingBytes,
    /// The one byte that msgpack never uses.
    #[error("0xc1 is no msgpack")]
    ReservedByte,
    /// The text isn't JSON.
    #[error("this is no JSON")]
    NotJson,
    /// Maps and arrays nest deeper than [`DEPTH`](crate::limits::DEPTH).
    #[error("nested deeper than {}", crate::limits::DEPTH)]
    TooDeep,
    /// The message is longer than [`MESSAGE_BYTES`](crate::limits::MESSAGE_BYTES).
    #[error("longer than {} bytes", crate::limits::MESSAGE_BYTES)]
    TooLarge,
    /// The value isn't a map.
    #[error("a message is a map")]
    NotAMap,
    /// No message of this direction has this `type`.
    #[error("unknown type")]
    UnknownType,
    /// A field that must be there isn't, or is nil.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field stands twice. Two readers might pick different ones, so neither is taken.
    #[error("{0} stands twice")]
    Duplicate(&'static str),
    /// A field holds another kind of value.
    #[error("{0} has the wrong type")]
    WrongType(&'static str),
    /// A number is negative, has a fraction, or doesn't fit.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    /// A word is none of those the protocol knows.
    #[error("{0} is an unknown word")]
    UnknownWord(&'static str),
    /// A text isn't UTF-8.
    #[error("{0} is not UTF-8")]
    BadUtf8(&'static str),
    /// Bytes of fixed length have another.
    #[error("{0} has the wrong length")]
    WrongLength(&'static str),
    /// A text that must not be empty is.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A text or a list is over its limit.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// More than [`INTERESTS`](crate::limits::INTERESTS) interests.
    #[error("more than {} interests", crate::limits::INTERESTS)]
    TooManyInterests,
}

/// Who has to change something, so that the message becomes a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever wrote the bytes: they are no msgpack (or JSON), or too deep or too big to be looked at.
    Encoding,
    /// The author of the client: good msgpack that is no message of this protocol.
    Client,
    /// The person: they typed or chose too much, or nothing.
    Person,
}

impl DecodeError {
    /// Whose fault it is.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Truncated
            | Self::TrailingBytes
            | Self::ReservedByte
            | Self::NotJson
            | Self::TooDeep
            | Self::TooLarge
            | Self::BadUtf8(_) => Fault::Encoding,
            Self::NotAMap
            | Self::UnknownType
            | Self::Missing(_)
            | Self::Duplicate(_)
            | Self::WrongType(_)
            | Self::OutOfRange(_)
            | Self::UnknownWord(_)
            | Self::WrongLength(_) => Fault::Client,
            Self::Empty(_) | Self::TooLong(_) | Self::TooManyInterests => Fault::Person,
        }
    }

    /// The field it is about, by its wire spelling.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Missing(field)
            | Self::Duplicate(field)
            | Self::WrongType(field)
            | Self::OutOfRange(field)
            | Self::UnknownWord(field)
            | Self::BadUtf8(field)
            | Self::WrongLength(field)
            | Self::Empty(field)
            | Self::TooLong(field) => Some(field),
            Self::TooManyInterests => Some(key::INTERESTS),
            Self::UnknownType => Some(key::TYPE),
            Self::Truncated
            | Self::TrailingBytes
            | Self::ReservedByte
            | Self::NotJson
            | Self::TooDeep
            | Self::TooLarge
            | Self::NotAMap => None,
        }
    }
}

/// The one place that decides what the client is told.
impl From<&DecodeError> for ErrorCode {
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::TooManyInterests => Self::BadInterests,
            DecodeError::TooLarge | DecodeError::TooLong(_) => Self::TooLarge,
            _ => Self::BadMessage,
        }
    }
}
