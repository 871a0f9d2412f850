//! Where NATS is, and what it wants to know of who comes.

use std::fmt;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

/// The servers of one NATS.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NatsServers {
    /// In the order to be tried, without the login: the client shows them to whoever debugs it.
    pub(super) addresses: Vec<ServerAddr>,
    login: Option<Login>,
}

/// How the client logs in. It does nothing with what stands in an address.
#[derive(Clone, PartialEq, Eq)]
enum Login {
    Token(String),
    User { name: String, password: String },
}

const FORM: &str = "must be as nats://10.0.0.1:4222, nats://USER:PASSWORD@10.0.0.1, nats://TOKEN@10.0.0.1 or tls://nats.example.org:4222, with %40 for an @ within";

const ONE_LOGIN: &str = "servers of one NATS have one login: the same user and password in each \
                         address, or in the first alone";

impl NatsServers {
    /// Takes these for the addresses of servers, with one login for all.
    ///
    /// # Errors
    /// What is wrong, without anything that stands in them.
    pub(crate) fn read<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, &'static str> {
        let mut servers = Self { addresses: Vec::new(), login: None };
        for url in urls {
            let (address, login) = read(url).ok_or(FORM)?;
            servers.addresses.push(address);
            match login {
                Some(_) if servers.login.is_none() => servers.login = login,
                Some(_) if servers.login != login => return Err(ONE_LOGIN),
                _ => {}
            }
        }
        Ok(servers)
    }

    /// How to connect to them.
    pub(super) fn options(&self) -> ConnectOptions {
        let options = ConnectOptions::new();
        match self.login.clone() {
            None => options,
            Some(Login::Token(token)) => options.token(token),
            Some(Login::User { name, password }) => options.user_and_password(name, password),
        }
    }
}

fn read(url: &str) -> Option<(ServerAddr, Option<Login>)> {
    let address: ServerAddr = url.parse().ok()?;
    if !matches!(address.scheme(), "nats" | "tls") || address.host().is_empty() {
        return None;
    }
    let plain = |it: &str| Some(percent_decode_str(it).decode_utf8().ok()?.into_owned());
    let name = address.username().map_or(Some(String::new()), plain)?;
    let password = address.password().map(|it| plain(it).ok_or(())).transpose().ok()?;
    let login = match password {
        Some(password) => Some(Login::User { name, password }),
        None if name.is_empty() => None,
        None => Some(Login::Token(name)),
    };
    let mut bare = address.into_inner();
    bare.set_username("").ok()?;
    bare.set_password(None).ok()?;
    Some((ServerAddr::from_url(bare).ok()?, login))
}

impl fmt::Debug for NatsServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.addresses.iter().map(ServerAddr::as_url_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, password: &str) -> Option<Login> {
        Some(Login::User { name: name.into(), password: password.into() })
    }

    #[test]
    fn addresses_are_those_of_nats() {
        for (good, login) in [
            ("nats://127.0.0.1:4222", None),
            ("tls://nats.example.org", None),
            ("nats://u:p@[::1]:4222", user("u", "p")),
            ("tls://eve:a%40b%2Fc@nats.example.org", user("eve", "a@b/c")),
            ("nats://s3cret@127.0.0.1", Some(Login::Token("s3cret".into()))),
        ] {
            let servers = NatsServers::read([good]).expect("an address");
            assert!(servers.login == login, "{good}");
            let shown = format!("{servers:?}");
            assert!(!shown.contains('@') && !shown.contains("s3cret"), "{shown}");
        }
        for bad in ["redis://127.0.0.1", "ws://127.0.0.1", "nats://", "http://x", "nats://%ff@x"] {
            assert_eq!(NatsServers::read([bad]), Err(FORM), "{bad}");
        }
    }

    #[test]
    fn servers_of_one_nats_have_one_login() {
        let read = |urls: [&str; 3]| NatsServers::read(urls).map(|it| it.login == user("u", "p"));
        assert_eq!(read(["nats://u:p@a", "nats://b", "nats://u:p@c"]), Ok(true));
        assert_eq!(read(["nats://u:p@a", "nats://b", "nats://u:q@c"]), Err(ONE_LOGIN));
        assert_eq!(read(["nats://u@a", "nats://u:p@b", "nats://c"]), Err(ONE_LOGIN));
    }
}
