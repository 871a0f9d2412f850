//! Tokens that name a session to a later connection of the same person.

use std::fmt;

use arrayvec::{ArrayString, ArrayVec};
use whisper_shard_router::ShardId;

use crate::codec::fields;
use crate::evidence::is_same;
use crate::ids::SessionId;
use crate::time::Micros;

/// Bytes of a token: what it says, and what proves that it was said here.
pub const TOKEN_BYTES: usize = CLAIM_BYTES + PROOF_BYTES;

const CLAIM_BYTES: usize = 16;
const PROOF_BYTES: usize = 16;

/// A token; where nodes are a cluster, with the way to its home behind it, as long again.
pub type Token = ArrayVec<u8, { 2 * TOKEN_BYTES }>;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is. So any shard knows the home of who brings it.
    pub session: SessionId,
    /// How often the session had been brought back before: a token is good for once.
    pub uses: u32,
}

fields! { struct Claim { session, uses } }

/// Mints and opens tokens under the process's secret.
///
/// No other process opens them: names of sessions begin anew with each. Nodes of a cluster read on
/// a token no more than whose it is, which is sealed once more under a secret of all of them.
#[derive(Clone)]
pub struct Mint {
    own: Seal,
    /// What the ways to homes are sealed with.
    ways: Option<Seal>,
}

impl Mint {
    /// A mint under a secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { own: Seal::new(secret), ways: None }
    }

    /// Puts the way to its home on each token from here on, for whoever has this secret too.
    pub fn show_ways(&mut self, secret: [u8; 32]) {
        self.ways = Some(Seal::new(secret));
    }

    /// The secret, for the process that follows.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.own.secret
    }

    /// Seals a claim.
    pub fn seal(&mut self, now: Micros, claim: Claim) -> Token {
        let own = self.own.seal(now, claim.to_bytes());
        let mut token: Token = own.into_iter().collect();
        if let Some(ways) = &mut self.ways {
            token.extend(ways.seal(now, way_of(claim.session.home(), own)));
        }
        token
    }

    /// Opens a token; None where it was not sealed here, or before yesterday.
    pub fn open(&self, now: Micros, token: &[u8]) -> Option<Claim> {
        let (own, way) = token.split_first_chunk()?;
        let is_whole = way.is_empty() || way.len() == TOKEN_BYTES;
        is_whole.then(|| self.own.open(now, *own))?.map(Claim::from_bytes)
    }

    /// Whose a token is that was sealed on any node of the cluster, today or yesterday. Whether it is
    /// good is known there alone.
    pub fn home_of(&self, now: Micros, token: &[u8]) -> Option<ShardId> {
        let (own, way) = token.split_first_chunk()?;
        let way = self.ways.as_ref()?.open(now, way.try_into().ok()?)?;
        let [n0, n1, s0, s1, ..] = way;
        let home =
            ShardId { node: u16::from_be_bytes([n0, n1]), shard: u16::from_be_bytes([s0, s1]) };
        (way_of(home, *own) == way).then_some(home)
    }

    /// A name for a session that tells nothing of it and is never used again.
    pub fn public_id(&self, session: SessionId) -> ArrayString<16> {
        let hash = blake3::keyed_hash(&self.own.secret, &session.to_bytes());
        crate::ids::encode_base64url(&hash.as_bytes()[16..28])
    }
}

/// A home and, so that no two are alike and none fits another token, the beginning of the token.
fn way_of(home: ShardId, token: [u8; TOKEN_BYTES]) -> [u8; CLAIM_BYTES] {
    let mut way = [0; CLAIM_BYTES];
    way[..2].copy_from_slice(&home.node.to_be_bytes());
    way[2..4].copy_from_slice(&home.shard.to_be_bytes());
    way[4..].copy_from_slice(&token[..CLAIM_BYTES - 4]);
    way
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint")
    }
}

/// Seals 16 bytes with a synthetic IV (SIV: Rogaway and Shrimpton 2006, as in RFC 5297), keyed
/// BLAKE3 being both the function that makes the IV and the stream: the proof is a hash of what is
/// said, and hides it by what follows from it. So no nonce is needed that could be used twice, and
/// what is opened is what was sealed. The key is another one each day; those of today and of
/// yesterday are accepted.
#[derive(Clone)]
struct Seal {
    secret: [u8; 32],
    /// The day whose key is at hand, and the key.
    today: (u64, DayKey),
}

impl Seal {
    fn new(secret: [u8; 32]) -> Self {
        Self { secret, today: (0, DayKey::of(&secret, 0)) }
    }

    fn seal(&mut self, now: Micros, said: [u8; CLAIM_BYTES]) -> [u8; TOKEN_BYTES] {
        let day = now.unix_day();
        if self.today.0 != day {
            self.today = (day, DayKey::of(&self.secret, day));
        }
        let key = &self.today.1;
        let proof = key.proof(said);
        let mut sealed = [0; TOKEN_BYTES];
        sealed[..PROOF_BYTES].copy_from_slice(&proof);
        sealed[PROOF_BYTES..].copy_from_slice(&key.hide(proof, said));
        sealed
    }

    fn open(&self, now: Micros, sealed: [u8; TOKEN_BYTES]) -> Option<[u8; CLAIM_BYTES]> {
        let (proof, hidden) = sealed.split_first_chunk::<PROOF_BYTES>()?;
        let hidden: [u8; CLAIM_BYTES] = hidden.try_into().ok()?;
        let today = now.unix_day();
        [today, today.wrapping_sub(1)].into_iter().find_map(|day| {
            let key = DayKey::of(&self.secret, day);
            let said = key.hide(*proof, hidden);
            is_same(key.proof(said), *proof).then_some(said)
        })
    }
}

