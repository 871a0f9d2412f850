//! What people do.

pub(crate) mod boxes;
mod catalogue;
pub(crate) mod churn;
pub(crate) mod connect;
pub(crate) mod floor;
pub(crate) mod handover;
mod held;
pub(crate) mod idle;
pub(crate) mod matching;
pub(crate) mod relay;
pub(crate) mod resume;
pub(crate) mod slow;

use std::error::Error;

use whisper_proto::{
    AgeCategory, ClientMessage, Join, Lane, LanguageWish, Mode, Names, QueueType, Relax,
};

use crate::cpus;
use crate::record::{Count, Timing};
use crate::report::Things;

/// Why a scenario could not be run.
type Failed = Box<dyn Error>;

/// Text between adults, where nothing said is looked at: the lane in which the engine does least.
const UNMODERATED: Lane =
    Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Unmoderated };

/// Text between adults, all of it read by moderation.
const MODERATED: Lane = Lane { queue: QueueType::Moderated, ..UNMODERATED };

/// What people say to each other, and what might go wrong with it.
const MESSAGES: Things = Things {
    one: "message",
    many: "messages",
    timing: Timing::Relay,
    faults: &[
        Count::Lost,
        Count::Doubled,
        Count::Reordered,
        Count::Foreign,
        Count::Unexpected,
        Count::ConnectionsFailed,
        Count::ConnectionsLost,
    ],
};

/// The wish for a partner who likes exactly this, and never for anybody else.
fn join(lane: Lane, interest: &str) -> ClientMessage<'_> {
    ClientMessage::Join(Join {
        lane,
        interests: std::iter::once(interest).collect::<Names<'_>>(),
        relax: Relax::Strict,
        language: LanguageWish::Any,
    })
}

/// An interest that nobody has but one pair of one run.
fn interest(seed: u64, pair: usize) -> String {
    format!("run{:08x}pair{pair}", seed as u32)
}

/// Keeps us, and the reactors to come, where we were told to stay.
fn stay_on(cores: &[usize]) -> Result<(), Failed> {
    if !cores.is_empty() {
        cpus::pin(cores)?;
    }
    Ok(())
}
