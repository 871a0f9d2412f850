//! Who asks, and whether they may.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use super::Refusal;

/// Who asks, as it stands in the audit.
#[derive(Clone, Debug)]
pub(in crate::control) struct Asker(pub(in crate::control) String);

/// The user at the other end of the socket, as the kernel knows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(Option<u32>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok().map(|it| it.uid()))
    }
}

/// Lets the owner of this process through, and root.
pub(super) async fn by_socket(
    State(owner): State<u32>,
    ConnectInfo(Peer(user)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    match user.filter(|user| may(*user, owner)) {
        Some(user) => {
            request.extensions_mut().insert(Asker(format!("operator:uid {user}")));
            next.run(request).await
        }
        None => {
            let why = format!("this socket is for user {owner} and root");
            Refusal(StatusCode::FORBIDDEN, why).into_response()
        }
    }
}

/// Whether a user may ask, at the socket of a process of this owner.
fn may(user: u32, owner: u32) -> bool {
    user == owner || user == 0
}

/// Lets through who shows the token.
pub(super) async fn by_token(
    State(token): State<Option<Token>>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match (token, shown) {
        (Some(token), Some(shown)) if token.is(shown) => {
            request.extensions_mut().insert(Asker("operator:token".into()));
            next.run(request).await
        }
        (Some(_), _) => {
            let why = "show the token of admin_token: Authorization: Bearer …";
            Refusal(StatusCode::UNAUTHORIZED, why.into()).into_response()
        }
        (None, _) => {
            let why = "without admin_token there is only looking here; use the socket";
            Refusal(StatusCode::FORBIDDEN, why.into()).into_response()
        }
    }
}

/// What an operator shows over TCP. Kept as its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token(blake3::Hash);

/// A shorter one could be guessed.
const TOKEN_MIN: usize = 16;

/// More is no token.
const TOKEN_MAX: u64 = 1_024;

impl Token {
    /// Reads a token from a file; white space around it doesn't count.
    ///
    /// # Errors
    /// Where the file can't be read, or has no token of 16 to 1,024 bytes.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let explain =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut text = Vec::new();
        let file = File::open(path).map_err(explain)?;
        file.take(TOKEN_MAX + 1).read_to_end(&mut text).map_err(explain)?;
        let token = text.trim_ascii();
        if token.len() < TOKEN_MIN || text.len() as u64 > TOKEN_MAX {
            let why = format!("is no token of {TOKEN_MIN} to {TOKEN_MAX} bytes");
            return Err(explain(io::Error::new(io::ErrorKind::InvalidData, why)));
        }
        Ok(Self(blake3::hash(token)))
    }

    /// Takes the same time wherever what is shown differs.
    fn is(&self, shown: &[u8]) -> bool {
        // The comparison of BLAKE3's own hash type is constant-time.
        blake3::hash(shown) == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_and_root_may_ask() {
        assert!(may(1000, 1000) && may(0, 1000) && may(0, 0));
        assert!(!may(1001, 1000) && !may(1000, 0));
    }

    #[test]
    fn a_token_is_long_and_compared_whole() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "too short\n").expect("written");
        assert!(Token::read(file.path()).is_err());
        std::fs::write(file.path(), "0123456789abcdef\n").expect("written");
        let token = Token::read(file.path()).expect("a token");
        assert!(token.is(b"0123456789abcdef"));
        assert!(!token.is(b"0123456789abcdeg"));
        assert!(!token.is(b"0123456789abcdef\n"));
        assert!(!token.is(b""));
    }
}
