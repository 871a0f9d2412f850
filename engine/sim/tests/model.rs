//! The model check, as far as it is quick. `cargo run --release -p whisper-sim --example model`
//! runs the whole.

use whisper_sim::model::{Broken, Scene, explore, scenes};

#[test]
fn every_rule_holds_in_every_world() {
    let mut worlds = 0;
    for scene in scenes::quick().concat() {
        worlds += count(&scene);
    }
    assert!(worlds > 1_000_000, "only {worlds} worlds");
}

#[test]
fn every_broken_rule_shows() {
    for broken in Broken::ALL {
        let scenes = scenes::where_it_shows(broken);
        let caught = scenes.iter().any(|scene| explore(scene, Some(broken)).is_err());
        assert!(caught, "{broken:?} shows nowhere");
    }
}

#[test]
fn a_story_leads_to_where_it_goes_wrong() {
    let broken = Broken::SelfMessageInline;
    let scenes = scenes::where_it_shows(broken);
    let caught = scenes.iter().find_map(|scene| explore(scene, Some(broken)).err());
    let story = caught.expect("it shows").story;
    assert!(story[0].ends_with("Join"), "{story:?}");
    assert!(story.len() > 2 && story.iter().any(|step| step.contains("→")), "{story:?}");
}

fn count(scene: &Scene) -> usize {
    match explore(scene, None) {
        Ok(explored) => explored.worlds,
        Err(caught) => panic!("{}\n{scene:#?}\n{}", caught.violation, caught.story.join("\n")),
    }
}
