//! What people like, and how common that is.

use arrayvec::ArrayVec;
use whisper_proto::limits;

use crate::dice::Dice;

/// The interests of one person, by number: lower is more common.
pub(super) type Likes = ArrayVec<u16, { limits::INTERESTS }>;

/// The interests there are; their popularity follows the law of Zipf.
pub(super) struct Tastes {
    names: Vec<String>,
    /// The weight of each interest and of all before it.
    sums: Vec<u64>,
    likes_max: usize,
}

impl Tastes {
    /// `interests` of them, at least one; people have 1 to `2 × likes - 1`.
    pub(super) fn new(interests: usize, zipf: f64, likes: usize) -> Self {
        const SCALE: f64 = 1e12;
        let interests = interests.clamp(1, usize::from(u16::MAX));
        let names = (0..interests).map(|number| format!("interest {number}")).collect();
        let weigh = |rank: usize| (SCALE / libm::pow(rank as f64, zipf)) as u64 + 1;
        let add = |sum: &mut u64, rank| {
            *sum += weigh(rank);
            Some(*sum)
        };
        let sums = (1..=interests).scan(0, add).collect();
        let likes_max = (2 * likes).saturating_sub(1).clamp(1, limits::INTERESTS.min(interests));
        Self { names, sums, likes_max }
    }

    pub(super) fn name(&self, interest: u16) -> &str {
        &self.names[usize::from(interest)]
    }

    /// What somebody likes, ascending.
    pub(super) fn draw(&self, dice: &mut Dice) -> Likes {
        let wanted = 1 + dice.below(self.likes_max);
        let mut likes = Likes::new();
        // A few popular ones may come up again and again; then it stays at fewer.
        for _ in 0..4 * wanted {
            if likes.len() == wanted {
                break;
            }
            let at = dice.word() % self.total();
            let interest = self.sums.partition_point(|&sum| sum <= at) as u16;
            if !likes.contains(&interest) {
                likes.push(interest);
            }
        }
        likes.sort_unstable();
        likes
    }

    /// How common these are together: the sum of their shares of all likes, in millionths.
    pub(super) fn commonness(&self, likes: &[u16]) -> u32 {
        let weight = |&interest: &u16| {
            let place = usize::from(interest);
            self.sums[place] - place.checked_sub(1).map_or(0, |before| self.sums[before])
        };
        let sum: u64 = likes.iter().map(weight).sum();
        (u128::from(sum) * 1_000_000 / u128::from(self.total())) as u32
    }

    fn total(&self) -> u64 {
        *self.sums.last().expect("there is an interest")
    }
}
