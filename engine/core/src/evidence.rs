//! Tags that let a report prove what was said, with nothing stored.
//!
//! A tag is the first 16 bytes of a keyed BLAKE3 over where, when, by which side and what. Its key
//! changes by the day and derives from the cluster's secret, so it holds across restarts and boxes.

use std::fmt;

use crate::ids::{RoomId, Side};
use crate::time::Micros;

/// A tag as it travels beside a message.
pub type Tag = [u8; 16];

/// One delivered message, as both its tag and a report name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The room it was said in.
    pub room: RoomId,
    /// Its number among what this side said there, from 1.
    pub seq: u64,
    /// Who said it.
    pub side: Side,
    /// When, in milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// What was said.
    pub content: &'a str,
}

/// Makes and checks tags.
#[derive(Clone)]
pub struct Notary {
    secret: [u8; 32],
    /// The day whose key is at hand, and the key.
    today: (u64, [u8; 32]),
}

const DAY_MILLIS: u64 = 86_400_000;

impl Notary {
    /// A notary under the cluster's secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, today: (0, day_key(&secret, 0)) }
    }

    /// The tag of a statement.
    pub fn tag(&mut self, statement: &Statement<'_>) -> Tag {
        let day = statement.unix_millis / DAY_MILLIS;
        if self.today.0 != day {
            self.today = (day, day_key(&self.secret, day));
        }
        tag_under(&self.today.1, statement)
    }

    /// Whether `tag` was made for this statement today or yesterday. Takes the same time wherever
    /// a wrong tag differs.
    pub fn proves(&mut self, now: Micros, statement: &Statement<'_>, tag: &[u8]) -> bool {
        let age = now.unix_day().checked_sub(statement.unix_millis / DAY_MILLIS);
        let Ok(tag) = <[u8; 16]>::try_from(tag) else { return false };
        matches!(age, Some(0 | 1)) && is_same(self.tag(statement), tag)
    }
}

impl fmt::Debug for Notary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notary")
    }
}

fn day_key(secret: &[u8; 32], day: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(b"whisper evidence by the day");
    hasher.update(&day.to_be_bytes());
    *hasher.finalize().as_bytes()
}

fn tag_under(key: &[u8; 32], statement: &Statement<'_>) -> Tag {
    let mut fixed = [0; 33];
    fixed[..16].copy_from_slice(&statement.room.0);
    fixed[16..24].copy_from_slice(&statement.seq.to_be_bytes());
    fixed[24..32].copy_from_slice(&statement.unix_millis.to_be_bytes());
    fixed[32] = statement.side as u8;
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&fixed);
    hasher.update(statement.content.as_bytes());
    let hash = hasher.finalize();
    hash.as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

/// Whether two proofs are the same, told in the same time wherever they differ.
pub(crate) fn is_same(one: [u8; 16], other: [u8; 16]) -> bool {
    // The comparison of BLAKE3's own hash type is constant-time.
    let wide = |proof: [u8; 16]| {
        let mut wide = [0; 32];
        wide[..16].copy_from_slice(&proof);
        blake3::Hash::from_bytes(wide)
    };
    wide(one) == wide(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(20_000 * 86_400_000_000 + 5);

    fn statement(content: &str) -> Statement<'_> {
        Statement {
            room: RoomId([3; 16]),
            seq: 7,
            side: Side::First,
            unix_millis: NOW.unix_millis(),
            content,
        }
    }

    #[test]
    fn what_was_said_proves_and_nothing_else() {
        let mut notary = Notary::new([9; 32]);
        let said = statement("hello");
        let tag = notary.tag(&said);
        assert!(notary.proves(NOW, &said, &tag));
        assert!(!notary.proves(NOW, &statement("hallo"), &tag));
        assert!(!notary.proves(NOW, &Statement { seq: 8, ..said }, &tag));
        assert!(!notary.proves(NOW, &Statement { side: Side::Second, ..said }, &tag));
        assert!(!notary.proves(NOW, &Statement { room: RoomId([4; 16]), ..said }, &tag));
        assert!(!notary.proves(NOW, &said, &tag[..15]));
        assert!(!Notary::new([8; 32]).proves(NOW, &said, &tag));
    }

    #[test]
    fn yesterday_counts_and_the_day_before_does_not() {
        let mut notary = Notary::new([9; 32]);
        let day = 86_400_000;
        for (days_ago, proves) in [(0, true), (1, true), (2, false)] {
            let said =
                Statement { unix_millis: NOW.unix_millis() - days_ago * day, ..statement("x") };
            let tag = notary.tag(&said);
            assert_eq!(notary.proves(NOW, &said, &tag), proves, "{days_ago} days ago");
        }
        let tomorrow = Statement { unix_millis: NOW.unix_millis() + day, ..statement("x") };
        let tag = notary.tag(&tomorrow);
        assert!(!notary.proves(NOW, &tomorrow, &tag));
    }
}
