//! Messages in JSON.

use whisper_proto::limits::MESSAGE_BYTES;
use whisper_proto::{ClientMessage, DecodeError, json};

use crate::Target;
use crate::seeds;

pub(crate) const TARGET: Target =
    Target { name: "json_decode", run, seeds: seeds::json_decode, bytes_max: MESSAGE_BYTES + 1 };

fn run(text: &[u8]) {
    // Frames that aren't UTF-8 end before they are messages.
    let Ok(text) = str::from_utf8(text) else { return };
    let mut frame = Vec::new();
    let spelled = json::to_msgpack(text, &mut frame);
    assert!(frame.len() <= 16 + 3 * MESSAGE_BYTES, "what is put aside is bounded");
    // Another reader, which has a say on syntax only, and sees no limits.
    let syntax = serde_json::from_str::<serde_json::Value>(text);
    match spelled {
        Ok(()) => assert!(syntax.is_ok_and(|value| value.is_object()), "this is no JSON"),
        Err(DecodeError::NotJson | DecodeError::Truncated) => assert!(syntax.is_err()),
        Err(_) => {}
    }
    let Ok(message) = spelled.and_then(|()| ClientMessage::decode(&frame)) else { return };

    // Spelled again, from what was understood, it is the same message.
    let (mut understood, mut said, mut again) = (Vec::new(), Vec::new(), Vec::new());
    message.encode(&mut understood);
    if json::from_msgpack(&understood, &mut said).is_ok() {
        let said = str::from_utf8(&said).expect("JSON is UTF-8");
        assert_eq!(json::to_msgpack(said, &mut again), Ok(()), "{said}");
        assert_eq!(ClientMessage::decode(&again), Ok(message), "{said}");
    }
}
