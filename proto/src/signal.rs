//! WebRTC signalling, which passes through without being interpreted.

use crate::reader::{Reader, Result, Slot};
use crate::{DecodeError, SignalKind, key, writer};

/// `offer`, `answer`, `ice_candidate`: a map of one browser for another.
///
/// Only possible in a voice or video chat. Under `relayOnly`, candidates that aren't relayed are
/// dropped by the engine. Depth and lengths of the map have been checked; its contents, UTF-8
/// among them, have not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Signal<'a> {
    /// Which step; on the wire, the `type` of the message.
    #[cfg_attr(feature = "typescript", ts(rename = "type"))]
    pub kind: SignalKind,
    /// `roomId` of the body: the chat the client means. Where it isn't the current one the
    /// message is dropped silently. Encoding writes the body only.
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub room: Option<&'a str>,
    /// The whole of `data` as it came: one encoded msgpack map. [`Signal::new`] checks that it is.
    #[cfg_attr(feature = "typescript", ts(rename = "data", as = "crate::typescript::AnyMap"))]
    pub body: &'a [u8],
}

impl<'a> Signal<'a> {
    /// Checks a body that was encoded elsewhere, and finds its room.
    ///
    /// # Errors
    /// What decoding the message would say.
    pub fn new(kind: SignalKind, body: &'a [u8]) -> std::result::Result<Self, DecodeError> {
        let mut r = Reader::within_envelope(body);
        let signal = Self::read(kind, &mut r)?;
        r.end()?;
        Ok(signal)
    }

    pub(crate) fn read(kind: SignalKind, r: &mut Reader<'a>) -> Result<Self> {
        let start = *r;
        let mut room = Slot::new(key::ROOM_ID);
        r.data_fields(|name, r| match name {
            key::ROOM_ID => room.fill(r, Reader::str),
            _ => r.skip(),
        })?;
        Ok(Self { kind, room: room.optional(), body: start.up_to(r) })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        writer::raw_message(out, self.kind.as_str(), self.body);
    }
}
