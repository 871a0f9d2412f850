//! How much is asked for, and when: phases that ramp, hold and spike, and the moments at which
//! things shall begin.
//!
//! A level is a multiple of what the scenario's own option asks for: of the rate, or of the people.

use std::str::FromStr;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::Exp1;
use thiserror::Error;

/// The level all through a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Load {
    warm_up: Duration,
    segments: Vec<Segment>,
}

/// A part of a load: a straight line from one level to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    /// What it was called.
    pub(crate) kind: PhaseKind,
    /// How long it takes.
    pub(crate) length: Duration,
    from: f64,
    to: f64,
}

/// What a phase does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PhaseKind {
    /// Goes from the level before to another one.
    Ramp,
    /// Stays at the level before.
    Hold,
    /// Jumps to another level, and back at its end.
    Spike,
}

/// A phase as it was asked for: `ramp:10s`, `hold:1m`, `spike:5s:3x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PhaseWish {
    kind: PhaseKind,
    length: Duration,
    level: Option<f64>,
}

/// Why a phase is none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum PhaseError {
    /// Another kind, or nothing after it.
    #[error("a phase is ramp:LENGTH[:LEVELx], hold:LENGTH or spike:LENGTH[:LEVELx]")]
    Shape,
    /// No length.
    #[error("no length: {0}")]
    Length(String),
    /// No level.
    #[error("a level is a multiple like 2x or 0.5x")]
    Level,
    /// A level for a phase that stays where it is.
    #[error("hold stays at the level before; ramp there first")]
    HoldHasNoLevel,
}

impl Load {
    /// The plainest: all of it from the beginning to the end.
    pub(crate) fn constant(warm_up: Duration, length: Duration) -> Self {
        Self::holds(warm_up, [length])
    }

    /// None at all: all there is to do is done before.
    pub(crate) fn nothing() -> Self {
        Self { warm_up: Duration::ZERO, segments: Vec::new() }
    }

    /// One phase after the other. A ramp at the beginning starts from nothing, so there is nothing
    /// to warm up with; any other first phase starts from the level 1.
    pub(crate) fn of_phases(warm_up: Duration, phases: &[PhaseWish]) -> Self {
        const SPIKE: f64 = 2.0;
        let ramps_up = phases.first().is_some_and(|first| first.kind == PhaseKind::Ramp);
        let mut level = if ramps_up { 0.0 } else { 1.0 };
        let segment = |&PhaseWish { kind, length, level: wish }: &PhaseWish| {
            let (from, to) = match kind {
                PhaseKind::Ramp => (level, wish.unwrap_or(1.0)),
                PhaseKind::Hold => (level, level),
                PhaseKind::Spike => (wish.unwrap_or(SPIKE), wish.unwrap_or(SPIKE)),
            };
            if kind == PhaseKind::Ramp {
                level = to;
            }
            Segment { kind, length, from, to }
        };
        let segments = phases.iter().map(segment).collect();
        Self { warm_up: if ramps_up { Duration::ZERO } else { warm_up }, segments }
    }

    /// How long nothing counts at first.
    pub(crate) fn warm_up(&self) -> Duration {
        self.warm_up
    }

    /// The parts after that.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All of it for each of these times in turn.
    pub(crate) fn holds(warm_up: Duration, lengths: impl IntoIterator<Item = Duration>) -> Self {
        let segment = |length| Segment { kind: PhaseKind::Hold, length, from: 1.0, to: 1.0 };
        Self { warm_up, segments: lengths.into_iter().map(segment).collect() }
    }

    /// How long it counts.
    pub(crate) fn length(&self) -> Duration {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// The highest level.
    pub(crate) fn peak(&self) -> f64 {
        self.segments.iter().map(|segment| segment.from.max(segment.to)).fold(0.0, f64::max)
    }

    /// Level times seconds, of all of it and the warm-up.
    pub(crate) fn area(&self) -> f64 {
        self.all().map(|segment| segment.area()).sum()
    }

    /// The level at a moment, counted from the beginning of the warm-up; 0 after the end.
    pub(crate) fn level(&self, at: Duration) -> f64 {
        let mut begin = Duration::ZERO;
        for segment in self.all() {
            if at < begin + segment.length {
                let passed = (at - begin).as_secs_f64() / segment.length.as_secs_f64();
                return segment.from + (segment.to - segment.from) * passed;
            }
            begin += segment.length;
        }
        0.0
    }

    /// The warm-up, as a segment of its own, and the others.
    fn all(&self) -> impl Iterator<Item = Segment> + '_ {
        let level = self.segments.first().map_or(0.0, |first| first.from);
        let warm_up =
            Segment { kind: PhaseKind::Hold, length: self.warm_up, from: level, to: level };
        std::iter::once(warm_up).chain(self.segments.iter().copied())
    }
}

