//! A heartbeat: what a node tells the others of itself, and the proof that one of them said it.
//!
//! ```text
//! "WB" | version u16 | key id u32 | node u16 | started u64, nonce u64 | number u64 | sent u64
//!      | standing u8 | capacity u32 | shards u16 | people u32 | epoch u32, digest u32 | MAC, 32 bytes
//! ```
//! Big-endian, of one length. The MAC is keyed BLAKE3 over all before it. The first eight bytes stay
//! as they are in every version, so that another one, and another secret, can be told from noise.

use std::fmt;
use std::time::Duration;

use crate::membership::Refusal;
use crate::view::Epoch;

/// The version of all that nodes say to each other. Those of another are refused.
pub const VERSION: u16 = 1;

/// Bytes of a heartbeat.
pub const BEAT_BYTES: usize = BODY_END + blake3::OUT_LEN;

const MAGIC: [u8; 2] = *b"WB";
const BODY_END: usize = 2 + 2 + 4 + 2 + 16 + 8 + 8 + 1 + 4 + 2 + 4 + 8;

/// One process, from its start to its end. Of two, the one that started earlier is lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// When it started, in microseconds since the Unix epoch.
    pub started_us: u64,
    /// Random, to tell apart what started together.
    pub nonce: u64,
}

/// How a node stands to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It listens whether its number is another's, and owns nothing yet.
    Joining,
    /// It is one of those that the buckets are laid over.
    Member,
    /// It ends. The others needn't wait for its silence.
    Leaving,
}

/// What a node can do, and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Its weight among the others: the cores that serve. 0 where it drains.
    pub capacity: u32,
    /// Its shards, over which its part of the keys is laid.
    pub shards: u16,
    /// The people it serves.
    pub people: u32,
}

/// What one node tells the others at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Which node.
    pub node: u16,
    /// Which process of it.
    pub run: Run,
    /// The how-manieth beat of the run this is, from 1.
    pub number: u64,
    /// When it was sent: the sender's clock, since the Unix epoch, in whole microseconds.
    pub sent: Duration,
    /// How the node stands.
    pub standing: Standing,
    /// What it can do, and does.
    pub load: Load,
    /// The map that it goes by.
    pub epoch: Epoch,
}

/// What the nodes of one cluster know and nobody else.
#[derive(Clone)]
pub struct ClusterKey([u8; 32]);

/// What may be shown of a [`ClusterKey`]: enough to tell two apart, nothing to find one.
///
/// It is printed as eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(crate) u32);

impl ClusterKey {
    /// The key for the heartbeats of the cluster of this name: those of one that shares the secret
    /// under another name mean nothing here.
    pub fn new(secret: &[u8; 32], name: &str) -> Self {
        Self(*blake3::keyed_hash(secret, name.as_bytes()).as_bytes())
    }

    /// What may be shown of it.
    pub fn id(&self) -> KeyId {
        KeyId(u32::from_be_bytes(first(&self.derive(b"key id"))))
    }

    /// A key for one purpose. No beat has its bytes, and the outputs of a keyed hash say nothing of
    /// its key.
    pub(crate) fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, purpose).as_bytes()
    }
}

impl Beat {
    /// The bytes that travel.
    pub fn seal(&self, key: &ClusterKey) -> [u8; BEAT_BYTES] {
        let standing = match self.standing {
            Standing::Joining => 0,
            Standing::Member => 1,
            Standing::Leaving => 2,
        };
        let parts: [&[u8]; 14] = [
            &MAGIC,
            &VERSION.to_be_bytes(),
            &key.id().0.to_be_bytes(),
            &self.node.to_be_bytes(),
            &self.run.started_us.to_be_bytes(),
            &self.run.nonce.to_be_bytes(),
            &self.number.to_be_bytes(),
            &micros(self.sent).to_be_bytes(),
            &[standing],
            &self.load.capacity.to_be_bytes(),
            &self.load.shards.to_be_bytes(),
            &self.load.people.to_be_bytes(),
            &self.epoch.number.to_be_bytes(),
            &self.epoch.digest.to_be_bytes(),
        ];
        let mut bytes = [0; BEAT_BYTES];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let mac = blake3::keyed_hash(&key.0, &bytes[..BODY_END]);
        bytes[BODY_END..].copy_from_slice(mac.as_bytes());
        bytes
    }

    /// Reads what came, and proves it. What is in it has been said by somebody with the key, though
    /// perhaps long ago.
    ///
    /// # Errors
    /// [`Refusal::Garbled`], [`Refusal::Version`], [`Refusal::Secret`] or [`Refusal::Forged`].
    pub fn open(bytes: &[u8], key: &ClusterKey) -> Result<Self, Refusal> {
        let mut head = Fields(bytes);
        if head.next()? != MAGIC {
            return Err(Refusal::Garbled);
        }
        let version = u16::from_be_bytes(head.next()?);
        if version != VERSION {
            return Err(Refusal::Version { theirs: version });
        }
        let theirs = KeyId(u32::from_be_bytes(head.next()?));
        if theirs != key.id() {
            return Err(Refusal::Secret { theirs, ours: key.id() });
        }
        let bytes: &[u8; BEAT_BYTES] = bytes.try_into().map_err(|_| Refusal::Garbled)?;
        let (body, mac) = bytes.split_at(BODY_END);
        // Comparing hashes takes the same time wherever they differ.
        let mac: [u8; blake3::OUT_LEN] = mac.try_into().map_err(|_| Refusal::Garbled)?;
        if blake3::keyed_hash(&key.0, body) != mac {
            return Err(Refusal::Forged);
        }
        Ok(Self {
            node: u16::from_be_bytes(head.next()?),
            run: Run {
                started_us: u64::from_be_bytes(head.next()?),
                nonce: u64::from_be_bytes(head.next()?),
            },
            number: u64::from_be_bytes(head.next()?),
            sent: Duration::from_micros(u64::from_be_bytes(head.next()?)),
            standing: match head.next()? {
                [0] => Standing::Joining,
                [1] => Standing::Member,
                [2] => Standing::Leaving,
                [_] => return Err(Refusal::Garbled),
            },
            load: Load {
                capacity: u32::from_be_bytes(head.next()?),
                shards: u16::from_be_bytes(head.next()?),
                people: u32::from_be_bytes(head.next()?),
            },
            epoch: Epoch {
                number: u32::from_be_bytes(head.next()?),
                digest: u32::from_be_bytes(head.next()?),
            },
        })
    }
}

/// Fields of fixed widths, one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

/// There are fewer bytes than fields.
pub(crate) struct Short;

impl Fields<'_> {
    pub(crate) fn next<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Short)?;
        self.0 = rest;
        Ok(*field)
    }
}

impl From<Short> for Refusal {
    fn from(_: Short) -> Self {
        Self::Garbled
    }
}

/// The first bytes of a hash.
pub(crate) fn first(hash: &[u8; blake3::OUT_LEN]) -> [u8; 4] {
    [hash[0], hash[1], hash[2], hash[3]]
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterKey({})", self.id())
    }
}
