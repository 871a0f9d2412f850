//! What a peer may make us hold.

use super::*;

const SMALL: Limits = Limits { message: 300, fragments: 3 };

fn from_client(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(Role::Server, fin, opcode, payload)
}

#[test]
fn the_defaults_are_those_of_the_protocol() {
    assert_eq!(Limits::default(), Limits { message: 16_384, fragments: 16 });
    let most = vec![b'm'; 16_384];
    let expected = (vec![Owned::Binary(most.clone())], None);
    let stream = from_client(true, BINARY, &most);
    assert_eq!(decode(Role::Server, &Limits::default(), stream.chunks(1000)), expected);
    let stream = from_client(true, BINARY, &[most, vec![0]].concat());
    let (_, violation) = decode(Role::Server, &Limits::default(), [&stream[..]]);
    assert_eq!(violation, Some(Violation::MessageTooBig));
}

#[test]
fn a_message_of_just_the_limit_passes() {
    for stream in [
        from_client(true, TEXT, &[b'x'; 300]),
        [from_client(false, TEXT, &[b'x'; 100]), from_client(true, CONTINUATION, &[b'x'; 200])]
            .concat(),
    ] {
        let expected = (vec![Owned::Text("x".repeat(300))], None);
        assert_outcome(Role::Server, &SMALL, &stream, &expected);
    }
}

#[test]
fn too_big_is_known_by_the_header_alone() {
    let header = |payload: usize, first| {
        let frame = frame(Role::Server, true, first, &vec![0; payload]);
        frame[..frame.len() - payload].to_vec()
    };
    let declared_4_gib = [&[0x82, 0xFF][..], &(1_u64 << 32).to_be_bytes(), &KEY, &[0; 6]].concat();
    assert_eq!(declared_4_gib.len(), 20);
    for stream in [
        header(301, BINARY),
        header(70_000, TEXT),
        [&[0x82, 0xFF][..], &i64::MAX.to_be_bytes(), &KEY].concat(),
        declared_4_gib,
        [from_client(false, BINARY, &[0; 300]), header(1, CONTINUATION)].concat(),
    ] {
        assert_outcome(Role::Server, &SMALL, &stream, &(vec![], Some(Violation::MessageTooBig)));
    }
    assert_eq!(Violation::MessageTooBig.close_code(), 1009);
}

#[test]
fn the_fragments_of_a_message_are_counted() {
    let fragments = |count: usize| -> Vec<u8> {
        let middle = std::iter::repeat_n(from_client(false, CONTINUATION, b""), count - 2);
        let first = from_client(false, TEXT, b"a");
        let last = from_client(true, CONTINUATION, b"z");
        std::iter::once(first).chain(middle).chain([last]).flatten().collect()
    };
    // Control frames in between don't count, and each message counts anew.
    let ping = from_client(true, PING, b"");
    let stream =
        [from_client(false, TEXT, b""), ping.repeat(9), fragments(3)[7..].to_vec()].concat();
    let pings = std::iter::repeat_n(Owned::Ping(vec![]), 9);
    let expected = (pings.chain([Owned::Text("z".into())]).collect(), None);
    assert_outcome(Role::Server, &SMALL, &stream, &expected);
    let expected = (vec![Owned::Text("az".into()); 5], None);
    assert_outcome(Role::Server, &SMALL, &fragments(3).repeat(5), &expected);

    let expected = (vec![], Some(Violation::TooManyFragments));
    assert_outcome(Role::Server, &SMALL, &fragments(4), &expected);
    assert_outcome(Role::Server, &Limits::default(), &fragments(17), &expected);
    let (items, violation) = decode(Role::Server, &Limits::default(), [&fragments(16)[..]]);
    assert_eq!((items.len(), violation), (1, None));
    assert_eq!(Violation::TooManyFragments.close_code(), 1009);
}
