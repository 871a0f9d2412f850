//! How people behave, as a file of TOML says it.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rand::RngExt as _;
use rand::rngs::SmallRng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use whisper_proto::{Relax, limits};

use crate::payload::BYTES_MIN;

/// The most interests there may be.
const INTERESTS_MAX: usize = 10_000_000;

/// How people behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scenarios) struct Model {
    pub(super) interests: Interests,
    pub(super) search: Search,
    pub(super) chat: Chat,
    pub(super) endings: Endings,
    pub(super) between: Between,
    pub(super) clients: Clients,
}

/// What they like.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Interests {
    pub(super) count: usize,
    pub(super) exponent: f64,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// How they wait.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    pub(super) moderated: bool,
    #[serde(deserialize_with = "relax")]
    pub(super) relax: Relax,
    pub(super) patience_s: Spread,
}

/// How they talk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chat {
    pub(super) stay_s: Spread,
    pub(super) think_s: Spread,
    pub(super) typing: Share,
    pub(super) type_s: Spread,
    pub(super) length: Spread,
}

/// How chats end, by weight.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endings {
    skip: u32,
    leave: u32,
    disconnect: u32,
    vanish: u32,
}

/// What they do between chats.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    pub(super) rest_s: Spread,
    pub(super) away: Share,
    pub(super) away_s: Spread,
}

/// What their clients do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clients {
    pub(super) hello: Share,
}

/// How a chat ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Skip,
    Leave,
    Disconnect,
    Vanish,
}

/// A part of all: 0 to 1.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Share(f64);

/// A log-normal distribution, cut off above.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "RawSpread")]
pub(super) struct Spread {
    median: f64,
    sigma: f64,
    max: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpread {
    median: f64,
    sigma: f64,
    max: f64,
}

/// Why there is no model.
#[derive(Debug, Error)]
pub(in crate::scenarios) enum ModelError {
    /// The file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It isn't TOML, or not of a model.
    #[error("{}: {error}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Where, and what is wrong there.
        error: Box<toml::de::Error>,
    },
    /// A number makes no sense.
    #[error("{}: {key} must be {must_be}", path.display())]
    Number {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: &'static str,
        /// What would do.
        must_be: String,
    },
}

impl Model {
    /// The one in a file, or this, which is built in.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(in crate::scenarios) fn read(
        path: Option<&Path>,
        built_in: &str,
    ) -> Result<Self, ModelError> {
        let (path, text) = match path {
            None => (Path::new("the model that is built in"), built_in.to_owned()),
            Some(path) => (
                path,
                fs::read_to_string(path)
                    .map_err(|error| ModelError::Unreadable { path: path.to_owned(), error })?,
            ),
        };
        let malformed =
            |error| ModelError::Malformed { path: path.to_owned(), error: Box::new(error) };
        let model: Self = toml::from_str(&text).map_err(malformed)?;
        model.check(path)?;
        Ok(model)
    }

    fn check(&self, path: &Path) -> Result<(), ModelError> {
        let Self { interests, chat, endings, .. } = self;
        let Interests { count, exponent, min, max } = *interests;
        let most = count.min(limits::INTERESTS);
        let lengths = (BYTES_MIN as f64)..=(limits::CONTENT_CHARS as f64);
        let weights = [endings.skip, endings.leave, endings.disconnect, endings.vanish];
        let rules = [
            ((1..=INTERESTS_MAX).contains(&count), "interests.count", "1 to 10 million".into()),
            ((0.0..=10.0).contains(&exponent), "interests.exponent", "0 to 10".into()),
            (min <= max && max <= most, "interests.max", format!("min or more, at most {most}")),
            (
                lengths.contains(&chat.length.median) && lengths.contains(&chat.length.max),
                "chat.length",
                format!("{} to {}", lengths.start(), lengths.end()),
            ),
            (weights.iter().any(|it| *it > 0), "endings", "possible: one weight at least".into()),
            (weights.iter().all(|it| *it <= 1_000_000), "endings", "at most 1000000 each".into()),
        ];
        match rules.into_iter().find(|(good, ..)| !good) {
            Some((_, key, must_be)) => {
                Err(ModelError::Number { path: path.to_owned(), key, must_be })
            }
            None => Ok(()),
        }
    }
}

impl Endings {
    /// How the next one ends.
    pub(super) fn pick(&self, random: &mut SmallRng) -> Ending {
        let Self { skip, leave, disconnect, vanish } = *self;
        let mut left = random.random_range(0..skip + leave + disconnect + vanish);
        for (weight, ending) in
            [(skip, Ending::Skip), (leave, Ending::Leave), (disconnect, Ending::Disconnect)]
        {
            if left < weight {
                return ending;
            }
            left -= weight;
        }
        Ending::Vanish
    }
}

