//! Connections that are lost, and people who come back, in every order that it could come in.

use whisper_core::settings::Settings;
use whisper_core::time::Span;
use whisper_proto::ClientMessage;
use whisper_sim::{Schedule, Who, World, in_every_order};

use crate::story::{lines, lookers, world_in_order};

/// Two who said hello and chat, at home in different shards.
fn pair(world: &mut World) -> (Who, Who) {
    let (ann, bob) = lookers(world);
    world.settle();
    assert!(world.are_together(ann, bob));
    world.news(ann);
    world.news(bob);
    (ann, bob)
}

#[test]
fn who_comes_back_while_the_partner_skips_learns_so() {
    let orders = in_every_order(|order: Schedule| {
        let mut world = world_in_order(2, order);
        let (ann, bob) = pair(&mut world);
        world.deafen(ann);
        world.say(bob, "bye");
        world.race(&[
            (ann, &|world, who| assert!(world.resume(who, 0))),
            (bob, &|world, who| world.skip(who)),
        ]);
        assert_eq!(lines(&world, ann), ["bye"]);
        assert!(world.person(ann).is_here() && world.room(ann).is_none());
        let news = world.news(ann);
        assert_eq!(news.iter().filter(|it| **it == "partner_skipped").count(), 1, "{news:?}");
    });
    assert!(orders >= 2, "{orders} orders");
}

#[test]
fn both_come_back_by_any_shard_and_have_heard_it_all() {
    in_every_order(|order| {
        let mut world = world_in_order(2, order);
        let (ann, bob) = pair(&mut world);
        world.race(&[
            (ann, &|world, who| {
                world.say(who, "one");
                world.lose(who);
                assert!(world.resume(who, 1));
                world.say(who, "two");
            }),
            (bob, &|world, who| {
                world.deafen(who);
                world.say(who, "eins");
                world.lose(who);
                assert!(world.resume(who, 1));
            }),
        ]);
        assert_eq!(lines(&world, ann), ["eins"]);
        assert_eq!(lines(&world, bob), ["one", "two"]);
        assert!(world.are_together(ann, bob));
        world.drain();
    });
}

#[test]
fn what_is_said_again_is_told_once() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world);
    world.deafen(ann);
    for id in ["a", "b"] {
        let say = whisper_proto::Say { content: id, id: Some(id), room: None };
        world.send(ann, &ClientMessage::Message(say));
    }
    world.settle();
    assert_eq!(lines(&world, bob), ["a", "b"]);
    assert!(world.resume(ann, 0), "and they say again what wasn't answered");
    world.settle();
    assert_eq!(lines(&world, bob), ["a", "b"]);
    assert_eq!(world.news(ann), ["connected", "message_ack", "message_ack"]);
}

#[test]
fn who_stays_away_is_gone_when_the_time_is_over() {
    let grace = Settings::default().resume_grace;
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world);
    world.lose(ann);
    world.wait(Span(grace.0 - 1));
    assert_eq!(world.news(bob), ["partner_reconnecting"]);
    world.wait(Span(1));
    assert_eq!(world.news(bob), ["partner_disconnected"]);
    assert!(!world.resume(ann, 0));
    world.drain();
}

#[test]
fn two_who_are_both_away_find_each_other_or_nobody() {
    for (back, wait) in [(true, Span::secs(19)), (false, Span::secs(20))] {
        let mut world = World::new(1, 2);
        let (ann, bob) = pair(&mut world);
        world.lose(ann);
        world.pass(Span::secs(1));
        world.lose(bob);
        world.wait(Span(wait.0 - 1_000_000));
        assert_eq!(world.resume(ann, 1), back);
        world.settle();
        // Bob has a second more, and learns that she is gone.
        assert!(world.resume(bob, 0));
        world.settle();
        assert_eq!(world.are_together(ann, bob), back);
        let news = world.news(bob);
        let last = if back { "partner_resumed" } else { "partner_disconnected" };
        assert_eq!(news.last(), Some(&last), "{news:?}");
        world.drain();
    }
}
