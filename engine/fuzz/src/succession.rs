//! What one process leaves to the next.

use std::sync::Arc;

use whisper_core::codec::{Field, Reader, Writer};
use whisper_core::http::Subprotocol;
use whisper_core::limits::{Speech, Visit};
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::proxy::ProxyReader;
use whisper_core::session::{Input, Session};
use whisper_core::settings::Settings;
use whisper_core::shard::{Setup, Shard};
use whisper_core::succession::Succession;
use whisper_shard_router::{Placement, ShardId};
use whisper_sim::World;

use crate::Target;
use crate::choices::Choices;
use crate::seeds;

pub(crate) const TARGET: Target =
    Target { name: "succession", run, seeds: seeds::succession, bytes_max: 8_192 };

/// The most shards of a process here.
const SHARDS_MAX: usize = 3;

fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    match choices.below(4) {
        0 => read_on(choices.below(64), choices.rest()),
        1 => {
            left_again::<ProxyReader>(choices.rest());
            left_again::<Speech>(choices.rest());
            left_again::<Visit>(choices.rest());
        }
        _ => {
            let shards = 1 + choices.below(SHARDS_MAX) as u16;
            let next = 1 + choices.below(SHARDS_MAX) as u16;
            follow(shards, next, choices.rest());
        }
    }
}

/// A session that some of the bytes are hears the others.
fn read_on(length: usize, bytes: &[u8]) {
    let (left, said) = bytes.split_at(length.min(bytes.len()));
    let Some(mut session) = left_again::<Session>(left) else { return };
    let mut said = said.to_vec();
    let mut said = &mut said[..];
    loop {
        let upgrades = match session.next(&mut said) {
            None | Some(Input::Over(_) | Input::Rejected(_)) => return,
            Some(input) => matches!(input, Input::Request(_)),
        };
        if upgrades {
            session.upgraded(Subprotocol::Msgpack);
        }
    }
}

/// What the bytes are, if anything, which is left as it was taken.
fn left_again<T: Field>(bytes: &[u8]) -> Option<T> {
    let mut r = Reader::new(bytes);
    let first = T::get(&mut r).ok()?;
    let left = written(&first);
    let mut r = Reader::new(&left);
    let again = T::get(&mut r).expect("what was left can be taken");
    r.end().expect("all of it");
    assert_eq!(written(&again), left, "it is another by now");
    Some(again)
}

fn written<T: Field>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.put(&mut Writer::new(&mut bytes));
    bytes
}

/// The bytes are what one shard left, or several, each behind its length; others follow, and after
/// them again others.
fn follow(shards: u16, next: u16, bytes: &[u8]) {
    let mut estates = Vec::new();
    let mut r = Reader::new(bytes);
    while let Ok(estate) = Vec::<u8>::get(&mut r) {
        estates.push(estate);
    }
    let Some(first) = inherit(&estates, shards) else { return };
    let second = inherit(&first, next).expect("what shards left can be taken on");
    let third = inherit(&second, next).expect("and again");
    assert!(second == third, "it is another by now");
}

/// What as many shards leave that took this on, if they can.
fn inherit(estates: &[Vec<u8>], shards: u16) -> Option<Vec<Vec<u8>>> {
    let placement = World::placement_of(0, shards);
    let estates: Vec<_> = estates.iter().map(Vec::as_slice).collect();
    let succession = Succession::read(&estates, shards, &placement).ok()?;
    let heir = |shard| {
        let setup = setup(shard, shards, &placement);
        let mut links = |_, link| Some(link);
        let heir = Shard::inherit(succession.now(), setup, &succession, &mut links).ok()?;
        let mut left = Vec::new();
        heir.bequeath(&mut left).expect("nobody has said anything yet");
        Some(left)
    };
    (0..shards).map(heir).collect()
}

pub(crate) fn setup(shard: u16, shards: u16, placement: &Placement) -> Setup {
    Setup {
        me: ShardId { node: World::NODE, shard },
        shards: shards.into(),
        placement: placement.clone(),
        settings: Arc::new(Settings::default()),
        rules: Arc::new(Rules::none(Ladder::default())),
        evidence_secret: [1; 32],
        session_secret: [2; 32],
        seed: [3; 32],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_taken_on() {
        let seeds = seeds::succession();
        let estates = seeds.iter().filter(|seed| seed[0] > 1);
        let taken = estates.filter(|seed| {
            let mut r = Reader::new(&seed[3..]);
            let estates: Vec<_> = std::iter::from_fn(|| Vec::<u8>::get(&mut r).ok()).collect();
            inherit(&estates, 2).is_some()
        });
        assert!(taken.count() >= 6);
    }
}
