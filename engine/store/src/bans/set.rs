//! The bans as workers look newcomers up in: a picture that never changes, and costs little to take.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::{Ban, Identity, Subject, longer, near};

/// What becomes of a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// No ban is on them.
    Free,
    /// Only what their client says of itself is banned: phones collide, and values are the client's
    /// to choose. They shall prove some work.
    Suspect,
    /// They are refused, by the ban that lasts longest.
    Banned(&'a Arc<Ban>),
}

/// All bans. A clone shares everything; a change copies a 256th of it.
#[derive(Clone, Debug, Default)]
pub struct BanSet {
    bans: Pages<Subject, Vec<Arc<Ban>>>,
    /// How many bans there are on addresses of each [neighbourhood](near).
    near: Pages<IpNet, u32>,
    /// How many blocks of each length are banned, so that only those are asked for.
    lengths: Lengths,
    len: usize,
}

#[derive(Clone, Debug)]
struct Lengths {
    v4: [u32; 33],
    v6: [u32; 65],
}

impl Default for Lengths {
    fn default() -> Self {
        Self { v4: [0; 33], v6: [0; 65] }
    }
}

impl BanSet {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What becomes of a newcomer.
    pub fn judge(&self, now_ms: u64, who: &Identity) -> Verdict<'_> {
        if self.is_empty() {
            return Verdict::Free;
        }
        let by_cookie = who.cookie.and_then(|device| self.live(now_ms, &Subject::Cookie(device)));
        let by_address = self.by_address(now_ms, who.address);
        let worst = match (by_cookie, by_address) {
            (Some(one), Some(other)) => Some(longer(one, other)),
            (one, other) => one.or(other),
        };
        if let Some(ban) = worst {
            return Verdict::Banned(ban);
        }
        let hash = who.fingerprint.and_then(|it| self.live(now_ms, &Subject::Fingerprint(it)));
        match hash {
            Some(ban) if self.near.get(&near(who.address)).is_some() => Verdict::Banned(ban),
            Some(_) => Verdict::Suspect,
            None => Verdict::Free,
        }
    }

    /// The ban on a session, by its `userId`.
    pub fn of_user(&self, now_ms: u64, user: &str) -> Option<&Arc<Ban>> {
        self.live(now_ms, &Subject::User(user.into()))
    }

    fn by_address(&self, now_ms: u64, address: IpAddr) -> Option<&Arc<Ban>> {
        let address = address.to_canonical();
        let lengths: &[u32] = if address.is_ipv4() { &self.lengths.v4 } else { &self.lengths.v6 };
        let used = (0..).zip(lengths).filter(|(_, count)| **count > 0);
        let nets = used.map(|(len, _)| IpNet::new_assert(address, len).trunc());
        let bans = nets.filter_map(|net| self.live(now_ms, &Subject::Net(net)));
        bans.reduce(longer)
    }

    fn live(&self, now_ms: u64, subject: &Subject) -> Option<&Arc<Ban>> {
        let bans = self.bans.get(subject)?.iter();
        bans.filter(|ban| !ban.is_over(now_ms)).reduce(longer)
    }

    /// Adds a ban whose key isn't there.
    pub(super) fn insert(&mut self, ban: Arc<Ban>) {
        self.len += 1;
        if let Subject::Net(net) = ban.subject {
            *self.lengths.of(&net) += 1;
            *self.near.get_mut(near(net.addr())) += 1;
        }
        self.bans.get_mut(ban.subject.clone()).push(ban);
    }

    /// Removes a ban that is there.
    pub(super) fn remove(&mut self, ban: &Ban) {
        let bans = self.bans.get_mut(ban.subject.clone());
        let before = bans.len();
        bans.retain(|other| other.key != ban.key);
        let removed = before - bans.len();
        if bans.is_empty() {
            self.bans.remove(&ban.subject);
        }
        if removed == 0 {
            return;
        }
        self.len -= 1;
        if let Subject::Net(net) = ban.subject {
            *self.lengths.of(&net) -= 1;
            let near = near(net.addr());
            let count = self.near.get_mut(near);
            *count -= 1;
            if *count == 0 {
                self.near.remove(&near);
            }
        }
    }
}

impl Lengths {
    fn of(&mut self, net: &IpNet) -> &mut u32 {
        let len = usize::from(net.prefix_len());
        match net {
            IpNet::V4(_) => &mut self.v4[len],
            IpNet::V6(_) => &mut self.v6[len],
        }
    }
}

const PAGES: usize = 256;

/// A map in pages that clones share until one of them changes a page.
#[derive(Clone, Debug)]
struct Pages<K, V> {
    pages: Vec<Arc<HashMap<K, V>>>,
    hasher: RandomState,
}

