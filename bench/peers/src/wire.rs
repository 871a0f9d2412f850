//! The least of RFC 6455 that a relay needs, for the servers here that bring no codec of their own.

use data_encoding::BASE64;
use sha1::{Digest, Sha1};

/// The greatest payload of a frame; a longer one ends the connection.
pub const FRAME_BYTES_MAX: usize = 65_536;

/// What tells a client that it has a partner: an empty binary frame.
pub const PAIRED: [u8; 2] = [BINARY, 0];

const BINARY: u8 = 0x82;
const CONTROL: u8 = 0x08;

/// What stands at the front of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Front<T> {
    /// Not all of it yet.
    Part,
    /// So many bytes, and what they are.
    Whole(usize, T),
    /// Nothing that the connection could go on after.
    Bad,
}

/// The request at the front of `bytes`; the answer that makes a WebSocket of the connection
/// (section 4.2.2).
pub fn upgrade(bytes: &[u8]) -> Front<Vec<u8>> {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let Some(len) = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4) else {
        return Front::Part;
    };
    let key = bytes[..len].split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|b| *b == b':')?)?;
        name.eq_ignore_ascii_case(b"sec-websocket-key").then(|| value[1..].trim_ascii())
    });
    let Some(key) = key else { return Front::Bad };
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = BASE64.encode(&digest);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Front::Whole(len, answer.into_bytes())
}

/// The client's frame at the front of `bytes`, unmasked in place (section 5.2): its header as a
/// server's frame has it, and its payload. Any control frame is a good-bye.
pub fn frame(bytes: &mut [u8]) -> Front<(&[u8], &[u8])> {
    let Some(extent) = extent(bytes) else { return Front::Part };
    let Ok((header, payload)) = extent else { return Front::Bad };
    let len = header + 4 + payload;
    let Some(frame) = bytes.get_mut(..len) else { return Front::Part };
    let (head, body) = frame.split_at_mut(header + 4);
    let mask = [head[header], head[header + 1], head[header + 2], head[header + 3]];
    unmask(body, mask);
    head[1] &= 0x7f;
    Front::Whole(len, (&head[..header], body))
}

/// Where header and payload of a frame end; None where the header isn't all there.
fn extent(bytes: &[u8]) -> Option<Result<(usize, usize), ()>> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (header, payload) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        short => (2, usize::from(short)),
    };
    let masked = second & 0x80 != 0;
    let good = masked && first & CONTROL == 0 && payload <= FRAME_BYTES_MAX;
    Some(if good { Ok((header, payload)) } else { Err(()) })
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from(u32::from_ne_bytes(mask)) * 0x1_0000_0001;
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    chunks.iter_mut().for_each(|eight| *eight = (u64::from_ne_bytes(*eight) ^ wide).to_ne_bytes());
    rest.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_once_it_is_whole() {
        let request = b"GET /ws HTTP/1.1\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        for len in 0..request.len() {
            assert_eq!(upgrade(&request[..len]), Front::Part);
        }
        let Front::Whole(len, answer) = upgrade(request) else { panic!("it is whole") };
        assert_eq!(len, request.len());
        // The RFC's own example, section 1.3.
        assert!(answer.ends_with(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
        assert_eq!(upgrade(b"GET / HTTP/1.1\r\n\r\n"), Front::Bad);
    }

    #[test]
    fn frames_are_unmasked_and_keep_their_header() {
        // The RFC's own example, section 5.7, as a binary frame.
        let hello = [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        for len in 0..hello.len() {
            let mut part = hello;
            assert_eq!(frame(&mut part[..len]), Front::Part);
        }
        let whole = Front::Whole(11, (&[0x82, 5][..], &b"Hello"[..]));
        let mut all = hello;
        assert_eq!(frame(&mut all), whole);
        assert_eq!(frame(&mut [0x82, 5, 0]), Front::Bad, "not masked");
        assert_eq!(frame(&mut [0x88, 0x80, 0]), Front::Bad, "a good-bye");
    }
}
