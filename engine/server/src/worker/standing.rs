//! What people are known by to those who keep what is held against them.

use whisper_core::ids::SessionId;
use whisper_core::moderation::Severity;
use whisper_core::shard::{Event, Shard, Traits};
use whisper_core::time::Micros;
use whisper_proto::{ClientMessage, Hello};
use whisper_store::bans::Identity;

use super::guest::Who;

/// Has it asked what is held against somebody, who was just found at fault or is just known.
pub(super) fn known<'a>(
    (session, who): (SessionId, Who),
    fault: Option<Severity>,
    (shard, now): (&Shard, Micros),
) -> Event<'a> {
    Event::Known { session, marks: shard.marks(now, traits(who)), fault }
}

/// An address that is free of limits is that of many, and localhost that of a proxy that isn't
/// listed.
fn traits(Who { identity, exempt }: Who) -> Traits {
    let Identity { address, cookie, fingerprint } = identity;
    let address = (!exempt && !identity.is_from_localhost()).then_some(address);
    Traits { address, device: cookie, fingerprint }
}

/// Whether a message adds to what somebody is known by.
pub(super) fn tells_more(message: &ClientMessage<'_>) -> bool {
    matches!(message, ClientMessage::Hello(Hello { fingerprint: Some(_), .. }))
}
