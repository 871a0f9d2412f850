//! Proof of work, asked of newcomers while too many come at once (ALTCHA, version 2).
//!
//! A challenge is made for one connection and kept with it: its proof is of no use anywhere else,
//! nor twice. Finding it takes 4,096 × effort hashes (SHA-256) on average; checking it, as many
//! as the effort.

use std::sync::atomic::{AtomicU32, Ordering};

use altcha::{
    Challenge, CreateChallengeOptions, Solution, VerifySolutionOptions, create_challenge,
    verify_solution,
};
use whisper_core::codec::{Damage, Field, Reader, Writer};
use whisper_core::time::Micros;

/// The most that is asked: a few seconds of a phone.
pub(crate) const EFFORT_MAX: u32 = 64;

/// What is asked of who looks like somebody banned.
const EFFORT_OF_SUSPECTS: u32 = 16;

/// Three hexadecimal digits that a hash must begin with: 4,096 tries.
const PREFIX: &str = "000";

/// How long a challenge may take, in seconds.
const VALID_SECS: u64 = 600;

/// Makes challenges, as hard as the control thread says.
#[derive(Debug)]
pub(crate) struct Challenges {
    key: [u8; 32],
    secret: String,
    /// 0: none is asked.
    effort: AtomicU32,
}

/// A challenge that a connection has yet to meet.
#[derive(Debug)]
pub(super) struct Owed(Challenge);

impl Field for Owed {
    fn put(&self, w: &mut Writer<'_>) {
        rmp_serde::to_vec_named(&self.0).expect("it is a plain map").put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        rmp_serde::from_slice(&Vec::get(r)?).map(Self).map_err(|_| Damage)
    }
}

impl Challenges {
    /// Asks nothing until told to. `key` is known to this process alone, and to its heirs.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let secret = data_encoding::HEXLOWER.encode(&key);
        Self { key, secret, effort: AtomicU32::new(0) }
    }

    /// The key that they are signed with.
    pub(crate) fn key(&self) -> [u8; 32] {
        self.key
    }

    /// What is asked now; 0 for nothing.
    pub(crate) fn effort(&self) -> u32 {
        self.effort.load(Ordering::Relaxed)
    }

    /// Asks this of newcomers from now on.
    pub(crate) fn set_effort(&self, effort: u32) {
        self.effort.store(effort.min(EFFORT_MAX), Ordering::Relaxed);
    }

    /// A challenge for a newcomer, and its form for the wire; None where nothing is asked.
    pub(super) fn make(&self, now: Micros) -> Option<(Owed, Vec<u8>)> {
        self.make_of(now, self.effort())
    }

    /// The same for somebody who shall prove some work at any time.
    pub(super) fn make_for_suspect(&self, now: Micros) -> Option<(Owed, Vec<u8>)> {
        self.make_of(now, self.effort().max(EFFORT_OF_SUSPECTS))
    }

    fn make_of(&self, now: Micros, effort: u32) -> Option<(Owed, Vec<u8>)> {
        if effort == 0 {
            return None;
        }
        let challenge = create_challenge(CreateChallengeOptions {
            algorithm: "SHA-256".into(),
            cost: effort,
            key_prefix: PREFIX.into(),
            expires_at: Some((now.unix_millis() / 1_000 + VALID_SECS) as i64),
            hmac_signature_secret: Some(self.secret.clone()),
            ..Default::default()
        });
        let challenge = challenge.expect("its parameters are constants");
        let wire = rmp_serde::to_vec_named(&challenge).expect("it is a plain map");
        Some((Owed(challenge), wire))
    }

    /// Whether a proof (the solution, in JSON) meets the challenge.
    pub(super) fn is_met(&self, Owed(challenge): &Owed, proof: &[u8]) -> bool {
        let Ok(solution) = serde_json::from_slice::<Solution>(proof) else { return false };
        let options = VerifySolutionOptions::new(challenge, &solution, self.secret.as_str());
        verify_solution(options).is_ok_and(|result| result.verified)
    }
}

#[cfg(test)]
mod tests {
    use altcha::{SolveChallengeOptions, solve_challenge};

    use super::*;

    fn now() -> Micros {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Micros(since.expect("after 1970").as_micros() as u64)
    }

    fn solve(Owed(challenge): &Owed) -> Vec<u8> {
        let solution = solve_challenge(SolveChallengeOptions::new(challenge));
        serde_json::to_vec(&solution.expect("good").expect("in time")).expect("JSON")
    }

    #[test]
    fn only_its_own_proof_meets_a_challenge() {
        let challenges = Challenges::new([7; 32]);
        assert!(challenges.make(now()).is_none(), "nothing is asked at rest");
        challenges.set_effort(1);
        let (one, wire) = challenges.make(now()).expect("it is asked");
        assert!(wire.len() < 512, "{}", wire.len());
        let (other, _) = challenges.make(now()).expect("it is asked");
        let proof = solve(&one);
        assert!(challenges.is_met(&one, &proof));
        assert!(!challenges.is_met(&other, &proof));
        for nonsense in [&b""[..], b"{}", b"null", b"{\"counter\":1,\"derivedKey\":\"zz\"}"] {
            assert!(!challenges.is_met(&one, nonsense));
        }
    }

    #[test]
    fn an_old_challenge_is_met_by_nothing() {
        let challenges = Challenges::new([7; 32]);
        challenges.set_effort(1);
        let long_ago = Micros(now().0 - 2 * VALID_SECS * 1_000_000);
        let (owed, _) = challenges.make(long_ago).expect("it is asked");
        assert!(!challenges.is_met(&owed, &solve(&owed)));
    }
}