impl PhaseKind {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Hold => "hold",
            Self::Spike => "spike",
        }
    }
}

impl FromStr for PhaseWish {
    type Err = PhaseError;

    fn from_str(text: &str) -> Result<Self, PhaseError> {
        let mut parts = text.trim().split(':');
        let kind = match parts.next() {
            Some("ramp") => PhaseKind::Ramp,
            Some("hold") => PhaseKind::Hold,
            Some("spike") => PhaseKind::Spike,
            _ => return Err(PhaseError::Shape),
        };
        let length = parts.next().ok_or(PhaseError::Shape)?;
        let length = crate::cli::duration(length).map_err(PhaseError::Length)?;
        if length.is_zero() {
            return Err(PhaseError::Length("it is zero".to_owned()));
        }
        let level = parts.next().map(|level| {
            let number = level.strip_suffix('x').and_then(|number| number.parse().ok());
            number.filter(|level: &f64| (0.0..=1e6).contains(level)).ok_or(PhaseError::Level)
        });
        match (kind, level.transpose()?, parts.next()) {
            (_, _, Some(_)) => Err(PhaseError::Shape),
            (PhaseKind::Hold, Some(_), None) => Err(PhaseError::HoldHasNoLevel),
            (_, level, None) => Ok(Self { kind, length, level }),
        }
    }
}

/// How the moments lie at a constant rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Spacing {
    /// All the same distance apart.
    Even,
    /// As independent people would come: a Poisson process.
    Poisson,
}

/// The moments at which things shall begin, counted from the beginning of the warm-up.
///
/// They are found in a time that runs as fast as the load is high, where they lie one apart (or, as
/// [`Spacing::Poisson`], by exponential gaps of mean 1), and from there brought back to the clock's.
#[derive(Debug)]
pub(crate) struct Arrivals {
    segments: std::vec::IntoIter<Segment>,
    segment: Segment,
    begin: Duration,
    /// Things a second at level 1.
    rate: f64,
    /// How far into the segment the next one lies, in things.
    next: f64,
    gaps: Option<SmallRng>,
}

impl Arrivals {
    /// So many a second at level 1. `offset`, below 1, moves all of them by a part of a gap, so
    /// that several generators take turns.
    pub(crate) fn new(load: &Load, rate: f64, offset: f64, spacing: Spacing, seed: u64) -> Self {
        let segments: Vec<_> = load.all().collect();
        let mut gaps = (spacing == Spacing::Poisson).then(|| SmallRng::seed_from_u64(seed));
        let next = gaps.as_mut().map_or(offset, |random| random.sample(Exp1));
        let nothing = Segment { kind: PhaseKind::Hold, length: Duration::ZERO, from: 0.0, to: 0.0 };
        let begin = Duration::ZERO;
        Self { segments: segments.into_iter(), segment: nothing, begin, rate, next, gaps }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        loop {
            let things = self.segment.area() * self.rate;
            if self.next < things {
                break;
            }
            self.next -= things;
            self.begin += self.segment.length;
            self.segment = self.segments.next()?;
        }
        let at = self.begin + self.segment.when(self.next / self.rate);
        self.next += self.gaps.as_mut().map_or(1.0, |random| random.sample(Exp1));
        Some(at)
    }
}

impl Segment {
    /// Level times seconds, under all of the line.
    fn area(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.length.as_secs_f64()
    }

