//! Identities as reports keep them: sealed, for a ban that may come of it; and as a keyed hash, to
//! count by. Neither says anything to who has the database and not the cluster's secret.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use data_encoding::HEXLOWER;
use whisper_store::bans::{Identity, Subject};

use crate::secrets;

/// Address, cookie, fingerprint, which of the last two there are, and zeros.
const PLAIN: usize = 36;

/// Nonce, what is sealed, tag.
const SEALED: usize = 64;

const _: () = assert!(SEALED == NONCE_LEN + PLAIN + 16);

/// Seals identities, and opens them again.
pub(crate) struct Sealer {
    key: LessSafeKey,
    counting: [u8; 32],
    naming: [u8; 32],
}

impl Sealer {
    /// With keys from a secret of this use alone: the same on every node, and after every start.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let derive = |purpose| blake3::derive_key(purpose, secret);
        let key = UnboundKey::new(&AES_256_GCM, &derive("whisper reports 2026-11 handles"));
        Self {
            key: LessSafeKey::new(key.expect("a key of 32 bytes")),
            counting: derive("whisper reports 2026-11 counting"),
            naming: derive("whisper reports 2026-11 naming"),
        }
    }

    /// 64 bytes, in hexadecimal: never the same twice. None where there is no randomness to be had.
    pub(super) fn seal(&self, who: &Identity) -> Option<String> {
        let address = match who.address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        let nonce: [u8; NONCE_LEN] = secrets::random().ok()?;
        let mut sealed = Vec::with_capacity(SEALED);
        sealed.extend(address.octets());
        sealed.extend(who.cookie.unwrap_or_default().to_be_bytes());
        sealed.extend(who.fingerprint.unwrap_or_default().to_be_bytes());
        sealed.push(u8::from(who.cookie.is_some()) | u8::from(who.fingerprint.is_some()) << 1);
        sealed.resize(PLAIN, 0);
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce_used, Aad::empty(), &mut sealed).ok()?;
        sealed.splice(..0, nonce);
        Some(HEXLOWER.encode(&sealed))
    }

    /// Opens what was sealed here; None for anything else.
    pub(super) fn open(&self, handle: &str) -> Option<Identity> {
        let mut bytes = HEXLOWER.decode(handle.as_bytes()).ok().filter(|it| it.len() == SEALED)?;
        let (nonce, sealed) = bytes.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.key.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        let (address, rest) = plain.split_first_chunk::<16>()?;
        let (cookie, rest) = rest.split_first_chunk::<8>()?;
        let (fingerprint, rest) = rest.split_first_chunk::<8>()?;
        let flags = rest.first()?;
        Some(Identity {
            address: IpAddr::from(Ipv6Addr::from(*address)).to_canonical(),
            cookie: (flags & 1 != 0).then_some(u64::from_be_bytes(*cookie)),
            fingerprint: (flags & 2 != 0).then_some(u64::from_be_bytes(*fingerprint)),
        })
    }

    /// What somebody is counted by, as who reports and as who is reported: their address, or block
    /// of IPv6. What a client may leave out or change (a cookie, a fingerprint) makes nobody several
    /// people, nor somebody new.
    pub(super) fn counted(&self, who: &Identity) -> String {
        let subject = Subject::of_address(who.address).to_string();
        let hash = blake3::keyed_hash(&self.counting, subject.as_bytes());
        HEXLOWER.encode(&hash.as_bytes()[..16])
    }

    /// The id of all that one side of a room reports of the other. Tells nothing of the room.
    pub(super) fn report_id(&self, room: &[u8; 16], side: u8) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.naming);
        hasher.update(room).update(&[side]);
        HEXLOWER.encode(&hasher.finalize().as_bytes()[..8])
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(address: &str) -> Identity {
        let address = address.parse().expect("an address");
        Identity { address, cookie: None, fingerprint: None }
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_same_secret_alone() {
        let (sealer, other) = (Sealer::new(&[1; 32]), Sealer::new(&[2; 32]));
        for address in ["192.0.2.7", "2001:db8::7"] {
            for (cookie, fingerprint) in [(None, None), (Some(0), None), (Some(7), Some(u64::MAX))]
            {
                let who = Identity { cookie, fingerprint, ..identity(address) };
                let handle = sealer.seal(&who).expect("sealed");
                assert_eq!(handle.len(), 2 * SEALED);
                assert_eq!(sealer.open(&handle), Some(who));
                assert_eq!(other.open(&handle), None);
                assert_ne!(sealer.seal(&who), Some(handle.clone()), "nobody sees that it is them");
                let flipped = if handle.ends_with('0') { '1' } else { '0' };
                assert_eq!(sealer.open(&format!("{}{flipped}", &handle[..127])), None);
            }
        }
        assert_eq!(sealer.open(""), None);
    }

    #[test]
    fn people_are_counted_by_what_was_seen_of_them() {
        let sealer = Sealer::new(&[1; 32]);
        let one = sealer.counted(&identity("192.0.2.7"));
        let dressed = Identity { cookie: Some(1), fingerprint: Some(2), ..identity("192.0.2.7") };
        assert_eq!(sealer.counted(&dressed), one);
        assert_ne!(sealer.counted(&identity("192.0.2.8")), one);
        let block = sealer.counted(&identity("2001:db8::7"));
        assert_eq!(sealer.counted(&identity("2001:db8::8")), block);
        assert_ne!(Sealer::new(&[2; 32]).counted(&dressed), one);
        assert_ne!(sealer.report_id(&[1; 16], 0), sealer.report_id(&[1; 16], 1));
    }
}
