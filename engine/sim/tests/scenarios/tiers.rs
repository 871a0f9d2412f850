//! Who meets whom, and when.

use whisper_core::time::Span;
use whisper_proto::Tier;
use whisper_sim::World;

use crate::story::{Wishes, comes, likes, open_tier, tier_of};

#[test]
fn the_same_interests_meet_at_once() {
    for shards in 1..=5 {
        let mut world = World::new(1, shards);
        let ann = comes(&mut world, 0, &likes(&["chess"]));
        let bob = comes(&mut world, shards - 1, &likes(&["chess"]));
        assert_eq!(tier_of(&world, ann, bob), Some(Tier::Exact));
        assert_eq!(world.news(ann), ["connected", "searching", "matched"]);
        assert_eq!(world.news(bob), ["connected", "searching", "matched"]);

        let (first, second) = (world.person(ann).latest_match(), world.person(bob).latest_match());
        let (first, second) = (first.expect("matched"), second.expect("matched"));
        assert!(!first.is_initiator && second.is_initiator, "the younger ticket offers");
        assert_eq!(first.shared.as_slice(), ["chess"]);
    }
}

#[test]
fn interests_meet_however_they_are_spelled() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&["chess"]));
    let bob = world.connect(1);
    world.join(ann, &likes(&["chess"]));
    world.join(bob, &likes(&["chess", "", "chess"]));
    world.settle();
    assert_eq!(tier_of(&world, ann, bob), Some(Tier::Exact));
}

#[test]
fn two_shared_interests_meet_at_once() {
    let mut world = World::new(1, 3);
    let ann = comes(&mut world, 0, &likes(&["chess", "tea", "rain"]));
    let bob = comes(&mut world, 1, &likes(&["tea", "chess"]));
    assert_eq!(tier_of(&world, ann, bob), Some(Tier::Overlap));
}

#[test]
fn one_shared_interest_meets_at_its_time() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&["chess", "tea"]));
    let bob = comes(&mut world, 1, &likes(&["chess", "rain"]));
    world.wait(Span(249_999));
    assert!(world.is_queued(ann) && world.is_queued(bob));
    world.wait(Span(1));
    assert_eq!(tier_of(&world, ann, bob), Some(Tier::Single));
}

#[test]
fn anybody_meets_at_their_time() {
    for shards in 1..=3 {
        let mut world = World::new(1, shards);
        let ann = comes(&mut world, 0, &likes(&["chess"]));
        world.wait(Span::millis(10));
        let bob = comes(&mut world, shards - 1, &likes(&["tea"]));
        world.wait(Span(2_999_999));
        assert!(world.is_queued(ann) && world.is_queued(bob), "the younger hasn't opened up");
        world.wait(Span(1));
        assert_eq!(tier_of(&world, ann, bob), Some(Tier::Any));
        assert_eq!(
            world.news(bob),
            ["connected", "searching", "searching", "searching", "matched"]
        );
    }
}

#[test]
fn whoever_likes_nothing_meets_anybody_at_once() {
    for shards in 1..=3 {
        let mut world = World::new(1, shards);
        let ann = comes(&mut world, 0, &likes(&[]));
        assert_eq!(open_tier(&world, ann), Some(Tier::Any));
        let bob = comes(&mut world, shards - 1, &likes(&[]));
        assert_eq!(tier_of(&world, ann, bob), Some(Tier::Any));
    }
}

#[test]
fn a_tier_must_be_open_for_both() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&[]));
    world.wait(Span::secs(5));
    let bob = comes(&mut world, 1, &likes(&["chess"]));
    world.wait(Span(2_999_999));
    assert!(world.is_queued(ann), "bob takes nobody without a shared interest yet");
    world.wait(Span(1));
    assert!(world.are_together(ann, bob));
}

#[test]
fn the_strict_never_open_to_anybody() {
    let mut world = World::new(1, 2);
    let ann = comes(&mut world, 0, &likes(&["chess"]).strict());
    let bob = comes(&mut world, 1, &likes(&["tea"]).anyone());
    world.wait(Span::secs(29));
    assert!(world.is_queued(ann) && world.is_queued(bob));
    assert_eq!(open_tier(&world, ann), Some(Tier::Single));
    world.wait(Span::secs(1));
    assert_eq!(world.news(ann).last(), Some(&"match_timeout"));
}

#[test]
fn whoever_takes_anyone_does_so_at_once() {
    for shards in 1..=3 {
        let mut world = World::new(1, shards);
        let ann = comes(&mut world, 0, &likes(&["chess"]).anyone());
        let bob = comes(&mut world, shards - 1, &likes(&["tea"]).anyone());
        assert_eq!(tier_of(&world, ann, bob), Some(Tier::Any));
    }
}

#[test]
fn the_better_tier_goes_first() {
    let mut world = World::new(1, 1);
    let single = comes(&mut world, 0, &likes(&["a", "x"]).strict());
    world.wait(Span::millis(250));
    let overlap = comes(&mut world, 0, &likes(&["b", "c", "y"]).strict());
    let ann = comes(&mut world, 0, &likes(&["a", "b", "c"]).anyone());
    assert_eq!(tier_of(&world, ann, overlap), Some(Tier::Overlap));
    assert!(world.is_queued(single));
}