    /// How far into the segment there is so much of it under the line.
    fn when(&self, area: f64) -> Duration {
        // area = from t + slope/2 t², solved for t so that nothing cancels out.
        let slope = (self.to - self.from) / self.length.as_secs_f64();
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        let seconds = if area > 0.0 { 2.0 * area / (self.from + root) } else { 0.0 };
        Duration::try_from_secs_f64(seconds).unwrap_or(self.length).min(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn load(phases: &str) -> Load {
        let phases: Vec<_> = phases.split(',').map(|phase| phase.parse().unwrap()).collect();
        Load::of_phases(SECOND, &phases)
    }

    fn arrivals(load: &Load, rate: f64, offset: f64) -> Vec<f64> {
        let arrivals = Arrivals::new(load, rate, offset, Spacing::Even, 0);
        arrivals.map(|at| (at.as_secs_f64() * 1e6).round() / 1e6).collect()
    }

    #[test]
    fn phases_follow_one_another() {
        let load = load("ramp:10s,hold:10s,spike:5s:3x,hold:5s,ramp:10s:0x");
        let level = |at: f64| load.level(Duration::from_secs_f64(at));
        for (at, expected) in [
            (0.0, 0.0),
            (5.0, 0.5),
            (15.0, 1.0),
            (22.0, 3.0),
            (27.0, 1.0),
            (35.0, 0.5),
            (41.0, 0.0),
        ] {
            assert_eq!(level(at), expected, "{at}");
        }
        assert_eq!(load.peak(), 3.0);
        assert_eq!(load.warm_up(), Duration::ZERO, "a ramp is its own");
    }

    #[test]
    fn a_constant_rate_is_constant_through_warm_up_and_after() {
        let load = Load::constant(SECOND, SECOND);
        assert_eq!(arrivals(&load, 4.0, 0.0), [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]);
        assert_eq!(arrivals(&load, 2.0, 0.5), [0.25, 0.75, 1.25, 1.75]);
    }

    #[test]
    fn a_ramp_gets_faster_and_slower() {
        // Half of 1 × 4 s × 2 a second, where the k-th is due at 2 √k.
        let up = arrivals(&load("ramp:4s"), 2.0, 0.0);
        assert_eq!(up, [0.0, 2.0, 2.828427, 3.464102]);
        // After a second of warm-up and one of hold, the k-th is due at 4 - √(16 - 4k).
        let down = arrivals(&load("hold:1s,ramp:4s:0x"), 2.0, 0.0);
        assert_eq!(down[4..], [2.0, 2.535898, 3.171573, 4.0]);
    }

    #[test]
    fn what_a_pause_leaves_over_comes_after_it() {
        let load = load("hold:1.1s,spike:1s:0x,hold:1s");
        assert_eq!(arrivals(&load, 1.0, 0.0), [0.0, 1.0, 2.0, 4.0]);
    }

    #[test]
    fn independent_people_come_as_often_but_unevenly() {
        let load = Load::constant(Duration::ZERO, Duration::from_secs(100));
        let arrivals = Arrivals::new(&load, 100.0, 0.0, Spacing::Poisson, 7);
        let at: Vec<f64> = arrivals.map(|at| at.as_secs_f64()).collect();
        assert!((9_600..10_400).contains(&at.len()), "{}", at.len());
        let gaps = at.windows(2).map(|pair| pair[1] - pair[0]);
        let long = gaps.filter(|gap| *gap > 0.02).count() as f64 / at.len() as f64;
        assert!((long - (-2.0_f64).exp()).abs() < 0.02, "{long} are twice the mean");
    }

    #[test]
    fn phases_are_read_or_refused() {
        for text in ["ramp:10s", "hold:1m", "spike:500ms:2.5x", "ramp:1s:0x"] {
            assert!(text.parse::<PhaseWish>().is_ok(), "{text}");
        }
        for (text, error) in [
            ("rest:1s", PhaseError::Shape),
            ("ramp", PhaseError::Shape),
            ("ramp:1s:2x:3", PhaseError::Shape),
            ("ramp:0s", PhaseError::Length("it is zero".to_owned())),
            ("ramp:1s:2", PhaseError::Level),
            ("ramp:1s:-2x", PhaseError::Level),
            ("hold:1s:2x", PhaseError::HoldHasNoLevel),
        ] {
            assert_eq!(text.parse::<PhaseWish>(), Err(error), "{text}");
        }
    }
}
