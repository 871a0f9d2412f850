//! What may be said: every message is looked at once, where it arrives, before it is delivered.
//!
//! ```text
//! text → fold → terms (over this line and the end of the last ones) ┐
//!      ↘ patterns, where a digit, a dot, `@` or `/` was seen        ┴→ rules hit → score → severity → ladder → action
//! ```
//!
//! [`Rules`] are data, compiled elsewhere and never changed. A [`Moderator`] asks them, one line at a
//! time; its work is linear in the line, whatever the line is. How somebody's last lines ended
//! ([`Tail`]) is the chat's; what they said lately ([`Lately`]) and what is held against them ([`Record`]) are
//! theirs, and a new chat changes nothing about it, nor does a new connection on the same day ([`Standings`]).

mod around;
mod bidi;
mod block;
mod blur;
mod explain;
mod file;
mod fold;
mod glyphs;
mod judge;
mod ladder;
mod lately;
mod lexicon;
mod memory;
mod patterns;
mod rules;
mod score;
mod standing;
mod walk;

use serde::Deserialize;
use whisper_proto::{AgeCategory, Lane, QueueType};

pub use explain::{Evidence, Explanation};
pub use file::{RulesError, RulesFault};
pub use judge::{Finding, Moderator};
pub use ladder::{Action, Ladder, Record};
pub use lately::Lately;
pub use lexicon::BadTerm;
pub use memory::Tail;
pub use patterns::Trigger;
pub use rules::{RULES_MAX, Rules, RulesDigest};
pub use standing::{Standing, Standings};

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Delivered, with a remark.
    Low,
    /// Delivered with a warning that counts, until there were too many.
    Medium,
    /// Not delivered.
    High,
    /// Never tolerated: its sender is banned.
    Zero,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Zero];

    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Zero => "zero",
        }
    }

    /// The word for it on the wire, where the worst has none of its own.
    pub const fn on_the_wire(self) -> whisper_proto::Severity {
        match self {
            Self::Low => whisper_proto::Severity::Low,
            Self::Medium => whisper_proto::Severity::Medium,
            Self::High | Self::Zero => whisper_proto::Severity::High,
        }
    }
}

/// Which rules count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// What is never tolerated.
    Unmoderated,
    /// All but what is for teens only.
    Adult,
    /// All but what is for adults only.
    Teen,
}

impl Scope {
    /// The scope of a lane.
    pub const fn of(lane: Lane) -> Self {
        match (lane.queue, lane.age) {
            (QueueType::Unmoderated, _) => Self::Unmoderated,
            (QueueType::Moderated, AgeCategory::Adult) => Self::Adult,
            (QueueType::Moderated, AgeCategory::Teen) => Self::Teen,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}
