//! Chance from a seed.

use whisper_core::random::Random;
use whisper_core::time::Span;

/// A seeded source of choices.
pub struct Dice(Random);

impl Dice {
    /// Dice whose every throw follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed_bytes(seed)))
    }

    /// 64 bits of chance.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A time of this mean that doesn't get shorter by waiting for it (exponentially distributed).
    pub fn lapse(&mut self, mean: Span) -> Span {
        // 53 bits, and never 0. The logarithm is the same on every machine.
        let unit = ((self.word() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        Span((-libm::log(unit) * mean.0 as f64) as u64)
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias of the remainder is far below what a test could notice.
        (self.0.next_u64() % bound as u64) as usize
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `options`, which are not empty.
    pub fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// A number below `bound` by Zipf's law: the first twice as often as the second, and so on.
    pub fn zipf(&mut self, bound: usize) -> usize {
        const SCALE: usize = 10_000;
        let weight = |rank: usize| SCALE / (rank + 1);
        let mut left = self.below((0..bound).map(weight).sum());
        (0..bound)
            .find(|&rank| {
                let taken = left < weight(rank);
                left = left.saturating_sub(weight(rank));
                taken
            })
            .unwrap_or(0)
    }
}

/// Stretches a seed to the length that the core's generators take.
pub(crate) fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}
