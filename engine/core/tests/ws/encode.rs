//! The frames that we write.

use whisper_core::ws::{
    Opcode, begin_frame, begin_masked_frame, close_payload, encode_close, encode_frame,
    encode_masked_frame, end_frame,
};

use super::*;

/// Around each form of the length, and each move that a frame of unknown length may need.
const LENGTHS: [usize; 10] = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 70_000];

#[test]
fn frames_have_the_shortest_header() {
    for len in LENGTHS {
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let mut out = b"before".to_vec();
        encode_frame(&mut out, Opcode::Binary, &payload);
        assert_eq!(
            out,
            [b"before", &frame(Role::Client, true, BINARY, &payload)[..]].concat(),
            "{len}"
        );

        let mut out = b"before".to_vec();
        encode_masked_frame(&mut out, Opcode::Text, &payload, KEY);
        assert_eq!(
            out,
            [b"before", &frame(Role::Server, true, TEXT, &payload)[..]].concat(),
            "{len}"
        );
    }
}

#[test]
fn a_frame_of_unknown_length_is_the_same_as_one_of_known() {
    for len in LENGTHS {
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        for opcode in [Opcode::Text, Opcode::Binary, Opcode::Ping] {
            let mut known = b"before".to_vec();
            encode_frame(&mut known, opcode, &payload);
            encode_masked_frame(&mut known, opcode, &payload, KEY);

            let mut unknown = b"before".to_vec();
            let mark = begin_frame(&mut unknown);
            unknown.extend(&payload);
            end_frame(&mut unknown, mark, opcode);
            let mark = begin_masked_frame(&mut unknown, KEY);
            unknown.extend(&payload);
            end_frame(&mut unknown, mark, opcode);

            assert!(known == unknown, "{len} bytes, {opcode:?}");
        }
    }
}

#[test]
fn close_frames() {
    let mut out = Vec::new();
    encode_close(&mut out, 4003, "banned");
    assert_eq!(out, b"\x88\x08\x0F\xA3banned");

    // A long reason is cut, never within a character.
    let reason = format!("{}é", "x".repeat(122));
    assert_eq!(&close_payload(1000, &reason)[2..], "x".repeat(122).as_bytes());
    let reason = "x".repeat(500);
    let mut out = Vec::new();
    encode_close(&mut out, 1001, &reason);
    let expected = (vec![Owned::Close(Some((1001, "x".repeat(123))))], None);
    assert_outcome(Role::Client, &Limits::default(), &out, &expected);
}
