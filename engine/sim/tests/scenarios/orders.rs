//! What operators order while people wait and talk.

use whisper_core::limits::PLACES_CLEARED;
use whisper_core::settings::OpenLanes;
use whisper_proto::{CloseCode, ServerMessage};
use whisper_sim::World;

use crate::story::{TEXT, VIDEO, Wishes, all_but, comes, likes, pair};

/// The lane is closed on every shard.
fn close_text(world: &mut World) {
    for shard in 0..world.shards() {
        world.open_lanes(shard, all_but(TEXT));
    }
    world.settle();
}

#[test]
fn whoever_is_banned_is_told_why_and_disconnected() {
    let mut world = World::new(1, 1);
    let ann = world.connect(0);
    world.news(ann);
    world.ban(ann);
    assert_eq!(world.news(ann), ["banned"]);
    assert_eq!(world.person(ann).closed(), Some(CloseCode::Banned));
    assert!(!world.person(ann).is_here());
    assert_eq!(world.stats(0).total_online, 0);
    world.ban(ann);
    assert!(world.news(ann).is_empty(), "once is enough");
}

#[test]
fn whoever_is_banned_in_the_queue_is_in_no_list() {
    for shards in 1..=3 {
        let mut world = World::new(1, shards);
        let ann = comes(&mut world, 0, &likes(&["chess", "tea"]));
        world.ban(ann);
        let bob = comes(&mut world, shards - 1, &likes(&["chess", "tea"]));
        assert!(world.is_queued(bob));
        assert_eq!(world.news(ann), ["connected", "searching", "banned"]);
        world.drain();
    }
}

#[test]
fn whoever_is_banned_in_a_chat_has_vanished_for_the_partner() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        world.ban(ann);
        world.settle();
        assert_eq!(world.news(ann), ["banned"]);
        assert_eq!(world.news(bob), ["partner_disconnected"]);
        let carol = comes(&mut world, 0, &likes(&["chess"]));
        world.skip(bob);
        world.settle();
        assert!(world.are_together(bob, carol), "the other goes on");
    }
}

#[test]
fn whoever_waits_in_a_lane_that_closes_is_out_of_the_queue() {
    for shards in 1..=3 {
        let mut world = World::new(1, shards);
        let ann = comes(&mut world, 0, &likes(&["chess"]));
        let bob = comes(&mut world, shards - 1, &likes(&["chess"]).lane(VIDEO));
        close_text(&mut world);
        assert_eq!(world.news(ann), ["connected", "searching", "lane_closed"]);
        assert!(!world.is_queued(ann) && world.is_queued(bob), "other lanes stay as they are");

        world.join(ann, &likes(&["chess"]));
        assert_eq!(world.news(ann), ["lane_closed"]);
        world.join(ann, &likes(&["chess"]).lane(VIDEO));
        world.settle();
        assert!(world.are_together(ann, bob));
        world.drain();
    }
}

#[test]
fn a_chat_goes_on_in_a_lane_that_closes_and_its_end_leads_nowhere() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let (ann, bob) = pair(&mut world, &likes(&["chess"]));
        close_text(&mut world);
        world.say(ann, "still here");
        world.settle();
        assert_eq!(world.news(bob), ["message"]);

        world.skip(ann);
        world.settle();
        assert_eq!(world.news(ann), ["lane_closed"]);
        assert_eq!(world.news(bob), ["partner_skipped"]);
        // Bob's own skip, which crossed hers.
        world.skip(bob);
        assert_eq!(world.news(bob), ["lane_closed"]);
        assert!(!world.is_queued(ann) && !world.is_queued(bob));

        for shard in 0..shards {
            world.open_lanes(shard, OpenLanes::default());
        }
        let carol = comes(&mut world, 0, &likes(&["chess"]));
        world.join(ann, &likes(&["chess"]));
        world.settle();
        assert!(world.are_together(ann, carol));
    }
}

#[test]
fn a_join_for_a_closed_lane_leaves_the_ticket_as_it_is() {
    let mut world = World::new(1, 2);
    close_text(&mut world);
    let ann = comes(&mut world, 0, &likes(&["chess"]).lane(VIDEO));
    world.join(ann, &likes(&["chess"]));
    assert_eq!(world.news(ann), ["connected", "searching", "lane_closed"]);
    let bob = comes(&mut world, 1, &likes(&["chess"]).lane(VIDEO));
    assert!(world.are_together(ann, bob));
}

#[test]
fn a_lane_opened_again_at_once_keeps_who_waits() {
    let mut world = World::new(1, 1);
    let ann = comes(&mut world, 0, &likes(&["chess"]));
    world.open_lanes(0, all_but(TEXT));
    world.open_lanes(0, OpenLanes::default());
    world.settle();
    assert!(world.is_queued(ann));
}

#[test]
fn however_many_wait_none_is_forgotten() {
    let mut world = World::new(1, 1);
    let crowd: Vec<_> = (0..PLACES_CLEARED + 3).map(|_| world.connect(0)).collect();
    // The first place of the table, the last, and some between.
    let waiting: Vec<_> = crowd.iter().copied().step_by(38).collect();
    assert_eq!(waiting.last(), crowd.last());
    for (number, &who) in waiting.iter().enumerate() {
        world.join(who, &likes(&[&format!("own {number}")]).strict());
    }
    close_text(&mut world);
    assert!(!waiting.iter().any(|&who| world.is_queued(who)));
    world.drain();
}

#[test]
fn newcomers_are_told_what_is_open_now() {
    let mut world = World::new(1, 1);
    close_text(&mut world);
    let ann = world.connect(0);
    let told = world.person(ann).heard().find_map(|message| match message {
        ServerMessage::Connected(connected) => Some(connected.lanes.to_vec()),
        _ => None,
    });
    assert_eq!(told, Some(all_but(TEXT).iter().collect()));
}
