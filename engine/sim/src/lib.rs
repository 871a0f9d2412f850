//! Deterministic worlds of shards, for tests.
