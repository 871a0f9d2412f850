//! One request at a time to the admin listener.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use thiserror::Error;

const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of an answer.
const ANSWER_MAX: u64 = 16 << 20;

/// An engine's admin listener.
pub(crate) struct Admin {
    address: SocketAddr,
}

/// What it answered.
pub(crate) struct Answer {
    /// The status was 200.
    pub(crate) ok: bool,
    /// The body.
    pub(crate) body: String,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum AdminError {
    #[error(
        "can't reach the engine's admin listener at {address}: {error}; is it started with --admin {address}?"
    )]
    Unreachable { address: SocketAddr, error: io::Error },
    #[error("what listens at {address} is no admin listener of an engine")]
    Foreign { address: SocketAddr },
}

impl Admin {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, AdminError> {
        let address = self.address;
        let text = self.ask(path).map_err(|error| AdminError::Unreachable { address, error })?;
        parse(&text).ok_or(AdminError::Foreign { address })
    }

    /// The body of what every engine has.
    pub(crate) fn get_ok(&self, path: &str) -> Result<String, AdminError> {
        let answer = self.get(path)?;
        answer.ok.then_some(answer.body).ok_or(AdminError::Foreign { address: self.address })
    }

    fn ask(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // HTTP/1.0: one answer, whole, up to the end of the connection.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address)?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some(Answer { ok: status == "200", body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() {
        let answer = parse("HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\nno\n").expect("good");
        assert!(!answer.ok);
        assert_eq!(answer.body, "no\n");
        assert!(parse("SSH-2.0").is_none());
    }
}
