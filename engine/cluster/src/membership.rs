//! Who is there, as one node hears it.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use crate::beat::{BEAT_BYTES, Beat, ClusterKey, KeyId, Load, Run, Standing, VERSION};
use crate::view::{Epoch, Member, View};

/// How often a node beats.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);

/// A node that isn't heard for so long is gone: three beats may be lost, and it is known within 5 s.
pub const SILENCE: Duration = Duration::from_secs(4);

/// How long a node listens before it joins: long enough to hear every other beat once.
pub const LISTEN: Duration = Duration::from_millis(1_500);

/// How far clocks of nodes may be apart. Tickets are older by them, and beats are fresh by them.
pub const SKEW_MAX: Duration = Duration::from_secs(30);

/// Most nodes of a cluster.
pub const NODES_MAX: usize = 64;

/// Runs that are remembered of one node: the one there is, those that it followed, and one that has
/// its number by mistake.
const RUNS_MAX: usize = 32;

/// A run is remembered for so long, that its beats can't be played again: older ones are refused by
/// their time.
const MEMORY: Duration = Duration::from_secs(2 * SKEW_MAX.as_secs());

/// Why a beat is refused: whose fault it is, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is no beat.
    #[error("something that is no heartbeat came: another program uses the cluster's subjects")]
    Garbled,
    /// It is of another version.
    #[error(
        "a node speaks version {theirs} of the cluster's protocol, and this one {VERSION}: run the \
         same release on all nodes"
    )]
    Version {
        /// The version it is of.
        theirs: u16,
    },
    /// It is proven by another secret.
    #[error(
        "a node has another cluster secret (id {theirs}, this one has {ours}): give all nodes the \
         same cluster_secret_file, or another cluster_name"
    )]
    Secret {
        /// What may be shown of theirs.
        theirs: KeyId,
        /// What may be shown of ours.
        ours: KeyId,
    },
    /// The proof is wrong.
    #[error("a heartbeat was forged or damaged on its way: see who can reach the NATS server")]
    Forged,
    /// It was sent at another time.
    #[error(
        "a heartbeat of node {node} is {} s off this node's clock: it was held up, or the clocks \
         differ; keep both by NTP, and restart the node that was started by a wrong one",
        by.as_secs()
    )]
    Clock {
        /// Whose beat.
        node: u16,
        /// How far off.
        by: Duration,
    },
    /// It came before.
    #[error("a heartbeat of node {node} came a second time: somebody plays them again")]
    Repeated {
        /// Whose beat.
        node: u16,
    },
    /// Another process has this node's number.
    #[error(
        "another node is node {node} too, and the one that started later stays out: give each its \
         own node_id"
    )]
    Taken {
        /// The number.
        node: u16,
    },
    /// There are too many.
    #[error(
        "node {node} is one too many: a cluster has at most {NODES_MAX} nodes, and a node starts at \
         most {RUNS_MAX} times a minute"
    )]
    Full {
        /// Whose beat.
        node: u16,
    },
}

impl Refusal {
    /// All reasons, in the order of their declaration.
    pub const REASONS: [&str; 8] =
        ["garbled", "version", "secret", "forged", "clock", "repeated", "taken", "full"];

    /// A word for it, of [`Self::REASONS`].
    pub fn reason(&self) -> &'static str {
        let place = match self {
            Self::Garbled => 0,
            Self::Version { .. } => 1,
            Self::Secret { .. } => 2,
            Self::Forged => 3,
            Self::Clock { .. } => 4,
            Self::Repeated { .. } => 5,
            Self::Taken { .. } => 6,
            Self::Full { .. } => 7,
        };
        Self::REASONS[place]
    }
}

/// Where this node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By itself: it has never reached the others.
    Alone,
    /// Listening whether its number is another's, until then.
    Joining {
        /// When it has listened long enough.
        until: Duration,
    },
    /// One of the members.
    Member,
    /// Another process has its number, and was heard last then.
    Taken {
        /// When.
        heard: Duration,
    },
    /// It ends.
    Leaving,
}

/// A process of another node.
#[derive(Clone, Copy, Debug)]
struct Peer {
    beat: Beat,
    heard: Duration,
}

impl Peer {
    fn is_alive(&self, now: Duration) -> bool {
        self.beat.standing != Standing::Leaving && now.saturating_sub(self.heard) < SILENCE
    }
}

/// What one node knows of the cluster.
#[derive(Debug)]
pub struct Membership {
    key: ClusterKey,
    node: u16,
    run: Run,
    load: Load,
    /// Beats so far.
    beats: u64,
    place: Place,
    /// By node, and for each its runs, the oldest first.
    peers: BTreeMap<u16, Vec<Peer>>,
    view: View,
}

impl Membership {
    /// A node by itself.
    pub fn new(key: ClusterKey, node: u16, run: Run, load: Load) -> Self {
        let view = View::new(1, vec![Member::of(node, run, load)]);
        let peers = BTreeMap::new();
        Self { key, node, run, load, beats: 0, place: Place::Alone, peers, view }
    }

    /// Beats are carried from here on: again, or for the first time.
    pub fn connected(&mut self, now: Duration) {
        if self.place == Place::Alone {
            self.place = Place::Joining { until: now + LISTEN };
        }
    }