impl<K, V> Default for Pages<K, V> {
    fn default() -> Self {
        let pages = (0..PAGES).map(|_| Arc::default()).collect();
        Self { pages, hasher: RandomState::new() }
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Default> Pages<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.pages[self.page_of(key)].get(key)
    }

    fn get_mut(&mut self, key: K) -> &mut V {
        let page = self.page_of(&key);
        Arc::make_mut(&mut self.pages[page]).entry(key).or_default()
    }

    fn remove(&mut self, key: &K) {
        let page = self.page_of(key);
        Arc::make_mut(&mut self.pages[page]).remove(key);
    }

    fn page_of(&self, key: &K) -> usize {
        self.hasher.hash_one(key) as usize % PAGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[(&str, Option<u64>)]) -> BanSet {
        let mut set = BanSet::default();
        for (key, until) in keys {
            set.insert(Arc::new(Ban::read(key, "Spam", *until).expect(key)));
        }
        set
    }

    fn from(address: &str) -> Identity {
        Identity { address: address.parse().expect("one"), cookie: None, fingerprint: None }
    }

    fn key(verdict: Verdict<'_>) -> &str {
        match verdict {
            Verdict::Free => "free",
            Verdict::Suspect => "suspect",
            Verdict::Banned(ban) => &ban.key,
        }
    }

    #[test]
    fn addresses_are_found_in_blocks_of_any_length() {
        let set = set(&[
            ("banned:ips:192.0.2.7", None),
            ("banned:ips:198.51.100.0/24", None),
            ("banned:ips:2001:db8:1:2::9", None),
            ("banned:ips:2001:db8:8000::/33", None),
        ]);
        for (address, expected) in [
            ("192.0.2.7", "banned:ips:192.0.2.7"),
            ("::ffff:192.0.2.7", "banned:ips:192.0.2.7"),
            ("192.0.2.8", "free"),
            ("198.51.100.255", "banned:ips:198.51.100.0/24"),
            ("198.51.101.0", "free"),
            ("2001:db8:1:2:3:4:5:6", "banned:ips:2001:db8:1:2::9"),
            ("2001:db8:1:3::", "free"),
            ("2001:db8:ffff::1", "banned:ips:2001:db8:8000::/33"),
        ] {
            assert_eq!(key(set.judge(0, &from(address))), expected, "{address}");
        }
    }

    #[test]
    fn a_ban_ends_by_itself_and_the_longest_is_told() {
        let (short, long) = ("banned:ips:192.0.2.7", "banned:ips:192.0.2.0/24");
        let set = set(&[(short, Some(10)), (long, Some(20))]);
        let at = |now| key(set.judge(now, &from("192.0.2.7")));
        assert_eq!((at(0), at(19), at(20)), (long, long, "free"));
    }

    #[test]
    fn a_fingerprint_alone_raises_suspicion_only() {
        let hash = "banned:fps:0000000000000005";
        let set = set(&[
            (hash, None),
            ("banned:ips:192.0.2.7", None),
            ("banned:cookies:0000000000000009", None),
        ]);
        let with = |address, cookie| Identity { fingerprint: Some(5), cookie, ..from(address) };
        assert_eq!(key(set.judge(0, &with("203.0.113.1", None))), "suspect");
        assert_eq!(key(set.judge(0, &with("192.0.2.200", None))), hash, "a neighbour");
        assert_eq!(key(set.judge(0, &from("192.0.2.200"))), "free", "another neighbour");
        let cookie = key(set.judge(0, &with("203.0.113.1", Some(9)))).to_owned();
        assert_eq!(cookie, "banned:cookies:0000000000000009");
    }

    #[test]
    fn a_picture_stays_as_it_was_taken() {
        let mut now = set(&[("banned:ips:192.0.2.7", None), ("banned:ips:192.0.2.7/32", None)]);
        let before = now.clone();
        let bans: Vec<_> =
            now.bans.get(&Subject::of_address([192, 0, 2, 7].into())).unwrap().clone();
        now.remove(&bans[0]);
        assert!(matches!(now.judge(0, &from("192.0.2.7")), Verdict::Banned(_)), "the other key");
        now.remove(&bans[1]);
        now.remove(&bans[1]);
        assert_eq!(now.judge(0, &from("192.0.2.7")), Verdict::Free);
        assert_eq!((now.len(), before.len()), (0, 2));
        assert!(now.near.get(&near([192, 0, 2, 7].into())).is_none());
        assert!(matches!(before.judge(0, &from("192.0.2.7")), Verdict::Banned(_)));
    }
}
