//! When tiers open. Where people join so often that waiting buys nothing, sooner; never later than
//! configured.

use super::card::LANES;
use super::card::LaneId;
use crate::time::{Micros, Span};

/// Arrivals of a lane worth waiting for before one shared interest is good enough.
const ARRIVALS_SINGLE: u64 = 32;
/// Arrivals of a lane worth waiting for before anyone is good enough.
const ARRIVALS_ANY: u64 = 192;
/// The gap between two joins that a lane begins with, and the longest that counts: a few who come
/// together are no crowd, and one quiet night is soon forgotten.
const GAP_MAX: Span = Span::secs(60);
/// Matches of a lane that its median wait is taken over.
const WAITS_KEPT: usize = 100;

/// Configured times after which a tier opens for a ticket, by its own wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TierTimes {
    /// One shared interest suffices. Default 250 ms.
    pub single: Span,
    /// Anyone of the lane. Default 3 s.
    pub any: Span,
    /// Recent partners, for those who asked for anyone. Default 15 s.
    pub again: Span,
    /// Out of the queue. Default 30 s.
    pub timeout: Span,
    /// Past this wait age beats how well two fit. Default 10 s.
    pub patience: Span,
}

impl Default for TierTimes {
    fn default() -> Self {
        Self {
            single: Span::millis(250),
            any: Span::secs(3),
            again: Span::secs(15),
            timeout: Span::secs(30),
            patience: Span::secs(10),
        }
    }
}

/// What a home has seen of each lane lately: how often people join, how long they wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cadence {
    lanes: [Lane; LANES],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane {
    last_join: Micros,
    /// Smoothed time between two joins at this home.
    gap: Span,
    /// The latest waits, in milliseconds, the oldest overwritten first.
    waits: Vec<u32>,
    oldest: usize,
    median: u32,
}

impl Default for Lane {
    fn default() -> Self {
        Self { last_join: Micros(0), gap: GAP_MAX, waits: Vec::new(), oldest: 0, median: 0 }
    }
}

impl Cadence {
    /// Somebody joins the lane.
    pub fn joined(&mut self, lane: LaneId, now: Micros) {
        let lane = &mut self.lanes[usize::from(lane.0)];
        let since = now.since(lane.last_join).min(GAP_MAX);
        lane.gap = Span(lane.gap.0 - lane.gap.0 / 16 + since.0 / 16);
        lane.last_join = now;
    }

    /// After how long a wait the tier of one shared interest opens, and that of anyone, where this
    /// home has one of `shards` shares of the joins.
    pub fn openings(
        &self,
        lane: LaneId,
        now: Micros,
        shards: usize,
        times: &TierTimes,
    ) -> (Span, Span) {
        let lane = &self.lanes[usize::from(lane.0)];
        // A lane gone quiet is as sparse as its silence is long. Joins spread evenly over shards.
        let gap = lane.gap.max(now.since(lane.last_join)).0 / shards.max(1) as u64;
        let after = |arrivals: u64, most: Span| Span(gap.saturating_mul(arrivals)).min(most);
        let single = after(ARRIVALS_SINGLE, times.single);
        (single, after(ARRIVALS_ANY, times.any).max(single))
    }

    pub(super) fn matched(&mut self, lane: LaneId, waited: Span) {
        let lane = &mut self.lanes[usize::from(lane.0)];
        if lane.waits.len() < WAITS_KEPT {
            lane.waits.push(waited.as_millis());
        } else {
            lane.waits[lane.oldest] = waited.as_millis();
            lane.oldest = (lane.oldest + 1) % WAITS_KEPT;
        }
        // A median over a hundred needs no update at each match.
        if lane.waits.len() < 8 || lane.oldest.is_multiple_of(8) {
            let mut waits = lane.waits.clone();
            let middle = waits.len() / 2;
            lane.median = *waits.select_nth_unstable(middle).1;
        }
    }

    /// The median wait of the lane's last matches here, in milliseconds; 0 before the first.
    pub(super) fn median_wait_ms(&self, lane: LaneId) -> u32 {
        self.lanes[usize::from(lane.0)].median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: LaneId = LaneId(0);

    fn steady(per_second: u64) -> (Cadence, Micros) {
        let mut cadence = Cadence::default();
        let mut now = Micros(1);
        for _ in 0..200 {
            now = now + Span(1_000_000 / per_second);
            cadence.joined(LANE, now);
        }
        (cadence, now)
    }

    #[test]
    fn a_sparse_lane_waits_as_configured() {
        let (cadence, now) = steady(1);
        let times = TierTimes::default();
        assert_eq!(cadence.openings(LANE, now, 1, &times), (times.single, times.any));
        let fresh = Cadence::default();
        assert_eq!(fresh.openings(LANE, now, 1, &times), (times.single, times.any));
    }

    #[test]
    fn a_few_at_once_are_no_crowd() {
        let mut cadence = Cadence::default();
        let now = Micros(1_000_000);
        for _ in 0..16 {
            cadence.joined(LANE, now);
        }
        let times = TierTimes::default();
        assert_eq!(cadence.openings(LANE, now, 1, &times), (times.single, times.any));
    }

    #[test]
    fn a_dense_lane_opens_sooner_and_a_quiet_one_goes_back() {
        let (cadence, now) = steady(1_000);
        let times = TierTimes::default();
        let (single, any) = cadence.openings(LANE, now, 1, &times);
        assert!(single < Span::millis(40), "{single:?}");
        assert!(any < Span::millis(300), "{any:?}");
        let later = now + Span::secs(60);
        assert_eq!(cadence.openings(LANE, later, 1, &times), (times.single, times.any));
    }

    #[test]
    fn the_median_follows_the_last_hundred() {
        let mut cadence = Cadence::default();
        for ms in 0..300 {
            cadence.matched(LANE, Span::millis(ms));
        }
        assert!((240..=260).contains(&cadence.median_wait_ms(LANE)));
    }
}