#[derive(Clone)]
struct DayKey([u8; 32]);

impl DayKey {
    fn of(secret: &[u8; 32], day: u64) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher.update(b"whisper tokens by the day");
        hasher.update(&day.to_be_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    fn proof(&self, claim: [u8; CLAIM_BYTES]) -> [u8; PROOF_BYTES] {
        self.hash(b'p', claim)
    }

    /// Hides a claim, or brings it to light.
    fn hide(&self, proof: [u8; PROOF_BYTES], claim: [u8; CLAIM_BYTES]) -> [u8; CLAIM_BYTES] {
        let pad = self.hash(b'h', proof);
        std::array::from_fn(|at| claim[at] ^ pad[at])
    }

    fn hash(&self, purpose: u8, bytes: [u8; 16]) -> [u8; 16] {
        let mut input = [purpose; 17];
        input[1..].copy_from_slice(&bytes);
        let hash = blake3::keyed_hash(&self.0, &input);
        hash.as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }
}

impl Claim {
    fn to_bytes(self) -> [u8; CLAIM_BYTES] {
        let mut bytes = [0; CLAIM_BYTES];
        bytes[..12].copy_from_slice(&self.session.to_bytes());
        bytes[12..].copy_from_slice(&self.uses.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; CLAIM_BYTES]) -> Self {
        let [n0, n1, s0, s1, a, b, c, d, e, f, g, h, uses @ ..] = bytes;
        let session = SessionId {
            node: u16::from_be_bytes([n0, n1]),
            shard: u16::from_be_bytes([s0, s1]),
            slot: u32::from_be_bytes([a, b, c, d]),
            generation: u32::from_be_bytes([e, f, g, h]),
        };
        Self { session, uses: u32::from_be_bytes(uses) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Micros = Micros(20_000 * 86_400_000_000 + 43_200_000_000);

    fn claim(slot: u32, uses: u32) -> Claim {
        Claim { session: SessionId { node: 7, shard: 300, slot, generation: 9 }, uses }
    }

    #[test]
    fn what_was_sealed_is_opened_and_nothing_else() {
        let mut mint = Mint::new([5; 32]);
        let token = mint.seal(NOON, claim(70_000, 3));
        assert_eq!(mint.open(NOON, &token), Some(claim(70_000, 3)));
        assert_eq!(Mint::new([6; 32]).open(NOON, &token), None);
        for at in 0..TOKEN_BYTES {
            let mut forged = token.clone();
            forged[at] ^= 1;
            assert_eq!(mint.open(NOON, &forged), None, "byte {at}");
        }
        for cut in [&token[..0], &token[..16], &token[..31], &[&token[..], &[0]].concat()] {
            assert_eq!(mint.open(NOON, cut), None);
        }
        assert_eq!(
            (token.len(), mint.home_of(NOON, &token)),
            (TOKEN_BYTES, None),
            "there is no way"
        );
    }

    #[test]
    fn nodes_of_a_cluster_read_whose_it_is_and_only_its_home_the_rest() {
        let node = |secret, shared| {
            let mut mint = Mint::new([secret; 32]);
            mint.show_ways([shared; 32]);
            mint
        };
        let (mut home, other, stranger) = (node(1, 7), node(2, 7), node(3, 8));
        let whose = claim(70_000, 3);
        let (token, next) = (home.seal(NOON, whose), home.seal(NOON, claim(70_000, 4)));
        assert_eq!(home.open(NOON, &token), Some(whose));
        assert_eq!(other.open(NOON, &token), None, "its own names of sessions are others");
        assert_eq!(other.home_of(NOON, &token), Some(whose.session.home()));
        assert_eq!(stranger.home_of(NOON, &token), None);
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged[at] ^= 1;
            // What is sealed for the home alone is for it to judge.
            let is_read = (12..TOKEN_BYTES).contains(&at);
            assert_eq!(other.home_of(NOON, &forged).is_some(), is_read, "byte {at}");
        }
        let differ = token.iter().zip(&next).filter(|(a, b)| a != b).count();
        assert!(differ > 52, "{differ} of {} bytes: homes can't be told apart", token.len());
        let swapped = [&token[..TOKEN_BYTES], &next[TOKEN_BYTES..]].concat();
        assert_eq!(other.home_of(NOON, &swapped), None, "a way is for its token");
        assert_eq!(other.home_of(Micros(NOON.0 + 2 * 86_400_000_000), &token), None);
    }

    #[test]
    fn tokens_tell_nothing_of_whom_they_name() {
        let mut mint = Mint::new([5; 32]);
        let [one, other] = [1, 2].map(|slot| mint.seal(NOON, claim(slot, 0)));
        let differ = one.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert!(differ > 24, "{differ} of {TOKEN_BYTES} bytes");
        let [one, other] = [1, 2].map(|slot| mint.public_id(claim(slot, 0).session));
        assert_ne!(one, other);
    }

    #[test]
    fn keys_change_by_the_day_and_two_are_accepted() {
        let mut mint = Mint::new([5; 32]);
        let day = 86_400_000_000;
        for (days_ago, good) in [(0, true), (1, true), (2, false)] {
            let token = mint.seal(Micros(NOON.0 - days_ago * day), claim(1, 0));
            assert_eq!(mint.open(NOON, &token).is_some(), good, "{days_ago} days ago");
        }
        assert_ne!(
            mint.seal(NOON, claim(1, 0)),
            mint.seal(Micros(NOON.0 + day), claim(1, 0)),
            "another key, another token"
        );
    }
}
