//! Invents what goes wrong between nodes, and with them.

use crate::dice::Dice;
use crate::wires::Weather;
use crate::world::World;

/// A seeded stream of trouble.
pub(crate) struct Trouble {
    dice: Dice,
}

impl Trouble {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed.rotate_left(16) ^ 0x7120_0B1E) }
    }

    /// Whether the next thing that happens is trouble.
    pub(crate) fn comes(&mut self) -> bool {
        self.dice.chance(3)
    }

    /// Something goes wrong, or is well again; seldom all is.
    pub(crate) fn happens(&mut self, world: &mut World) {
        let nodes = usize::from(world.nodes());
        let node = self.dice.below(nodes) as u16;
        let other = (usize::from(node) + 1 + self.dice.below(nodes - 1)) % nodes;
        let other = other as u16;
        match self.dice.below(100) {
            0..15 => {
                let most = self.dice.pick(&[0, 5, 30]);
                let mut part = || self.dice.below(most + 1);
                world.set_weather(Weather { lost: part(), doubled: part(), overtaking: part() });
            }
            15..25 => world.cut(node, other),
            25..35 => {
                world.cut(node, other);
                world.cut(other, node);
            }
            // Out of reach for all others.
            35..42 => {
                for other in (0..nodes as u16).filter(|other| *other != node) {
                    world.cut(node, other);
                    world.cut(other, node);
                }
            }
            42..62 => {
                world.mend(node, other);
                world.mend(other, node);
            }
            62..75 if world.runs(node) => world.freeze(node),
            75..82 if world.runs(node) => world.kill(node),
            62..92 => world.revive(node),
            _ => world.recover(),
        }
    }
}
