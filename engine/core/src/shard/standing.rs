//! What is held against people under what they can be known by, so that whoever comes again is no
//! newcomer. The owner of a mark keeps it, for a day; homes ask when somebody comes, and tell of
//! faults.

use core::net::IpAddr;

use arrayvec::ArrayVec;
use whisper_shard_router::{KeyHash, Placement, ShardId};

use super::{Effect, Effects, Floor, Shard, ShardMessage};
use crate::ids::SessionId;
use crate::limits::Visitor;
use crate::moderation::{Ladder, Record, Severity};
use crate::time::Micros;

/// What a person can be known by, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Their address. None, where it isn't a person's: a proxy's, or one that stands for many.
    pub address: Option<IpAddr>,
    /// The name of their device, which they were given.
    pub device: Option<u64>,
    /// What their client says of their device, hashed.
    pub fingerprint: Option<u64>,
}

/// The marks of one person.
pub type Marks = ArrayVec<Mark, 3>;

/// A trait as the shards know it: a keyed hash, another one each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    name: KeyHash,
    /// Others may well have the same.
    shared: bool,
}

impl Traits {
    fn marks(self, day: u16, placement: &Placement) -> Marks {
        let mark = |kind: u8, parts: [u64; 2], shared| {
            let mut bytes = [0; 19];
            bytes[0] = kind;
            bytes[1..3].copy_from_slice(&day.to_le_bytes());
            bytes[3..11].copy_from_slice(&parts[0].to_le_bytes());
            bytes[11..].copy_from_slice(&parts[1].to_le_bytes());
            Mark { name: placement.hash(&bytes), shared }
        };
        let address = self.address.map(|it| Visitor::new(it, placement).narrowest().0);
        // Phones look alike: of one fingerprint, those nearby are taken for the same.
        let nearby = self.fingerprint.zip(self.address).map(|(it, address)| [it, block(address)]);
        let marks = [
            self.device.map(|device| mark(b'd', [device, 0], false)),
            address.map(|address| mark(b'a', [address, 0], true)),
            nearby.map(|parts| mark(b'f', parts, true)),
        ];
        marks.into_iter().flatten().collect()
    }
}

/// The neighbourhood of an address: its /24, in IPv6 its /48.
fn block(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => (address.to_bits() >> 80) as u64 | 1 << 63,
    }
}

/// Between the home of a person and the owner of a mark of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StandingMessage {
    /// Home to owner: what is held against this? Answered where it is anything.
    Ask {
        /// Whose mark.
        person: SessionId,
        /// Which.
        mark: Mark,
        /// What they were just found at fault for.
        fault: Option<Severity>,
    },
    /// Owner to home.
    Answer {
        /// Whose mark.
        person: SessionId,
        /// What is held against it.
        record: Record,
    },
}

impl Shard {
    /// The marks of somebody, on the day that it is.
    pub fn marks(&self, now: Micros, traits: Traits) -> Marks {
        traits.marks(day(now), &self.floor.placement)
    }
}

impl Floor {
    pub(super) fn ask_standing(
        &self,
        person: SessionId,
        marks: Marks,
        fault: Option<Severity>,
        effects: &mut impl Effects,
    ) {
        for mark in marks {
            let to = self.placement.owner(mark.name);
            let ask = StandingMessage::Ask { person, mark, fault };
            self.to_shard(to, ShardMessage::Standing(ask), effects);
        }
    }

    pub(super) fn about_standing(
        &mut self,
        from: ShardId,
        message: StandingMessage,
        effects: &mut impl Effects,
    ) {
        match message {
            StandingMessage::Ask { person, mark, fault } => {
                let (day, ladder) = (day(self.now), self.judge.moderator.rules().ladder());
                if let Some(severity) = fault {
                    self.standings.fault(day, mark.name, severity, ladder);
                }
                let record = mark.weigh(self.standings.on(day, mark.name), ladder);
                if record != Record::default() {
                    let answer = StandingMessage::Answer { person, record };
                    self.to_shard(from, ShardMessage::Standing(answer), effects);
                }
            }
            StandingMessage::Answer { person, record } => {
                effects.push(Effect::Remembered { session: person, record });
            }
        }
    }

    /// Somebody is held against what others, or they themselves, earned elsewhere.
    pub(super) fn remembered(&mut self, session: SessionId, record: Record) {
        let day = day(self.now);
        if let Some(person) = self.people.get_mut(session) {
            person.extra_mut().standing.learn(day, record);
        }
    }
}

impl Mark {
    /// What a record means for one who has this mark. Where others may have it as well, nobody is
    /// banned for those: they begin where the next fault is blocked, at most.
    fn weigh(self, record: Record, ladder: Ladder) -> Record {
        let most = if self.shared { ladder.warnings } else { u8::MAX };
        Record { strikes: record.strikes.min(most), ..record }
    }
}

/// The day that it is; enough until 2149.
pub(super) fn day(now: Micros) -> u16 {
    now.unix_day() as u16
}
