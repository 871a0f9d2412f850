//! When tiers open. Where people join so often that waiting buys nothing, sooner; never later than
//! configured.

use arrayvec::ArrayVec;

use super::card::LANES;
use super::card::LaneId;
use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::time::{Micros, Span};

/// Arrivals of a lane worth waiting for before one shared interest is good enough.
const ARRIVALS_SINGLE: u64 = 32;
/// Arrivals of a lane worth waiting for before anyone is good enough.
const ARRIVALS_ANY: u64 = 256;
/// A silence tells of a lane gone quiet once it is this many times as long as the gaps before. One of
/// twice or three times is chance; to count it would open tiers later where more people are at home,
/// since there somebody has always just joined when a ticket's time is settled.
const SILENCE_MIN: u64 = 8;
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

/// What part of its node's people is at home in one shard. Joins are taken to come to it in
/// proportion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    here: u32,
    all: u32,
}

impl Share {
    /// The only home.
    pub const WHOLE: Self = Self { here: 1, all: 1 };

    /// `here` people of the `all` that are at home in `shards`. One more in each is taken for granted,
    /// so that few people tell little, and none nothing.
    pub fn new(here: u32, all: u32, shards: usize) -> Self {
        let shards = u32::try_from(shards).unwrap_or(u32::MAX);
        Self { here: here.saturating_add(1), all: all.saturating_add(shards) }
    }

    /// Of what there are `number` here, about so many there are in all.
    pub(super) fn extend(self, number: u32) -> u32 {
        let all = u64::from(number) * u64::from(self.all) / u64::from(self.here);
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// How often something happens anywhere that happens here after every `gap`.
    fn shorten(self, gap: Span) -> Span {
        Span(gap.0.saturating_mul(self.here.into()) / u64::from(self.all))
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

fields! {
    array Lane
    struct Cadence { lanes }
}

impl Field for Lane {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { last_join, gap, waits, oldest, median } = self;
        last_join.put(w);
        gap.put(w);
        median.put(w);
        let (latest, oldest) = waits.split_at(*oldest);
        w.list(oldest.iter().chain(latest).collect::<Vec<_>>().into_iter());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let (last_join, gap, median) = (Field::get(r)?, Field::get(r)?, Field::get(r)?);
        let waits: ArrayVec<u32, WAITS_KEPT> = Field::get(r)?;
        Ok(Self { last_join, gap, waits: waits.to_vec(), oldest: 0, median })
    }
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
    /// home has that share of the joins.
    pub fn openings(
        &self,
        lane: LaneId,
        now: Micros,
        share: Share,
        times: &TierTimes,
    ) -> (Span, Span) {
        let gap = share.shorten(self.gap(lane, now));
        let after = |arrivals: u64, most: Span| Span(gap.0.saturating_mul(arrivals)).min(most);
        let single = after(ARRIVALS_SINGLE, times.single);
        (single, after(ARRIVALS_ANY, times.any).max(single))
    }

    /// How much of `most` is worth waiting for who comes to this node, before others are asked: all of
    /// it, or nothing where so few come that nobody is to be expected by then.
    pub(super) fn worth_waiting(
        &self,
        lane: LaneId,
        now: Micros,
        share: Share,
        most: Span,
    ) -> Span {
        if share.shorten(self.gap(lane, now)) > most { Span(0) } else { most }
    }

    /// The time between two joins of a lane at this home, as it is now.
    fn gap(&self, lane: LaneId, now: Micros) -> Span {
        let lane = &self.lanes[usize::from(lane.0)];
        let silence = now.since(lane.last_join);
        lane.gap.max(Span(silence.0 / SILENCE_MIN))
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
        for _ in 0..400 {
            now = now + Span(1_000_000 / per_second);
            cadence.joined(LANE, now);
        }
        (cadence, now)
    }

    #[test]
    fn a_sparse_lane_waits_as_configured() {
        let (cadence, now) = steady(1);
        let times = TierTimes::default();
        assert_eq!(cadence.openings(LANE, now, Share::WHOLE, &times), (times.single, times.any));
        let fresh = Cadence::default();
        assert_eq!(fresh.openings(LANE, now, Share::WHOLE, &times), (times.single, times.any));
    }

    #[test]
    fn a_few_at_once_are_no_crowd() {
        let mut cadence = Cadence::default();
        let now = Micros(1_000_000);
        for _ in 0..16 {
            cadence.joined(LANE, now);
        }
        let times = TierTimes::default();
        assert_eq!(cadence.openings(LANE, now, Share::WHOLE, &times), (times.single, times.any));
    }

    #[test]
    fn a_dense_lane_opens_sooner_and_a_quiet_one_goes_back() {
        let (cadence, now) = steady(1_000);
        let times = TierTimes::default();
        let (single, any) = cadence.openings(LANE, now, Share::WHOLE, &times);
        assert!(single < Span::millis(40), "{single:?}");
        assert!(any < Span::millis(300), "{any:?}");
        let later = now + Span::secs(60);
        assert_eq!(cadence.openings(LANE, later, Share::WHOLE, &times), (times.single, times.any));
    }

    /// Else tiers would open later at a home where others join all the time than at one where a
    /// ticket's own join was the last.
    #[test]
    fn a_short_silence_is_chance() {
        let (cadence, now) = steady(1_000);
        let after =
            |silence| cadence.openings(LANE, now + silence, Share::WHOLE, &TierTimes::default());
        assert_eq!(after(Span(0)), after(Span::millis(4)));
        assert!(after(Span(0)) < after(Span::millis(40)));
    }

    #[test]
    fn whoever_is_at_home_where_few_are_waits_no_longer() {
        let times = TierTimes::default();
        // Of 1,000 joins a second a tenth comes to the one home, nine tenths to the other.
        let [few, many] = [(100, 1_000), (900, 9_000)].map(|(per_second, here)| {
            let (cadence, now) = steady(per_second);
            cadence.openings(LANE, now, Share::new(here, 10_000, 2), &times).1.0
        });
        assert!(few.abs_diff(many) * 20 < many, "{few} and {many}");
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
