//! Alerts: how one side tells the other that, and why, it is over (RFC 8446, section 6).

/// Why a stream ends, as its alert says. Those that a record layer gives; the handshake's are
/// rustls's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Alert {
    /// Nothing more will be said, and all is well.
    CloseNotify = 0,
    /// A record of a type that has no place here.
    UnexpectedMessage = 10,
    /// A record that was not made with the right key, or changed on its way.
    BadRecordMac = 20,
    /// A record longer than may be.
    RecordOverflow = 22,
    /// A message that is not what it says it is.
    DecodeError = 50,
    /// The server failed, not the peer.
    InternalError = 80,
    /// The peer wanted to shake hands again.
    NoRenegotiation = 100,
}

const WARNING: u8 = 1;
const FATAL: u8 = 2;

impl Alert {
    /// Level and description.
    pub(crate) fn encode(self) -> [u8; 2] {
        let level = if self == Self::CloseNotify { WARNING } else { FATAL };
        [level, self as u8]
    }

    /// The alert of this description.
    pub(crate) fn from_byte(description: u8) -> Option<Self> {
        const ALL: [Alert; 7] = [
            Alert::CloseNotify,
            Alert::UnexpectedMessage,
            Alert::BadRecordMac,
            Alert::RecordOverflow,
            Alert::DecodeError,
            Alert::InternalError,
            Alert::NoRenegotiation,
        ];
        ALL.into_iter().find(|alert| *alert as u8 == description)
    }
}

/// What a peer's alert means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It has said its last.
    Close,
    /// Nothing that matters.
    Nothing,
    /// It gave up.
    Failure,
}

impl Told {
    /// Reads a peer's alert. In TLS 1.3 every one but two is fatal, whatever its level says.
    pub(crate) fn parse(body: &[u8], tls13: bool) -> Result<Self, Alert> {
        const USER_CANCELED: u8 = 90;
        let &[level, description] = body else { return Err(Alert::DecodeError) };
        Ok(match description {
            0 => Self::Close,
            USER_CANCELED => Self::Nothing,
            _ if level == WARNING && !tls13 => Self::Nothing,
            _ => Self::Failure,
        })
    }
}
