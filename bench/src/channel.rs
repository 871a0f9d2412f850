//! What one person hears of another: the measure of what is doubled or out of order.
//!
//! What is lost shows in the end, when all that was said is held against all that was heard.

/// How far back from the latest text one is still known to be missing.
const WINDOW: u32 = u64::BITS;

/// The texts of one person as another hears them, numbered from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Channel {
    /// One more than the highest number heard.
    next: u32,
    /// Bit n: the text `next` - 1 - n was heard.
    heard: u64,
    /// Numbers below `next` that were not heard.
    missing: u32,
}

/// What the arrival of a text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is the next one, or a later one: those between are missing.
    Good,
    /// It was missing, and came after later ones.
    Late,
    /// It came before; or so late that nobody knows any more.
    Doubled,
}

impl Channel {
    /// Notes that the text of this number arrived.
    pub(crate) fn arrive(&mut self, seq: u32) -> Arrival {
        if seq >= self.next {
            let ahead = seq - self.next + 1;
            self.missing = self.missing.saturating_add(ahead - 1);
            self.heard = self.heard.checked_shl(ahead).unwrap_or(0) | 1;
            self.next = seq.saturating_add(1);
            return Arrival::Good;
        }
        let back = self.next - 1 - seq;
        if back >= WINDOW || self.heard & 1 << back != 0 {
            return Arrival::Doubled;
        }
        self.heard |= 1 << back;
        self.missing -= 1;
        Arrival::Late
    }

    /// How many texts before the latest were not heard so far.
    pub(crate) fn missing(&self) -> u32 {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_doubled_or_late_shows() {
        let mut channel = Channel::default();
        for (seq, arrival) in [
            (0, Arrival::Good),
            (0, Arrival::Doubled),
            (3, Arrival::Good),
            (2, Arrival::Late),
            (2, Arrival::Doubled),
            (3, Arrival::Doubled),
            (1, Arrival::Late),
            (4, Arrival::Good),
            (67, Arrival::Good),
            (4, Arrival::Doubled),
            (5, Arrival::Late),
            (200, Arrival::Good),
            (66, Arrival::Doubled),
        ] {
            assert_eq!(channel.arrive(seq), arrival, "{seq} in {channel:?}");
        }
        assert_eq!(channel.missing(), 201 - 8, "all but 0 to 5, 67 and 200");
    }

    #[test]
    fn every_order_is_told_apart() {
        // All orders of four texts, each of them arriving once.
        for order in 0..256_u32 {
            let seqs: Vec<u32> = (0..4).map(|place| order >> (2 * place) & 3).collect();
            let mut channel = Channel::default();
            let mut highest = None;
            for (place, &seq) in seqs.iter().enumerate() {
                let expected = match (seqs[..place].contains(&seq), Some(seq) > highest) {
                    (true, _) => Arrival::Doubled,
                    (false, true) => Arrival::Good,
                    (false, false) => Arrival::Late,
                };
                assert_eq!(channel.arrive(seq), expected, "{seqs:?} at {place}");
                highest = highest.max(Some(seq));
            }
        }
    }
}
