//! What one person said and has not arrived yet: the measure of what is lost or doubled.

use std::collections::VecDeque;
use std::time::Instant;

/// The texts of one person, numbered from 0, which arrive in the order in which they were said.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// The number of the next text.
    next: u32,
    /// When those were said that have not arrived, the oldest first.
    in_flight: VecDeque<Instant>,
}

/// What the arrival of a text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was under way.
    Good {
        /// When it was said.
        said: Instant,
        /// How many said before it will not come any more.
        lost: u32,
    },
    /// It came before, or after a later one, or was never said.
    Doubled,
}

impl Channel {
    /// Says another text; returns its number.
    pub(crate) fn say(&mut self, now: Instant) -> u32 {
        let seq = self.next;
        self.next += 1;
        self.in_flight.push_back(now);
        seq
    }

    /// Notes that the text of this number arrived.
    pub(crate) fn arrive(&mut self, seq: u32) -> Arrival {
        let oldest = self.next - self.in_flight.len() as u32;
        let Some(lost) = seq.checked_sub(oldest) else { return Arrival::Doubled };
        let Some(&said) = self.in_flight.get(lost as usize) else { return Arrival::Doubled };
        self.in_flight.drain(..=lost as usize);
        Arrival::Good { said, lost }
    }

    /// Texts that have not arrived.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_or_doubled_shows() {
        let now = Instant::now();
        let mut channel = Channel::default();
        (0..5).for_each(|seq| assert_eq!(channel.say(now), seq));
        let good = |lost| Arrival::Good { said: now, lost };
        assert_eq!(channel.arrive(0), good(0));
        assert_eq!(channel.arrive(0), Arrival::Doubled, "again");
        assert_eq!(channel.arrive(3), good(2), "1 and 2 are lost");
        assert_eq!(channel.arrive(2), Arrival::Doubled, "late");
        assert_eq!(channel.arrive(5), Arrival::Doubled, "never said");
        assert_eq!(channel.in_flight(), 1);
        assert_eq!(channel.arrive(4), good(0));
        assert_eq!(channel.arrive(u32::MAX), Arrival::Doubled, "none is under way");
    }
}
