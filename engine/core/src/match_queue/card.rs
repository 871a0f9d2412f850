//! What owners know of a ticket, and what makes two of them a pair.

use std::array;

use arrayvec::{ArrayString, ArrayVec};
use whisper_shard_router::KeyHash;

use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::ids::{SessionId, TicketId};

/// Most interests a card names.
pub const KEYS_MAX: usize = 10;

/// A lane by number: age category, mode and queue type. People of different lanes never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(pub u8);

/// Lanes there can be: two age categories, three modes, two queue types.
pub const LANES: usize = 12;

/// A primary language subtag of two or three letters (BCP 47), packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(u16);

impl Language {
    /// Reads the primary subtag of a tag such as `pt-BR`; none if it isn't two or three letters.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        if !(2..=3).contains(&primary.len()) {
            return None;
        }
        let letter = |byte: u8| {
            byte.is_ascii_alphabetic().then(|| u16::from(byte.to_ascii_lowercase() - b'a') + 1)
        };
        primary.bytes().try_fold(0, |packed, byte| Some(packed * 27 + letter(byte)?)).map(Self)
    }

    /// The subtag, in small letters.
    pub fn subtag(self) -> ArrayString<3> {
        let letters = [self.0 / (27 * 27), self.0 / 27 % 27, self.0 % 27];
        let mut subtag = ArrayString::new();
        for letter in letters.into_iter().filter(|&letter| letter > 0) {
            subtag.push(char::from(b'a' + letter as u8 - 1));
        }
        subtag
    }
}

/// How far a ticket has opened up. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Partners with the same interests, or two in common.
    Overlap,
    /// Partners with one interest in common.
    Single,
    /// Anyone of the lane.
    Any,
    /// Recent partners too.
    Again,
}

impl Level {
    /// How many levels there are.
    pub const COUNT: usize = 4;
}

fields! {
    enum Level {
        0 Overlap;
        1 Single;
        2 Any;
        3 Again;
    }
}

impl Field for LaneId {
    fn put(&self, w: &mut Writer<'_>) {
        self.0.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let lane = u8::get(r)?;
        (usize::from(lane) < LANES).then_some(Self(lane)).ok_or(Damage)
    }
}

impl Field for Language {
    fn put(&self, w: &mut Writer<'_>) {
        w.text(&self.subtag());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Self::parse(r.text()?).ok_or(Damage)
    }
}

/// What two paired people have in common. Better is higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Affinity {
    /// Nothing.
    Any,
    /// One interest.
    Single,
    /// Two interests or more.
    Overlap,
    /// The same non-empty set.
    Exact,
}

impl Affinity {
    /// The affinity of two sets with `shared` members in common.
    pub const fn of(shared: usize, one: usize, other: usize) -> Self {
        match shared {
            0 => Self::Any,
            _ if shared == one && shared == other => Self::Exact,
            1 => Self::Single,
            _ => Self::Overlap,
        }
    }

    /// How far both must have opened up to be paired so.
    pub const fn needs(self) -> Level {
        match self {
            Self::Exact | Self::Overlap => Level::Overlap,
            Self::Single => Level::Single,
            Self::Any => Level::Any,
        }
    }
}

/// A ticket as its home posts it to the owners of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Card {
    /// Which ticket.
    pub ticket: TicketId,
    /// Whose it is; compared with recent partners by the homes.
    pub person: SessionId,
    /// Where they want to be.
    pub lane: LaneId,
    /// What they speak, if they said so.
    pub language: Option<Language>,
    /// Whether they want a partner of that language only.
    pub same_language: bool,
    /// Hashes of the interests, ascending, without doubles.
    pub keys: ArrayVec<KeyHash, KEYS_MAX>,
    /// How far the ticket has opened up.
    pub level: Level,
    /// Higher goes first; lowered for people under warnings.
    pub priority: u8,
}

/// Why and how two cards would be paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// What they have in common.
    pub affinity: Affinity,
    /// How many interests they share.
    pub shared: usize,
    /// The smallest hash they share: its owner alone proposes the pair.
    pub least: Option<KeyHash>,
}

/// Words of [`Marks`].
const WORDS: usize = 4;

/// What a ticket brings to a list beside the interest that the list is of, a bit for each: the
/// interests that come after that one, having no other at all, having opened up to one in common.
///
/// A pair is found in the list of the *smallest* interest it shares, so what comes before doesn't
/// count. Two may fit only if their marks meet; most of a list is passed by on that alone. Each word
/// has other bits for the same: two interests that collide in one seldom do in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Marks([u64; WORDS]);

impl Marks {
    const NONE: Self = Self([0; WORDS]);
    const SOLE: Self = Self([1 << 63; WORDS]);
    const OPEN: Self = Self([1 << 62; WORDS]);
    /// Those in the list of a lane, where everybody takes anyone.
    pub(super) const LANE: Self = Self::OPEN;

