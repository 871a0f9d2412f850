//! What people do.

pub(crate) mod floor;
pub(crate) mod idle;
pub(crate) mod matching;
pub(crate) mod relay;

use std::error::Error;

use whisper_proto::{
    AgeCategory, ClientMessage, Join, Lane, LanguageWish, Mode, Names, QueueType, Relax,
};

use crate::cli::Aim;
use crate::cpus;

/// Why a scenario could not be run.
type Failed = Box<dyn Error>;

/// Text between adults, unmoderated: the lane in which the engine does the least.
const LANE: Lane =
    Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Unmoderated };

/// The wish for a partner who likes exactly this, and never for anybody else.
fn join(interest: &str) -> ClientMessage<'_> {
    ClientMessage::Join(Join {
        lane: LANE,
        interests: std::iter::once(interest).collect::<Names<'_>>(),
        relax: Relax::Strict,
        language: LanguageWish::Any,
    })
}

/// An interest that nobody has but one pair of one run.
fn interest(seed: u64, pair: usize) -> String {
    format!("run{:08x}pair{pair}", seed as u32)
}

/// Does what is asked before anything is opened.
fn prepare(aim: &Aim) -> Result<(), Failed> {
    if let Some(core) = aim.core {
        cpus::pin(&[core])?;
    }
    Ok(())
}
