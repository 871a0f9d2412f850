//! What rules found, and what was done about it, in numbers.

use whisper_core::moderation::{Action, Severity};
use whisper_core::shard::Offence;

/// Every verdict there can be: where, how bad, what was done.
const VERDICTS: [(Offence, Severity, Action); 10] = [
    (Offence::Message, Severity::Low, Action::Warn),
    (Offence::Message, Severity::Medium, Action::Warn),
    (Offence::Message, Severity::Medium, Action::Block),
    (Offence::Message, Severity::Medium, Action::Ban),
    (Offence::Message, Severity::High, Action::Block),
    (Offence::Message, Severity::High, Action::Ban),
    (Offence::Message, Severity::Zero, Action::Ban),
    (Offence::Interest, Severity::Medium, Action::Block),
    (Offence::Interest, Severity::High, Action::Block),
    (Offence::Interest, Severity::Zero, Action::Ban),
];

/// How many there were of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts([u64; VERDICTS.len()]);

impl Verdicts {
    pub(super) fn count(&mut self, offence: Offence, severity: Severity, action: Action) {
        let place = VERDICTS.iter().position(|it| *it == (offence, severity, action));
        debug_assert!(place.is_some(), "{offence:?} {severity:?} {action:?}");
        if let Some(place) = place {
            self.0[place] += 1;
        }
    }

    /// Each verdict, in words, and how many there were.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ([&'static str; 3], u64)> {
        let words = |(offence, severity, action): (Offence, Severity, Action)| {
            [offence.as_str(), severity.as_str(), action.as_str()]
        };
        VERDICTS.into_iter().map(words).zip(self.0)
    }
}