    fn of(key: KeyHash) -> Self {
        Self(array::from_fn(|word| 1 << ((key.0 >> (16 * word)) as u16 % 62)))
    }

    fn and(self, other: Self) -> Self {
        Self(array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Whether the two may fit; if not, they surely don't.
    pub(super) fn meet(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| mine & theirs != 0)
    }
}

impl Card {
    /// The interests, descending, and the card's marks in the list of each.
    pub(super) fn marked_keys(&self) -> impl Iterator<Item = (KeyHash, Marks)> {
        let sole = if self.keys.len() == 1 { Marks::SOLE } else { Marks::NONE };
        let open = if self.level >= Level::Single { Marks::OPEN } else { Marks::NONE };
        self.keys.iter().rev().scan(sole.and(open), |later, &key| {
            let marks = *later;
            *later = later.and(Marks::of(key));
            Some((key, marks))
        })
    }

    /// The language list this card must be kept apart in, if it insists on one.
    pub fn insists_on(&self) -> Option<Language> {
        self.same_language.then_some(self.language).flatten()
    }

    /// Whether the two may be paired as far as the cards tell, and how well they fit.
    pub fn fit(&self, other: &Self) -> Option<Fit> {
        let insisting = self.same_language || other.same_language;
        if self.lane != other.lane || (insisting && self.language != other.language) {
            return None;
        }
        let (shared, least) = intersect(&self.keys, &other.keys);
        let affinity = Affinity::of(shared, self.keys.len(), other.keys.len());
        (self.level.min(other.level) >= affinity.needs()).then_some(Fit { affinity, shared, least })
    }
}

/// Counts what two ascending lists share, and finds the smallest of it.
fn intersect(one: &[KeyHash], other: &[KeyHash]) -> (usize, Option<KeyHash>) {
    let (mut i, mut j, mut shared, mut least) = (0, 0, 0, None);
    while let (Some(mine), Some(theirs)) = (one.get(i), other.get(j)) {
        if mine == theirs {
            least = least.or(Some(*mine));
            shared += 1;
        }
        // No branch: which of two hashes is the greater can't be foretold.
        i += usize::from(mine <= theirs);
        j += usize::from(mine >= theirs);
    }
    (shared, least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_primary_subtags() {
        assert_eq!(Language::parse("pt-BR"), Language::parse("PT"));
        assert_ne!(Language::parse("de"), Language::parse("da"));
        assert_ne!(Language::parse("de"), Language::parse("deu"));
        for subtag in ["aa", "de", "zz", "aaa", "fil", "zza"] {
            assert_eq!(
                Language::parse(subtag).map(|it| it.subtag().to_string()),
                Some(subtag.into())
            );
        }
        for bad in ["", "e", "engl", "1x", "-en"] {
            assert_eq!(Language::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn marks_never_hide_a_pair() {
        let card = |keys: &[u64], level| Card {
            ticket: TicketId::MIN,
            person: SessionId { node: 0, shard: 0, slot: 0, generation: 0 },
            lane: LaneId(0),
            language: None,
            same_language: false,
            keys: keys.iter().copied().map(KeyHash).collect(),
            level,
            priority: 0,
        };
        let sets: [&[u64]; 9] = [
            &[1],
            &[2],
            &[1, 2],
            &[1, 63],
            &[1, 63, 125],
            &[2, 62, 63],
            &[1, 2, 3, 4],
            &[4, 5, 6, 7],
            &[3, 9, 27, 81, 243],
        ];
        let levels = [Level::Overlap, Level::Single, Level::Any];
        let cards: Vec<_> =
            levels.iter().flat_map(|&level| sets.map(|keys| card(keys, level))).collect();
        let marks = |card: &Card, in_list: KeyHash| {
            let mut keys = card.marked_keys();
            keys.find(|&(key, _)| key == in_list).expect("the card is in that list").1
        };
        for (one, other) in cards.iter().flat_map(|one| cards.iter().map(move |other| (one, other)))
        {
            if let Some(Fit { least: Some(least), .. }) = one.fit(other) {
                assert!(marks(one, least).meet(&marks(other, least)), "{one:?} {other:?}");
            }
        }
        let meet = |one, other, key| {
            let cards = [card(one, Level::Overlap), card(other, Level::Single)];
            let [one, other] = cards.map(|card| marks(&card, KeyHash(key)));
            one.meet(&other)
        };
        assert!(!meet(&[1, 2, 3, 4], &[4, 5, 6, 7], 4));
        assert!(!meet(&[1, 2], &[1], 1));
        assert!(!meet(&[1, 2, 9], &[1, 2, 8], 2), "they are found under 1");
    }

    #[test]
    fn one_interest_alike_is_exact() {
        assert_eq!(Affinity::of(1, 1, 1), Affinity::Exact);
        assert_eq!(Affinity::of(1, 1, 2), Affinity::Single);
        assert_eq!(Affinity::of(2, 2, 3), Affinity::Overlap);
        assert_eq!(Affinity::of(0, 0, 0), Affinity::Any);
    }
}
