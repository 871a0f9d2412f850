//! What an operator may switch while the engine runs. A restart goes back to what is configured.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tracing_subscriber::filter::LevelFilter;
use whisper_core::settings::OpenLanes;

use super::{Lines, Siege};
use crate::config::ChallengeMode;
use crate::log_level::LogLevel;
use crate::succession::Switched;
use crate::worker::{Challenges, Command};

/// The switches. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Switches(Arc<Board>);

struct Board {
    lines: Lines,
    lanes: Mutex<OpenLanes>,
    siege: Mutex<Siege>,
    challenges: Arc<Challenges>,
    log_level: LogLevel,
}

/// A worker has so much to do that it doesn't take commands.
#[derive(Debug, Error)]
#[error("a reactor doesn't take commands at the moment: order it again, it does no harm")]
pub(super) struct Unheard;

impl Switches {
    /// As they are configured.
    pub(crate) fn new(
        lines: Lines,
        lanes: OpenLanes,
        siege: Siege,
        challenges: Arc<Challenges>,
        log_level: LogLevel,
    ) -> Self {
        let (lanes, siege) = (Mutex::new(lanes), Mutex::new(siege));
        Self(Arc::new(Board { lines, lanes, siege, challenges, log_level }))
    }

    /// All that a configuration says as well, for another process.
    pub(crate) fn as_they_are(&self) -> Switched {
        Switched::new(self.lanes(), self.challenge().0, self.log_level())
    }

    /// Goes on with what operators had set by hand in another process.
    pub(crate) fn go_on(
        &self,
        (lanes, challenge, log_level): (
            Option<OpenLanes>,
            Option<ChallengeMode>,
            Option<LevelFilter>,
        ),
    ) {
        // Shards have got their lanes with all else, and that a worker takes no command is no matter.
        let _ = lanes.map(|lanes| self.set_lanes(lanes));
        challenge.inspect(|mode| self.set_challenge(*mode, 0));
        log_level.inspect(|level| self.set_log_level(*level));
    }

    /// The lanes that people may join.
    pub(super) fn lanes(&self) -> OpenLanes {
        *lock(&self.0.lanes)
    }

    /// Has people join these lanes and no others.
    ///
    /// # Errors
    /// [`Unheard`]; the others have taken it.
    pub(super) fn set_lanes(&self, lanes: OpenLanes) -> Result<(), Unheard> {
        *lock(&self.0.lanes) = lanes;
        self.0.lines.tell(&Command::Lanes(lanes)).then_some(()).ok_or(Unheard)
    }

    /// When newcomers must prove some work, and how much of it they must now.
    pub(super) fn challenge(&self) -> (ChallengeMode, u32) {
        (lock(&self.0.siege).mode(), self.0.challenges.effort())
    }

    /// Decides when newcomers must prove some work.
    pub(super) fn set_challenge(&self, mode: ChallengeMode, upgrades: u64) {
        lock(&self.0.siege).set_mode(mode);
        self.weigh(upgrades);
    }

    /// Decides that anew, and how many WebSockets opened in a second are a rush.
    pub(super) fn set_siege(&self, mode: ChallengeMode, from: u32, upgrades: u64) {
        *lock(&self.0.siege) = Siege::new(mode, from);
        self.weigh(upgrades);
    }

    /// Asks newcomers for more, or for less, given how many WebSockets were opened so far.
    pub(super) fn weigh(&self, upgrades: u64) {
        let challenges = &self.0.challenges;
        let (before, effort) = (challenges.effort(), lock(&self.0.siege).look(upgrades));
        challenges.set_effort(effort);
        if (before == 0) != (effort == 0) {
            tracing::warn!(effort, "what newcomers must prove has changed");
        }
    }

    /// How much is logged.
    pub(super) fn log_level(&self) -> LevelFilter {
        self.0.log_level.get()
    }

    /// Decides how much is logged.
    pub(super) fn set_log_level(&self, level: LevelFilter) {
        self.0.log_level.set(level);
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
