//! A link between two processes of a cluster: reliable, or reset.
//!
//! Whatever carries its packets may lose, double, reorder, delay and withhold them. From
//! [`News::Up`] to [`News::Lost`] each side hears what the other pushed, whole, in its order, once:
//! a prefix of it, where it ends by `Lost`. So nobody above repairs single losses.
//!
//! Each side has a *half*, a number that only grows. What is said names both, and counts only where
//! both are those of now. A side that gives up takes a higher half; the other hears of it by the
//! first packet that has it, before anything of the new link, and takes a higher one too: so that a
//! link is up for a side only where the other has heard it just now. Within a link, batches are
//! numbered: they are kept until they are acknowledged, and what is missing is sent again.
//!
//! A side gives up where it heard nothing for [`LINK_SILENCE`], where more than is kept waits to be
//! acknowledged ([`UNACKED_MAX`], [`UNACKED_BYTES_MAX`]), and where its owner says so.

mod incoming;
mod outgoing;
mod packet;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use self::incoming::Incoming;
pub use self::incoming::KEPT_MAX;
use self::outgoing::{Nonsense, Outgoing, pause};
pub use self::outgoing::{UNACKED_BYTES_MAX, UNACKED_MAX};
pub(crate) use self::packet::sender;
use self::packet::{Numbers, Seal};
pub use self::packet::{PACKET_OVERHEAD, PacketError, Process};
use crate::batch::{Batch, ITEM_BYTES};
use crate::beat::ClusterKey;
use crate::membership::SILENCE;

/// A link on which nothing is heard for so long is over: as for beats, so that both ends of a cut
/// that goes one way learn of it.
pub const LINK_SILENCE: Duration = SILENCE;

/// A side that has nothing to say says so as often.
pub const SAY_EVERY: Duration = Duration::from_secs(1);

/// What becomes of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Both sides are there. What is pushed from here on is heard by the other side.
    Up,
    /// The other side pushed this.
    Heard(Batch),
    /// It is over, and what was under way is lost. It may come up again.
    Lost,
}

/// Why an item can't be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PushError {
    /// The link isn't up.
    #[error("the link isn't up")]
    Down,
    /// The item is larger than [`ITEM_BYTES`].
    #[error("an item has at most {ITEM_BYTES} bytes")]
    TooLong,
    /// The other side is too far behind. The link is over.
    #[error("too much waits for the other side: the link is reset")]
    Full,
}

/// What a link came to, from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Batches sent, each once.
    pub batches_sent: u64,
    /// Bytes in them.
    pub bytes_sent: u64,
    /// Batches heard, each once.
    pub batches_heard: u64,
    /// Bytes in them.
    pub bytes_heard: u64,
    /// Batches sent again.
    pub resends: u64,
    /// Times that the link was up and is over.
    pub resets: u64,
}

impl LinkCounters {
    /// Those of two links together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            batches_sent: self.batches_sent + other.batches_sent,
            bytes_sent: self.bytes_sent + other.bytes_sent,
            batches_heard: self.batches_heard + other.batches_heard,
            bytes_heard: self.bytes_heard + other.bytes_heard,
            resends: self.resends + other.resends,
            resets: self.resets + other.resets,
        }
    }
}

/// One side of a link.
pub struct Link {
    ours: Seal,
    theirs: Seal,
    peer: Process,
    /// Our half.
    half: u64,
    /// The highest that the other side was heard to have; 0 before it was heard.
    other: u64,
    is_up: bool,
    serial: u64,
    /// The highest serial of theirs, and when it was heard: an old packet is no sign of life.
    heard: (u64, Duration),
    /// When something is to be said at the latest.
    say_at: Duration,
    /// How often it was said that we are here, without an answer.
    calls: u32,
    outgoing: Outgoing,
    incoming: Incoming,
    news: VecDeque<News>,
    counters: LinkCounters,
}

