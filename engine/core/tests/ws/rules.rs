//! What RFC 6455 forbids, and with which code we answer.

use super::*;

use Violation::*;

/// Asserts that a server, having read a good message, stops at `bytes` with this violation, in any
/// pieces.
fn forbidden(bytes: &[u8], violation: Violation, code: u16) {
    let stream = [&frame(Role::Server, true, BINARY, b"ok"), bytes].concat();
    let expected = (vec![Owned::Binary(b"ok".into())], Some(violation));
    assert_outcome(Role::Server, &Limits::default(), &stream, &expected);
    assert_eq!(violation.close_code(), code);
}

/// A frame from a client.
fn from_client(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(Role::Server, fin, opcode, payload)
}

#[test]
fn reserved_bits_and_opcodes() {
    for bit in [0x40, 0x20, 0x10] {
        forbidden(&[0x80 | bit | TEXT], ReservedBits, 1002);
    }
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        forbidden(&[0x80 | opcode], ReservedOpcode(opcode), 1002);
    }
}

#[test]
fn a_client_masks_and_a_server_does_not() {
    forbidden(&[0x80 | BINARY, 0x00], NotMasked, 1002);
    forbidden(&frame(Role::Client, true, TEXT, b"bare"), NotMasked, 1002);
    let masked = frame(Role::Server, true, TEXT, b"masked");
    let expected = (vec![], Some(Masked));
    assert_outcome(Role::Client, &Limits::default(), &masked, &expected);
    assert_eq!(Masked.close_code(), 1002);
}

#[test]
fn lengths_are_in_their_shortest_form() {
    for short in [0_u16, 1, 125] {
        forbidden(&[&[0x82, 0xFE], &short.to_be_bytes()[..]].concat(), LengthNotShortest, 1002);
    }
    for medium in [0_u64, 125, 126, 0xFFFF] {
        forbidden(&[&[0x82, 0xFF], &medium.to_be_bytes()[..]].concat(), LengthNotShortest, 1002);
    }
    for huge in [1 << 63, u64::MAX] {
        forbidden(&[&[0x82, 0xFF], &huge.to_be_bytes()[..]].concat(), LengthOutOfRange, 1002);
    }
}

#[test]
fn control_frames_are_whole_and_short() {
    for opcode in [CLOSE, PING, PONG] {
        forbidden(&[opcode], ControlFragmented, 1002);
        forbidden(&[0x80 | opcode, 0xFE], ControlTooLong, 1002);
        forbidden(&[0x80 | opcode, 0xFF], ControlTooLong, 1002);
    }
    let longest = [7; 125];
    let expected = (vec![Owned::Ping(longest.into())], None);
    assert_outcome(Role::Server, &Limits::default(), &from_client(true, PING, &longest), &expected);
}

#[test]
fn messages_follow_one_another() {
    for fin in [false, true] {
        forbidden(&from_client(fin, CONTINUATION, b"x"), StrayContinuation, 1002);
        for opcode in [TEXT, BINARY] {
            let within = [from_client(false, TEXT, b"x"), from_client(fin, opcode, b"y")].concat();
            forbidden(&within, InterleavedMessage, 1002);
        }
    }
}

#[test]
fn close_frames_carry_nothing_or_a_code_and_a_reason() {
    let close = |payload: &[u8]| from_client(true, CLOSE, payload);
    let closes = |payload: &[u8], expected: Option<(u16, &str)>| {
        let expected = expected.map(|(code, reason)| (code, reason.to_owned()));
        let outcome = (vec![Owned::Close(expected)], None);
        // What follows a close is nobody's.
        let stream = [close(payload), vec![0xFF; 9]].concat();
        assert_outcome(Role::Server, &Limits::default(), &stream, &outcome);
    };
    closes(b"", None);
    closes(b"\x03\xE8", Some((1000, "")));
    closes(b"\x0F\xA3d\xC3\xAEner", Some((4003, "dîner")));
    let longest = [b"\x03\xE9".as_slice(), &[b'x'; 123]].concat();
    closes(&longest, Some((1001, &"x".repeat(123))));
}

#[test]
fn close_codes() {
    let good = [1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    for code in good {
        let stream = from_client(true, CLOSE, &u16::to_be_bytes(code));
        let expected = (vec![Owned::Close(Some((code, String::new())))], None);
        assert_outcome(Role::Server, &Limits::default(), &stream, &expected);
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let stream = from_client(true, CLOSE, &u16::to_be_bytes(code));
        forbidden(&stream, BadCloseCode(code), 1002);
    }
    forbidden(&from_client(true, CLOSE, &[3]), CloseTruncated, 1002);
    forbidden(&from_client(true, CLOSE, b"\x03\xE8\xFF"), BadUtf8, 1007);
}

#[test]
fn text_is_utf_8() {
    let bad: [&[u8]; 7] = [
        b"\xFF",
        b"ok \xC0\xAF",              // an overlong slash
        b"\xED\xA0\x80",             // half a surrogate pair
        b"\xF4\x90\x80\x80",         // beyond the last code point
        b"cut \xE2\x82",             // ends within a character
        b"\x80",                     // begins within one
        b"\xCE\xBA\xE1\xBD\xB9\xC2", // ends within, after good ones
    ];
    for payload in bad {
        forbidden(&from_client(true, TEXT, payload), BadUtf8, 1007);
        let (a, b) = payload.split_at(payload.len() / 2);
        let fragments = [from_client(false, TEXT, a), from_client(true, CONTINUATION, b)].concat();
        forbidden(&fragments, BadUtf8, 1007);
        // The same bytes are nobody's business in a binary message.
        let expected = (vec![Owned::Binary(payload.into())], None);
        let stream = from_client(true, BINARY, payload);
        assert_outcome(Role::Server, &Limits::default(), &stream, &expected);
    }
}

/// A text that can no longer become good is refused before its frame has ended.
#[test]
fn bad_text_is_found_at_once() {
    let stream = from_client(true, TEXT, b"good so far \xF4\x90 and a lot that is still to come");
    let header = 2 + 4;
    let (_, violation) = decode(Role::Server, &Limits::default(), [&stream[..header + 12 + 1]]);
    assert_eq!(violation, None, "F4 may begin a character");
    let (_, violation) = decode(Role::Server, &Limits::default(), [&stream[..header + 12 + 2]]);
    assert_eq!(violation, Some(BadUtf8), "but F4 90 doesn't");
}
