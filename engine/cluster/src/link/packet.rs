//! A packet: what one process tells another through hands that aren't trusted.
//!
//! ```text
//! "WL" | version u16 | key id u32 | from u16, nonce of its run u64 | to u16, nonce of its run u64
//!      | proof, 32 bytes
//!      | half u64 | other u64 | serial u64 | expected u64 | kept u64 | number u64 | items    (hidden)
//! ```
//! Big-endian. The first eight bytes stay as they are in every version.
//!
//! What people say travels in it, so it is sealed whole, with a synthetic IV (SIV: Rogaway and
//! Shrimpton 2006, the form of RFC 5297) of keyed BLAKE3, as resume tokens are: the proof is a hash
//! of all else, and what hides the rest is the keyed stream that follows from the proof. There is no
//! nonce that could be used twice: two packets are hidden alike only if they are alike, and none is,
//! since each has another serial number. Keys are others for each direction and each pair of
//! processes, so that what was sealed for one is opened by nobody else, nor by a later process.

use thiserror::Error;

use crate::batch::{BATCH_BYTES, Batch};
use crate::beat::{ClusterKey, Fields, KeyId, Run, Short, VERSION};

const MAGIC: [u8; 2] = *b"WL";
const HEAD: usize = 2 + 2 + 4 + 2 * PROCESS;
const PROCESS: usize = 2 + 8;
const NUMBERS: usize = 6 * 8;

/// Bytes of a packet beside its batch.
pub const PACKET_OVERHEAD: usize = HEAD + blake3::OUT_LEN + NUMBERS;

/// One process of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The node.
    pub node: u16,
    /// Which of its processes.
    pub run: Run,
}

/// Why a packet isn't heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// It is no packet.
    #[error("something that is no packet came: another program uses the cluster's subjects")]
    Garbled,
    /// It is of another version, or sealed by another secret; beats tell of it.
    #[error("a packet of another version, or of nodes with another secret")]
    Foreign,
    /// It is from, or to, a process that there is no link between here: mostly one that is over.
    #[error("a packet of node {node}, to which there is no link")]
    Stranger {
        /// Whose it says it is.
        node: u16,
    },
    /// The proof is wrong.
    #[error("a packet was forged or damaged on its way: see who can reach the NATS server")]
    Forged,
    /// It is proven, and makes no sense. The link is reset.
    #[error("node {node} sent what it never should: run the same release on all nodes")]
    Damaged {
        /// Whose it is.
        node: u16,
    },
}

impl PacketError {
    /// All reasons, in the order of their declaration.
    pub const REASONS: [&str; 5] = ["garbled", "foreign", "stranger", "forged", "damaged"];

    /// Its place in [`Self::REASONS`].
    pub fn place(&self) -> usize {
        match self {
            Self::Garbled => 0,
            Self::Foreign => 1,
            Self::Stranger { .. } => 2,
            Self::Forged => 3,
            Self::Damaged { .. } => 4,
        }
    }
}

impl From<Short> for PacketError {
    fn from(_: Short) -> Self {
        Self::Garbled
    }
}

/// What a packet says beside its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The sender's half of the link.
    pub(crate) half: u64,
    /// The receiver's, as far as the sender knows; else 0.
    pub(crate) other: u64,
    /// The how-manieth packet this is.
    pub(crate) serial: u64,
    /// The batch that the sender waits for: those before have come.
    pub(crate) expected: u64,
    /// Of the 64 batches behind that one, those that have come, the next in the lowest bit.
    pub(crate) kept: u64,
    /// The number of the batch that follows; 0 where none does.
    pub(crate) number: u64,
}

/// Seals, or opens, what one process tells another.
pub(crate) struct Seal {
    head: [u8; HEAD],
    proof: [u8; 32],
    hide: [u8; 32],
}

/// The node that a packet says it is from. Nothing longer than a packet is looked at any further.
///
/// # Errors
/// [`PacketError::Garbled`] or [`PacketError::Foreign`].
pub(crate) fn sender(packet: &[u8], key: &ClusterKey) -> Result<u16, PacketError> {
    if packet.len() > PACKET_OVERHEAD + BATCH_BYTES {
        return Err(PacketError::Garbled);
    }
    let mut head = Fields(packet);
    if head.next()? != MAGIC {
        return Err(PacketError::Garbled);
    }
    let version = u16::from_be_bytes(head.next()?);
    let id = KeyId(u32::from_be_bytes(head.next()?));
    if version != VERSION || id != key.id() {
        return Err(PacketError::Foreign);
    }
    Ok(u16::from_be_bytes(head.next()?))
}

impl Seal {
    pub(crate) fn new(key: &ClusterKey, from: Process, to: Process) -> Self {
        let mut head = Vec::with_capacity(HEAD);
        head.extend(MAGIC);
        head.extend(VERSION.to_be_bytes());
        head.extend(key.id().0.to_be_bytes());
        let mut both = Vec::new();
        for Process { node, run } in [from, to] {
            head.extend(node.to_be_bytes());
            head.extend(run.nonce.to_be_bytes());
            both.extend(node.to_be_bytes());
            both.extend(run.started_us.to_be_bytes());
            both.extend(run.nonce.to_be_bytes());
        }
        let head = head.try_into().expect("as many bytes as fields");
        let [proof, hide] = [&b"link proof"[..], b"link hide"]
            .map(|purpose| key.derive(&[purpose, &both].concat()));
        Self { head, proof, hide }
    }

