//! Visits every place of a table once per interval, evenly spread: one number instead of a timer
//! for each place.

use std::ops::Range;

use crate::time::{Micros, Span};

/// Where a round over a table stands.
#[derive(Clone, Debug)]
pub struct Sweep {
    round_began: Micros,
    visited: usize,
    step: Span,
    next: Micros,
}

impl Sweep {
    /// A sweep that looks at the table every `step` at the most often.
    pub fn new(now: Micros, step: Span) -> Self {
        Self { round_began: now, visited: 0, step, next: now + step }
    }

    /// When there may be something to visit again.
    pub fn next(&self) -> Micros {
        self.next
    }

    /// The places due now in a table of `span` places, each of which comes up once in `interval`
    /// (longer where the caller is late). At most one whole round is returned.
    pub fn due(&mut self, now: Micros, span: usize, interval: Span) -> Range<usize> {
        if now < self.next {
            return 0..0;
        }
        self.next = now + self.step;
        let elapsed = now.since(self.round_began);
        if elapsed >= interval {
            let rest = self.visited.min(span)..span;
            self.round_began = now;
            self.visited = 0;
            return rest;
        }
        let goal = (span as u128 * u128::from(elapsed.0) / u128::from(interval.0.max(1))) as usize;
        let range = self.visited.min(span)..goal.max(self.visited).min(span);
        self.visited = range.end;
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_up_once_an_interval() {
        for span in [0usize, 1, 7, 1000] {
            let mut sweep = Sweep::new(Micros(0), Span::millis(50));
            let mut seen = vec![0; span];
            for ms in (0..=5_000).step_by(10) {
                for place in sweep.due(Micros(ms * 1_000), span, Span::secs(5)) {
                    seen[place] += 1;
                }
            }
            assert!(seen.iter().all(|&times| times == 1), "{span}: {seen:?}");
        }
    }
}
