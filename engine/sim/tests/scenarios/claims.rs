//! What may happen while one ticket is held for another, in every order that it could.
//!
//! On three shards the two people and the owner of what they like each have one of their own; on
//! two, the owner shares with the one or the other.

use whisper_proto::Join;
use whisper_sim::{Act, Who, World, in_every_order};

use crate::story::{TEXT, Wishes, all_but, comes, likes, world_in_order};

/// Where two people and the owner of their interest are.
const PLACES: [[u16; 3]; 5] = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 1, 2]];

/// Two people with the same wish come, and one acts at every moment there is. The other is looking
/// for a partner then, or knows that theirs has gone; whoever comes next is found.
fn while_claimed(act: &dyn Fn(&mut World, Who), wish: impl for<'a> Fn(&'a str) -> Join<'a>) {
    let mut orders = 0;
    for [first, second, owner] in PLACES {
        for actor in 0..2 {
            orders += in_every_order(|order| {
                let shards = first.max(second).max(owner) + 1;
                let mut world = world_in_order(shards, order);
                let interest = world.interest_owned_by(owner, 0);
                let people = [world.connect(first), world.connect(second)];
                for who in people {
                    world.join(who, &wish(&interest));
                }
                world.race(&[(people[actor], act)]);

                let other = people[1 - actor];
                assert!(world.room(other).is_none(), "their partner has gone");
                if !world.is_queued(other) {
                    let gone = ["partner_skipped", "partner_disconnected"];
                    assert!(gone.contains(world.news(other).last().expect("they were told")));
                    world.join(other, &wish(&interest));
                }
                let third = comes(&mut world, owner, &wish(&interest));
                assert!(world.are_together(other, third));
                world.drain();
            });
        }
    }
    assert!(orders > PLACES.len() * 2, "there are different moments");
}

#[test]
fn one_disconnects_at_every_step() {
    while_claimed(&World::disconnect, |interest| likes(&[interest]));
}

#[test]
fn one_of_two_who_take_anyone_disconnects_at_every_step() {
    while_claimed(&World::disconnect, |_| likes(&[]));
}

#[test]
fn one_is_banned_at_every_step() {
    while_claimed(&World::ban, |interest| likes(&[interest]));
    while_claimed(&World::ban, |_| likes(&[]));
}

#[test]
fn a_lane_is_closed_at_every_step() {
    for [first, second, owner] in PLACES {
        for closed in [first, second] {
            in_every_order(|order| {
                let mut world = world_in_order(first.max(second).max(owner) + 1, order);
                let interest = world.interest_owned_by(owner, 0);
                let (ann, bob) = (world.connect(first), world.connect(second));
                world.join(ann, &likes(&[&interest]));
                world.join(bob, &likes(&[&interest]));
                let there = if closed == first { ann } else { bob };
                let close = |world: &mut World, _| world.open_lanes(closed, all_but(TEXT));
                world.race(&[(there, &close)]);
                // They met before and go on, or whoever was there is out of the queue.
                assert!(world.are_together(ann, bob) != (world.room(there).is_none()));
                assert!(!world.is_queued(there));
                if world.room(there).is_none() {
                    assert!(world.news(there).contains(&"lane_closed"));
                }
                world.drain();
            });
        }
    }
}

#[test]
fn one_leaves_at_every_step() {
    while_claimed(&World::leave, |interest| likes(&[interest]));
}

#[test]
fn one_wants_something_else_at_every_step() {
    let elsewhere = |world: &mut World, who: Who| {
        world.leave(who);
        world.join(who, &likes(&["something else"]).strict());
    };
    while_claimed(&elsewhere, |interest| likes(&[interest]));
}

#[test]
fn a_join_is_replaced_at_every_step() {
    for [first, second, owner] in PLACES {
        in_every_order(|order| {
            let mut world = world_in_order(first.max(second).max(owner) + 1, order);
            let interest = world.interest_owned_by(owner, 0);
            let (ann, bob) = (world.connect(first), world.connect(second));
            world.join(ann, &likes(&[&interest]));
            world.join(bob, &likes(&[&interest]));
            let again = |world: &mut World, who: Who| world.join(who, &likes(&[&interest]));
            world.race(&[(ann, &again)]);
            // Either they met, and the second join was refused; or bob met a ticket that was gone.
            let alone = world.is_queued(ann) && world.room(bob).is_none() && !world.is_queued(bob);
            assert!(world.are_together(ann, bob) || alone);
            world.drain();
        });
    }
}

