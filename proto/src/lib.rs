//! The wire types of Whisper and their msgpack codec.
