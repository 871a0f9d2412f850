//! Whom a ban is on, and the key it is kept under.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// What every key begins with.
const PREFIX: &str = "banned:";

/// The shortest prefixes that can be banned: a slip must not shut out the world.
const SHORTEST: (u8, u8) = (8, 16);

/// A person's own block in IPv6.
const OWN_V6: u8 = 64;

/// Most characters of a user's name in a key.
const USER_MAX: usize = 64;

/// Whom a ban is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An address or a block; in IPv6 never narrower than /64, and never an IPv4 address in
    /// disguise.
    Net(IpNet),
    /// A session, by its `userId`.
    User(Box<str>),
    /// What a client said of its device, hashed under our key; see [`super::Keys`].
    Fingerprint(u64),
    /// A device, by the name in its cookie.
    Cookie(u64),
}

/// A key under `banned:` that means nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadKey {
    /// Not one of the four kinds.
    #[error("it is none of banned:ips:, banned:users:, banned:fps: and banned:cookies:")]
    Kind,
    /// Neither an address nor a block.
    #[error("after banned:ips: comes an address or a block, as 192.0.2.7 or 2001:db8::/48")]
    Address,
    /// It would shut out a large part of the world.
    #[error("a block is at least a /8 in IPv4 and a /16 in IPv6")]
    Wide,
    /// Not 16 hexadecimal digits.
    #[error("after banned:fps: and banned:cookies: come 16 hexadecimal digits")]
    Hash,
    /// Not the name of a user.
    #[error("after banned:users: come 1 to 64 letters, digits, - and _")]
    User,
}

impl Subject {
    /// The block that a person has to themselves: an address in IPv4, a /64 in IPv6.
    pub fn of_address(address: IpAddr) -> Self {
        Self::net(IpNet::from(address))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`BadKey`], which says what is wrong with it.
    pub fn from_key(key: &str) -> Result<Self, BadKey> {
        let (kind, name) =
            key.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':')).ok_or(BadKey::Kind)?;
        match kind {
            "ips" => parse_net(name),
            "users" => {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                let good = (1..=USER_MAX).contains(&name.len()) && name.bytes().all(fits);
                if good { Ok(Self::User(name.into())) } else { Err(BadKey::User) }
            }
            "fps" => parse_hash(name).map(Self::Fingerprint),
            "cookies" => parse_hash(name).map(Self::Cookie),
            _ => Err(BadKey::Kind),
        }
    }

    /// The kind, as in its key.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Net(_) => "ips",
            Self::User(_) => "users",
            Self::Fingerprint(_) => "fps",
            Self::Cookie(_) => "cookies",
        }
    }

    fn net(net: IpNet) -> Self {
        Self::Net(match net {
            IpNet::V4(net) => net.trunc().into(),
            IpNet::V6(net) => match net.addr().to_ipv4_mapped() {
                Some(v4) if net.prefix_len() >= 96 => {
                    Ipv4Net::new_assert(v4, net.prefix_len() - 96).trunc().into()
                }
                _ => v6_block(net.addr(), net.prefix_len().min(OWN_V6)),
            },
        })
    }
}

/// The key it is kept under.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:", self.kind())?;
        match self {
            Self::Net(IpNet::V4(net)) if net.prefix_len() == 32 => write!(f, "{}", net.addr()),
            Self::Net(net) => write!(f, "{net}"),
            Self::User(name) => f.write_str(name),
            Self::Fingerprint(hash) | Self::Cookie(hash) => write!(f, "{hash:016x}"),
        }
    }
}

/// The neighbourhood of an address: its /24 in IPv4, its /48 in IPv6. Who has a banned fingerprint
/// and is of the neighbourhood of a banned address is refused.
pub fn near(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Net::new_assert(v4, 24).trunc().into(),
        IpAddr::V6(v6) => v6_block(v6, 48),
    }
}

fn v6_block(address: std::net::Ipv6Addr, len: u8) -> IpNet {
    Ipv6Net::new_assert(address, len).trunc().into()
}

fn parse_net(text: &str) -> Result<Subject, BadKey> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let subject = Subject::net(net.map_err(|_| BadKey::Address)?);
    let wide = match &subject {
        Subject::Net(IpNet::V4(net)) => net.prefix_len() < SHORTEST.0,
        Subject::Net(IpNet::V6(net)) => net.prefix_len() < SHORTEST.1,
        _ => false,
    };
    if wide { Err(BadKey::Wide) } else { Ok(subject) }
}

fn parse_hash(text: &str) -> Result<u64, BadKey> {
    let good = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| u64::from_str_radix(text, 16).ok()).flatten().ok_or(BadKey::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_operators_mean() {
        for (key, canonical) in [
            ("banned:ips:192.0.2.7", "banned:ips:192.0.2.7"),
            ("banned:ips:192.0.2.7/32", "banned:ips:192.0.2.7"),
            ("banned:ips:192.0.2.7/24", "banned:ips:192.0.2.0/24"),
            ("banned:ips:::ffff:192.0.2.7", "banned:ips:192.0.2.7"),
            ("banned:ips:::ffff:192.0.2.7/120", "banned:ips:192.0.2.0/24"),
            ("banned:ips:2001:db8::1", "banned:ips:2001:db8::/64"),
            ("banned:ips:2001:db8:0:0:1::/80", "banned:ips:2001:db8::/64"),
            ("banned:ips:2001:db8:5::/48", "banned:ips:2001:db8:5::/48"),
            ("banned:users:Zm9v-_", "banned:users:Zm9v-_"),
            ("banned:fps:00000000000000fF", "banned:fps:00000000000000ff"),
            ("banned:cookies:0123456789abcdef", "banned:cookies:0123456789abcdef"),
        ] {
            let subject = Subject::from_key(key).expect(key);
            assert_eq!(subject.to_string(), canonical);
            assert_eq!(Subject::from_key(canonical), Ok(subject));
        }
    }

    #[test]
    fn what_means_nobody_says_why() {
        for (key, why) in [
            ("banned", BadKey::Kind),
            ("banned:", BadKey::Kind),
            ("banned:x:1", BadKey::Kind),
            ("allowed:ips:192.0.2.7", BadKey::Kind),
            ("banned:ips:", BadKey::Address),
            ("banned:ips:192.0.2", BadKey::Address),
            ("banned:ips:192.0.2.7/33", BadKey::Address),
            ("banned:ips:0.0.0.0/0", BadKey::Wide),
            ("banned:ips:::/0", BadKey::Wide),
            ("banned:ips:::ffff:0.0.0.0/96", BadKey::Wide),
            ("banned:users:", BadKey::User),
            ("banned:users:a b", BadKey::User),
            ("banned:fps:ff", BadKey::Hash),
            ("banned:fps:+000000000000000", BadKey::Hash),
            ("banned:cookies:x", BadKey::Hash),
        ] {
            assert_eq!(Subject::from_key(key), Err(why), "{key}");
        }
    }
}
