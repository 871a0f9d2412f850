//! What a person is known by to bans, and the keys that hide it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AppealId, Ban, Subject};

/// What a newcomer is known by. What the server saw itself counts; what the client says of itself
/// only adds to it, so that a client which says nothing is no safer from bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its address.
    pub address: IpAddr,
    /// The device's name in the cookie that we signed.
    pub cookie: Option<u64>,
    /// What its client said of the device, by [`Keys::fingerprint`].
    pub fingerprint: Option<u64>,
}

impl Identity {
    /// The bans that shut this person out: of the device, of the address, and of the fingerprint.
    /// Not of 127.0.0.1 and ::1: whoever seems to come from there came through a proxy that isn't
    /// listed, and everybody else did as well.
    pub fn bans(&self, reason: &str, code: &str, until: Option<u64>) -> Vec<Ban> {
        let subjects = [
            (!self.is_from_localhost()).then(|| Subject::of_address(self.address)),
            self.cookie.map(Subject::Cookie),
            self.fingerprint.map(Subject::Fingerprint),
        ];
        let subjects = subjects.into_iter().flatten();
        subjects.map(|subject| Ban::new(subject, reason, code, until)).collect()
    }

    /// Whether the address is 127.0.0.1 or ::1, and so nobody's.
    pub fn is_from_localhost(&self) -> bool {
        match self.address.to_canonical() {
            IpAddr::V4(v4) => v4 == Ipv4Addr::LOCALHOST,
            IpAddr::V6(v6) => v6 == Ipv6Addr::LOCALHOST,
        }
    }
}

/// Keys from the cluster's secret: the same on every node, and after every start.
#[derive(Clone)]
pub struct Keys {
    cookie: [u8; 32],
    fingerprint: [u8; 32],
    appeal: [u8; 32],
}

/// Bytes of a cookie: the device's name and 16 of its signature.
const COOKIE_BYTES: usize = 24;

impl Keys {
    /// Derives them. `secret` is of this use alone.
    pub fn new(secret: &[u8; 32]) -> Self {
        let derive = |purpose| blake3::derive_key(purpose, secret);
        Self {
            cookie: derive("whisper bans 2026-11 device cookie"),
            fingerprint: derive("whisper bans 2026-11 fingerprint"),
            appeal: derive("whisper bans 2026-11 appeal id"),
        }
    }

    /// The value of a device's cookie: 32 characters of base64url.
    pub fn sign_cookie(&self, device: u64) -> String {
        let mut bytes = [0; COOKIE_BYTES];
        bytes[..8].copy_from_slice(&device.to_be_bytes());
        bytes[8..].copy_from_slice(&self.cookie_seal(device).as_bytes()[..16]);
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    }

    /// The device that a cookie names, if it is one of ours.
    pub fn read_cookie(&self, value: &str) -> Option<u64> {
        let mut bytes = [0; COOKIE_BYTES];
        if value.len() != COOKIE_BYTES / 3 * 4 {
            return None;
        }
        data_encoding::BASE64URL_NOPAD.decode_mut(value.as_bytes(), &mut bytes).ok()?;
        let (device, seal) = bytes.split_first_chunk::<8>()?;
        let device = u64::from_be_bytes(*device);
        let mut whole = *self.cookie_seal(device).as_bytes();
        whole[..16].copy_from_slice(seal);
        // Compared as hashes, which takes the same time wherever they differ.
        (blake3::Hash::from(whole) == self.cookie_seal(device)).then_some(device)
    }

    /// What a client said of its device, so that it says nothing any more.
    pub fn fingerprint(&self, said: &str) -> u64 {
        first_u64(blake3::keyed_hash(&self.fingerprint, said.as_bytes()))
    }

    /// What people quote who ask for this ban to be lifted, the same on every node. For one without an
    /// id of its own it comes of its key, whoever typed it and whenever.
    pub fn appeal_of(&self, ban: &Ban) -> AppealId {
        let of_key = || AppealId::of(&blake3::keyed_hash(&self.appeal, ban.key.as_bytes()));
        ban.appeal.unwrap_or_else(of_key)
    }

    /// Gives bans that are one decision one id, whichever of them somebody meets: another one for each
    /// decision, as far as they end at different times. None where there is no ban.
    pub fn unite(&self, bans: &mut [Ban]) -> Option<AppealId> {
        let until = bans.first()?.until.unwrap_or(u64::MAX);
        let mut hasher = blake3::Hasher::new_keyed(&self.appeal);
        hasher.update(&until.to_be_bytes());
        for ban in &*bans {
            hasher.update(ban.key.as_bytes()).update(b"\n");
        }
        let id = AppealId::of(&hasher.finalize());
        bans.iter_mut().for_each(|ban| ban.appeal = Some(id));
        Some(id)
    }

    fn cookie_seal(&self, device: u64) -> blake3::Hash {
        blake3::keyed_hash(&self.cookie, &device.to_be_bytes())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

fn first_u64(hash: blake3::Hash) -> u64 {
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_who_signed_it() {
        let (keys, others) = (Keys::new(&[1; 32]), Keys::new(&[2; 32]));
        let cookie = keys.sign_cookie(7);
        assert_eq!(keys.read_cookie(&cookie), Some(7));
        assert_eq!(others.read_cookie(&cookie), None);
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.read_cookie(&String::from_utf8(forged).expect("ASCII")), None);
        }
        for odd in ["", "é", &cookie[1..], &format!("{cookie}A"), &"=".repeat(32)] {
            assert_eq!(keys.read_cookie(odd), None);
        }
    }

    #[test]
    fn bans_of_one_decision_share_what_is_quoted_and_it_lasts_with_them() {
        let keys = Keys::new(&[1; 32]);
        let who =
            Identity { address: [192, 0, 2, 7].into(), cookie: Some(1), fingerprint: Some(2) };
        let mut bans = who.bans("Spam", "spam", Some(1));
        let id = keys.unite(&mut bans).expect("there are bans");
        assert_eq!(bans.len(), 3);
        for ban in &bans {
            assert_eq!(keys.appeal_of(ban), id);
            let read = Ban::read(&ban.key, &ban.value(), ban.until).expect("a ban");
            assert_eq!(read, *ban);
        }
        assert_ne!(keys.unite(&mut who.bans("Spam", "spam", Some(2))), Some(id), "another ban");
        let typed = Ban::read(&bans[0].key, "Spam", Some(1)).expect("a ban");
        let again = Ban { until: None, ..typed.clone() };
        assert_eq!(keys.appeal_of(&typed), keys.appeal_of(&again), "by its key");
        assert_ne!(Keys::new(&[2; 32]).appeal_of(&typed), keys.appeal_of(&typed));
        assert_eq!(keys.unite(&mut []), None);
    }

    #[test]
    fn a_client_that_says_nothing_is_banned_by_what_was_seen() {
        let address = IpAddr::from([192, 0, 2, 7]);
        let silent = Identity { address, cookie: None, fingerprint: None };
        let open = Identity { cookie: Some(1), fingerprint: Some(2), ..silent };
        let keys = |who: Identity| {
            let bans = who.bans("Spam", "spam", None).into_iter();
            bans.map(|ban| ban.key.into()).collect::<Vec<String>>()
        };
        assert_eq!(keys(silent), ["banned:ips:192.0.2.7"]);
        assert_eq!(keys(open).len(), 3);
        let everybody = Identity { address: [127, 0, 0, 1].into(), ..open };
        assert_eq!(keys(everybody).len(), 2, "an unlisted proxy is no person");
    }
}
