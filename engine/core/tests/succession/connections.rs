//! What a connection holds, between any two of its bytes.

use proptest::prelude::*;
use whisper_core::http::Subprotocol;
use whisper_core::limits::{Act, Speech, SpeechRates, Visit};
use whisper_core::proxy::{Proxied, ProxyReader};
use whisper_core::session::{Input, Session};
use whisper_core::time::Micros;
use whisper_core::ws::{Decoder, Item, Limits, Opcode, Role, encode_masked_frame};

use super::{handed_over, taken};

const HEAD: &[u8] = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const KEY: [u8; 4] = [1, 2, 3, 4];

/// A request, and behind it frames of every kind, one message of them in pieces with a ping between.
fn conversation(protocol: Subprotocol) -> Vec<u8> {
    let (opcode, ping, typing): (_, &[u8], &[u8]) = match protocol {
        Subprotocol::Msgpack => (
            Opcode::Binary,
            b"\x81\xa4type\xa4ping",
            b"\x82\xa4type\xa6typing\xa4data\x81\xa8isTyping\xc3",
        ),
        Subprotocol::Json => {
            (Opcode::Text, br#"{"type":"ping"}"#, br#"{"type":"typing","data":{"isTyping":true}}"#)
        }
    };
    let mut bytes = HEAD.to_vec();
    encode_masked_frame(&mut bytes, opcode, ping, KEY);
    // The first piece of a message: not the last, by its first bit.
    let begin = bytes.len();
    encode_masked_frame(&mut bytes, opcode, &typing[..9], KEY);
    bytes[begin] &= 0x7F;
    encode_masked_frame(&mut bytes, Opcode::Ping, b"there?", KEY);
    let rest = bytes.len();
    encode_masked_frame(&mut bytes, opcode, &typing[9..], KEY);
    bytes[rest] &= 0xF0;
    encode_masked_frame(&mut bytes, Opcode::Pong, b"", KEY);
    encode_masked_frame(&mut bytes, opcode, &[b'x'; 200], KEY);
    encode_masked_frame(&mut bytes, Opcode::Close, &1000u16.to_be_bytes(), KEY);
    bytes
}

/// What a session hears in some bytes.
fn hear(session: &mut Session, protocol: Subprotocol, bytes: &[u8], heard: &mut Vec<String>) {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    loop {
        let (upgrades, over) = match session.next(&mut input) {
            None => return,
            Some(input) => {
                heard.push(format!("{input:?}"));
                let upgrades = matches!(input, Input::Request(_));
                (upgrades, matches!(input, Input::Over(_) | Input::Rejected(_)))
            }
        };
        if upgrades {
            session.upgraded(protocol);
        }
        if over {
            session.over();
        }
    }
}

#[test]
fn a_conversation_goes_on_wherever_it_is_handed_over() {
    for protocol in [Subprotocol::Msgpack, Subprotocol::Json] {
        let stream = conversation(protocol);
        let mut expected = Vec::new();
        hear(&mut Session::default(), protocol, &stream, &mut expected);
        assert_eq!(expected.len(), 7, "{expected:#?}");
        assert!(expected[2].contains("Ping") && expected[3].contains("Typing"), "{expected:#?}");
        for cut in 0..=stream.len() {
            let (mut session, mut heard) = (Session::default(), Vec::new());
            hear(&mut session, protocol, &stream[..cut], &mut heard);
            let before = session.protocol();
            let mut session = handed_over(&session);
            assert_eq!(session.protocol(), before);
            hear(&mut session, protocol, &stream[cut..], &mut heard);
            assert_eq!(heard, expected, "handed over at byte {cut}");
        }
    }
}

#[test]
fn how_long_somebody_was_silent_goes_along() {
    let mut session = Session::default();
    session.upgraded(Subprotocol::Msgpack);
    let looks: Vec<_> = (0..5)
        .map(|_| {
            session = handed_over(&session);
            format!("{:?}", session.keep_alive())
        })
        .collect();
    assert_eq!(looks, ["Fine", "Ping", "Ping", "Dead", "Dead"]);
    session.over();
    assert!(handed_over(&session).is_over());
}

#[test]
fn the_header_of_a_proxy_goes_on() {
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET";
    for cut in 0..line.len() - 3 {
        let (mut first, mut second) = (line[..cut].to_vec(), line[cut..].to_vec());
        let mut reader = ProxyReader::default();
        assert_eq!(reader.next(&mut &mut first[..]), Ok(None));
        let mut input = &mut second[..];
        let client = Proxied::Client([192, 0, 2, 7].into());
        assert_eq!(handed_over(&reader).next(&mut input), Ok(Some(client)), "cut at {cut}");
        assert_eq!(input, b"GET");
    }
}

#[test]
fn meters_and_visits_go_along() {
    let (now, rates) = (Micros(1_700_000_000_000_000), SpeechRates::default());
    let mut speech = Speech::new(now);
    for _ in 0..20 {
        let _ = speech.act(now, Act::Message, &rates);
    }
    assert_eq!(handed_over(&speech), speech);
    let (mut visit, _) = Visit::knock(true);
    assert_eq!(handed_over(&visit), visit);
    let refused = whisper_core::limits::Answer::Refused(whisper_core::time::Span::secs(7));
    visit.answered(whisper_core::limits::Ask::Knock { tls: true }, refused);
    assert_eq!(handed_over(&visit), visit);
}

proptest! {
    /// Whatever can be read can also be gone on with.
    #[test]
    fn other_bytes_are_refused_or_harmless(
        noise in prop::collection::vec(any::<u8>(), 0..60),
        more in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Ok(mut session) = taken::<Session>(&noise) {
            hear(&mut session, Subprotocol::Msgpack, &more, &mut Vec::new());
        }
        if let Ok(mut decoder) = taken::<Decoder>(&noise) {
            let mut more = more.clone();
            let mut input = &mut more[..];
            while let Ok(Some(item)) = decoder.next(&mut input, &Limits::default()) {
                if matches!(item, Item::Close(_)) {
                    break;
                }
            }
        }
        if let Ok(mut reader) = taken::<ProxyReader>(&noise) {
            let mut more = more;
            let _ = reader.next(&mut &mut more[..]);
        }
        let _ = (taken::<Speech>(&noise), taken::<Visit>(&noise), taken::<Role>(&noise));
    }
}
