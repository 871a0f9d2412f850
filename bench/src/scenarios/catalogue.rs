//! What people like: interests of which few are liked by many, and many by few.

use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::rngs::SmallRng;
use rand_distr::{Distribution as _, Zipf};
use whisper_proto::{ClientMessage, Join, Lane, LanguageWish, Matched, Names, Relax, Tier};

/// How often to draw another interest where those drawn are there already.
const DRAWS_MAX: usize = 64;

/// Interests by rank: the n-th is liked n^-s times as often as the first (Zipf's law).
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    size: u32,
    popularity: Zipf<f64>,
    each: RangeInclusive<usize>,
}

/// What somebody likes: ranks in the catalogue, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Likes(Box<[u32]>);

impl Catalogue {
    /// So many interests with this exponent, and how many of them each person has: no more than
    /// there are.
    pub(super) fn new(size: usize, exponent: f64, each: &RangeInclusive<usize>) -> Self {
        let size = u32::try_from(size.max(1)).unwrap_or(u32::MAX);
        let most = |many: usize| many.min(size as usize);
        Self {
            size,
            popularity: Zipf::new(size.into(), exponent.max(0.0))
                .expect("there is an interest, and the exponent is not negative"),
            each: most(*each.start())..=most(*each.end()),
        }
    }

    /// What another person likes.
    pub(super) fn pick(&self, random: &mut SmallRng) -> Likes {
        let many = random.random_range(self.each.clone());
        let mut picked = Vec::with_capacity(many);
        while picked.len() < many {
            let mut rank = 0;
            for _ in 0..DRAWS_MAX {
                rank = self.popularity.sample(random) as u32;
                if !picked.contains(&rank) {
                    break;
                }
            }
            // Where nearly all are taken, the next that isn't.
            while picked.contains(&rank) {
                rank = rank % self.size + 1;
            }
            picked.push(rank);
        }
        picked.sort_unstable();
        Likes(picked.into())
    }
}

impl Likes {
    /// Has `say` say the wish for a partner who likes the same.
    pub(super) fn join(&self, lane: Lane, relax: Relax, say: impl FnOnce(&ClientMessage<'_>)) {
        let names: Vec<String> = self.0.iter().map(|rank| format!("{PREFIX}{rank}")).collect();
        let interests: Names<'_> = names.iter().map(String::as_str).collect();
        say(&ClientMessage::Join(Join { lane, interests, relax, language: LanguageWish::Any }));
    }

    /// Whether what the engine tells of a match is so: which interests the two share, and in which
    /// tier they met.
    pub(super) fn agree_with(&self, matched: &Matched<'_>) -> bool {
        let ranks = |names: &Names<'_>| {
            let mut ranks: Vec<u32> = names.iter().filter_map(|name| rank(name)).collect();
            ranks.sort_unstable();
            (ranks.len() == names.len()).then_some(ranks)
        };
        let (Some(theirs), Some(told)) = (ranks(&matched.interests), ranks(&matched.shared)) else {
            return false;
        };
        let shared: Vec<u32> =
            theirs.iter().copied().filter(|rank| self.0.contains(rank)).collect();
        let tier = match shared.len() {
            0 => Tier::Any,
            all if all == theirs.len() && all == self.0.len() => Tier::Exact,
            1 => Tier::Single,
            _ => Tier::Overlap,
        };
        told == shared && matched.tier == tier
    }
}

const PREFIX: &str = "liking";

fn rank(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use whisper_proto::Mode;

    use super::*;

    #[test]
    fn the_first_is_liked_more_than_the_others() {
        let catalogue = Catalogue::new(100, 1.0, &(1..=1));
        let mut random = SmallRng::seed_from_u64(1);
        let mut liked = [0_u32; 101];
        for _ in 0..10_000 {
            let Likes(picked) = catalogue.pick(&mut random);
            liked[picked[0] as usize] += 1;
        }
        // The 100th harmonic number is 5.19.
        let shares = [1, 2, 10].map(|rank| f64::from(liked[rank]) / 10_000.0 * 5.19);
        for (share, expected) in shares.into_iter().zip([1.0, 0.5, 0.1]) {
            assert!((share - expected).abs() < 0.05, "{share} for {expected}");
        }
    }

    #[test]
    fn nobody_likes_a_thing_twice_or_what_there_is_not() {
        let mut random = SmallRng::seed_from_u64(1);
        for (size, exponent, each) in [(3, 4.0, 3..=9), (50, 0.0, 10..=10), (1, 1.0, 0..=1)] {
            let catalogue = Catalogue::new(size, exponent, &each);
            for _ in 0..100 {
                let Likes(picked) = catalogue.pick(&mut random);
                assert!(picked.len() <= size && picked.len() >= (*each.start()).min(size));
                assert!(picked.windows(2).all(|pair| pair[0] < pair[1]), "{picked:?}");
                assert!(picked.iter().all(|rank| (1..=size as u32).contains(rank)));
            }
        }
    }

    #[test]
    fn a_match_is_checked_against_what_one_likes() {
        let agrees = |mine: &[u32], theirs: &[&'static str], shared: &[&'static str], tier| {
            let matched = Matched {
                room_id: "",
                partner_id: "",
                mode: Mode::Text,
                is_initiator: true,
                interests: theirs.iter().copied().collect(),
                shared: shared.iter().copied().collect(),
                tier,
                waited_ms: 0,
            };
            Likes(mine.into()).agree_with(&matched)
        };
        assert!(agrees(&[1, 2], &["liking2", "liking1"], &["liking1", "liking2"], Tier::Exact));
        assert!(agrees(&[1, 2], &["liking2", "liking3"], &["liking2"], Tier::Single));
        assert!(agrees(&[1, 2], &["liking3"], &[], Tier::Any));
        assert!(agrees(&[], &[], &[], Tier::Any));
        let three = ["liking1", "liking2", "liking3"];
        assert!(agrees(&[1, 2], &three, &["liking1", "liking2"], Tier::Overlap));
        assert!(!agrees(&[1, 2], &three, &["liking1", "liking2"], Tier::Exact), "another tier");
        assert!(!agrees(&[1, 2], &["liking2"], &[], Tier::Any), "one is kept back");
        assert!(!agrees(&[1], &["tea"], &[], Tier::Any), "somebody else's");
    }
}
