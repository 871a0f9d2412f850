//! Heads in pieces.

use proptest::prelude::*;
use whisper_core::http::{HEAD_BYTES_MAX, HeadReader, Reject};

use super::read_head;

const HEAD: &[u8] = b"GET /chat?x=1 HTTP/1.1\r\nHost: example.org\r\nA: b\r\n\r\n";
const AFTER: &[u8] = b"\x81\x00GET";

/// A head of just so many bytes.
fn head_of(len: usize) -> Vec<u8> {
    let (start, end) = (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"\r\n\r\n");
    let filling = vec![b'x'; len - start.len() - end.len()];
    [&start[..], &filling, end].concat()
}

#[test]
fn a_head_ends_at_its_empty_line_in_any_pieces() {
    let stream = [HEAD, AFTER].concat();
    let expected = Ok(Some((HEAD.to_vec(), AFTER.to_vec())));
    assert_eq!(read_head(stream.chunks(1)), expected);
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(read_head(pieces), expected, "split at {first} and {second}");
        }
    }
}

#[test]
fn a_whole_head_is_borrowed_from_its_chunk() {
    let mut chunk = HEAD.repeat(2);
    let place = chunk.as_ptr_range();
    let mut reader = HeadReader::new();
    let mut input = &mut chunk[..];
    for _ in 0..2 {
        let head = reader.next(&mut input).unwrap().unwrap();
        assert_eq!(head, HEAD);
        assert!(place.contains(&head.as_ptr()), "copied");
    }
    assert_eq!(reader.next(&mut input), Ok(None));
    assert!(size_of::<HeadReader>() <= 8);
}

#[test]
fn heads_follow_one_another_and_nothing_is_held_between_them() {
    let (mut first, mut second) = (HEAD[..9].to_vec(), [&HEAD[9..], HEAD].concat());
    let mut reader = HeadReader::new();
    assert_eq!(reader.next(&mut &mut first[..]), Ok(None));
    let mut input = &mut second[..];
    assert_eq!(reader.next(&mut input), Ok(Some(HEAD)));
    assert_eq!(reader.next(&mut input), Ok(Some(HEAD)));
    assert_eq!(reader.next(&mut input), Ok(None));
    assert!(format!("{reader:?}").contains("None"), "{reader:?}");
}

#[test]
fn a_head_of_8_kib_is_taken_and_not_a_byte_more() {
    let longest = head_of(HEAD_BYTES_MAX);
    let longer = head_of(HEAD_BYTES_MAX + 1);
    for size in [1, 7, 1000, HEAD_BYTES_MAX - 1, HEAD_BYTES_MAX, HEAD_BYTES_MAX + 1] {
        assert_eq!(read_head(longest.chunks(size)), Ok(Some((longest.clone(), vec![]))), "{size}");
        assert_eq!(read_head(longer.chunks(size)), Err(Reject::HeadTooLong), "{size}");
    }
    // It is known as soon as so many bytes have no end.
    assert_eq!(read_head([&longer[..HEAD_BYTES_MAX - 1]]), Ok(None));
    assert_eq!(read_head([&longer[..HEAD_BYTES_MAX]]), Err(Reject::HeadTooLong));
    assert_eq!(Reject::HeadTooLong.status().code(), 431);
}

#[test]
fn what_is_no_http_is_known_early() {
    for stream in [
        &b"\x16\x03\x01"[..],      // a TLS hello
        b"\r\nGET / HTTP/1.1\r\n", // an empty line before
        b"GET / HTTP/1.1\n",       // a bare LF
        b"GET / HTTP/1.1\r\nHost: x\n",
        b"\0",
    ] {
        assert_eq!(read_head([stream]), Err(Reject::BadRequest), "{}", stream.escape_ascii());
        assert_eq!(read_head(stream.chunks(1)), Err(Reject::BadRequest));
    }
}

proptest! {
    #[test]
    fn any_bytes_come_to_the_same_in_any_pieces(stream in "[GX: \\r\\n]{0,60}(\\r\\n\\r\\n)?.{0,9}", size in 1..30_usize) {
        let stream = stream.as_bytes();
        prop_assert_eq!(read_head(stream.chunks(size)), read_head([stream]));
    }
}
