//! The client's types are those of this crate, and hold every golden message.
//!
//! `cargo xtask types` writes them anew.

mod support;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value as Json;
use support::{Direction, json_of, samples, unpack};
use whisper_proto::typescript;

#[test]
fn the_types_of_the_client_are_ours() {
    check("src/generated/wire.ts", &typescript::wire());
}

/// The codec is written by hand, and so is what makes TypeScript of its types. The compiler of
/// TypeScript holds the one to the other: here is each message as the codec spells it.
#[test]
fn the_compiler_of_the_client_is_given_every_golden_message() {
    let mut file = String::from(
        "/** Every golden message, made by `cargo xtask types`: the types have to hold them. */\n\
         import type { ClientMessage, ServerMessage } from '../../src/messages.ts';\n\n\
         const bytes = new Uint8Array();\n",
    );
    for (name, of, direction) in [
        ("client", "ClientMessage", Direction::Client),
        ("server", "ServerMessage", Direction::Server),
    ] {
        let _ = writeln!(file, "\nexport const {name}: readonly {of}[] = [");
        for (_, message) in samples::all().iter().filter(|(_, it)| it.direction() == direction) {
            let _ = writeln!(file, "\t{},", literal(&json_of(&unpack(&message.encode()))));
        }
        file.push_str("];\n");
    }
    check("test/generated/samples.ts", &file);
}

/// JSON is TypeScript, but for bytes.
fn literal(view: &Json) -> String {
    match view {
        Json::Object(entries) if entries.contains_key("$bin") => "bytes".into(),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key:?}: {}", literal(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Json::Array(values) => {
            format!("[{}]", values.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        // What is said is of no interest to a compiler, and long.
        Json::String(text) if text.len() > 200 => "'…'".into(),
        other => other.to_string(),
    }
}

fn check(file: &str, made: &str) {
    let sdk = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../frontend/packages/sdk");
    let path = sdk.join(file);
    if env::var_os("WHISPER_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder to write to");
        fs::write(&path, made).expect("writable types");
    }
    let found = fs::read_to_string(&path).expect("readable types");
    assert!(found == made, "{} is stale: cargo xtask types writes it anew", path.display());
}
