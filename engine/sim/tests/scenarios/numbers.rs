//! What comes by itself: numbers, the end of idleness, pongs.

use whisper_core::time::Span;
use whisper_proto::{ClientMessage, CloseCode, ServerMessage, Stats};
use whisper_sim::{Who, World, kind};

use crate::story::{comes, likes, pair};

#[test]
fn the_numbers_come_on_connecting_and_every_five_seconds() {
    let mut world = World::new(1, 2);
    let idle = world.connect(0);
    let searching = comes(&mut world, 0, &likes(&["tea"]));
    let (ann, bob) = pair(&mut world, &likes(&["chess"]));
    let told = |world: &World, who: Who| {
        world.person(who).heard().filter(|message| kind(message) == "stats").count()
    };
    assert!([idle, searching, ann, bob].iter().all(|&who| told(&world, who) == 1));
    world.wait(Span::secs(25));
    for who in [idle, searching] {
        assert!((5..=6).contains(&told(&world, who)), "{}", told(&world, who));
    }
    for who in [ann, bob] {
        assert_eq!(told(&world, who), 1, "not in a chat");
    }
}

#[test]
fn the_numbers_are_those_of_all_shards() {
    let mut world = World::new(1, 3);
    let (ann, _) = pair(&mut world, &likes(&["chess"]));
    comes(&mut world, 1, &likes(&["tea"]));
    let leaver = world.connect(2);
    world.wait(Span::secs(2));
    for shard in 0..3 {
        let Stats { total_online, in_queue, active_chats, .. } = world.stats(shard);
        assert_eq!((total_online, in_queue, active_chats), (4, 1, 1), "as shard {shard} knows");
    }
    world.disconnect(leaver);
    world.leave(ann);
    world.wait(Span::secs(2));
    for shard in 0..3 {
        let Stats { total_online, active_chats, .. } = world.stats(shard);
        assert_eq!((total_online, active_chats), (3, 0), "as shard {shard} knows");
    }
}

#[test]
fn the_average_wait_is_that_of_the_matched() {
    let mut world = World::new(1, 1);
    comes(&mut world, 0, &likes(&["chess"]));
    world.wait(Span::secs(1));
    comes(&mut world, 0, &likes(&["chess"]));
    assert_eq!(world.stats(0).avg_match_ms, 500);
}

#[test]
fn waits_are_counted_by_what_people_have_in_common() {
    let mut world = World::new(1, 1);
    comes(&mut world, 0, &likes(&["chess"]));
    world.wait(Span::secs(1));
    comes(&mut world, 0, &likes(&["chess"]));
    comes(&mut world, 0, &likes(&["tea"]));
    world.wait(Span::secs(31));
    let turnover = world.turnover(0);
    let [any, single, overlap, exact] = turnover.waits.map(|waits| (waits.count(), waits.sum()));
    assert_eq!([exact, overlap, single, any], [(2, 1_000), (0, 0), (0, 0), (0, 0)]);
    assert_eq!((turnover.tickets, turnover.timeouts), (3, 1));
}

#[test]
fn whoever_is_idle_for_too_long_is_closed_on() {
    let mut world = World::new(1, 1);
    let ann = world.connect(0);
    let (bob, _) = pair(&mut world, &likes(&["chess"]));
    world.wait(Span::secs(30 * 60 - 1));
    assert!(world.person(ann).is_here());
    world.wait(Span::secs(12));
    assert_eq!(world.person(ann).closed(), Some(CloseCode::Idle));
    assert!(world.person(bob).is_here(), "in a chat nobody is idle");
}

#[test]
fn a_ping_is_answered() {
    let mut world = World::new(1, 1);
    let ann = world.connect(0);
    world.send(ann, &ClientMessage::Ping);
    let timestamp = world.now().unix_millis();
    assert_eq!(world.person(ann).heard().next(), Some(ServerMessage::Pong { timestamp }));
}
