//! The scenes that are walked through: few people each, and one thing that they do; and one in
//! which four people do everything at once.

use whisper_core::match_queue::{Fault, Relaxation};

use super::scene::{Apart, Broken, Role, SHARDS, Scene};

// What people like: two interests, which have different owners.
const NOTHING: &[usize] = &[];
const ONE: &[usize] = &[0];
const OTHER: &[usize] = &[1];
const BOTH: &[usize] = &[0, 1];

/// What three people can do, wherever they are at home.
pub fn quick() -> Vec<Vec<Scene>> {
    let people: Vec<Scene> = vec![leave(), skip(), say(), replace_lane(), replace_interest()];
    let tiers = vec![one_alike(), anyone(), nobody_alike(), again()];
    let here = people.into_iter().chain(tiers).chain([refuse(), close_lane()]).map(everywhere);
    let apart = [two_apart(), three_apart()].map(|scene| vec![scene]);
    here.chain(apart).collect()
}

/// What takes longer: four people, or people who come back; clocks that differ.
pub fn long() -> Vec<Vec<Scene>> {
    let alone = [everything(), by_other_clocks(everything()), four_vanish(), all_apart()];
    let alone = alone.into_iter().map(|scene| vec![scene]);
    let elsewhere = [come_back(), two_refuse(), four_come()].into_iter().map(everywhere);
    alone.chain(elsewhere).collect()
}

/// Scenes among which a broken rule shows.
pub fn where_it_shows(broken: Broken) -> Vec<Scene> {
    use Fault::{EnteredUnconfirmed, LeaseNeverEnds, LostIgnored};
    if let Broken::Queue(LeaseNeverEnds | EnteredUnconfirmed | LostIgnored) = broken {
        return vec![two_apart()];
    }
    everywhere(match broken {
        Broken::Queue(Fault::TicketIdReused) => skip(),
        Broken::Queue(Fault::ReplacedInPlace) => replace_lane(),
        Broken::Queue(Fault::HoldDiesWithTicket) => leave(),
        Broken::Queue(Fault::OneSideRescanned) => two_refuse(),
        Broken::Queue(Fault::RefusalForgotten) => refuse(),
        Broken::Queue(Fault::HeldIsGone) => anyone(),
        Broken::Queue(Fault::WithdrawForgotten) => leave(),
        Broken::Queue(Fault::OrderSwapped) => skip(),
        Broken::Queue(Fault::KeyUnposted) => leave(),
        // These take more people than are walked through here: see `tests/faults.rs`,
        // `tests/fairness.rs` and the stories of the queue.
        Broken::Queue(
            Fault::GenerationUnchecked
            | Fault::HomesTakenForEqual
            | Fault::SearchCutShort
            | LeaseNeverEnds
            | EnteredUnconfirmed
            | LostIgnored,
        ) => leave(),
        Broken::SelfMessageInline => leave(),
        Broken::AnyRoomBelieved => say(),
    })
}

fn everywhere(scene: Scene) -> Vec<Scene> {
    scene.everywhere().collect()
}

fn leave() -> Scene {
    scene("each leaves once", [at(0, BOTH), at(1, BOTH), at(2, BOTH)].map(|it| it.leaves(1)))
}

fn come_back() -> Scene {
    let returning = [at(0, BOTH), at(1, BOTH)].map(|it| it.leaves(1).joins(2));
    let [ann, bob] = returning;
    scene("two leave and come back", [ann, bob, at(2, BOTH)])
}

fn skip() -> Scene {
    scene("each skips once", [at(0, BOTH), at(1, BOTH), at(2, BOTH)].map(|it| it.skips(1)))
}

fn say() -> Scene {
    let people = [at(0, BOTH).skips(1).says(1), at(1, BOTH).skips(1), at(2, BOTH)];
    scene("one talks, two skip", people)
}

fn replace_lane() -> Scene {
    let people = [at(0, BOTH).or(1, BOTH), at(1, BOTH).or(1, BOTH), at(2, BOTH)];
    scene("two want another lane while queued", people)
}