impl Link {
    /// A link between two processes, not up yet. `half` is higher than 0, and than the
    /// [last](Self::half) of every link of `me` to the same peer before.
    pub fn new(key: &ClusterKey, now: Duration, (me, peer): (Process, Process), half: u64) -> Self {
        Self {
            ours: Seal::new(key, me, peer),
            theirs: Seal::new(key, peer, me),
            peer,
            half,
            other: 0,
            is_up: false,
            serial: 0,
            heard: (0, now),
            say_at: now,
            calls: 0,
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            news: VecDeque::new(),
            counters: LinkCounters::default(),
        }
    }

    /// The other side.
    pub fn peer(&self) -> Process {
        self.peer
    }

    /// Whether items can be pushed.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Has an item go to the other side, by the next [`Self::poll`].
    ///
    /// # Errors
    /// [`PushError`]; after [`PushError::Full`] there is [`News::Lost`].
    pub fn push(&mut self, now: Duration, item: &[u8]) -> Result<(), PushError> {
        if !self.is_up {
            return Err(PushError::Down);
        }
        if item.len() > ITEM_BYTES {
            return Err(PushError::TooLong);
        }
        if !self.outgoing.push(item) {
            self.reset(now);
            return Err(PushError::Full);
        }
        Ok(())
    }

    /// Takes what came; see [`Self::news`] for what follows.
    ///
    /// # Errors
    /// Where it isn't of this link: nothing has changed then. For [`PacketError::Damaged`] the link
    /// is reset.
    pub fn hear(&mut self, now: Duration, packet: &[u8]) -> Result<(), PacketError> {
        let opened = self.theirs.open(packet);
        let heard = opened.and_then(|(numbers, batch)| self.take(now, &numbers, batch));
        if let Err(PacketError::Damaged { .. }) = heard {
            self.reset(now);
        }
        heard
    }

    /// What became of the link, in order. To be asked until there is nothing, after each
    /// [`Self::hear`], [`Self::poll`], [`Self::reset`] and failed [`Self::push`].
    pub fn news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// The next packet to be sent now, if any. To be asked until there is none, after what was
    /// pushed or heard, and when [due](Self::due).
    pub fn poll(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.is_up && now.saturating_sub(self.heard.1) >= LINK_SILENCE {
            self.reset(now);
        }
        let is_due = now >= self.due_to_say();
        let next = if self.is_up { self.outgoing.next(now, &mut self.counters) } else { None };
        let (number, items) = match next {
            Some((number, batch)) => (number, batch.bytes()),
            None if is_due => (0, &[][..]),
            None => return None,
        };
        self.serial += 1;
        self.say_at = now + if self.is_up { SAY_EVERY } else { pause(self.calls) };
        self.calls += u32::from(!self.is_up);
        let (expected, kept) = self.incoming.acknowledge();
        let (half, other, serial) = (self.half, self.other, self.serial);
        Some(self.ours.seal(&Numbers { half, other, serial, expected, kept, number }, items))
    }

    /// When [`Self::poll`] has something to say or to do by itself.
    pub fn due(&self) -> Duration {
        if !self.is_up {
            return self.say_at;
        }
        let silence = self.heard.1 + LINK_SILENCE;
        let resend = self.outgoing.due().unwrap_or(silence);
        self.due_to_say().min(resend).min(silence)
    }

    /// The link is over for this side, and a new one begins.
    pub fn reset(&mut self, now: Duration) {
        if std::mem::take(&mut self.is_up) {
            self.counters.resets += 1;
            self.news.push_back(News::Lost);
        }
        self.half += 1;
        self.outgoing = Outgoing::new();
        self.incoming = Incoming::new();
        self.say_at = now;
        self.calls = 0;
    }

    /// Our half as it is now.
    pub fn half(&self) -> u64 {
        self.half
    }

    /// What it came to so far.
    pub fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// Batches that wait to be acknowledged, and their bytes.
    pub fn unacked(&self) -> (usize, usize) {
        self.outgoing.unacked()
    }

