//! The pieces in which a stream arrives change nothing.

use whisper_core::ws::{Decoder, Item, Limits, Role};

use super::*;

/// A little of everything, and what it says.
fn conversation(to: Role) -> (Vec<u8>, Vec<Owned>) {
    let frames = [
        frame(to, true, TEXT, "grüß 🦀".as_bytes()),
        frame(to, false, TEXT, &"ü".as_bytes()[..1]), // a character across two frames
        frame(to, true, PING, b"p"),
        frame(to, false, CONTINUATION, b""),
        frame(to, true, CONTINUATION, &"ü".as_bytes()[1..]),
        frame(to, true, BINARY, b""),
        frame(to, false, BINARY, &[1]),
        frame(to, true, PONG, b""),
        frame(to, true, CONTINUATION, &[2, 3]),
        frame(to, true, CLOSE, b"\x03\xE8bye"),
    ];
    let items = vec![
        Owned::Text("grüß 🦀".into()),
        Owned::Ping(b"p".into()),
        Owned::Text("ü".into()),
        Owned::Binary(vec![]),
        Owned::Pong(vec![]),
        Owned::Binary(vec![1, 2, 3]),
        Owned::Close(Some((1000, "bye".into()))),
    ];
    (frames.concat(), items)
}

#[test]
fn every_two_and_three_pieces_of_a_conversation() {
    for role in [Role::Server, Role::Client] {
        let (stream, items) = conversation(role);
        let expected = (items, None);
        assert_outcome(role, &Limits::default(), &stream, &expected);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                let outcome = decode(role, &Limits::default(), pieces);
                assert_eq!(outcome, expected, "split at {first} and {second}");
            }
        }
    }
}

#[test]
fn every_two_pieces_around_each_form_of_length() {
    for len in [0, 1, 7, 125, 126, 127, 255, 256, 3000] {
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        for role in [Role::Server, Role::Client] {
            let stream = frame(role, true, BINARY, &payload);
            let expected = (vec![Owned::Binary(payload.clone())], None);
            assert_outcome(role, &Limits::default(), &stream, &expected);
        }
    }
}

#[test]
fn a_whole_frame_is_borrowed_from_its_chunk() {
    let mut chunk = [
        frame(Role::Server, true, BINARY, b"one"),
        frame(Role::Server, true, TEXT, b"two"),
        frame(Role::Server, true, PING, b"three"),
    ]
    .concat();
    let place = chunk.as_ptr_range();
    let mut decoder = Decoder::new(Role::Server);
    let mut input = &mut chunk[..];
    for expected in [&b"one"[..], b"two", b"three"] {
        let payload = match decoder.next(&mut input, &Limits::default()).unwrap().unwrap() {
            Item::Binary(bytes) | Item::Ping(bytes) => bytes,
            Item::Text(text) => text.as_bytes(),
            other => panic!("{other:?}"),
        };
        assert_eq!(payload, expected);
        assert!(place.contains(&payload.as_ptr()), "copied");
    }
    assert!(format!("{decoder:?}").contains("partial: None"), "{decoder:?}");
}

#[test]
fn nothing_is_held_once_a_message_is_whole() {
    let stream =
        [frame(Role::Server, false, TEXT, b"a"), frame(Role::Server, true, CONTINUATION, b"b")]
            .concat();
    for at in 1..stream.len() {
        let mut decoder = Decoder::new(Role::Server);
        let (mut first, mut second) = (stream[..at].to_vec(), stream[at..].to_vec());
        assert_eq!(decoder.next(&mut &mut first[..], &Limits::default()), Ok(None));
        assert!(format!("{decoder:?}").contains("Some"), "{decoder:?}");
        let mut input = &mut second[..];
        assert_eq!(decoder.next(&mut input, &Limits::default()), Ok(Some(Item::Text("ab"))));
        assert_eq!(decoder.next(&mut input, &Limits::default()), Ok(None));
        assert!(format!("{decoder:?}").contains("partial: None"), "{decoder:?}");
    }
}

#[test]
fn a_decoder_at_rest_is_two_words() {
    assert!(size_of::<Decoder>() <= 16);
}
