//! The upgrade, both sides: ours with ours, and each with tungstenite.

use std::io::{self, Read, Write};

use tungstenite::HandshakeError;
use tungstenite::handshake::client::generate_key;
use whisper_core::http::{
    HeadReader, HeaderValue, NotUpgraded, Offer, Request, Subprotocol, UpgradeRequest,
    write_switching,
};

const NONCE: [u8; 16] = *b"the sample nonce";

fn wish(protocol: Option<Subprotocol>) -> UpgradeRequest<'static> {
    UpgradeRequest {
        host: HeaderValue::from_static("example.org:8080"),
        target: HeaderValue::from_static("/ws?x=1"),
        nonce: NONCE,
        origin: Some(HeaderValue::from_static("http://example.org:8080")),
        protocol,
    }
}

/// What our server says to the request.
fn answer(request: &[u8], protocol: Option<Subprotocol>) -> Vec<u8> {
    let request = Request::parse(request).expect("a good request");
    let upgrade = request.upgrade.expect("an upgrade");
    let mut out = Vec::new();
    write_switching(&mut out, upgrade.key, protocol, HeaderValue::new("device=1"));
    out
}

#[test]
fn our_client_and_our_server() {
    for protocol in [None, Some(Subprotocol::Msgpack), Some(Subprotocol::Json)] {
        let wish = wish(protocol);
        let mut bytes = Vec::new();
        wish.write(&mut bytes);
        let request = Request::parse(&bytes).unwrap();
        assert_eq!((request.path, request.host), ("/ws", Some("example.org:8080")));
        assert_eq!(request.origin, Some("http://example.org:8080"));
        assert_eq!(request.upgrade.unwrap().offer, protocol.map_or(Offer::Nothing, Offer::Ours));

        let mut answer = answer(&bytes, protocol);
        answer.extend(b"\x81\x00"); // a first frame on its heels
        let mut input = &mut answer[..];
        let mut reader = HeadReader::new();
        let head = reader.next(&mut input).unwrap().unwrap();
        assert_eq!(wish.check_answer(head), Ok(()));
        assert_eq!(input, b"\x81\x00");
    }
}

#[test]
fn answers_that_are_not_to_our_wish() {
    let wish = wish(Some(Subprotocol::Msgpack));
    let mut bytes = Vec::new();
    wish.write(&mut bytes);
    let good = String::from_utf8(answer(&bytes, Some(Subprotocol::Msgpack))).unwrap();
    let check = |answer: String| wish.check_answer(answer.as_bytes()).unwrap_err();
    let header = NotUpgraded::Header;

    assert_eq!(wish.check_answer(good.as_bytes()), Ok(()));
    assert_eq!(check(good.replace("101", "503")), NotUpgraded::Status(503));
    assert_eq!(check(good.replace("HTTP/1.1", "HTTP/1.0")), NotUpgraded::Status(101));
    assert_eq!(check(good.replace("HTTP", "SSH")), NotUpgraded::Malformed);
    assert_eq!(check(good[..40].to_owned()), NotUpgraded::Malformed);
    assert_eq!(check(good.replace("Upgrade: websocket", "Upgrade: h2c")), header("Upgrade"));
    assert_eq!(check(good.replace("Connection: Upgrade", "Connection: x")), header("Connection"));
    assert_eq!(check(good.replace("Accept: ", "Accept: x")), header("Sec-WebSocket-Accept"));
    assert_eq!(check(good.replace("v1.msgpack", "v1.json")), header("Sec-WebSocket-Protocol"));
    let extended = good.replace("Set-Cookie:", "Sec-WebSocket-Extensions:");
    assert_eq!(check(extended), header("Sec-WebSocket-Extensions"));
}

/// A stream in memory: what is not there yet would block.
#[derive(Default)]
struct Wire {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = out.len().min(self.incoming.len());
        out[..len].copy_from_slice(&self.incoming[..len]);
        self.incoming.drain(..len);
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn their_client_and_our_server() {
    let key = generate_key();
    let request = tungstenite::http::Request::get("ws://example.org/ws")
        .header("Host", "example.org")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", key)
        .header("Sec-WebSocket-Protocol", "other, whisper.v1.json")
        .body(())
        .unwrap();
    let Err(HandshakeError::Interrupted(mut waiting)) =
        tungstenite::client(request, Wire::default())
    else {
        panic!("it should wait for an answer");
    };
    let wire = waiting.get_mut().get_mut();
    wire.incoming = answer(&wire.outgoing, Some(Subprotocol::Json));
    let (_, response) = waiting.handshake().expect("it should agree");
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "whisper.v1.json");
}

#[test]
fn our_client_and_their_server() {
    let mut wire = Wire::default();
    let wish = wish(None);
    wish.write(&mut wire.incoming);
    let them = tungstenite::accept(wire).expect("a good request");
    let mut answer = them.get_ref().outgoing.clone();
    let mut input = &mut answer[..];
    let mut reader = HeadReader::new();
    let head = reader.next(&mut input).unwrap().unwrap();
    assert_eq!(wish.check_answer(head), Ok(()));
    assert!(input.is_empty());
}
