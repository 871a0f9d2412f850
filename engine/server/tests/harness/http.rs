//! Plain HTTP/1.1, by hand.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tungstenite::WebSocket;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::Role;

use super::patient::Patient;
use super::{Client, PATIENCE, Spoken};

/// A connection that speaks HTTP so far.
pub(crate) struct Http {
    stream: Patient,
    address: SocketAddr,
    /// Read, and not asked for yet.
    unread: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head, as it came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).expect("it listens"), address)
    }

    /// The same from a certain address of this machine.
    pub(crate) fn connect_from(from: &str, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let from: IpAddr = from.parse().expect("an address");
        socket.bind(&SocketAddr::from((from, 0)).into()).expect("loopback is all ours");
        socket.connect(&address.into()).expect("it listens");
        Self::of(socket.into(), address)
    }

    fn of(stream: TcpStream, address: SocketAddr) -> Self {
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        Self { stream: Patient { socket: stream, tls: None }, address, unread: Vec::new() }
    }

    /// A connection within TLS to a server of this name; hands are shaken with the first bytes.
    pub(crate) fn connect_tls(address: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Self {
        Self::connect(address).within_tls(config, name)
    }

    /// From here on within TLS, to a server of this name; hands are shaken with the next bytes.
    pub(crate) fn within_tls(mut self, config: &Arc<ClientConfig>, name: &str) -> Self {
        let name = name.to_owned().try_into().expect("a name");
        let tls = ClientConnection::new(Arc::clone(config), name).expect("a client");
        self.stream.tls = Some(Box::new(tls));
        self
    }

    /// The connection within TLS.
    pub(crate) fn tls(&mut self) -> &mut ClientConnection {
        self.stream.tls.as_mut().expect("it speaks TLS")
    }

    /// Sends bytes, if the connection takes them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Says that nothing more will be sent, or read.
    pub(crate) fn shut(&mut self, how: Shutdown) {
        self.stream.socket.shutdown(how).expect("it is connected");
    }

    /// Whether anything came, or the end, within this time.
    pub(crate) fn hears_within(&mut self, time: Duration) -> bool {
        self.stream.socket.set_read_timeout(Some(time)).expect("an option");
        let mut bytes = [0; 4096];
        let heard = match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.unread.extend_from_slice(&bytes[..count]);
                true
            }
            Err(error) => {
                !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
            }
        };
        self.stream.socket.set_read_timeout(Some(PATIENCE)).expect("an option");
        heard
    }

    /// Sends bytes past TLS.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.socket.write_all(bytes).expect("the connection takes bytes");
    }

    /// What TLS has to send by itself.
    pub(crate) fn flush(&mut self) {
        self.stream.flush().expect("the connection takes bytes");
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the connection takes bytes");
    }

    /// GETs a path and leaves the connection open.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    /// The same, with further header lines, each ending in CRLF.
    pub(crate) fn get_with(&mut self, path: &str, headers: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: whisper\r\n{headers}\r\n"));
        self.answer()
    }

    /// Reads a response to a GET.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.answer_head();
        if let Some(length) = answer.header("Content-Length") {
            let length: usize = length.parse().expect("a length");
            while self.unread.len() < length {
                assert!(self.read_more() > 0, "the connection ends within a body");
            }
            answer.body = self.unread.drain(..length).collect();
        }
        answer
    }

    /// Reads a response that has no body: to a HEAD, or to an upgrade.
    pub(crate) fn answer_head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.read_more() > 0, "the connection ends before an answer");
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).expect("a head is ASCII");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let status = status.and_then(|digits| digits.parse().ok()).expect("a status line");
        Answer { status, head, body: Vec::new() }
    }

    /// What a wish for a WebSocket gets as its answer, with further header lines.
    pub(crate) fn knock(&mut self, headers: &str) -> Answer {
        self.send(upgrade_request().replace("\r\n\r\n", &format!("\r\n{headers}\r\n")));
        self.answer_head()
    }

    /// Waits for the end of the connection, before which nothing more may come.
    pub(crate) fn expect_end(&mut self) {
        assert!(self.unread.is_empty(), "more came: {:?}", self.unread);
        assert_eq!(self.read_more(), 0, "more came: {:?}", self.unread);
    }

    /// Which reactor serves this connection.
    pub(crate) fn shard(&mut self) -> u16 {
        let shard = self.get("/stats").json()["shard"].as_u64().expect("the stats name the shard");
        shard.try_into().expect("a shard's number")
    }

    /// Makes it a person's WebSocket, greetings not yet read.
    pub(crate) fn upgrade_silently(self) -> Client {
        self.upgrade_silently_to(Spoken::Msgpack)
    }

    /// Makes it a person's WebSocket.
    pub(crate) fn upgrade(self) -> Client {
        self.upgrade_to(Spoken::Msgpack)
    }

    /// Makes it the WebSocket of a person who speaks this.
    pub(crate) fn upgrade_to(self, spoken: Spoken) -> Client {
        let mut client = self.upgrade_silently_to(spoken);
        client.greet();
        client
    }

    /// A person's WebSocket on a connection that was upgraded by hand, greetings not yet read.
    pub(crate) fn into_client(self, spoken: Spoken) -> Client {
        let socket = WebSocket::from_partially_read(self.stream, self.unread, Role::Client, None);
        Client::new(socket, spoken)
    }

    /// The same for a person who speaks this.
    pub(crate) fn upgrade_silently_to(self, spoken: Spoken) -> Client {
        assert!(self.unread.is_empty(), "nothing is left unread before an upgrade");
        let url = format!("ws://{}/ws", self.address);
        let mut request = url.into_client_request().expect("a request");
        if spoken == Spoken::Json {
            let offer = HeaderValue::from_static("whisper.v1.json");
            request.headers_mut().insert("Sec-WebSocket-Protocol", offer);
        }
        let (socket, _) = tungstenite::client(request, self.stream).expect("an upgrade");
        Client::new(socket, spoken)
    }

    /// Gives up the connection: its socket, and what was read of it.
    pub(crate) fn into_parts(self) -> (Patient, Vec<u8>) {
        (self.stream, self.unread)
    }

    /// Reads once; 0 at the end of the connection.
    fn read_more(&mut self) -> usize {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.unread.extend_from_slice(&bytes[..count]);
                count
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

/// A good wish for a WebSocket, to be spoilt by replacing a part of it.
pub(crate) fn upgrade_request() -> String {
    "GET /ws HTTP/1.1\r\nHost: whisper\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        .into()
}
