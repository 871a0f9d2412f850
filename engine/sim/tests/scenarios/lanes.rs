//! The walls between people.

use whisper_core::settings::OpenLanes;
use whisper_core::time::Span;
use whisper_proto::{AgeCategory, Lane, Mode, QueueType, ServerMessage};
use whisper_sim::World;

use crate::story::{Wishes, comes, likes, speaker_comes};

#[test]
fn people_of_different_lanes_never_meet() {
    let lanes: Vec<_> = OpenLanes::default().iter().collect();
    assert_eq!(lanes.len(), 7);
    for &one in &lanes {
        for &other in &lanes {
            let mut world = World::new(1, 2);
            let ann = comes(&mut world, 0, &likes(&["chess"]).anyone().lane(one));
            let bob = comes(&mut world, 1, &likes(&["chess"]).anyone().lane(other));
            world.wait(Span::secs(20));
            assert_eq!(world.are_together(ann, bob), one == other, "{one:?} and {other:?}");
        }
    }
}

#[test]
fn people_who_like_nothing_stay_in_their_lanes_on_one_core_too() {
    let mut world = World::new(1, 1);
    let waiting: Vec<_> = OpenLanes::default()
        .iter()
        .map(|lane| comes(&mut world, 0, &likes(&[]).lane(lane)))
        .collect();
    assert!(waiting.iter().all(|&who| world.is_queued(who)));
}

#[test]
fn lanes_that_are_closed_say_so() {
    let mut world = World::new(1, 1);
    for mode in [Mode::Text, Mode::Voice, Mode::Video] {
        for queue in [QueueType::Moderated, QueueType::Unmoderated] {
            let lane = Lane { age: AgeCategory::Teen, mode, queue };
            let ann = comes(&mut world, 0, &likes(&["chess"]).lane(lane));
            let open = mode == Mode::Text && queue == QueueType::Moderated;
            let said = if open { "searching" } else { "lane_closed" };
            assert_eq!(world.news(ann), ["connected", said]);
            world.disconnect(ann);
        }
    }
    let ann = world.connect(0);
    let told = world.person(ann).heard().find_map(|message| match message {
        ServerMessage::Connected(connected) => Some(connected.lanes.to_vec()),
        _ => None,
    });
    assert_eq!(told, Some(OpenLanes::default().iter().collect()));
}

#[test]
fn whoever_asks_for_the_same_language_gets_it() {
    for shards in 1..=2 {
        let mut world = World::new(1, shards);
        let chess = likes(&["chess"]);
        let german = speaker_comes(&mut world, 0, "de-AT", &chess.clone().same_language());
        let silent = comes(&mut world, shards - 1, &chess);
        let briton = speaker_comes(&mut world, shards - 1, "en", &chess.clone().same_language());
        assert!([german, silent, briton].iter().all(|&who| world.is_queued(who)));

        let other = speaker_comes(&mut world, shards - 1, "DE", &chess);
        assert!(world.are_together(german, other) || world.are_together(silent, other));
        let another = speaker_comes(&mut world, 0, "en-GB", &chess.clone().same_language());
        assert!(world.are_together(briton, another));
    }
}

#[test]
fn any_language_meets_any() {
    let mut world = World::new(1, 2);
    let ann = speaker_comes(&mut world, 0, "de", &likes(&["chess"]));
    let bob = speaker_comes(&mut world, 1, "en", &likes(&["chess"]));
    assert!(world.are_together(ann, bob));
}

#[test]
fn the_same_language_needs_one() {
    let mut world = World::new(1, 1);
    let ann = comes(&mut world, 0, &likes(&["chess"]).same_language());
    assert_eq!(world.news(ann), ["connected", "bad_message"]);
}