    pub(crate) fn seal(&self, numbers: &Numbers, items: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(PACKET_OVERHEAD + items.len());
        packet.extend(self.head);
        packet.extend([0; blake3::OUT_LEN]);
        let Numbers { half, other, serial, expected, kept, number } = *numbers;
        for value in [half, other, serial, expected, kept, number] {
            packet.extend(value.to_be_bytes());
        }
        packet.extend_from_slice(items);
        let (head, text) = packet.split_at_mut(HEAD + blake3::OUT_LEN);
        let proof = self.prove(text);
        head[HEAD..].copy_from_slice(proof.as_bytes());
        self.hide(&proof, text);
        packet
    }

    /// # Errors
    /// [`PacketError::Stranger`], [`PacketError::Forged`] or [`PacketError::Damaged`].
    pub(crate) fn open(&self, packet: &[u8]) -> Result<(Numbers, Batch), PacketError> {
        let node = u16::from_be_bytes([self.head[8], self.head[9]]);
        let rest = packet.strip_prefix(&self.head).ok_or(PacketError::Stranger { node })?;
        let (proof, hidden) = rest.split_first_chunk().ok_or(PacketError::Forged)?;
        let proof = blake3::Hash::from_bytes(*proof);
        let mut text = hidden.to_vec();
        self.hide(&proof, &mut text);
        // Comparing hashes takes the same time wherever they differ.
        if self.prove(&text) != proof {
            return Err(PacketError::Forged);
        }
        let damaged = PacketError::Damaged { node };
        let (numbers, items) = text.split_first_chunk::<NUMBERS>().ok_or(damaged)?;
        let mut numbers = Fields(numbers);
        let mut next = || numbers.next().map(u64::from_be_bytes);
        let numbers = Numbers {
            half: next()?,
            other: next()?,
            serial: next()?,
            expected: next()?,
            kept: next()?,
            number: next()?,
        };
        Ok((numbers, Batch::read(items.to_vec()).map_err(|_| damaged)?))
    }

    fn prove(&self, text: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.proof).update(&self.head).update(text).finalize()
    }

    /// Hides the text that has this proof, or brings it to light.
    fn hide(&self, proof: &blake3::Hash, text: &mut [u8]) {
        let mut stream =
            blake3::Hasher::new_keyed(&self.hide).update(proof.as_bytes()).finalize_xof();
        let mut pad = [0; 1024];
        for chunk in text.chunks_mut(pad.len()) {
            let pad = &mut pad[..chunk.len()];
            stream.fill(pad);
            chunk.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= *pad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Numbers =
        Numbers { half: 7, other: 8, serial: 9, expected: 10, kept: 11, number: 12 };

    fn process(node: u16, nonce: u64) -> Process {
        Process { node, run: Run { started_us: 5, nonce } }
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        assert!(batch.push(b"hush") && batch.push(&[3; 5_000]));
        batch
    }

    #[test]
    fn what_was_sealed_is_opened_by_its_receiver_alone() {
        let key = ClusterKey::new(&[7; 32], "main");
        let (a, b) = (process(1, 1), process(2, 2));
        let packet = Seal::new(&key, a, b).seal(&NUMBERS, batch().bytes());
        assert_eq!(packet.len(), PACKET_OVERHEAD + batch().bytes().len());
        assert_eq!(sender(&packet, &key), Ok(1));
        assert_eq!(Seal::new(&key, a, b).open(&packet), Ok((NUMBERS, batch())));
        // Back to who sent it, another process, or one with the same nonce that started later.
        let (later, mut namesake) = (process(2, 3), b);
        namesake.run.started_us += 1;
        let none = Err(PacketError::Stranger { node: 2 });
        assert_eq!(Seal::new(&key, b, a).open(&packet), none);
        assert_eq!(Seal::new(&key, a, later).open(&packet), Err(PacketError::Stranger { node: 1 }));
        assert_eq!(Seal::new(&key, a, namesake).open(&packet), Err(PacketError::Forged));
        let other = ClusterKey::new(&[7; 32], "other");
        assert_eq!(sender(&packet, &other), Err(PacketError::Foreign));
        let longer = [&packet[..], &[0; BATCH_BYTES]].concat();
        assert_eq!(sender(&longer, &key), Err(PacketError::Garbled));
    }

    #[test]
    fn no_bit_can_be_changed_and_none_is_shown() {
        let key = ClusterKey::new(&[7; 32], "main");
        let seal = Seal::new(&key, process(1, 1), process(2, 2));
        let packet = seal.seal(&NUMBERS, batch().bytes());
        assert!(!packet.windows(4).any(|it| it == b"hush"));
        let next = seal.seal(&Numbers { serial: 10, ..NUMBERS }, batch().bytes());
        let same = packet[HEAD..].iter().zip(&next[HEAD..]).filter(|(a, b)| a == b).count();
        assert!(same < 80, "of 5,000 bytes 20 are the same by chance, and not {same}");
        for place in (0..packet.len()).step_by(37) {
            let mut bent = packet.clone();
            bent[place] ^= 0x10;
            assert!(seal.open(&bent).is_err(), "byte {place}");
        }
        for length in [0, 1, HEAD, HEAD + 31, PACKET_OVERHEAD - 1, packet.len() - 1] {
            assert!(seal.open(&packet[..length]).is_err(), "{length} bytes");
        }
    }
}
