//! The bounds of the core, in one place. Those of the wire stand in [`whisper_proto::limits`].

mod admission;
mod rate;
mod speech;
mod visit;

pub use admission::{Admission, AdmissionRates, Answer, Ask, Held, Visitor};
pub use rate::{Meter, Rate};
pub use speech::{Act, Heed, Speech, SpeechRates};
pub use visit::{Visit, Wait, unclaimed};

use crate::time::Span;

/// Partners remembered, so that nobody meets the same stranger again.
pub const PARTNERS_REMEMBERED: usize = 32;

/// Within this time after the other side ended a chat, a `skip` still means «next».
pub const SKIP_GRACE: Span = Span::secs(2);

/// `stats` frames a second that one box sends at most; beyond, the interval stretches.
pub const STATS_PER_SECOND: u64 = 20_000;

/// Steps of the match queue's own work (tiers opened, scans carried on) in one wake.
pub const WAKE_BUDGET: usize = 256;

/// Places of the table of people that one wake looks at for somebody queued in a lane just closed.
pub const PLACES_CLEARED: usize = 1_024;

/// Places that one wake looks at for somebody to be sent elsewhere: closing is dearer than looking.
pub const PLACES_DRAINED: usize = 512;

/// Of a reactor's places for connections, those on which nobody stays: they are for telling
/// newcomers that all others are taken.
pub const fn places_spare(places: u64) -> u64 {
    let share = places / 16;
    if share < SPARE_MAX { share } else { SPARE_MAX }
}

/// The places on which so many people can stay.
pub const fn places_for(people: u64) -> u64 {
    let share = people.div_ceil(15);
    people + if share < SPARE_MAX { share } else { SPARE_MAX }
}

/// As many as are refused within the time of a handshake, in a rush.
const SPARE_MAX: u64 = 512;

/// Messages that are kept for one person until they are acknowledged.
pub const KEPT_MESSAGES: usize = 64;

/// Bytes of such messages.
pub const KEPT_BYTES: usize = 32 * 1024;

/// Bytes that one shard keeps for all of its people together.
pub const KEPT_BYTES_BY_SHARD: usize = 64 << 20;

/// Messages of one side of a chat that are recognised when they are said again.
pub const SAID_REMEMBERED: usize = 64;

/// People whose time to come back has passed, of whom one wake takes leave.
pub const ABSENT_ENDED: usize = 256;

const _: () = assert!(
    KEPT_BYTES >= 2 * whisper_proto::limits::MESSAGE_BYTES,
    "what is kept has room for any message, and what its delivery adds"
);
const _: () = assert!(
    crate::match_queue::KEYS_MAX == whisper_proto::limits::INTERESTS,
    "a card has room for every interest that a join may name"
);
