//! What goes wrong between nodes, and with them.

use std::sync::Arc;

use whisper_cluster::{LISTEN, SILENCE};
use whisper_core::shard::Shard;
use whisper_core::time::Span;

use super::cluster::State;
use super::{World, setup};
use crate::person::Who;
use crate::trace::What;
use crate::wires::Weather;

/// After all has gone wrong that can, everything is well within this time of calm: who was silent is
/// known to be, who is there has joined, and whoever was held isn't any more.
const RECOVERY: Span = Span(2 * SILENCE.as_micros() as u64 + LISTEN.as_micros() as u64);

/// A process takes so long to begin. No name is given twice only because it takes a while: people
/// are told from those of the process before by the time at which theirs began.
const START: Span = Span::millis(100);

impl World {
    /// How many nodes there are.
    pub fn nodes(&self) -> u16 {
        self.places.nodes()
    }

    /// The node that a shard is of, counted from 0.
    pub fn node_of(&self, shard: u16) -> u16 {
        self.places.node_of(shard)
    }

    /// The shards of a node.
    pub fn shards_of(&self, node: u16) -> std::ops::Range<u16> {
        self.places.of_node(node)
    }

    /// Whether a node does anything: its process is there, and isn't frozen.
    pub fn runs(&self, node: u16) -> bool {
        self.cluster.as_ref().is_none_or(|it| it.runs(node))
    }

    /// Whether somebody's node does anything.
    pub fn can_act(&self, who: Who) -> bool {
        self.runs(self.places.node_of(self.people[who.0].shard))
    }

    /// What befalls all that is sent between nodes from here on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.trace.note(self.now, 0, What::Weather(weather));
        self.bus().wires.set_weather(weather);
    }

    /// Cuts the wire from one node to another.
    pub fn cut(&mut self, from: u16, to: u16) {
        self.trace.note(self.now, 0, What::Cut { from, to, mended: false });
        self.bus().wires.cut(from, to, true);
        self.auditor.befalls(from, Some(to));
    }

    /// Mends the wire from one node to another.
    pub fn mend(&mut self, from: u16, to: u16) {
        self.trace.note(self.now, 0, What::Cut { from, to, mended: true });
        self.bus().wires.cut(from, to, false);
        self.auditor.befalls(from, Some(to));
    }

    /// A node that runs does nothing from here on, and what comes waits for it.
    pub fn freeze(&mut self, node: u16) {
        self.befall(node, "freezes", State::Runs);
        self.bus().set_frozen(node, true);
    }

    /// A frozen node goes on, without having noticed.
    pub fn thaw(&mut self, node: u16) {
        self.befall(node, "thaws", State::Frozen);
        self.bus().set_frozen(node, false);
    }

    /// The process of a node that runs is gone, and with it the connections of all its people.
    pub fn kill(&mut self, node: u16) {
        self.befall(node, "dies", State::Runs);
        self.bus().kill(node);
        self.network.forget(node);
        let home = self.places.of_node(node);
        for person in self.people.iter_mut().filter(|it| home.contains(&it.shard)) {
            (person.session, person.lost, person.deaf) = (None, None, false);
        }
        self.auditor.dies(self.now, node);
    }

    /// Another process takes the place of one that is gone, a while from now.
    pub fn start(&mut self, node: u16) {
        self.pass(START);
        self.befall(node, "starts", State::Dead);
        self.processes += 1;
        let (processes, now) = (self.processes, self.now);
        self.bus().start(node, processes, now);
        for place in self.places.of_node(node) {
            let (settings, rules) = (Arc::clone(&self.settings), Arc::clone(&self.rules));
            let setup = setup(
                self.seed,
                self.processes,
                (place, self.places),
                &self.placements,
                settings,
                rules,
            );
            self.shards[usize::from(place)] = Shard::new(self.now, setup);
        }
        #[cfg(feature = "faults")]
        self.break_shards();
    }

    /// A node that doesn't run thaws, or starts again.
    pub fn revive(&mut self, node: u16) {
        match self.bus().state(node) {
            State::Runs => {}
            State::Frozen => self.thaw(node),
            State::Dead => self.start(node),
        }
    }

    /// Nothing is wrong any more, and nobody does anything for a while: then all is well, or the
    /// auditor says why not.
    pub fn recover(&mut self) {
        if self.cluster.is_none() {
            return self.settle();
        }
        self.set_weather(Weather::default());
        for node in 0..self.nodes() {
            self.revive(node);
            for other in (0..self.nodes()).filter(|other| *other != node) {
                self.mend(node, other);
            }
        }
        self.wait(RECOVERY);
        assert!(self.bus().agrees(), "seed {}: the nodes don't agree", self.seed);
        self.look(true);
    }

    fn befall(&mut self, node: u16, deed: &'static str, state: State) {
        assert_eq!(self.bus().state(node), state, "node {node} {deed}");
        self.trace.note(self.now, self.places.of_node(node).start.into(), What::Node(node, deed));
        self.auditor.befalls(node, None);
    }

    fn bus(&mut self) -> &mut super::Cluster {
        self.cluster.as_mut().expect("there are several nodes")
    }
}
