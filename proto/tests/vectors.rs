//! The golden bytes under `vectors/`, which clients in other languages are tested against too.
//!
//! `WHISPER_BLESS=1 cargo test -p whisper-proto --test vectors` writes them anew.

mod support;

use std::collections::BTreeSet;

use serde_json::json;
use support::{
    Direction, Message, hex, json_of, pack_json, read_vectors, samples, spoken, unhex, unpack,
};

#[test]
fn every_message_has_its_golden_bytes() {
    for (file, direction) in
        [("client.json", Direction::Client), ("server.json", Direction::Server)]
    {
        let entries: Vec<_> = samples::all()
            .into_iter()
            .filter(|(_, message)| message.direction() == direction)
            .map(|(name, message)| {
                let frame = message.encode();
                assert_eq!(Message::decode(direction, &frame).as_ref(), Ok(&message), "{name}");
                // The view comes from an independent decoder, not from our types.
                let view = json_of(&unpack(&frame));
                let text = message.encode_text().expect("samples can be said in JSON");
                assert_eq!(serde_json::from_str(&text).ok(), Some(spoken(&view)), "{name}");
                json!({
                    "name": name, "direction": direction.as_str(), "json": view,
                    "hex": hex(&frame), "text": text,
                })
            })
            .collect();
        support::check_vectors(file, &entries);
    }
}

#[test]
fn names_of_samples_are_unique() {
    let names: Vec<_> = samples::all().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

/// The other direction: what an independent encoder makes of the JSON view, keys sorted and thus
/// `data` before `type`, is the same message.
#[test]
fn the_json_view_encoded_elsewhere_decodes_the_same() {
    for (name, message) in samples::all() {
        let view = json_of(&unpack(&message.encode()));
        let frame = pack_json(&view);
        let decoded = Message::decode(message.direction(), &frame);
        assert_eq!(comparable(decoded.as_ref().ok()), comparable(Some(&message)), "{name}");
    }
}

/// The same for JSON: whichever way it is written, it is the same message.
#[test]
fn the_text_decodes_the_same() {
    for (name, message) in samples::all() {
        let text = message.encode_text().expect("samples can be said in JSON");
        let view: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for text in [text, view.to_string(), format!("{view:#}")] {
            let mut frame = Vec::new();
            let decoded = Message::decode_text(message.direction(), &text, &mut frame);
            let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
            // Maps that are carried verbatim have no bin in JSON, and their keys in any order.
            let said = decoded.encode_text().expect("what came from JSON can be said in it");
            assert_eq!(serde_json::from_str(&said).ok().as_ref(), Some(&view), "{name}");
            assert!(decoded == message || message.carries_a_map(), "{name}: {decoded:?}");
        }
    }
}

/// `javascript.json` holds what @msgpack/msgpack made of every JSON view; see `javascript.mjs`.
#[test]
fn what_javascript_encodes_decodes_the_same() {
    let vectors = read_vectors("javascript.json");
    let mut missing: BTreeSet<_> = samples::all().into_iter().map(|(name, _)| name).collect();
    for vector in &vectors {
        let name = vector["name"].as_str().expect("a name");
        let direction = Direction::from_str(vector["direction"].as_str().expect("a direction"));
        let frame = unhex(vector["hex"].as_str().expect("hex"));
        let message = samples::named(name);
        let decoded = Message::decode(direction, &frame);
        assert_eq!(comparable(decoded.as_ref().ok()), comparable(Some(&message)), "{name}");
        missing.remove(name);
    }
    assert!(missing.is_empty(), "javascript.json is stale, it lacks {missing:?}");
}

/// Maps that are carried verbatim differ by the order of their keys, so messages are compared by
/// their JSON view, which has no order.
fn comparable(message: Option<&Message<'_>>) -> Option<serde_json::Value> {
    message.map(|message| json_of(&unpack(&message.encode())))
}