#[test]
fn exact_goes_before_overlap() {
    let mut world = World::new(1, 1);
    let overlap = comes(&mut world, 0, &likes(&["a", "b", "c"]));
    let exact = comes(&mut world, 0, &likes(&["a", "b"]));
    assert!(world.are_together(overlap, exact));
    // They know each other now, so that both can wait.
    world.leave(overlap);
    world.join(overlap, &likes(&["a", "b", "c"]));
    world.join(exact, &likes(&["a", "b"]));
    world.settle();
    assert!(world.is_queued(overlap) && world.is_queued(exact));
    let ann = comes(&mut world, 0, &likes(&["b", "a"]));
    assert_eq!(tier_of(&world, ann, exact), Some(Tier::Exact));
}

#[test]
fn more_shared_interests_go_first() {
    let mut world = World::new(1, 1);
    let two = comes(&mut world, 0, &likes(&["a", "b", "x"]));
    let three = comes(&mut world, 0, &likes(&["c", "d", "e", "y"]));
    let ann = comes(&mut world, 0, &likes(&["a", "b", "c", "d", "e"]));
    assert!(world.are_together(ann, three));
    assert!(world.is_queued(two));
}

#[test]
fn among_equals_the_longest_wait_goes_first() {
    let mut world = World::new(1, 1);
    let older = comes(&mut world, 0, &likes(&["a", "b", "x"]));
    let younger = comes(&mut world, 0, &likes(&["c", "d", "y"]));
    let ann = comes(&mut world, 0, &likes(&["a", "b", "c", "d"]));
    assert!(world.are_together(ann, older));
    assert!(world.is_queued(younger));
}

#[test]
fn past_a_maximum_wait_age_goes_first() {
    let mut world = World::new(1, 1);
    let patient = comes(&mut world, 0, &likes(&["a", "b", "x"]).strict());
    world.wait(Span::secs(11));
    let fresh = comes(&mut world, 0, &likes(&["c", "d", "e", "y"]).strict());
    let ann = comes(&mut world, 0, &likes(&["a", "b", "c", "d", "e"]));
    assert!(world.are_together(ann, patient));
    assert!(world.is_queued(fresh));
}

#[test]
fn tiers_open_sooner_where_many_come() {
    let mut world = World::new(1, 1);
    let crowd_comes = |world: &mut World, people: usize| {
        for _ in 0..people {
            let own = format!("own {}", world.people().count());
            comes(world, 0, &likes(&[&own]).strict());
            world.pass(Span::millis(1));
        }
    };
    crowd_comes(&mut world, 200);
    let ann = comes(&mut world, 0, &likes(&["chess"]));
    crowd_comes(&mut world, 50);
    assert_eq!(open_tier(&world, ann), Some(Tier::Single));
    crowd_comes(&mut world, 250);
    assert_eq!(open_tier(&world, ann), Some(Tier::Any));

    world.wait(Span::secs(20));
    let bob = comes(&mut world, 0, &likes(&["tea"]));
    world.wait(Span::millis(249));
    assert_eq!(open_tier(&world, bob), Some(Tier::Overlap), "the lane has gone quiet");
}

#[test]
fn a_few_who_come_together_are_no_crowd() {
    let mut world = World::new(1, 1);
    comes(&mut world, 0, &likes(&["snow"]));
    let ann = comes(&mut world, 0, &likes(&["chess", "tea"]));
    let bob = comes(&mut world, 0, &likes(&["chess", "rain"]));
    world.wait(Span::millis(249));
    assert!(world.is_queued(ann) && world.is_queued(bob));
    world.wait(Span::millis(2));
    assert_eq!(tier_of(&world, ann, bob), Some(Tier::Single));
}

#[test]
fn a_tier_that_opens_while_one_is_held_counts_afterwards() {
    for delivered in 0..20 {
        let mut world = World::new(delivered, 3);
        let carol = comes(&mut world, 2, &likes(&["tea", "rain"]));
        let ann = comes(&mut world, 0, &likes(&["tea", "chess"]));
        world.wait(Span::millis(240));
        let bob = world.connect(1);
        world.join(bob, &likes(&["tea", "chess"]));
        for _ in 0..delivered {
            world.deliver();
        }
        world.pass(Span::millis(10));
        world.leave(bob);
        world.settle();
        let met_bob = world.person(ann).latest_match().is_some_and(|it| it.tier == Tier::Exact);
        assert!(met_bob || world.are_together(ann, carol), "after {delivered} messages");
        world.drain();
    }
}

#[test]
fn whoever_takes_anyone_still_meets_the_better_tier_first() {
    for shards in 1..=3 {
        let mut world = World::new(1, shards);
        let anybody = comes(&mut world, 0, &likes(&["snow"]).anyone());
        let exact = comes(&mut world, shards - 1, &likes(&["chess"]).strict());
        let ann = comes(&mut world, 0, &likes(&["chess"]).anyone());
        assert_eq!(tier_of(&world, ann, exact), Some(Tier::Exact), "on {shards} shards");
        assert!(world.is_queued(anybody));
    }
}

#[test]
fn whoever_is_held_is_not_given_to_somebody_at_hand() {
    for delivered in 0..20 {
        let mut world = World::new(delivered, 3);
        let carol = comes(&mut world, 0, &likes(&["rain"]).anyone());
        let ann = comes(&mut world, 0, &likes(&["tea", "chess"]));
        world.wait(Span::millis(2_990));
        let bob = world.connect(1);
        world.join(bob, &likes(&["tea", "chess"]));
        for _ in 0..delivered {
            world.deliver();
        }
        // She opens up to anybody now, wherever the claim is.
        world.pass(Span::millis(11));
        world.settle();
        assert!(world.are_together(ann, bob) || world.are_together(ann, carol));
        assert!(!world.news(bob).contains(&"partner_disconnected"), "after {delivered} messages");
        world.drain();
    }
}
