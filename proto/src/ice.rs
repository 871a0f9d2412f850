//! Where calls find a way.

use crate::key;
use crate::writer;

/// A STUN or TURN server, as `RTCPeerConnection` takes it (W3C WebRTC, section 4.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct IceServer<'a> {
    /// Where it is, as `turn:host:port?transport=udp` (RFC 7064, RFC 7065): several ways to the same.
    #[cfg_attr(feature = "typescript", ts(type = "string | ReadonlyArray<string>"))]
    pub urls: &'a [&'a str],
    /// TURN: whom it lets in.
    pub username: Option<&'a str>,
    /// TURN: what proves it.
    pub credential: Option<&'a str>,
}

impl IceServer<'_> {
    /// Appends a list of them, encoded as [`Connected`](crate::Connected) carries it. Limits are not
    /// checked.
    pub fn encode_list(servers: &[Self], out: &mut Vec<u8>) {
        writer::maps(out, servers, |entry, server| {
            entry.put(key::URLS, server.urls);
            entry.put_some(key::USERNAME, server.username);
            entry.put_some(key::CREDENTIAL, server.credential);
        });
    }
}
