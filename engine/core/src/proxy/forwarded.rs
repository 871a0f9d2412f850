//! The client's address in an HTTP header that a proxy has set.

use core::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::http::Request;

/// Which header listed proxies tell the client's address in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Forwarded {
    /// `X-Forwarded-For`: every proxy appends whom it was asked by. The client is the last one
    /// listed that is no proxy of ours; what stands before may be anybody's invention.
    #[default]
    For,
    /// A header with one address, that the proxy overwrites: `CF-Connecting-IP`, say.
    Named(Box<str>),
}

/// A header that a listed proxy would not have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ForwardedError {
    /// The header isn't there.
    #[error("a listed proxy doesn't say whom it asks for")]
    Missing,
    /// What is there is no address.
    #[error("a listed proxy says whom it asks for in a way that can't be read")]
    Broken,
}

impl Forwarded {
    /// Whom a request is from that came by a listed proxy. `listed` tells which addresses are those
    /// of such proxies.
    ///
    /// # Errors
    /// [`ForwardedError`]: the proxy isn't set up to say it, so the request can't be counted
    /// as anybody's.
    pub fn client(
        &self,
        request: &Request<'_>,
        listed: impl Fn(IpAddr) -> bool,
    ) -> Result<IpAddr, ForwardedError> {
        match self {
            Self::For => {
                let mut first = None;
                for line in request.values("x-forwarded-for").rev() {
                    for hop in line.rsplit(',') {
                        let hop = address(hop)?;
                        if !listed(hop) {
                            return Ok(hop);
                        }
                        first = Some(hop);
                    }
                }
                // All of them are ours: one of our own machines asks.
                first.ok_or(ForwardedError::Missing)
            }
            Self::Named(name) => {
                let mut values = request.values(name);
                let value = values.next().ok_or(ForwardedError::Missing)?;
                if values.next().is_some() {
                    return Err(ForwardedError::Broken);
                }
                address(value)
            }
        }
    }
}

/// An address, which some proxies add the port to.
fn address(text: &str) -> Result<IpAddr, ForwardedError> {
    let text = text.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = |_| text.parse::<SocketAddr>().map(|address| address.ip());
    let address = bare.parse::<IpAddr>().or_else(with_port).map_err(|_| ForwardedError::Broken)?;
    Ok(address.to_canonical())
}
