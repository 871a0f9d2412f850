//! The Whisper engine.
fn main() {}
