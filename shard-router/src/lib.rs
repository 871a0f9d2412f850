//! Placement of keys on shards, and the mesh of rings between them.
