//! Moderation, as whoever asks it sees it.

mod chance;
mod disguises;
mod evasions;
mod files;
mod innocence;
mod invented;
mod oracle;
mod people;
mod repetition;
mod sets;

use std::sync::{Arc, OnceLock};

use whisper_core::moderation::{Action, Moderator, Record, Rules, Scope, Severity, Tail};

/// The rules that come with the engine, compiled once.
fn shipped() -> Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    Arc::clone(RULES.get_or_init(|| Arc::new(Rules::shipped())))
}

/// Somebody in a chat: what is held against them, and how their last lines ended.
#[derive(Default)]
struct Standing {
    record: Record,
    tail: Tail,
}

impl Standing {
    fn says(&mut self, moderator: &mut Moderator, scope: Scope, line: &str) -> Action {
        let found = moderator.hear(scope, line, &mut self.tail).map(|finding| finding.severity);
        let ladder = moderator.rules().ladder();
        found.map_or(Action::Allow, |severity| self.record.fault(severity, ladder))
    }
}

/// What is wrong with a line by itself.
fn severity(moderator: &mut Moderator, scope: Scope, line: &str) -> Option<Severity> {
    moderator.find(scope, line).map(|finding| finding.severity)
}
