//! How stories are told.

use whisper_core::settings::{OpenLanes, Settings};
use whisper_proto::{
    AgeCategory, ClientMessage, Hello, Join, Lane, LanguageWish, Mode, QueueType, Relax,
    ServerMessage, Tier,
};
use whisper_sim::{Schedule, Who, World};

/// The lane that stories are told in, where nothing else is said.
pub(crate) const TEXT: Lane =
    Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Moderated };

/// The lane of calls.
pub(crate) const VIDEO: Lane =
    Lane { age: AgeCategory::Adult, mode: Mode::Video, queue: QueueType::Moderated };

/// Every lane that is open by default, but one.
pub(crate) fn all_but(lane: Lane) -> OpenLanes {
    let mut lanes = OpenLanes::default();
    lanes.set(lane, false);
    lanes
}

/// A join of somebody who likes this, and has no further wishes.
pub(crate) fn likes<'a>(interests: &[&'a str]) -> Join<'a> {
    Join {
        lane: TEXT,
        interests: interests.iter().copied().collect(),
        relax: Relax::Gradual,
        language: LanguageWish::Any,
    }
}

/// Two who said hello and look for the same, at home in different shards where there are several.
pub(crate) fn lookers(world: &mut World) -> (Who, Who) {
    let last = world.shards() - 1;
    let (ann, bob) = (world.connect(0), world.connect(last));
    for who in [ann, bob] {
        world.send(who, &ClientMessage::Hello(Hello::default()));
        world.join(who, &likes(&["tea"]));
    }
    (ann, bob)
}

/// What somebody was told by partners, the oldest first.
pub(crate) fn lines(world: &World, who: Who) -> Vec<String> {
    let mut lines: Vec<_> = world.person(who).lines().map(|said| said.content.into()).collect();
    lines.reverse();
    lines
}

/// Further wishes.
pub(crate) trait Wishes {
    fn strict(self) -> Self;
    fn anyone(self) -> Self;
    fn same_language(self) -> Self;
    fn lane(self, lane: Lane) -> Self;
}

impl Wishes for Join<'_> {
    fn strict(self) -> Self {
        Self { relax: Relax::Strict, ..self }
    }

    fn anyone(self) -> Self {
        Self { relax: Relax::Anyone, ..self }
    }

    fn same_language(self) -> Self {
        Self { language: LanguageWish::Same, ..self }
    }

    fn lane(self, lane: Lane) -> Self {
        Self { lane, ..self }
    }
}

/// A world where an order of events is being told.
pub(crate) fn world_in_order(shards: u16, order: Schedule) -> World {
    World::made_of(1, shards, Settings::default(), order)
}

/// Somebody comes, joins, and everything settles. They have heard it then.
pub(crate) fn comes(world: &mut World, shard: u16, join: &Join<'_>) -> Who {
    let who = world.connect(shard);
    world.join(who, join);
    world.settle();
    who
}

/// Somebody who speaks this comes and joins.
pub(crate) fn speaker_comes(world: &mut World, shard: u16, language: &str, join: &Join<'_>) -> Who {
    let who = world.connect(shard);
    let hello = Hello { language: Some(language), ..Hello::default() };
    world.send(who, &ClientMessage::Hello(hello));
    world.join(who, join);
    world.settle();
    who
}

/// Two people who chat, one on the first shard and one on the last; they have heard of it.
pub(crate) fn pair(world: &mut World, join: &Join<'_>) -> (Who, Who) {
    let last = world.shards() - 1;
    let (ann, bob) = (comes(world, 0, join), comes(world, last, join));
    assert!(world.are_together(ann, bob));
    world.news(ann);
    world.news(bob);
    (ann, bob)
}

/// The tier that two people who are together met in.
pub(crate) fn tier_of(world: &World, one: Who, other: Who) -> Option<Tier> {
    let tier = |who| world.person(who).latest_match().map(|matched| matched.tier);
    (world.are_together(one, other) && tier(one) == tier(other)).then(|| tier(one))?
}

/// The widest tier that somebody was told is open.
pub(crate) fn open_tier(world: &World, who: Who) -> Option<Tier> {
    world.person(who).heard().find_map(|message| match message {
        ServerMessage::Searching(searching) => Some(searching.tier),
        _ => None,
    })
}
