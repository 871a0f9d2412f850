//! Rules broken on purpose in random worlds: the auditor must notice each within a few seeds. Those
//! of the claim protocol stand in the model check, that of long lists in the stories of the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};

use whisper_core::match_queue::Fault;
use whisper_core::resume::Lapse;
use whisper_core::succession::Oversight;
use whisper_sim::{Dice, Workload, World};

/// Seeds within which a broken rule must show.
const SEEDS: u64 = 40;

const PEOPLE: usize = 20;

#[test]
fn a_ring_that_loses_its_order_shows() {
    assert!(shows(World::overtaking));
}

#[test]
fn a_place_taken_for_its_tenant_shows() {
    assert!(shows(|world| world.breaking(Fault::GenerationUnchecked)));
}

#[test]
fn what_is_told_and_not_kept_shows() {
    assert!(shows(|world| world.lapsing(Lapse::ForgetsWhatWasTold)));
}

#[test]
fn what_was_heard_and_is_told_again_shows() {
    assert!(shows(|world| world.lapsing(Lapse::TellsAgain)));
}

#[test]
fn what_is_said_again_and_taken_for_new_shows() {
    assert!(shows(|world| world.lapsing(Lapse::HearsAgain)));
}

#[test]
fn what_a_process_forgets_of_the_one_before_shows() {
    use Oversight::*;
    for oversight in
        [TicketsUnposted, Partners, Kept, Deadlines, Unlinked, Generations, Names, Tokens, Lanes]
    {
        let followed = |seed| Workload::new(seed, PEOPLE).with_followers(seed);
        assert!(shows_in(followed, |world| world.overlooking(oversight)), "{oversight:?}");
    }
}

#[test]
fn a_broken_world_tells_its_seed_its_step_and_what_came_before() {
    let live = || {
        let mut world = World::new(2, 2).breaking(Fault::WithdrawForgotten);
        let mut workload = Workload::new(2, PEOPLE);
        (0..20 * PEOPLE).for_each(|_| workload.step(&mut world));
    };
    let panic = catch_unwind(live).expect_err("a withdraw that is forgotten shows");
    let told = panic.downcast_ref::<String>().expect("a text");
    for part in ["(seed 2, step ", "the last events:", "shard 0: 0 comes", "0 join"] {
        assert!(told.contains(part), "{part:?} isn't in {told}");
    }
}

#[test]
fn nothing_shows_where_nothing_is_broken() {
    assert!(!shows(|world| world));
}

/// Whether the auditor panics in one of some worlds.
fn shows(broken: impl Fn(World) -> World) -> bool {
    shows_in(|seed| Workload::new(seed, PEOPLE), broken)
}

fn shows_in(workload: impl Fn(u64) -> Workload, broken: impl Fn(World) -> World) -> bool {
    (0..SEEDS).any(|seed| {
        let shards = 2 + Dice::new(seed).below(3) as u16;
        let life = || {
            let mut world = broken(World::new(seed, shards));
            let mut workload = workload(seed);
            for _ in 0..20 * PEOPLE {
                workload.step(&mut world);
            }
            world.drain();
        };
        catch_unwind(AssertUnwindSafe(life)).is_err()
    })
}
