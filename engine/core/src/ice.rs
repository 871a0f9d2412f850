//! Where calls find a way, and for how long.
//!
//! A TURN server relays for whoever has credentials. Those made here are of one session and end by
//! themselves, and the server checks them by a secret that it shares with us and nothing else:
//! draft-uberti-behave-turn-rest-00, as coturn has it (`use-auth-secret`). The username is when they
//! end, in seconds since the Unix epoch, and an id; the password its HMAC-SHA1 under the secret.

use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use whisper_proto::IceServer;

use crate::time::{Micros, Span};

/// The STUN and TURN servers that clients are told of.
#[derive(Clone)]
pub struct IceServers {
    urls: Vec<String>,
    /// None where they are asked for nothing but one's own address.
    turn: Option<Turn>,
}

#[derive(Clone)]
struct Turn {
    /// Keyed by the secret.
    mac: Hmac<Sha1>,
    ttl: Span,
}

impl IceServers {
    /// STUN alone: nobody is let in anywhere.
    pub fn stun(urls: Vec<String>) -> Self {
        Self { urls, turn: None }
    }

    /// TURN servers that share `secret`, and perhaps STUN. Credentials begin nothing after `ttl`;
    /// what began with them goes on.
    pub fn turn(urls: Vec<String>, secret: &[u8], ttl: Span) -> Self {
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self { urls, turn: Some(Turn { mac, ttl }) }
    }

    /// What `connected.iceServers` says to the session that is called `id`.
    pub fn encode(&self, now: Micros, id: &str) -> Vec<u8> {
        let urls: Vec<_> = self.urls.iter().map(String::as_str).collect();
        let admitted = self.turn.as_ref().map(|turn| turn.admit(now, id));
        let server = IceServer {
            urls: &urls,
            username: admitted.as_ref().map(|(username, _)| username.as_str()),
            credential: admitted.as_ref().map(|(_, credential)| credential.as_str()),
        };
        let mut encoded = Vec::new();
        IceServer::encode_list(&[server], &mut encoded);
        encoded
    }
}

impl Turn {
    /// Username and password.
    fn admit(&self, now: Micros, id: &str) -> (String, String) {
        let until = Micros(now.0 + self.ttl.0).unix_millis() / 1_000;
        let username = format!("{until}:{id}");
        let mac = self.mac.clone().chain_update(&username).finalize();
        (username, BASE64.encode(&mac.into_bytes()))
    }
}

/// Says nothing of the secret.
impl fmt::Debug for IceServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServers").field("urls", &self.urls).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_700_000_000_999_999);

    /// The password was made by `openssl dgst -sha1 -hmac`, as coturn's own page shows.
    #[test]
    fn credentials_are_those_that_coturn_expects() {
        let turn = Turn {
            mac: Hmac::new_from_slice(b"north star").expect("a key"),
            ttl: Span::secs(3_600),
        };
        let (username, credential) = turn.admit(NOW, "k7q2");
        assert_eq!(username, "1700003600:k7q2");
        assert_eq!(credential, "Cz5vkAimnpFv0jdwoRx4eXYsKaw=");
        assert_ne!(turn.admit(NOW, "k7q3").1, credential);
    }

    #[test]
    fn stun_needs_no_credentials_and_nothing_shows_the_secret() {
        let stun = IceServers::stun(vec!["stun:a.example".into()]).encode(NOW, "k7q2");
        assert!(!stun.windows(8).any(|bytes| bytes == b"username"));
        let turn = IceServers::turn(vec!["turn:a.example".into()], b"north star", Span::secs(1));
        assert!(turn.encode(NOW, "k7q2").windows(10).any(|bytes| bytes == b"credential"));
        assert_eq!(format!("{turn:?}"), r#"IceServers { urls: ["turn:a.example"], .. }"#);
    }
}