    /// How long acknowledgements take of late, their wait for company included; none before the
    /// first.
    pub fn round_trip(&self) -> Option<Duration> {
        self.outgoing.rtt
    }

    fn take(&mut self, now: Duration, said: &Numbers, batch: Batch) -> Result<(), PacketError> {
        if said.half < self.other {
            return Ok(());
        }
        if said.half > self.other {
            // Up again it is only once they have heard this side as it is now.
            if self.is_up {
                self.reset(now);
            }
            (self.other, self.heard.0) = (said.half, 0);
        }
        if said.other != self.half {
            // They don't know of this half, or didn't when they said so.
            self.say_at = now;
            return Ok(());
        }
        if said.serial > self.heard.0 {
            self.heard = (said.serial, now);
        }
        if !self.is_up {
            self.is_up = true;
            self.calls = 0;
            self.say_at = now;
            self.news.push_back(News::Up);
        }
        self.outgoing
            .acknowledged(now, said.expected, said.kept)
            .map_err(|Nonsense| PacketError::Damaged { node: self.peer.node })?;
        if said.number > 0 {
            let Self { incoming, news, counters, .. } = self;
            incoming.take(now, (said.number, batch), |batch| {
                counters.batches_heard += 1;
                counters.bytes_heard += batch.bytes().len() as u64;
                news.push_back(News::Heard(batch));
            });
        }
        Ok(())
    }

    fn due_to_say(&self) -> Duration {
        self.incoming.due().map_or(self.say_at, |at| at.min(self.say_at))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, half, other, is_up, .. } = self;
        let mut it = f.debug_struct("Link");
        it.field("peer", peer).field("half", half).field("other", other).field("is_up", is_up);
        it.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::beat::Run;

    /// Numbers at the edges of what there is, and beyond.
    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![0..5_u64, 60..70_u64, u64::MAX - 3..=u64::MAX, any::<u64>()]
    }

    fn numbers() -> impl Strategy<Value = Numbers> {
        // Of this link, mostly, and later than what was heard.
        let half = prop_oneof![4 => Just(1_u64), 1 => number()];
        let other = prop_oneof![8 => Just(None), 1 => number().prop_map(Some)];
        (half, other, number(), number(), number(), number()).prop_map(
            |(half, other, serial, expected, kept, number)| {
                let other = other.unwrap_or(u64::MAX);
                Numbers { half, other, serial, expected, kept, number }
            },
        )
    }

    proptest! {
        /// Whoever has the key and says anything at all costs its link, at most.
        #[test]
        fn proven_nonsense_is_damage_or_changes_nothing(
            said in prop::collection::vec((numbers(), prop::collection::vec(any::<u8>(), 0..6)), 1..60)
        ) {
            let key = ClusterKey::new(&[7; 32], "main");
            let process = |node: u16| {
                Process { node, run: Run { started_us: 1, nonce: node.into() } }
            };
            let (me, peer) = (process(1), process(2));
            let mut now = Duration::from_secs(1_000);
            let mut link = Link::new(&key, now, (me, peer), 1);
            let theirs = Seal::new(&key, peer, me);
            for (mut numbers, items) in said {
                now += Duration::from_millis(30);
                if numbers.other == u64::MAX {
                    numbers.other = link.half();
                }
                let before = link.counters().resets;
                let was_up = link.is_up();
                let heard = link.hear(now, &theirs.seal(&numbers, &items));
                if let Err(error) = heard {
                    prop_assert_eq!(error, PacketError::Damaged { node: 2 });
                    prop_assert!(!link.is_up());
                    prop_assert!(link.counters().resets == before + 1 || !was_up);
                }
                let _ = link.push(now, b"something");
                while link.news().is_some() {}
                while link.poll(now).is_some() {}
                prop_assert!(link.due() >= Duration::ZERO);
                prop_assert!(link.incoming.kept.len() <= KEPT_MAX);
            }
        }
    }
}
