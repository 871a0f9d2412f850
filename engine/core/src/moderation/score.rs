//! A second opinion: how much a line reads like those that people called toxic.
//!
//! A linear model over words (term frequency × inverse document frequency, normalised), evaluated as
//! its makers do: the words of two letters and more, in lower case. Where it comes from, under which
//! licence, and how its numbers were made small, is written above its weights.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use thiserror::Error;

/// The weights that come with the engine.
const SHIPPED: &str = include_str!("../../data/rules/toxicity.tsv");

/// Words of a line that are looked at; what follows cannot change what the line is.
const WORDS_MAX: usize = 512;

/// The longest word that the model may know, in bytes.
const WORD_BYTES_MAX: usize = 32;

/// What the weights were multiplied by, to be whole numbers.
const SCALE: f32 = 256.0;

/// The model.
#[derive(Debug)]
pub(super) struct Toxicity {
    words: HashMap<Box<[u8]>, Weight, ahash::RandomState>,
    /// Added to every score.
    bias: f32,
    /// From a score to a probability.
    slope: f32,
    offset: f32,
}

#[derive(Clone, Copy, Debug)]
struct Weight {
    /// What the word adds, times its rarity.
    toxic: i32,
    /// Its rarity.
    rarity: i32,
}

/// What is wrong in a file of weights, and on which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {0} of the weights is none")]
pub(super) struct BadWeights(usize);

impl Toxicity {
    /// The model that comes with the engine, read when it is first asked for.
    pub(super) fn shipped() -> &'static Self {
        static MODEL: LazyLock<Toxicity> = LazyLock::new(|| {
            Toxicity::parse(SHIPPED).expect("the weights that we ship are good, as a test sees to")
        });
        &MODEL
    }

    /// Reads weights: a line `= bias slope offset`, then `word toxic rarity` each, by tabs.
    fn parse(text: &str) -> Result<Self, BadWeights> {
        let mut model = Self {
            words: HashMap::with_hasher(ahash::RandomState::with_seeds(5, 6, 7, 8)),
            bias: 0.0,
            slope: 0.0,
            offset: 0.0,
        };
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
            model.read(line).ok_or(BadWeights(number))?;
        }
        Ok(model)
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let mut cells = line.split('\t');
        let (first, second, third) = (cells.next()?, cells.next()?, cells.next()?);
        if first == "=" {
            self.bias = second.parse().ok()?;
            self.slope = third.parse().ok()?;
            self.offset = cells.next()?.parse().ok()?;
        } else {
            let weight = Weight { toxic: second.parse().ok()?, rarity: third.parse().ok()? };
            self.words.insert(first.as_bytes().into(), weight);
        }
        Some(())
    }

    /// How likely the line would be called toxic, from 0 to 1, but for the words that begin within
    /// some parts of it.
    pub(super) fn without(&self, line: &str, parts: &[Range<usize>]) -> f32 {
        let mut buffer = [0_u8; WORD_BYTES_MAX];
        // A word that comes again counts more, but its square counts in the norm; few lines have
        // more known words than this, and the rest is left aside.
        let mut known: [(Weight, i32); 64] = [(Weight { toxic: 0, rarity: 0 }, 0); 64];
        let mut len = 0;
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words.filter(|word| !word.is_empty()).take(WORDS_MAX) {
            let Some(lower) = lowercase(word, &mut buffer) else { continue };
            let Some(&weight) = self.words.get(lower) else { continue };
            let at = word.as_ptr() as usize - line.as_ptr() as usize;
            if parts.iter().any(|part| part.contains(&at)) {
                continue;
            }
            let before = known[..len]
                .iter_mut()
                .find(|(it, _)| it.toxic == weight.toxic && it.rarity == weight.rarity);
            if let Some((_, count)) = before {
                *count += 1;
            } else if len < known.len() {
                known[len] = (weight, 1);
                len += 1;
            }
        }
        let (mut toxic, mut square) = (0.0_f32, 0.0_f32);
        for (weight, count) in &known[..len] {
            let rarity = (weight.rarity * count) as f32 / SCALE;
            toxic += (weight.toxic * count) as f32 / SCALE;
            square += rarity * rarity;
        }
        let score = if square > 0.0 { toxic / libm::sqrtf(square) } else { 0.0 } + self.bias;
        1.0 / (1.0 + libm::expf(self.slope * score + self.offset))
    }
}

/// A word in lower case; None where it is no word of the model's.
fn lowercase<'a>(word: &str, buffer: &'a mut [u8; WORD_BYTES_MAX]) -> Option<&'a [u8]> {
    let bytes = word.as_bytes();
    if !(2..=WORD_BYTES_MAX).contains(&bytes.len()) || !bytes.is_ascii() {
        return None;
    }
    let lower = &mut buffer[..bytes.len()];
    lower.copy_from_slice(bytes);
    lower.make_ascii_lowercase();
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_score_as_the_makers_of_the_model_have_it() {
        // By `predict_prob` of the package that the weights are from.
        let model = Toxicity::shipped();
        for line in include_str!("../../tests/moderation/toxicity.tsv").lines() {
            let Some((theirs, line)) = line.split_once('\t') else { continue };
            let theirs: f32 = theirs.parse().expect("a number");
            let ours = model.without(line, &[]);
            assert!((ours - theirs).abs() < 0.04, "{line}: {ours}, and theirs is {theirs}");
        }
    }

    #[test]
    fn broken_weights_are_found() {
        assert_eq!(Toxicity::parse("# a\n=\t1\t2\t3\nword\t1\n").unwrap_err(), BadWeights(3));
    }
}
