//! The pure state machine of Whisper: sessions, matching, rooms.
