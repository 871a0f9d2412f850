//! What people do in most tests: join, meet, talk.

use std::sync::atomic::{AtomicU32, Ordering};

use whisper_proto::{
    AgeCategory, ClientMessage, Join, Lane, LanguageWish, Mode, Names, QueueType, Relax, Say,
    Searching,
};

use super::Spoken::{Json, Msgpack};
use super::{Client, Engine, Match, Shared, Spoken};

/// Where most tests take place.
pub(crate) const ADULT_TEXT: Lane =
    Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Moderated };

static ONE: Shared = Shared::new(1);
static TWO: Shared = Shared::new(2);
static FIVE: Shared = Shared::new(5);

/// Runs a test with two people of the same reactor, and of different ones, where there are 1, 2 and
/// 5 of them, whatever the two speak. Other tests use the same engines: only [`strict`] wishes keep
/// strangers away.
pub(crate) fn everywhere(mut test: impl FnMut(&Engine, Client, Client)) {
    everywhere_in(Msgpack, Msgpack, &mut test);
    for (shared, ann, bob) in [
        (&ONE, (Json, 0), (Json, 0)),
        (&TWO, (Json, 0), (Msgpack, 1)),
        (&FIVE, (Msgpack, 2), (Json, 4)),
    ] {
        let engine = shared.get();
        let person = |(spoken, reactor)| engine.client_speaking(spoken, reactor);
        test(&engine, person(ann), person(bob));
    }
}

/// The same with people who speak this.
pub(crate) fn everywhere_in(
    of_ann: Spoken,
    of_bob: Spoken,
    mut test: impl FnMut(&Engine, Client, Client),
) {
    for (shared, ann, bob) in
        [(&ONE, 0, 0), (&TWO, 0, 1), (&TWO, 1, 1), (&FIVE, 3, 1), (&FIVE, 0, 4), (&FIVE, 2, 2)]
    {
        let engine = shared.get();
        let ann = engine.client_speaking(of_ann, ann);
        test(&engine, ann, engine.client_speaking(of_bob, bob));
    }
}

/// An interest that nobody else has.
pub(crate) fn topic() -> String {
    static TOPICS: AtomicU32 = AtomicU32::new(0);
    format!("topic {}", TOPICS.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn lane(age: AgeCategory, mode: Mode, queue: QueueType) -> Lane {
    Lane { age, mode, queue }
}

/// A join for anybody with a shared interest, in time.
pub(crate) fn wish<'a>(lane: Lane, interests: &[&'a str]) -> Join<'a> {
    let interests: Names<'a> = interests.iter().copied().collect();
    Join { lane, interests, relax: Relax::default(), language: LanguageWish::default() }
}

/// A join that never goes beyond its interests.
pub(crate) fn strict<'a>(lane: Lane, interests: &[&'a str]) -> Join<'a> {
    Join { relax: Relax::Strict, ..wish(lane, interests) }
}

/// Has a person join the queue.
#[track_caller]
pub(crate) fn join(person: &mut Client, wishes: Join<'_>) {
    person.say(&ClientMessage::Join(wishes));
    person.expect::<Searching>();
}

/// Has two people meet over an interest; the first to join is the first of the two.
#[track_caller]
pub(crate) fn meet(ann: &mut Client, bob: &mut Client, interest: &str) -> (Match, Match) {
    join(ann, strict(ADULT_TEXT, &[interest]));
    join(bob, strict(ADULT_TEXT, &[interest]));
    (ann.expect(), bob.expect())
}

/// Has two people meet whatever about.
#[track_caller]
pub(crate) fn chat(ann: &mut Client, bob: &mut Client) -> (Match, Match) {
    meet(ann, bob, &topic())
}

/// Has two people who wait, and don't want each other, meet two who come; returns their rooms.
#[track_caller]
pub(crate) fn meet_the_next(
    engine: &Engine,
    waiting: [&mut Client; 2],
    lane: Lane,
    interest: &str,
) -> [String; 2] {
    let rooms = waiting.map(|person| {
        let mut next = engine.client();
        join(&mut next, strict(lane, &[interest]));
        // Which of the two is met first is not promised: a search for both may be under way.
        (person, next.expect::<Match>().room)
    });
    let [(ann, first), (bob, second)] = rooms;
    let mut found = [ann.expect::<Match>().room, bob.expect::<Match>().room];
    if found[0] == second {
        found.reverse();
    }
    assert_eq!(found, [first, second], "each is with one of those who came");
    found
}

/// Words without a name.
pub(crate) fn say(content: &str) -> ClientMessage<'_> {
    ClientMessage::Message(Say { content, id: None, room: None })
}

/// Words with a name, to be acknowledged.
pub(crate) fn say_as<'a>(id: &'a str, content: &'a str) -> ClientMessage<'a> {
    ClientMessage::Message(Say { content, id: Some(id), room: None })
}
