//! tungstenite, as an independent peer: what it writes we read, and the other way round.

use std::io::{self, Cursor, Read, Write};

use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::protocol::{Message, WebSocket};
use whisper_core::ws::{
    Opcode, accept_key, close_payload, encode_close, encode_frame, encode_masked_frame,
};

use super::*;

/// A stream that reads from one buffer and writes to another.
#[derive(Default)]
struct Wire {
    incoming: Cursor<Vec<u8>>,
    outgoing: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(out)
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

const LENGTHS: [usize; 7] = [0, 1, 125, 126, 4000, 65_535, 65_536];
const ROOMY: Limits = Limits { message: 1 << 20, fragments: 16 };

fn their_role(ours: Role) -> tungstenite::protocol::Role {
    match ours {
        Role::Server => tungstenite::protocol::Role::Client,
        Role::Client => tungstenite::protocol::Role::Server,
    }
}

#[test]
fn what_they_write_we_read() {
    for role in [Role::Server, Role::Client] {
        let mut them = WebSocket::from_raw_socket(Wire::default(), their_role(role), None);
        let mut expected = Vec::new();
        for len in LENGTHS {
            them.send(Message::binary(vec![0xA5; len])).unwrap();
            them.send(Message::text("é".repeat(len / 2))).unwrap();
            expected.push(Owned::Binary(vec![0xA5; len]));
            expected.push(Owned::Text("é".repeat(len / 2)));
        }
        them.send(Message::Ping("are you there".into())).unwrap();
        them.close(Some(CloseFrame { code: 4001.into(), reason: "so long".into() })).unwrap();
        expected.push(Owned::Ping(b"are you there".into()));
        expected.push(Owned::Close(Some((4001, "so long".into()))));

        let stream = &them.get_ref().outgoing;
        for size in [1, 1000, stream.len()] {
            assert_eq!(decode(role, &ROOMY, stream.chunks(size)), (expected.clone(), None));
        }
    }
}

#[test]
fn what_we_write_they_read() {
    for role in [Role::Server, Role::Client] {
        let mut stream = Vec::new();
        let mut write = |opcode, payload: &[u8]| match role {
            Role::Server => encode_frame(&mut stream, opcode, payload),
            Role::Client => encode_masked_frame(&mut stream, opcode, payload, KEY),
        };
        for len in LENGTHS {
            write(Opcode::Binary, &vec![0x5A; len]);
            write(Opcode::Text, "é".repeat(len / 2).as_bytes());
        }
        write(Opcode::Ping, b"are you there");
        write(Opcode::Close, &close_payload(1001, "so long"));

        let wire = Wire { incoming: Cursor::new(stream), outgoing: Vec::new() };
        let mut them = WebSocket::from_raw_socket(wire, their_role(role), None);
        for len in LENGTHS {
            assert_eq!(them.read().unwrap(), Message::binary(vec![0x5A; len]));
            assert_eq!(them.read().unwrap(), Message::text("é".repeat(len / 2)));
        }
        assert_eq!(them.read().unwrap(), Message::Ping("are you there".into()));
        let close = CloseFrame { code: 1001.into(), reason: "so long".into() };
        assert_eq!(them.read().unwrap(), Message::Close(Some(close)));
    }
}

#[test]
fn our_close_is_theirs() {
    let mut stream = Vec::new();
    encode_close(&mut stream, 4009, "too slow");
    let wire = Wire { incoming: Cursor::new(stream), outgoing: Vec::new() };
    let mut them = WebSocket::from_raw_socket(wire, tungstenite::protocol::Role::Client, None);
    let close = CloseFrame { code: 4009.into(), reason: "too slow".into() };
    assert_eq!(them.read().unwrap(), Message::Close(Some(close)));
}

#[test]
fn accept_keys_agree() {
    // The example of RFC 6455, section 1.3.
    assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for key in ["AAAAAAAAAAAAAAAAAAAAAA==", "//////////////////////w==", "", "not base64 at all"] {
        assert_eq!(
            accept_key(key.as_bytes()).as_slice(),
            derive_accept_key(key.as_bytes()).as_bytes()
        );
    }
}
