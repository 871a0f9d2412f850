//! Processes that follow one another, at every moment of a story, with as many shards or others.

use whisper_core::time::Span;
use whisper_sim::{World, in_every_order};

use crate::story::{Wishes as _, likes, lines, lookers, world_in_order};

#[test]
fn two_who_look_for_each_other_meet_whenever_another_process_follows() {
    let mut orders = 0;
    for (shards, after) in [1, 2, 5].into_iter().flat_map(|it| (0..8).map(move |after| (it, after)))
    {
        orders += in_every_order(|order| {
            let mut world = world_in_order(2, order);
            let (ann, bob) = lookers(&mut world);
            for _ in 0..after {
                world.deliver();
            }
            world.follow(shards, &[]);
            world.settle();
            assert!(world.are_together(ann, bob), "followed after {after}");
            world.say(ann, "hello");
            world.settle();
            assert_eq!(lines(&world, bob), ["hello"]);
            world.drain();
        });
    }
    assert!(orders > 24, "{orders} orders");
}

#[test]
fn what_was_missed_before_is_heard_after_three_processes() {
    for (one, two, three) in [(2, 2, 2), (1, 3, 2), (5, 1, 4)] {
        let mut world = World::new(1, 3);
        let (ann, bob) = lookers(&mut world);
        world.settle();
        world.deafen(ann);
        world.say(bob, "one");
        world.follow(one, &[]);
        world.say(bob, "two");
        world.lose(ann);
        world.follow(two, &[]);
        world.say(bob, "three");
        world.follow(three, &[]);
        world.wait(Span::secs(19));
        // By the token of the first process.
        let landing = world.shards() - 1;
        assert!(world.resume(ann, landing));
        world.settle();
        assert_eq!(lines(&world, ann), ["one", "two", "three"]);
        assert!(world.are_together(ann, bob));
        world.follow(two, &[]);
        world.skip(bob);
        world.settle();
        assert_eq!(world.news(ann).last(), Some(&"partner_skipped"));
        world.drain();
    }
}

#[test]
fn who_is_cut_off_between_two_processes_has_as_long_as_others() {
    for (shards, wait) in [(1, 19), (3, 19), (3, 21)] {
        let mut world = World::new(1, 2);
        let (ann, bob) = lookers(&mut world);
        world.settle();
        world.news(bob);
        world.follow(shards, &[ann]);
        world.settle();
        assert_eq!(world.news(bob), ["partner_reconnecting"]);
        world.wait(Span::secs(wait));
        let back = wait < 20;
        assert_eq!(world.resume(ann, 0), back);
        world.settle();
        let last = if back { "partner_resumed" } else { "partner_disconnected" };
        assert_eq!(world.news(bob), [last]);
        world.drain();
    }
}

#[test]
fn who_was_met_or_blocked_before_is_not_met_again() {
    let mut world = World::new(1, 4);
    let (ann, bob) = lookers(&mut world);
    world.settle();
    world.skip(ann);
    world.settle();
    world.follow(1, &[]);
    world.join(bob, &likes(&["tea"]));
    world.follow(2, &[]);
    world.wait(Span::secs(2));
    assert!(world.is_queued(ann) && world.is_queued(bob));
    let cid = world.connect(1);
    world.join(cid, &likes(&["tea"]));
    world.settle();
    assert!(world.are_together(ann, cid), "who waits longest");
    world.drain();
}

/// More than one tick posts, or takes leave of.
#[test]
fn however_many_there_are_nobody_is_left_behind() {
    const WAITING: usize = 1_100;
    const GONE: usize = 300;
    let mut world = World::new(1, 1);
    let people: Vec<_> = (0..WAITING + GONE).map(|_| world.connect(0)).collect();
    let (waiting, gone) = people.split_at(WAITING);
    for (number, who) in waiting.iter().enumerate() {
        world.pass(Span(1));
        world.join(*who, &likes(&[&format!("topic {number}")]).strict());
    }
    world.follow(1, gone);
    world.settle();
    world.follow(1, &[]);
    world.settle();
    assert!(waiting.iter().all(|who| world.is_queued(*who)));
    // The last of them is found.
    let other = world.connect(0);
    world.join(other, &likes(&[&format!("topic {}", WAITING - 1)]).strict());
    world.settle();
    assert!(world.are_together(other, waiting[WAITING - 1]));
    assert_eq!(world.stats(0).total_online, WAITING as u64 + 1);
}
