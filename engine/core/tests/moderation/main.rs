//! Moderation, as whoever asks it sees it.

mod evasions;
mod files;
mod people;
mod sets;

use std::sync::{Arc, OnceLock};

use whisper_core::moderation::{Moderator, Rules, Scope, Severity};

/// The rules that come with the engine, compiled once.
fn shipped() -> Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    Arc::clone(RULES.get_or_init(|| Arc::new(Rules::shipped())))
}

/// What is wrong with a line by itself.
fn severity(moderator: &mut Moderator, scope: Scope, line: &str) -> Option<Severity> {
    moderator.find(scope, line).map(|finding| finding.severity)
}
