//! The model check, whole: every scene to its last world, and then with each rule broken.
//!
//! Prints a line for each scene and each fault; fails where a rule doesn't hold, or
//! is broken and nothing shows.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use whisper_sim::model::{Broken, Caught, Scene, explore, scenes};

/// Scenes walked through at the same time. The two largest need 4 GB together.
const THREADS: usize = 2;

fn main() -> ExitCode {
    println!(
        "{:44} {:>6} {:>11} {:>11} {:>8} {:>6} {:>8}",
        "scene", "places", "worlds", "steps", "at rest", "depth", "seconds"
    );
    let todo = Mutex::new([scenes::long(), scenes::quick()].concat().into_iter());
    let next = || todo.lock().ok()?.next();
    let work = || {
        let mut all_hold = true;
        while let Some(places) = next() {
            all_hold &= walk(&places);
        }
        all_hold
    };
    let all_hold = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    println!();
    let all_show = Broken::ALL.into_iter().map(shows).fold(true, |all, shows| all & shows);
    if all_hold && all_show { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Walks through one scene wherever it takes place; whether all is well.
fn walk(places: &[Scene]) -> bool {
    let (mut worlds, mut steps, mut at_rest, mut depth) = (0, 0, 0, 0);
    let mut took = Duration::ZERO;
    for scene in places {
        match explore(scene, None) {
            Ok(explored) => {
                worlds += explored.worlds;
                steps += explored.steps;
                at_rest += explored.at_rest;
                depth = depth.max(explored.depth);
                took += explored.took;
            }
            Err(caught) => {
                tell(scene, &caught);
                return false;
            }
        }
    }
    let (name, seconds) = (places[0].name, took.as_secs_f64());
    let count = places.len();
    println!("{name:44} {count:6} {worlds:11} {steps:11} {at_rest:8} {depth:6} {seconds:8.1}");
    true
}

/// Breaks a rule; whether that shows.
fn shows(broken: Broken) -> bool {
    let rule = format!("{broken:?}");
    let mut worlds = 0;
    for scene in scenes::where_it_shows(broken) {
        match explore(&scene, Some(broken)) {
            Ok(explored) => worlds += explored.worlds,
            Err(caught) => {
                worlds += caught.worlds;
                let steps = caught.story.len();
                println!("{rule:28} {} after {worlds} worlds, in {steps} steps", caught.violation);
                return true;
            }
        }
    }
    println!("{rule:28} SHOWS NOWHERE in {worlds} worlds");
    false
}

fn tell(scene: &Scene, caught: &Caught) {
    println!("{scene:#?}\n{} after {} worlds:", caught.violation, caught.worlds);
    for step in &caught.story {
        println!("  {step}");
    }
}
