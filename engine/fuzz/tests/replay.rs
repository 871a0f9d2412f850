//! Every target with its seeds, its corpus, and thousands of inputs that are near them.

use whisper_fuzz::{TARGETS, Target};
use whisper_sim::Dice;

/// Inputs near each known one. What they miss, a fuzzer finds; they show that nothing has rotted.
const NEAR: usize = 8;

#[test]
fn what_is_known_holds() {
    for target in TARGETS {
        let inputs = target.inputs().expect("its corpus");
        assert!(inputs.len() >= 5, "{}: only {} inputs", target.name, inputs.len());
        inputs.iter().for_each(|input| attempt(target, input));
    }
}

#[test]
fn what_is_near_holds() {
    for target in TARGETS {
        let inputs = target.inputs().expect("its corpus");
        let mut dice = Dice::new(inputs.len() as u64);
        for input in &inputs {
            for _ in 0..NEAR {
                let other = dice.below(inputs.len());
                attempt(target, &near(&mut dice, input, &inputs[other]));
            }
        }
    }
}

#[test]
fn an_input_of_nothing_is_an_input() {
    for target in TARGETS {
        attempt(target, b"");
    }
}

/// Runs it, and says with what where it fails.
fn attempt(target: &Target, input: &[u8]) {
    let run = target.run;
    if std::panic::catch_unwind(|| run(input)).is_err() {
        panic!("{} fails with {}", target.name, data_encoding::HEXLOWER.encode(input));
    }
}

/// An input damaged here and there, or crossed with another.
fn near(dice: &mut Dice, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut near = input.to_vec();
    if dice.chance(25) {
        near.truncate(dice.below(near.len() + 1));
        near.extend(&other[dice.below(other.len() + 1)..]);
    }
    for _ in 0..=dice.below(4) {
        let at = dice.below(near.len() + 1);
        match dice.below(3) {
            0 => near.insert(at, dice.below(256) as u8),
            1 if at < near.len() => drop(near.remove(at)),
            _ if at < near.len() => near[at] ^= 1 << dice.below(8),
            _ => near.push(0),
        }
    }
    near
}
