//! Random conversations, random pieces, random bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use whisper_core::ws::{Opcode, close_payload, encode_frame, encode_masked_frame};

use super::*;

fn message() -> impl Strategy<Value = Owned> {
    prop_oneof![
        "\\PC{0,200}".prop_map(Owned::Text),
        vec(any::<u8>(), 0..400).prop_map(Owned::Binary),
        vec(any::<u8>(), 0..=125).prop_map(Owned::Ping),
        vec(any::<u8>(), 0..=125).prop_map(Owned::Pong),
    ]
}

fn close() -> impl Strategy<Value = Owned> {
    let code = prop_oneof![1000..=1003_u16, 1007..=1014_u16, 3000..=4999_u16];
    proptest::option::of((code, "\\PC{0,30}")).prop_map(Owned::Close)
}

/// Appends the item as one frame for a peer that is `to`.
fn encode(out: &mut Vec<u8>, to: Role, item: &Owned, key: [u8; 4]) {
    let (opcode, payload) = match item {
        Owned::Text(text) => (Opcode::Text, text.as_bytes().to_vec()),
        Owned::Binary(bytes) => (Opcode::Binary, bytes.clone()),
        Owned::Ping(bytes) => (Opcode::Ping, bytes.clone()),
        Owned::Pong(bytes) => (Opcode::Pong, bytes.clone()),
        Owned::Close(None) => (Opcode::Close, Vec::new()),
        Owned::Close(Some((code, reason))) => {
            (Opcode::Close, close_payload(*code, reason).to_vec())
        }
    };
    match to {
        Role::Server => encode_masked_frame(out, opcode, &payload, key),
        Role::Client => encode_frame(out, opcode, &payload),
    }
}

/// Cuts the stream at the given places.
fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_in_any_pieces(
        role in role(),
        key: [u8; 4],
        mut items in vec(message(), 0..8),
        close in close(),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        items.push(close);
        let mut stream = Vec::new();
        for item in &items {
            encode(&mut stream, role, item, key);
        }
        let outcome = decode(role, &Limits::default(), cut(&stream, &cuts));
        prop_assert_eq!(outcome, (items, None));
    }

    #[test]
    fn a_message_in_fragments_is_put_together(
        role in role(),
        text in "\\PC{1,100}",
        fragments in vec(any::<Index>(), 0..15),
        ping_after in any::<Index>(),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let fragments = cut(text.as_bytes(), &fragments);
        let last = fragments.len() - 1;
        let ping_after = ping_after.index(fragments.len());
        let mut stream = Vec::new();
        for (i, fragment) in fragments.into_iter().enumerate() {
            stream.extend(frame(role, i == last, if i == 0 { TEXT } else { CONTINUATION }, fragment));
            if i == ping_after {
                stream.extend(frame(role, true, PING, b"?"));
            }
        }
        let mut items = vec![Owned::Ping(b"?".into()), Owned::Text(text)];
        if ping_after == last {
            items.reverse();
        }
        prop_assert_eq!(decode(role, &Limits::default(), cut(&stream, &cuts)), (items, None));
    }

    /// Bytes that look a little like frames, so that they get past the first header now and then.
    #[test]
    fn any_bytes_come_to_the_same_in_any_pieces(
        role in role(),
        parts in vec(
            prop_oneof![
                vec(any::<u8>(), 0..20),
                (any::<bool>(), 0..=0xA_u8, vec(0..0x90_u8, 0..140))
                    .prop_map(|(fin, opcode, payload)| frame(Role::Server, fin, opcode, &payload)),
                (any::<bool>(), 0..=2_u8, vec(0..0x80_u8, 0..20))
                    .prop_map(|(fin, opcode, payload)| frame(Role::Client, fin, opcode, &payload)),
            ],
            0..12,
        ),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let stream = parts.concat();
        let limits = Limits { message: 200, fragments: 4 };
        let whole = decode(role, &limits, [&stream[..]]);
        prop_assert_eq!(&decode(role, &limits, cut(&stream, &cuts)), &whole);
        prop_assert_eq!(&decode(role, &limits, stream.chunks(1)), &whole);
    }
}
