//! What happens to somebody who is found at fault again and again.

use serde::Deserialize;

use super::Severity;
use crate::codec::fields;
use crate::time::Span;

/// How many times somebody is warned, then blocked, before they are banned, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Faults that are delivered with a warning, where they are of medium severity.
    pub warnings: u8,
    /// Faults after those that are not delivered. The one after is the last.
    pub blocks: u8,
    /// For how many hours somebody is banned who came to the end of it. Default 24.
    #[serde(default = "ban_hours")]
    pub ban_hours: u16,
    /// For how many hours somebody is banned for what is never tolerated. Default 720, 30 days.
    #[serde(default = "zero_ban_hours")]
    pub zero_ban_hours: u16,
}

const fn ban_hours() -> u16 {
    24
}

const fn zero_ban_hours() -> u16 {
    30 * 24
}

impl Default for Ladder {
    fn default() -> Self {
        Self { warnings: 3, blocks: 1, ban_hours: ban_hours(), zero_ban_hours: zero_ban_hours() }
    }
}

impl Ladder {
    /// For how long somebody is banned for a fault that was the last.
    pub fn ban(self, severity: Severity) -> Span {
        let hours = match severity {
            Severity::Zero => self.zero_ban_hours,
            Severity::Low | Severity::Medium | Severity::High => self.ban_hours,
        };
        Span::secs(u64::from(hours) * 3_600)
    }
}

/// What is done about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is delivered.
    Allow,
    /// It is delivered, and its sender warned.
    Warn,
    /// It is not delivered, and its sender is told.
    Block,
    /// It is not delivered, and its sender banned.
    Ban,
}

impl Action {
    /// Every action, mildest first.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Block, Self::Ban];

    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Block => "block",
            Self::Ban => "ban",
        }
    }
}

/// What is held against a person. A new chat changes nothing about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Warnings given, of every severity.
    pub warnings: u16,
    /// Steps up the ladder: faults of medium severity and above.
    pub strikes: u8,
}

fields! { struct Record { warnings, strikes } }

impl Record {
    /// Takes note of a fault, and says what is to be done.
    pub fn fault(&mut self, severity: Severity, ladder: Ladder) -> Action {
        self.warnings = self.warnings.saturating_add(1);
        let least = match severity {
            Severity::Low => return Action::Warn,
            Severity::Medium => Action::Warn,
            Severity::High => Action::Block,
            Severity::Zero => return Action::Ban,
        };
        self.strikes = self.strikes.saturating_add(1);
        let step = match self.strikes {
            strikes if strikes <= ladder.warnings => Action::Warn,
            strikes if strikes <= ladder.warnings.saturating_add(ladder.blocks) => Action::Block,
            _ => Action::Ban,
        };
        step.max(least)
    }

    /// What this person's tickets come to among others that fit as well: those of people without
    /// strikes go first.
    pub fn priority(self) -> u8 {
        u8::from(self.strikes == 0)
    }

    /// What two records of one person come to.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            warnings: self.warnings.max(other.warnings),
            strikes: self.strikes.max(other.strikes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(severities: &[Severity]) -> Vec<Action> {
        let mut record = Record::default();
        severities.iter().map(|it| record.fault(*it, Ladder::default())).collect()
    }

    #[test]
    fn three_warnings_a_block_and_out() {
        use Action::{Ban, Block, Warn};
        assert_eq!(actions(&[Severity::Medium; 5]), [Warn, Warn, Warn, Block, Ban]);
        assert_eq!(actions(&[Severity::High; 5]), [Block, Block, Block, Block, Ban]);
        let mixed = [Severity::Medium, Severity::High, Severity::Low, Severity::Medium];
        assert_eq!(actions(&mixed), [Warn, Block, Warn, Warn]);
    }

    #[test]
    fn low_severity_never_climbs_and_zero_tolerance_waits_for_nothing() {
        assert_eq!(actions(&[Severity::Low; 100]), [Action::Warn; 100]);
        assert_eq!(actions(&[Severity::Zero]), [Action::Ban]);
    }

    #[test]
    fn a_ladder_as_long_as_can_be_has_an_end() {
        let ladder = Ladder { warnings: 255, blocks: 255, ..Ladder::default() };
        let mut record = Record { warnings: u16::MAX, strikes: 255 };
        assert_eq!(record.fault(Severity::Medium, ladder), Action::Warn);
        assert_eq!(record.warnings, u16::MAX);
    }
}
