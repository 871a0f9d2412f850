//! When to ask newcomers for a proof of work: while far more come than people do.

use crate::config::ChallengeMode;

/// The effort at the threshold; it grows with the rush.
const EFFORT: u64 = 16;

/// For so many seconds a rush must be over before nothing is asked any more.
const CALM_SECS: u32 = 60;

/// Watches how many WebSockets are opened, a look a second.
#[derive(Debug)]
pub(crate) struct Siege {
    mode: ChallengeMode,
    /// WebSockets opened in a second that are still nothing to worry about.
    threshold: u64,
    upgrades: Option<u64>,
    effort: u64,
    calm: u32,
}

impl Siege {
    /// A watch that begins in peace.
    pub(crate) fn new(mode: ChallengeMode, threshold: u32) -> Self {
        let threshold = u64::from(threshold.max(1));
        Self { mode, threshold, upgrades: None, effort: 0, calm: 0 }
    }

    /// When newcomers must prove some work.
    pub(super) fn mode(&self) -> ChallengeMode {
        self.mode
    }

    /// Decides that anew. What was asked in a rush before is forgotten.
    pub(super) fn set_mode(&mut self, mode: ChallengeMode) {
        (self.mode, self.effort, self.calm) = (mode, 0, 0);
    }

    /// The effort to ask for, given how many WebSockets were opened so far.
    pub(crate) fn look(&mut self, upgrades: u64) -> u32 {
        let rush = upgrades - self.upgrades.replace(upgrades).unwrap_or(upgrades).min(upgrades);
        let wanted = match self.mode {
            ChallengeMode::Off => return 0,
            ChallengeMode::On => EFFORT.max(EFFORT * rush / self.threshold),
            ChallengeMode::Auto if rush > self.threshold => EFFORT * rush / self.threshold,
            ChallengeMode::Auto => 0,
        };
        if wanted >= self.effort {
            (self.effort, self.calm) = (wanted, 0);
        } else {
            self.calm += 1;
            if self.calm >= CALM_SECS {
                (self.effort, self.calm) = (wanted, 0);
            }
        }
        u32::try_from(self.effort).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_is_met_with_effort_and_calm_with_patience() {
        let mut siege = Siege::new(ChallengeMode::Auto, 100);
        assert_eq!(siege.look(1_000_000), 0, "the past is no rush");
        assert_eq!(siege.look(1_000_100), 0);
        assert_eq!(siege.look(1_000_400), 48, "three times too many");
        for _ in 1..CALM_SECS {
            assert_eq!(siege.look(1_000_400), 48);
        }
        assert_eq!(siege.look(1_000_400), 0);
    }

    #[test]
    fn an_operator_may_decide() {
        assert_eq!(Siege::new(ChallengeMode::On, 100).look(5), 16);
        let mut off = Siege::new(ChallengeMode::Off, 1);
        assert_eq!((off.look(0), off.look(1_000_000)), (0, 0));
        off.set_mode(ChallengeMode::On);
        assert_eq!(off.look(1_000_000), 16);
        off.set_mode(ChallengeMode::Auto);
        assert_eq!(off.look(1_000_000), 0);
    }
}
