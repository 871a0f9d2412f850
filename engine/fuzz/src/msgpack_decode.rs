//! Messages in msgpack.

use whisper_proto::limits::MESSAGE_BYTES;
use whisper_proto::{ClientMessage, ServerMessage, Signal, SignalKind, json};

use crate::Target;
use crate::seeds;

pub(crate) const TARGET: Target = Target {
    name: "msgpack_decode",
    run,
    seeds: seeds::msgpack_decode,
    bytes_max: MESSAGE_BYTES + 1,
};

fn run(frame: &[u8]) {
    if let Ok(message) = ClientMessage::decode(frame) {
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(ClientMessage::decode(&again).as_ref(), Ok(&message), "written again");
    }
    if let Ok(message) = ServerMessage::decode(frame) {
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(ServerMessage::decode(&again).as_ref(), Ok(&message), "written again");
    }
    if let Ok(signal) = Signal::new(SignalKind::Offer, frame) {
        assert_eq!(signal.body, frame);
    }
    let mut text = Vec::new();
    if json::from_msgpack(frame, &mut text).is_ok() {
        assert!(text.len() <= MESSAGE_BYTES, "a text over its limit");
        str::from_utf8(&text).expect("JSON is UTF-8");
    } else {
        assert!(text.is_empty(), "what can't be said leaves nothing");
    }
}
