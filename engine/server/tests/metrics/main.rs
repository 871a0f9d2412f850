//! What the engine tells of itself, and whether the files that stand on it fit: the dashboard, the
//! alerts, what an operator does about them, and the services beside it.

#[path = "../harness/mod.rs"]
mod harness;

mod busy;
mod files;
mod prometheus;
mod scrape;
