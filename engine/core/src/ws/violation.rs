//! How a peer can break the protocol.

use thiserror::Error;

/// A breach of RFC 6455, or of our limits, by the peer. The connection must be closed, with
/// [`Violation::close_code`]; the decoder that reported it must not be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set, and no extension was agreed on that could mean something by it.
    #[error("a reserved bit is set")]
    ReservedBits,
    /// An opcode that the RFC reserves.
    #[error("reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// A client must mask its frames.
    #[error("a client's frame is not masked")]
    NotMasked,
    /// A server must not mask its frames.
    #[error("a server's frame is masked")]
    Masked,
    /// The length is not in the shortest of its three forms.
    #[error("the length is not in its shortest form")]
    LengthNotShortest,
    /// The highest bit of a 64-bit length is set.
    #[error("the highest bit of the length is set")]
    LengthOutOfRange,
    /// A control frame in pieces.
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A control frame of more than 125 bytes.
    #[error("a control frame is longer than 125 bytes")]
    ControlTooLong,
    /// A continuation frame with nothing to continue.
    #[error("a continuation of no message")]
    StrayContinuation,
    /// A message that begins before the one under way has ended.
    #[error("a message begins within another")]
    InterleavedMessage,
    /// A message longer than [`Limits::message`](super::Limits::message), by what its frames
    /// declare.
    #[error("the message is too big")]
    MessageTooBig,
    /// A message in more frames than [`Limits::fragments`](super::Limits::fragments).
    #[error("the message has too many fragments")]
    TooManyFragments,
    /// A text message, or the reason in a close frame, is not UTF-8.
    #[error("text is not UTF-8")]
    BadUtf8,
    /// A close frame of one byte, which can hold no code.
    #[error("a close frame of one byte")]
    CloseTruncated,
    /// A close code that may not be sent.
    #[error("close code {0} may not be sent")]
    BadCloseCode(u16),
}

impl Violation {
    /// The code to close the connection with (RFC 6455, section 7.4.1).
    pub fn close_code(self) -> u16 {
        const PROTOCOL_ERROR: u16 = 1002;
        const INVALID_PAYLOAD: u16 = 1007;
        const TOO_BIG: u16 = 1009;
        match self {
            Self::BadUtf8 => INVALID_PAYLOAD,
            Self::MessageTooBig | Self::TooManyFragments => TOO_BIG,
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::NotMasked
            | Self::Masked
            | Self::LengthNotShortest
            | Self::LengthOutOfRange
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::StrayContinuation
            | Self::InterleavedMessage
            | Self::CloseTruncated
            | Self::BadCloseCode(_) => PROTOCOL_ERROR,
        }
    }
}
