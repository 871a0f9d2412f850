//! What a link is to a worker: a connection, and what its messages are written in. So a message
//! finds its codec without a look at the connection.

use whisper_core::http::Subprotocol;
use whisper_core::ids::Link;
use whisper_reactor::ConnId;

/// No place in a descriptor table is numbered as high.
const JSON: u64 = 1 << 31;

/// The link of a connection that speaks this.
pub(super) fn link_of(conn: ConnId, protocol: Subprotocol) -> Link {
    let bits = conn.to_bits();
    debug_assert_eq!(bits & JSON, 0, "places are below 2^24");
    Link(match protocol {
        Subprotocol::Msgpack => bits,
        Subprotocol::Json => bits | JSON,
    })
}

/// The connection of a link, and what it speaks.
pub(super) fn conn_of(link: Link) -> (ConnId, Subprotocol) {
    let json = link.0 & JSON != 0;
    let protocol = if json { Subprotocol::Json } else { Subprotocol::Msgpack };
    (ConnId::from_bits(link.0 & !JSON), protocol)
}
