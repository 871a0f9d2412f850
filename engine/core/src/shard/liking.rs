//! Who likes what, for whoever counts it. Looking changes nothing.

use whisper_shard_router::KeyHash;

use super::Shard;
use super::people::State;

impl Shard {
    /// How many places there are to look at with [`Shard::liked_at`].
    pub fn places(&self) -> usize {
        self.floor.people.span()
    }

    /// What the person at a place searches by, or has their chat from: each interest once, as what
    /// it is known by to owners, and as partners see it. Nothing where nobody is, or somebody idle.
    pub fn liked_at(&self, place: usize) -> impl Iterator<Item = (KeyHash, &str)> {
        let person = self
            .floor
            .people
            .at(place)
            .filter(|it| !matches!(it.state, State::Idle | State::Stranded));
        let wishes = person.and_then(|person| person.extra()?.wishes.as_ref());
        wishes.into_iter().flat_map(|it| it.keys(&self.queue).zip(it.names.iter()))
    }
}