impl Share {
    /// Whether somebody belongs to it.
    pub(super) fn has(self, random: &mut SmallRng) -> bool {
        random.random_bool(self.0)
    }
}

impl Spread {
    /// Another one.
    pub(super) fn pick(&self, random: &mut SmallRng) -> f64 {
        let normal: f64 = random.sample(StandardNormal);
        (self.median * (self.sigma * normal).exp()).min(self.max)
    }

    /// Another one, in seconds.
    pub(super) fn time(&self, random: &mut SmallRng) -> Duration {
        Duration::from_secs_f64(self.pick(random))
    }
}

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err("a share is 0 to 1") }
    }
}

impl TryFrom<RawSpread> for Spread {
    type Error = &'static str;

    fn try_from(RawSpread { median, sigma, max }: RawSpread) -> Result<Self, Self::Error> {
        const MOST: f64 = 1e6;
        match (0.0..=max).contains(&median) && (0.0..=5.0).contains(&sigma) && max <= MOST {
            true => Ok(Self { median, sigma, max }),
            false => Err("median is 0 to max, sigma 0 to 5, and max at most 1000000"),
        }
    }
}

fn relax<'de, D: Deserializer<'de>>(from: D) -> Result<Relax, D::Error> {
    crate::cli::relax(&String::deserialize(from)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    const BUILT_IN: &str = super::super::MODEL;

    fn written(text: &str) -> Result<Model, ModelError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Model::read(Some(file.path()), BUILT_IN)
    }

    #[test]
    fn the_model_that_is_built_in_is_one() {
        let model = Model::read(None, BUILT_IN).unwrap();
        assert_eq!(model.search.relax, Relax::Gradual);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_place() {
        assert!(matches!(
            Model::read(Some(Path::new("/nowhere")), BUILT_IN),
            Err(ModelError::Unreadable { .. })
        ));
        for (from, to, complaint) in [
            ("hello = 0.8", "hello = 1.8", "a share is 0 to 1"),
            ("hello = 0.8", "hallo = 0.8", "unknown field `hallo`"),
            ("away = 0.1\n", "", "missing field `away`"),
            ("\"gradual\"", "\"easy\"", "strict, gradual or anyone"),
            ("median = 6.0", "median = 600.0", "median is 0 to max"),
            ("median = 60.0, sigma = 0.6", "median = 6.0, sigma = 0.6", "chat.length must be 44"),
            ("max = 5\n", "max = 50\n", "interests.max"),
            ("count = 2000", "count = 0", "interests.count"),
        ] {
            let text = BUILT_IN.replacen(from, to, 1);
            assert_ne!(text, BUILT_IN, "{from}");
            let error = written(&text).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
        let nothing = BUILT_IN.replace("skip = 60", "skip = 0").replace("leave = 25", "leave = 0");
        let nothing = nothing.replace("disconnect = 10", "disconnect = 0");
        assert!(written(&nothing).is_ok());
        let error = written(&nothing.replace("vanish = 5", "vanish = 0")).unwrap_err();
        assert!(matches!(error, ModelError::Number { key: "endings", .. }));
    }

    #[test]
    fn half_are_below_the_median_and_none_above_the_most() {
        let spread = Spread { median: 4.0, sigma: 1.0, max: 10.0 };
        let mut random = SmallRng::seed_from_u64(1);
        let picked: Vec<f64> = (0..10_000).map(|_| spread.pick(&mut random)).collect();
        let below = picked.iter().filter(|it| **it < 4.0).count();
        assert!((4_800..5_200).contains(&below), "{below}");
        assert!(picked.iter().all(|it| *it > 0.0 && *it <= 10.0));
        let alike = Spread { sigma: 0.0, ..spread };
        assert_eq!(alike.time(&mut random), Duration::from_secs(4));
    }

    #[test]
    fn endings_come_by_weight() {
        let mut random = SmallRng::seed_from_u64(1);
        let endings = Endings { skip: 3, leave: 0, disconnect: 0, vanish: 1 };
        let picked: Vec<_> = (0..4_000).map(|_| endings.pick(&mut random)).collect();
        let skips = picked.iter().filter(|it| **it == Ending::Skip).count();
        assert!((2_850..3_150).contains(&skips), "{skips}");
        assert!(picked.iter().all(|it| matches!(it, Ending::Skip | Ending::Vanish)));
    }
}
