//! Into the queue and out of it.

use std::panic::catch_unwind;

use whisper_core::match_queue::Fault;
use whisper_core::time::Span;
use whisper_proto::ServerMessage;
use whisper_sim::World;

use crate::story::{Wishes, comes, likes, pair};

#[test]
fn whoever_leaves_the_queue_is_in_no_list() {
    let mut world = World::new(1, 3);
    let ann = comes(&mut world, 0, &likes(&["chess", "tea", "rain"]));
    world.leave(ann);
    world.settle();
    assert!(!world.is_queued(ann));
    let bob = comes(&mut world, 1, &likes(&["chess", "tea", "rain"]));
    assert!(world.is_queued(bob));
    assert_eq!(world.news(ann), ["connected", "searching"]);
    world.drain();
}

#[test]
fn whoever_leaves_a_chat_is_idle() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        world.leave(ann);
        world.settle();
        assert_eq!(world.news(bob), ["partner_skipped"]);
        assert!(world.news(ann).is_empty());
        assert!(world.room(bob).is_none() && !world.is_queued(ann));
    }
}

#[test]
fn there_is_nothing_to_leave_for_the_idle() {
    let mut world = World::new(1, 1);
    let ann = world.connect(0);
    world.leave(ann);
    assert_eq!(world.news(ann), ["connected", "not_in_queue"]);
}

#[test]
fn a_second_join_replaces_the_first() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&["chess"]));
    world.join(ann, &likes(&["tea"]));
    let bob = comes(&mut world, 1, &likes(&["chess"]));
    assert!(world.is_queued(ann) && world.is_queued(bob));
    let carol = comes(&mut world, 1, &likes(&["tea"]));
    assert!(world.are_together(ann, carol));
}

#[test]
fn a_bad_join_leaves_the_ticket_as_it_is() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&["chess"]));
    world.join(ann, &likes(&["an interest far longer than the two and thirty characters"]));
    assert_eq!(world.news(ann), ["connected", "searching", "bad_interests"]);
    let bob = comes(&mut world, 1, &likes(&["chess"]));
    assert!(world.are_together(ann, bob));
}

#[test]
fn joining_in_a_chat_is_an_error() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    world.join(ann, &likes(&["tea"]));
    assert_eq!(world.news(ann), ["in_chat"]);
    assert!(world.are_together(ann, bob));
    // The wishes of the refused join are not those of the next skip.
    world.skip(ann);
    let carol = comes(&mut world, 1, &likes(&["chess"]));
    assert!(world.are_together(ann, carol));
}

#[test]
fn nobody_comes_in_time() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&["chess"]).strict());
    world.wait(Span(29_999_999));
    assert!(world.is_queued(ann));
    world.wait(Span(1));
    assert!(!world.is_queued(ann));
    let waited = world.person(ann).heard().find_map(|message| match message {
        ServerMessage::MatchTimeout { waited_ms } => Some(waited_ms),
        _ => None,
    });
    assert_eq!(waited, Some(30_000));
    let bob = comes(&mut world, 1, &likes(&["chess"]).strict());
    assert!(world.is_queued(bob), "who is out of the queue is in no list");
    world.join(ann, &likes(&["chess"]));
    world.settle();
    assert!(world.are_together(ann, bob), "and may join again");
}

#[test]
fn a_lost_connection_leaves_the_queue() {
    let mut world = World::new(1, 3);
    let ann = comes(&mut world, 0, &likes(&["chess", "tea"]));
    world.disconnect(ann);
    world.settle();
    let bob = comes(&mut world, 2, &likes(&["chess", "tea"]));
    assert!(world.is_queued(bob));
    world.drain();
}

#[test]
fn a_list_of_many_is_searched_to_its_end() {
    for number in 0..8 {
        assert!(find_each_other_in_a_crowd(World::new(1, 2), number));
    }
}

#[test]
fn a_search_that_is_not_carried_on_shows() {
    let broken = || World::new(1, 2).breaking(Fault::SearchCutShort);
    let found = |number| {
        // The auditor, too, may be the one who notices.
        catch_unwind(|| find_each_other_in_a_crowd(broken(), number)).unwrap_or(false)
    };
    assert!(!(0..8).all(found));
}

fn find_each_other_in_a_crowd(mut world: World, number: usize) -> bool {
    let rare = format!("rare {number}");
    for number in 0..150 {
        let who = world.connect(number % 2);
        world.join(who, &likes(&["common", &format!("own {number}")]).strict());
    }
    let target = comes(&mut world, 0, &likes(&["common", &rare]).strict());
    let ann = comes(&mut world, 1, &likes(&["common", &rare]).strict());
    let together = world.are_together(ann, target);
    world.drain();
    together
}

#[test]
fn a_list_that_vanishes_under_a_search_hides_nobody() {
    let mut world = World::new(1, 1);
    let german = |world: &mut World| {
        crate::story::speaker_comes(world, 0, "de", &likes(&["chess"]).same_language())
    };
    let target = german(&mut world);
    let mut crowd = Vec::new();
    for number in 0..70 {
        crowd.push(comes(&mut world, 0, &likes(&["chess", &format!("own {number}")])));
    }
    let ann = world.connect(0);
    let language = Some("de");
    let hello = whisper_proto::Hello { language, ..whisper_proto::Hello::default() };
    world.send(ann, &whisper_proto::ClientMessage::Hello(hello));
    world.join(ann, &likes(&["chess"]).same_language());
    // Her search has made way for other work by now.
    for who in crowd {
        world.leave(who);
    }
    world.settle();
    assert!(world.are_together(ann, target));
}
