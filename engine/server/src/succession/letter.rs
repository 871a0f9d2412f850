//! What two processes say to each other while one takes over from the other. The order is told in
//! [`super`].

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;
use whisper_core::codec::{Field as _, Reader, Writer};
use whisper_core::settings::OpenLanes;

use crate::clock::Moment;
use crate::config::{ChallengeMode, Config, Service};

/// One thing said. Later versions may add fields and kinds; a kind that isn't known is no letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Letter {
    /// The heir: what it is, and which formats of state it reads. It has read its configuration, and
    /// all else that is read at a start.
    Hello(Hello),
    /// The testator: what it will write, and what the heir needs to know beforehand.
    Agreed(Box<Agreed>),
    /// The testator: it writes nothing that the heir reads. The heir ends.
    Foreign,
    /// The heir: its reactors stand, and nothing is left to do but to take.
    Ready,
    /// The testator: the operators' listeners, the one in the file system first.
    Operators,
    /// The testator: the listeners of one reactor, by their tags.
    Listeners {
        /// Whose.
        shard: u16,
        /// As many as descriptors.
        tags: Vec<u32>,
    },
    /// The testator: all that a shard and its worker know, in a parcel.
    State {
        /// Whose.
        shard: u16,
    },
    /// The testator: sockets of one reactor.
    Sockets {
        /// Whose.
        shard: u16,
        /// Their names there; as many as descriptors.
        connections: Vec<u64>,
    },
    /// The testator: that was all.
    All(All),
    /// The heir: it has taken all, and could begin.
    Taken,
    /// The testator: it won't touch any of it again, unless the heir ends before it has begun.
    Yours,
    /// The heir: it begins. The testator ends.
    Mine,
    /// Either: it can't, and why.
    Refused(String),
}

/// What an heir is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The formats of state that it reads, the first and the last.
    pub(crate) formats: (u16, u16),
    /// Its version, for people.
    pub(crate) version: String,
}

/// What the heir is told before it makes its reactors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// The format of state.
    pub(crate) format: u16,
    /// The testator's time: the heir's goes on from there.
    pub(crate) moment: Moment,
    /// How many shards there are to take over.
    pub(crate) shards: u16,
    /// What is listened on, by tag.
    pub(crate) doors: Vec<Door>,
    /// Where operators are heard over TCP, as it is configured.
    pub(crate) admin: Option<SocketAddr>,
    /// Where they are in the file system.
    pub(crate) admin_socket: PathBuf,
    /// What operators may have switched by hand: as it was when the testator began, and as it is.
    pub(crate) switched: (Switched, Switched),
    /// The key that challenges are signed with.
    pub(crate) challenges: [u8; 32],
    /// How many processes have handed over before.
    pub(crate) generation: u32,
}

/// What operators may switch by hand, and a configuration says as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Switched {
    /// The lanes that people may join, as the core writes them.
    lanes: Vec<u8>,
    challenge: ChallengeMode,
    log_level: String,
}

impl Switched {
    pub(crate) fn new(lanes: OpenLanes, challenge: ChallengeMode, log_level: LevelFilter) -> Self {
        let mut written = Vec::new();
        lanes.put(&mut Writer::new(&mut written));
        Self { lanes: written, challenge, log_level: log_level.to_string() }
    }

    /// As it is configured.
    pub(crate) fn of(config: &Config) -> Self {
        Self::new(config.core.lanes, config.challenge, config.log_level)
    }
}

impl Agreed {
    /// What of these switches was set by hand before, and is configured as it was: that stays.
    pub(crate) fn kept(
        &self,
        configured: &Switched,
    ) -> (Option<OpenLanes>, Option<ChallengeMode>, Option<LevelFilter>) {
        let (began, is) = &self.switched;
        let lanes = (configured.lanes == began.lanes && is.lanes != began.lanes)
            .then(|| OpenLanes::get(&mut Reader::new(&is.lanes)).ok());
        let challenge = configured.challenge == began.challenge && is.challenge != began.challenge;
        let log_level = (configured.log_level == began.log_level
            && is.log_level != began.log_level)
            .then(|| is.log_level.parse().ok());
        (lanes.flatten(), challenge.then_some(is.challenge), log_level.flatten())
    }
}

/// Something that is listened on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Door {
    /// What is spoken there.
    pub(crate) service: Service,
    /// As it is configured: port 0 may stand there.
    pub(crate) configured: SocketAddr,
    /// Where it is.
    pub(crate) address: SocketAddr,
}

/// How much that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct All {
    /// Sockets of people.
    pub(crate) sockets: u64,
    /// How long nobody has been served by now, in microseconds.
    pub(crate) paused_micros: u64,
}

impl Letter {
    pub(super) fn write(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("it is plain data")
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }
}

/// The newest format that one writes and the other reads.
pub(super) fn common_format(written: RangeInclusive<u16>, read: (u16, u16)) -> Option<u16> {
    let newest = (*written.end()).min(read.1);
    (newest >= *written.start() && newest >= read.0).then_some(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_format_is_spoken() {
        assert_eq!(common_format(3..=3, (2, 3)), Some(3));
        assert_eq!(common_format(2..=3, (1, 2)), Some(2));
        assert_eq!(common_format(2..=2, (2, 5)), Some(2));
        assert_eq!(common_format(3..=4, (1, 2)), None);
        assert_eq!(common_format(1..=2, (3, 4)), None);
    }

    #[test]
    fn what_was_switched_by_hand_stays_until_it_is_configured_otherwise() {
        let all = Switched::new(OpenLanes::default(), ChallengeMode::Auto, LevelFilter::INFO);
        let on = Switched { challenge: ChallengeMode::On, ..all.clone() };
        let agreed = |began: &Switched, is: &Switched| Agreed {
            format: 1,
            moment: crate::clock::Clock::start().moment(),
            shards: 1,
            doors: Vec::new(),
            admin: None,
            admin_socket: PathBuf::new(),
            switched: (began.clone(), is.clone()),
            challenges: [0; 32],
            generation: 1,
        };
        assert_eq!(agreed(&all, &all).kept(&all), (None, None, None));
        assert_eq!(agreed(&all, &on).kept(&all), (None, Some(ChallengeMode::On), None));
        let off = Switched { challenge: ChallengeMode::Off, ..all.clone() };
        assert_eq!(agreed(&all, &on).kept(&off), (None, None, None));
        let less = Switched { log_level: LevelFilter::WARN.to_string(), ..all.clone() };
        assert_eq!(agreed(&all, &less).kept(&all), (None, None, Some(LevelFilter::WARN)));
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        let later = serde_json::json!({ "Hello": {
            "formats": [1, 2], "version": "9", "mood": "cheerful",
        }});
        let bytes = rmp_serde::to_vec_named(&later).expect("plain");
        let hello = Hello { formats: (1, 2), version: "9".into() };
        assert_eq!(Letter::read(&bytes), Some(Letter::Hello(hello)));
    }
}
