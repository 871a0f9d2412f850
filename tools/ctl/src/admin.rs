//! One request at a time to an engine's operators' door: its Unix socket, or TCP with a token.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

use serde_json::Value;
use thiserror::Error;

const PATIENCE: Duration = Duration::from_secs(10);

/// Most bytes of an answer.
const ANSWER_MAX: u64 = 16 << 20;

/// An engine's door.
pub(crate) struct Admin {
    door: Door,
}

/// Where it is.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// A Unix socket.
    Socket(PathBuf),
    /// TCP, and what is shown there.
    Tcp(SocketAddr, Option<String>),
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Tcp(address, _) => write!(f, "{address}"),
        }
    }
}

/// What it answered.
pub(crate) struct Answer {
    /// The status of HTTP.
    status: u16,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// The engine has done it, or is as asked.
    pub(crate) fn ok(&self) -> bool {
        self.status == 200
    }
}

/// Why something wasn't done.
#[derive(Debug, Error)]
pub(crate) enum AdminError {
    #[error(
        "can't reach an engine at {door}: {error}; is it running? --socket names another \
         (`adminSocket` in the engine's first line), --admin an address"
    )]
    Unreachable { door: Door, error: io::Error },
    #[error("what listens at {door} is no engine")]
    Foreign { door: Door },
    #[error("can't read the token in {path}: {error}")]
    Token { path: PathBuf, error: io::Error },
    #[error(
        "the engine at {door} wants its token: --token names the file that has it (`admin_token` \
         in the engine's settings), and its socket, --socket, needs none"
    )]
    Unauthorized { door: Door },
    #[error("the engine refuses: {0}")]
    Refused(String),
    #[error("nothing is done without --yes")]
    Unconfirmed,
}

impl AdminError {
    /// What the process ends with: 1 where the engine says no, 2 where it wasn't asked.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Unauthorized { .. } => 1,
            _ => 2,
        }
    }
}

/// Where a socket is looked for, unless it is named: an installed engine's, and one tried out in
/// the present directory.
const SOCKETS: [&str; 2] = ["/run/whisper/admin.sock", "data/admin.sock"];

impl Door {
    /// The door that is named, or else the first socket there is.
    pub(crate) fn find(
        socket: Option<PathBuf>,
        admin: Option<SocketAddr>,
        token: Option<&Path>,
    ) -> Result<Self, AdminError> {
        if let (Some(address), None) = (admin, &socket) {
            let read = |path: &Path| match fs::read_to_string(path) {
                Ok(token) => Ok(token.trim().to_owned()),
                Err(error) => Err(AdminError::Token { path: path.to_owned(), error }),
            };
            return Ok(Self::Tcp(address, token.map(read).transpose()?));
        }
        let default = || SOCKETS.iter().map(PathBuf::from).find(|path| path.exists());
        Ok(Self::Socket(socket.or_else(default).unwrap_or_else(|| SOCKETS[0].into())))
    }
}

impl Admin {
    pub(crate) fn new(door: Door) -> Self {
        Self { door }
    }

    /// Looks at something.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, AdminError> {
        self.ask("GET", path, "")
    }

    /// The body of what every engine has.
    pub(crate) fn get_ok(&self, path: &str) -> Result<String, AdminError> {
        let answer = self.get(path)?;
        answer.ok().then_some(answer.body).ok_or(AdminError::Foreign { door: self.door.clone() })
    }

    /// Looks at something that is JSON.
    pub(crate) fn look(&self, path: &str) -> Result<Value, AdminError> {
        let answer = self.get(path)?;
        self.read(&answer)
    }

    /// Has something done.
    pub(crate) fn order(&self, path: &str, wish: &Value) -> Result<Value, AdminError> {
        let answer = self.ask("POST", path, &wish.to_string())?;
        self.read(&answer)
    }

    fn read(&self, answer: &Answer) -> Result<Value, AdminError> {
        if answer.status == 401 {
            return Err(AdminError::Unauthorized { door: self.door.clone() });
        }
        let foreign = || AdminError::Foreign { door: self.door.clone() };
        let value: Value = serde_json::from_str(&answer.body).map_err(|_| foreign())?;
        if answer.ok() {
            return Ok(value);
        }
        let why = value["error"].as_str().ok_or_else(foreign)?;
        Err(AdminError::Refused(why.to_owned()))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Answer, AdminError> {
        let door = || self.door.clone();
        let text = self
            .send(method, path, body)
            .map_err(|error| AdminError::Unreachable { door: door(), error })?;
        parse(&text).ok_or_else(|| AdminError::Foreign { door: door() })
    }

    fn send(&self, method: &str, path: &str, body: &str) -> io::Result<String> {
        let mut token = None;
        let mut stream: Box<dyn Stream> = match &self.door {
            Door::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Door::Tcp(address, shown) => {
                token = shown.as_deref();
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        };
        // HTTP/1.0: one answer, whole, up to the end of the connection.
        let mut request = format!("{method} {path} HTTP/1.0\r\nHost: whisper\r\n");
        if let Some(token) = token {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        if method == "POST" {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        write!(stream, "{request}\r\n{body}")?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A connection of either kind.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// For a URL: what is no letter or digit, as `%` and its byte.
pub(crate) fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some(Answer { status: status.parse().ok()?, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() {
        let answer = parse("HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\nno\n").expect("good");
        assert!(!answer.ok());
        assert_eq!(answer.body, "no\n");
        assert!(parse("SSH-2.0").is_none());
    }

    #[test]
    fn who_shows_no_token_is_told_how() {
        let address = "127.0.0.1:9090".parse().expect("an address");
        let admin = Admin::new(Door::Tcp(address, None));
        let answer = parse("HTTP/1.0 401 Unauthorized\r\n\r\n{\"error\":\"no\"}").expect("good");
        let error = admin.read(&answer).expect_err("it isn't let in");
        assert!(error.to_string().contains("--token"), "{error}");
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn a_named_socket_goes_before_an_address() {
        let address = "127.0.0.1:9090".parse().expect("an address");
        let named = Door::find(Some("/x".into()), Some(address), None).expect("a door");
        assert_eq!(named.to_string(), "/x");
        let tcp = Door::find(None, Some(address), None).expect("a door");
        assert_eq!(tcp.to_string(), "127.0.0.1:9090");
    }
}