fn replace_interest() -> Scene {
    let people = [at(0, ONE).or(0, OTHER), at(1, ONE).or(0, BOTH), at(2, OTHER)];
    scene("two like something else while queued", people)
}

fn one_alike() -> Scene {
    let people = [at(0, ONE).opens(1), at(1, BOTH).opens(1), at(2, BOTH).opens(1)];
    scene("tickets open to one interest alike", people)
}

fn anyone() -> Scene {
    let people = [at(0, ONE).opens(2), at(1, OTHER).opens(2), at(0, BOTH).opens(2)];
    scene("tickets open to anyone", people)
}

fn nobody_alike() -> Scene {
    let people = [at(0, NOTHING).skips(1), at(1, NOTHING).skips(1), at(2, NOTHING).vanishes()];
    scene("people who like nothing", people)
}

fn again() -> Scene {
    let people =
        [at(0, NOTHING).skips(1).opens(1), at(1, NOTHING).joins(2).opens(1), at(2, ONE).opens(3)];
    scene("tickets open to recent partners", people.map(|it| it.opening(Relaxation::Anyone)))
}

fn refuse() -> Scene {
    let people = [at(0, BOTH).refusing(&[1]), at(1, BOTH).vanishes(), at(2, BOTH)];
    scene("one refuses another, who vanishes", people)
}

fn close_lane() -> Scene {
    let people = [at(0, BOTH).closes().skips(1), at(1, BOTH).closes(), at(2, BOTH).or(1, BOTH)];
    scene("a lane is closed, one skips", people)
}

fn two_refuse() -> Scene {
    let people = [at(0, BOTH).refusing(&[1]), at(1, BOTH), at(2, BOTH).refusing(&[3]), at(0, BOTH)];
    scene("two of four refuse another", people)
}

fn four_come() -> Scene {
    scene("four come", [at(0, BOTH), at(1, BOTH), at(2, BOTH), at(0, BOTH)])
}

fn four_vanish() -> Scene {
    let people = [at(0, BOTH).vanishes(), at(1, BOTH).vanishes(), at(2, BOTH).vanishes()];
    let [ann, bob, cat] = people;
    scene("three of four vanish", [ann, bob, cat, at(0, BOTH)])
}

fn two_apart() -> Scene {
    let people = [at(0, ONE).leaves(1).joins(2), at(1, ONE).skips(1)];
    apart("two of two nodes, whose link is lost", people, Apart { losses: 1, waits: 1 })
}

fn three_apart() -> Scene {
    let people = [at(0, OTHER), at(1, OTHER).leaves(1), at(1, OTHER)];
    apart("three of two nodes, whose link is lost", people, Apart { losses: 1, waits: 1 })
}

fn all_apart() -> Scene {
    let people = [at(0, ONE).skips(1), at(1, ONE).leaves(1), at(2, ONE).vanishes()];
    apart("three of three nodes, whose links are lost", people, Apart { losses: 1, waits: 1 })
}

/// Skip and come again, replace, refuse, leave, vanish, while every ticket opens up.
fn everything() -> Scene {
    let people = [
        at(0, BOTH).skips(1).refusing(&[2]),
        at(1, BOTH).or(1, BOTH),
        at(2, ONE).leaves(1),
        at(0, BOTH).vanishes(),
    ];
    scene("four do everything at once", people.map(|it| it.opens(1)))
}

/// The same where the tickets of one shard are always older than those of the one before.
fn by_other_clocks(scene: Scene) -> Scene {
    Scene { name: "the same, by clocks that differ", clocks: [9, 5, 1], ..scene }
}

fn at(home: u16, likes: &'static [usize]) -> Role {
    Role::at(home, likes)
}

/// Two interests and two lanes of different owners, and these people.
fn scene<const N: usize>(name: &'static str, people: [Role; N]) -> Scene {
    let (interests, lanes, clocks) = (&[0, 1], &[2, 0], [1; SHARDS]);
    Scene { name, interests, lanes, clocks, people: people.into(), apart: None }
}

/// The same where each shard is a node.
fn apart<const N: usize>(name: &'static str, people: [Role; N], apart: Apart) -> Scene {
    Scene { apart: Some(apart), ..scene(name, people) }
}
