//! The wires between nodes, as a message bus has them on a bad day: what is sent may be lost, come
//! twice, late, or before what was sent earlier; and a wire may be cut, one way or both.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::dice::Dice;

/// What befalls whatever is sent between nodes: of a hundred so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Are lost.
    pub lost: usize,
    /// Come twice.
    pub doubled: usize,
    /// Come before what was sent earlier.
    pub overtaking: usize,
}

/// What nodes send each other.
#[derive(Clone, Debug)]
pub(crate) enum Parcel {
    /// Who is there; for everybody.
    Beat(Arc<[u8]>),
    /// Of the link between the two.
    Packet(Arc<[u8]>),
}

/// All wires: one for each ordered pair of nodes.
pub(crate) struct Wires {
    nodes: u16,
    dice: Dice,
    weather: Weather,
    wires: Vec<Wire>,
}

#[derive(Default)]
struct Wire {
    underway: VecDeque<Parcel>,
    cut: bool,
}

impl Wires {
    pub(crate) fn new(seed: u64, nodes: u16) -> Self {
        let pairs = usize::from(nodes) * usize::from(nodes);
        Self {
            nodes,
            dice: Dice::new(seed ^ 0x317E5),
            weather: Weather::default(),
            wires: std::iter::repeat_with(Wire::default).take(pairs).collect(),
        }
    }

    pub(crate) fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Sends to a node; through a wire that is cut nothing goes.
    pub(crate) fn send(&mut self, from: u16, to: u16, parcel: Parcel) {
        let Weather { lost, doubled, overtaking } = self.weather;
        let is_lost = self.dice.chance(lost);
        let times = if self.dice.chance(doubled) { 2 } else { 1 };
        let place = self.place(from, to);
        if is_lost || self.wires[place].cut {
            return;
        }
        for _ in 0..times {
            let underway = &mut self.wires[place].underway;
            let overtaken =
                if self.dice.chance(overtaking) { self.dice.below(underway.len() + 1) } else { 0 };
            underway.insert(underway.len() - overtaken, parcel.clone());
        }
    }

    /// The wires on which something arrives that are whole: from whom, to whom.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let pairs = (0..self.nodes).flat_map(|from| (0..self.nodes).map(move |to| (from, to)));
        pairs.filter(|&(from, to)| {
            let wire = &self.wires[self.place(from, to)];
            !wire.cut && !wire.underway.is_empty()
        })
    }

    /// Takes what arrives next on a wire that [`waiting`](Self::waiting) named.
    pub(crate) fn take(&mut self, from: u16, to: u16) -> Parcel {
        let place = self.place(from, to);
        self.wires[place].underway.pop_front().expect("something is underway")
    }

    /// Cuts a wire, or mends it. What is on it at that time arrives once it is whole again, or is
    /// lost.
    pub(crate) fn cut(&mut self, from: u16, to: u16, cut: bool) {
        let keeps = self.dice.chance(50);
        let place = self.place(from, to);
        let wire = &mut self.wires[place];
        wire.cut = cut;
        if cut && !keeps {
            wire.underway.clear();
        }
    }

    pub(crate) fn is_cut(&self, from: u16, to: u16) -> bool {
        self.wires[self.place(from, to)].cut
    }

    /// Whether a wire is whole, and nothing is on it.
    pub(crate) fn is_still(&self, from: u16, to: u16) -> bool {
        let wire = &self.wires[self.place(from, to)];
        !wire.cut && wire.underway.is_empty()
    }

    pub(crate) fn is_fair(&self) -> bool {
        self.weather == Weather::default()
    }

    /// Nobody is there to hear any more what is on its way to a node.
    pub(crate) fn forget(&mut self, node: u16) {
        for from in 0..self.nodes {
            let place = self.place(from, node);
            self.wires[place].underway.clear();
        }
    }

    fn place(&self, from: u16, to: u16) -> usize {
        usize::from(from) * usize::from(self.nodes) + usize::from(to)
    }
}
