//! Whose pages may open WebSockets here.

use super::ConfigError;
use super::origin::Ledger;

/// The pages that may; exact, as browsers write them in `Origin` (RFC 6454, section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    /// Those of the very name that they ask for.
    Same,
    /// These.
    Listed(Vec<String>),
}

impl Origins {
    pub(super) fn resolve(
        ledger: &mut Ledger<'_>,
        typed: Option<Vec<String>>,
        file: Option<Vec<String>>,
    ) -> Result<Self, ConfigError> {
        let listed = ledger.pick("origin", typed, file, Vec::new());
        if listed.is_empty() {
            return Ok(Self::Same);
        }
        let check = |origin: &String| match is_origin(origin) {
            true => Ok(()),
            false => Err(ConfigError::Value {
                key: "origin",
                why: format!(
                    "{origin:?} is no origin as browsers write it: scheme and host in lower case, \
                     and the port unless it is the usual one, as in https://chat.example.org"
                ),
            }),
        };
        listed.iter().try_for_each(check)?;
        Ok(Self::Listed(listed))
    }

    /// Whether a page of this origin may open a WebSocket by a request for this host. `secure` says
    /// that the request came over TLS, as far as we know: in front of us there may be somebody who
    /// ended it.
    pub(crate) fn allow(&self, origin: &str, host: Option<&str>, secure: bool) -> bool {
        match self {
            Self::Listed(listed) => listed.iter().any(|listed| listed == origin),
            Self::Same => {
                let Some((scheme, authority)) = origin.split_once("://") else { return false };
                let port = match scheme {
                    "https" => "443",
                    "http" if !secure => "80",
                    _ => return false,
                };
                let usual = |name: &str| {
                    let name = name.to_ascii_lowercase();
                    let bare = name.strip_suffix(port).and_then(|name| name.strip_suffix(':'));
                    bare.map(str::to_owned).unwrap_or(name)
                };
                host.is_some_and(|host| !host.is_empty() && usual(host) == usual(authority))
            }
        }
    }
}

/// Whether it is written as a browser would.
fn is_origin(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let host_bytes = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' | b'[' | b']');
    let usual = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    !authority.is_empty() && authority.bytes().all(host_bytes) && !authority.ends_with(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_origin_is_the_same_name_and_port() {
        for (origin, host, plain, secure) in [
            ("https://chat.example", "chat.example", true, true),
            ("https://chat.example", "Chat.Example", true, true),
            ("https://chat.example", "chat.example:443", true, true),
            ("https://chat.example:8443", "chat.example:8443", true, true),
            ("http://chat.example", "chat.example", true, false),
            ("http://chat.example", "chat.example:80", true, false),
            ("http://[::1]:8080", "[::1]:8080", true, false),
            ("http://chat.example", "chat.example:443", false, false),
            ("https://chat.example", "chat.example:80", false, false),
            ("https://chat.example", "chat.example:8443", false, false),
            ("https://chat.example:8443", "chat.example", false, false),
            ("https://evil.example", "chat.example", false, false),
            ("https://chat.example.evil.example", "chat.example", false, false),
            ("https://evilchat.example", "chat.example", false, false),
            ("https://chat.example@evil.example", "chat.example", false, false),
            ("https://", "", false, false),
            ("null", "null", false, false),
            ("file://", "", false, false),
            ("chrome-extension://chat.example", "chat.example", false, false),
            ("HTTPS://chat.example", "chat.example", false, false),
        ] {
            assert_eq!(Origins::Same.allow(origin, Some(host), false), plain, "{origin} {host}");
            assert_eq!(Origins::Same.allow(origin, Some(host), true), secure, "{origin} {host}");
        }
        assert!(!Origins::Same.allow("https://chat.example", None, false));
    }

    #[test]
    fn a_list_is_taken_by_its_letter() {
        let listed = Origins::Listed(vec!["https://chat.example".into()]);
        assert!(listed.allow("https://chat.example", Some("api.example"), true));
        for origin in [
            "https://api.example",
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example/",
            "null",
        ] {
            assert!(!listed.allow(origin, Some("api.example"), true), "{origin}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_do() {
        for good in ["https://chat.example", "http://localhost:5173", "https://[2001:db8::1]:8443"]
        {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "chat.example",
            "https://",
            "https://chat.example/",
            "https://Chat.example",
            "https://chat.example:443",
            "*",
            "null",
            "wss://chat.example",
            "https://*.example",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
