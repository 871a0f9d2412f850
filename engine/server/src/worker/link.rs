//! What a link is to a worker: a connection, and what its messages are written in. So a message
//! finds its codec without a look at the connection. Or a connection that another node has, see
//! [`super::abroad`].

use whisper_core::http::Subprotocol;
use whisper_core::ids::Link;
use whisper_reactor::ConnId;

/// No place in a descriptor table is numbered as high.
const JSON: u64 = 1 << 31;

/// Nor as high as this.
const ABROAD: u64 = 1 << 30;

/// The link of a connection that speaks this.
pub(super) fn link_of(conn: ConnId, protocol: Subprotocol) -> Link {
    let bits = conn.to_bits();
    debug_assert_eq!(bits & (JSON | ABROAD), 0, "places are below 2^24");
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

/// The link of a connection that another node has, by its place among those.
pub(super) fn link_abroad(place: u32, generation: u32) -> Link {
    debug_assert_eq!(u64::from(place) & (JSON | ABROAD), 0, "there are fewer places");
    Link(u64::from(generation) << 32 | ABROAD | u64::from(place))
}

/// Whether another node has the connection of a link.
pub(super) fn is_abroad(link: Link) -> bool {
    link.0 & ABROAD != 0
}

/// The place of such a connection, and its generation.
pub(super) fn place_abroad(link: Link) -> Option<(u32, u32)> {
    let place = (link.0 & (ABROAD - 1)) as u32;
    is_abroad(link).then_some((place, (link.0 >> 32) as u32))
}
