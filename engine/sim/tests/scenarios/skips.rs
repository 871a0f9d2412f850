//! On to the next.

use whisper_core::time::Span;
use whisper_proto::{ClientMessage, Skip};
use whisper_sim::{World, in_every_order};

use crate::story::{Wishes, comes, likes, pair, world_in_order};

#[test]
fn a_skip_tells_the_partner_and_goes_back_to_the_queue() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        world.skip(ann);
        world.settle();
        assert_eq!(world.news(ann), ["searching"]);
        assert_eq!(world.news(bob), ["partner_skipped"]);
        assert!(world.is_queued(ann) && !world.is_queued(bob));

        let carol = comes(&mut world, 0, &likes(&["chess"]));
        assert!(world.are_together(ann, carol), "with the same wishes");
    }
}

#[test]
fn both_skip_at_once() {
    for shards in 1..=2 {
        in_every_order(|order| {
            let mut world = world_in_order(shards, order);
            let (ann, bob) = pair(&mut world, &likes(&["chess"]));
            world.race(&[(ann, &World::skip), (bob, &World::skip)]);
            assert!(world.is_queued(ann) && world.is_queued(bob));
            assert_eq!(world.news(ann).last(), Some(&"searching"));
            assert_eq!(world.news(bob).last(), Some(&"searching"));
            world.drain();
        });
    }
}

#[test]
fn a_skip_just_after_the_partner_left_means_next() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    world.disconnect(bob);
    world.wait(Span::secs(2));
    world.skip(ann);
    assert_eq!(world.news(ann), ["partner_disconnected", "searching"]);
    assert!(world.is_queued(ann));
}

#[test]
fn a_later_skip_is_in_no_chat() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    world.skip(bob);
    world.wait(Span(2_000_001));
    world.skip(ann);
    assert_eq!(world.news(ann), ["partner_skipped", "not_in_chat"]);
    assert!(!world.is_queued(ann));
}

#[test]
fn a_skip_after_ones_own_leave_is_in_no_chat() {
    let mut world = World::new(1, 2);
    let (ann, _) = pair(&mut world, &likes(&["chess"]));
    world.leave(ann);
    world.skip(ann);
    assert_eq!(world.news(ann), ["not_in_chat"]);

    let stranger = world.connect(0);
    world.skip(stranger);
    assert_eq!(world.news(stranger), ["connected", "not_in_chat"]);
}

#[test]
fn a_double_click_skips_once() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    let carol = comes(&mut world, 0, &likes(&["tea"]));
    let room = world.room(ann).expect("they chat").to_owned();
    let skip = ClientMessage::Skip(Skip { reason: None, room: Some(&room) });
    world.send(ann, &skip);
    world.send(ann, &skip);
    world.settle();
    assert_eq!(world.news(ann), ["searching"]);
    // Nor does a late one end the chat with the next.
    world.join(carol, &likes(&["chess"]));
    world.settle();
    world.send(ann, &skip);
    assert!(world.are_together(ann, carol));
    assert_eq!(world.news(bob), ["partner_skipped"]);
}

#[test]
fn recent_partners_do_not_meet_again() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        world.skip(ann);
        world.settle();
        world.join(bob, &likes(&["chess"]));
        world.wait(Span::secs(29));
        assert!(world.is_queued(ann) && world.is_queued(bob));
    }
}

#[test]
fn recent_partners_meet_again_late_where_both_take_anyone() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]).anyone());
        world.skip(ann);
        world.settle();
        world.skip(bob);
        world.wait(Span(14_999_999));
        assert!(world.is_queued(ann) && world.is_queued(bob));
        world.wait(Span::millis(1));
        assert!(world.are_together(ann, bob));
    }
}

#[test]
fn a_stranger_goes_before_a_recent_partner() {
    let mut world = World::new(1, 2);
    let (ann, bob) = pair(&mut world, &likes(&["chess"]).anyone());
    world.skip(ann);
    world.settle();
    world.skip(bob);
    world.wait(Span::secs(1));
    let carol = comes(&mut world, 0, &likes(&["tea"]).anyone());
    assert!(world.are_together(ann, carol) || world.are_together(bob, carol));
}