#[test]
fn both_vanish_at_every_step() {
    for [first, second, owner] in PLACES {
        in_every_order(|order| {
            let mut world = world_in_order(first.max(second).max(owner) + 1, order);
            let interest = world.interest_owned_by(owner, 0);
            let (ann, bob) = (world.connect(first), world.connect(second));
            world.join(ann, &likes(&[&interest]));
            world.join(bob, &likes(&[&interest]));
            world.race(&[(ann, &World::disconnect), (bob, &World::leave)]);
            assert!(!world.is_queued(bob) && world.room(bob).is_none());
            world.drain();
        });
    }
}

#[test]
fn one_skips_as_soon_as_they_are_matched() {
    for [first, second, owner] in PLACES {
        in_every_order(|order| {
            let mut world = world_in_order(first.max(second).max(owner) + 1, order);
            let interest = world.interest_owned_by(owner, 0);
            let (ann, bob) = (world.connect(first), world.connect(second));
            world.join(ann, &likes(&[&interest]));
            world.join(bob, &likes(&[&interest]));
            world.race(&[(bob, &World::skip)]);
            // Where it came too early it was no skip.
            let skipped = world.is_queued(bob) && !world.is_queued(ann);
            assert!(world.are_together(ann, bob) || skipped);
            world.drain();
        });
    }
}

#[test]
fn of_three_two_meet_and_one_waits() {
    for owner in 0..3 {
        in_every_order(|order| {
            let mut world = world_in_order(3, order);
            let interest = world.interest_owned_by(owner, 0);
            let people = [world.connect(0), world.connect(1), world.connect(2)];
            for who in people {
                world.join(who, &likes(&[&interest]));
            }
            world.race(&[]);
            let waiting = people.iter().filter(|&&who| world.is_queued(who)).count();
            let chatting = people.iter().filter(|&&who| world.room(who).is_some()).count();
            assert_eq!((waiting, chatting), (1, 2));
            world.drain();
        });
    }
}

#[test]
fn claims_that_cross_leave_nobody_behind() {
    // Each likes what the next one likes too, and every pair has another owner.
    in_every_order(|order| {
        let mut world = world_in_order(3, order);
        let [x, y, z] = [0, 1, 2].map(|owner| world.interest_owned_by(owner, 0));
        let people = [world.connect(0), world.connect(1), world.connect(2)];
        world.join(people[0], &likes(&[&x, &y]).anyone());
        world.join(people[1], &likes(&[&y, &z]).strict());
        world.join(people[2], &likes(&[&z, &x]).strict());
        world.pass(whisper_core::time::Span::millis(250));
        world.race(&[]);
        let chatting = people.iter().filter(|&&who| world.room(who).is_some()).count();
        assert_eq!(chatting, 2);
        world.drain();
    });
}

#[test]
fn of_three_one_vanishes_at_every_step_and_two_meet() {
    for [first, second, owner] in [[0, 0, 1], [0, 1, 0], [0, 1, 2]] {
        for actor in 0..3 {
            in_every_order(|order| {
                let mut world = world_in_order(first.max(second).max(owner) + 1, order);
                let interest = world.interest_owned_by(owner, 0);
                let people = [first, second, owner].map(|shard| world.connect(shard));
                for who in people {
                    world.join(who, &likes(&[&interest]));
                }
                world.race(&[(people[actor], &World::disconnect)]);
                let others: Vec<_> =
                    people.into_iter().filter(|&who| who != people[actor]).collect();
                let together = world.are_together(others[0], others[1]);
                // One of them may have met who vanished, and been told so.
                let left = |who| !world.is_queued(who) && world.room(who).is_none();
                assert!(together || others.iter().filter(|&&who| left(who)).count() == 1);
                world.drain();
            });
        }
    }
}

#[test]
fn four_people_of_two_interests_in_every_order() {
    let homes = [0, 1, 2, 0];
    for vanishing in [None, Some(0), Some(1), Some(2), Some(3)] {
        in_every_order(|order| {
            let mut world = world_in_order(3, order);
            let [x, y] = [0, 2].map(|owner| world.interest_owned_by(owner, 0));
            let people = homes.map(|shard| world.connect(shard));
            let one = |world: &mut World, who: Who| world.join(who, &likes(&[&x]));
            let other = |world: &mut World, who: Who| world.join(who, &likes(&[&y]));
            let both = |world: &mut World, who: Who| world.join(who, &likes(&[&x, &y]).strict());
            let any = |world: &mut World, who: Who| world.join(who, &likes(&[&x, &y]).anyone());
            let joins: [Act<'_>; 4] =
                [(people[0], &one), (people[1], &any), (people[2], &other), (people[3], &both)];
            let vanish: Option<Act<'_>> = vanishing.map(|it| (people[it], &World::disconnect as _));
            world.race(&joins.into_iter().chain(vanish).collect::<Vec<_>>());
            world.drain();
        });
    }
}