    /// The next beat, to be sent now.
    pub fn beat(&mut self, now: Duration) -> [u8; BEAT_BYTES] {
        self.beats += 1;
        let standing = match self.place {
            Place::Member => Standing::Member,
            Place::Leaving => Standing::Leaving,
            Place::Alone | Place::Joining { .. } | Place::Taken { .. } => Standing::Joining,
        };
        let beat = Beat {
            node: self.node,
            run: self.run,
            number: self.beats,
            sent: now,
            standing,
            load: self.load,
            epoch: self.view.epoch(),
        };
        beat.seal(&self.key)
    }

    /// Takes what came, and looks at what follows ([`Self::look`]).
    ///
    /// # Errors
    /// Where it is refused; nothing has changed then, but for [`Place::Taken`].
    pub fn hear(&mut self, now: Duration, bytes: &[u8]) -> Result<(), Refusal> {
        let beat = Beat::open(bytes, &self.key)?;
        let by = now.abs_diff(beat.sent);
        if by > SKEW_MAX {
            return Err(Refusal::Clock { node: beat.node, by });
        }
        if beat.node == self.node {
            return self.hear_namesake(now, &beat);
        }
        if !self.peers.contains_key(&beat.node) && self.peers.len() + 1 >= NODES_MAX {
            return Err(Refusal::Full { node: beat.node });
        }
        let runs = self.peers.entry(beat.node).or_default();
        let peer = Peer { beat, heard: now };
        match runs.binary_search_by_key(&beat.run, |it| it.beat.run) {
            Ok(place) if runs[place].beat.number >= beat.number => {
                return Err(Refusal::Repeated { node: beat.node });
            }
            Ok(place) => runs[place] = peer,
            Err(_) if runs.len() == RUNS_MAX => return Err(Refusal::Full { node: beat.node }),
            Err(place) => runs.insert(place, peer),
        }
        self.look(now);
        Ok(())
    }

    /// A beat with this node's own number.
    fn hear_namesake(&mut self, now: Duration, beat: &Beat) -> Result<(), Refusal> {
        if beat.run == self.run {
            return Ok(());
        }
        if beat.standing == Standing::Leaving {
            if let Place::Taken { .. } = self.place {
                self.place = Place::Joining { until: now + LISTEN };
            }
            return Ok(());
        }
        if beat.run < self.run && self.place != Place::Leaving {
            self.place = Place::Taken { heard: now };
            self.look(now);
        }
        Err(Refusal::Taken { node: self.node })
    }

    /// Sees who has gone silent, and whether this node may join. To be called several times a second.
    pub fn look(&mut self, now: Duration) {
        match self.place {
            Place::Joining { until } if now >= until => self.place = Place::Member,
            Place::Taken { heard } if now.saturating_sub(heard) >= SILENCE => {
                self.place = Place::Joining { until: now + LISTEN };
            }
            _ => {}
        }
        self.peers.retain(|_, runs| {
            runs.retain(|it| now.saturating_sub(it.heard) < MEMORY);
            !runs.is_empty()
        });
        self.review(now);
    }

    /// This node's load changes. Its people are told with the next beat; its capacity, or its shards,
    /// are a new map.
    pub fn set_load(&mut self, now: Duration, load: Load) {
        self.load = load;
        self.review(now);
    }

    /// This node ends: the next beat says so.
    pub fn leave(&mut self, now: Duration) {
        self.place = Place::Leaving;
        self.review(now);
    }

    /// The map to go by. While this node is no member, it is alone in it.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Where this node stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What this node tells of itself.
    pub fn load(&self) -> Load {
        self.load
    }

    /// The others that are alive: the last beat of each, and when it came. Of several with one
    /// number, the one that counts.
    pub fn others(&self, now: Duration) -> impl Iterator<Item = (&Beat, Duration)> {
        self.peers.values().filter_map(move |runs| {
            let peer = runs.iter().find(|it| it.is_alive(now))?;
            Some((&peer.beat, peer.heard))
        })
    }

    /// Makes a new map where other members are there than before, or others with them the same.
    fn review(&mut self, now: Duration) {
        let mut members = vec![Member::of(self.node, self.run, self.load)];
        let mut epochs = Vec::new();
        if self.place == Place::Member {
            let others = self.others(now).filter(|(beat, _)| beat.standing == Standing::Member);
            for (beat, _) in others {
                let Beat { node, run, load, epoch, .. } = *beat;
                members.push(Member::of(node, run, load));
                epochs.push(epoch);
            }
            members.sort_unstable_by_key(|it| it.node);
        }
        let highest = |epochs: &[Epoch]| epochs.iter().map(|it| it.number).max().unwrap_or(0);
        let number = self.view.epoch().number;
        if *members != *self.view.members() {
            self.view = View::new(number.max(highest(&epochs)).saturating_add(1), members);
            return;
        }
        // The same map has the same name everywhere: the highest.
        epochs.retain(|it| it.digest == self.view.epoch().digest);
        if highest(&epochs) > number {
            self.view = self.view.renumbered(highest(&epochs));
        }
    }
}
